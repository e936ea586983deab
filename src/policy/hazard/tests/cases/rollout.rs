//! The cases of `rollout.rs`.

use super::Case;

pub(super) const CASES: &[Case] = &[
    (
        "full_rollout",
        "a/flag.toml",
        "-rollout_percent = 5\n+rollout_percent = 100",
        "-rollout_percent = 50\n+rollout_percent = 100",
    ),
    (
        "canary_skipped",
        "a/plan.ini",
        "-canary_enabled = true\n+canary_enabled = false",
        "-canary_enabled = false\n+canary_enabled = true",
    ),
    (
        "sampling_extreme",
        "a/trace.json",
        "-  \"sampling_percent\": 5,\n+  \"sampling_percent\": 0,",
        "-  \"sampling_percent\": 5,\n+  \"sampling_percent\": 6,",
    ),
    (
        "flag_on_in_production",
        "prod/app.yaml",
        " search:\n-  enabled: false\n+  enabled: true",
        " staging:\n-  enabled: false\n+  enabled: true",
    ),
    (
        "flag_off_in_production",
        "prod/app.yaml",
        " checkout:\n-  disabled: false\n+  disabled: true",
        " debug:\n-  enabled: true\n+  enabled: false",
    ),
    (
        "full_rollout",
        "a/split.conf",
        "-    1%      new;\n+    100%    new;",
        "-    1%      new;\n+    2%      new;",
    ),
    (
        "full_rollout",
        "a/flags.tf",
        "-rollout_weights = [1000, 99000]\n+rollout_weights = [100000, 0]",
        "-rollout_weights = [1000, 99000]\n+rollout_weights = [2000, 98000]",
    ),
    (
        "default_flipped",
        "a/Flags.php",
        " 'useParser' => [\n-  'default' => false,\n+  'default' => true,",
        " 'useParser' => [\n-  'frwiki' => false,\n+  'frwiki' => true,",
    ),
    (
        "default_flipped",
        "a/Flags.php",
        "-'wgReadCache' => [ 'default' => false, 'frwiki' => true ],\n+'wgReadCache' => [ 'default' => true, 'frwiki' => true ],",
        "-'wgReadCache' => [ 'default' => false ],\n+'wgReadCache' => [ 'default' => false, 'frwiki' => true ],",
    ),
    (
        "canary_skipped",
        "a/ci.yaml",
        "-strategy: CodeDeployDefault.ECSCanary10Percent5Minutes\n+strategy: CodeDeployDefault.ECSAllAtOnce",
        "-strategy: CodeDeployDefault.ECSCanary10Percent5Minutes\n+strategy: CodeDeployDefault.ECSCanary10Percent15Minutes",
    ),
    (
        "full_rollout",
        "a/ranking.edn",
        "-  :treatment {:allocation 0.02\n+  :treatment {:allocation 1.0",
        "-  :treatment {:allocation 0.02\n+  :treatment {:allocation 0.05",
    ),
    (
        "full_rollout",
        "a/split.toml",
        "-allocation = 0.05\n+allocation = 1.0",
        "-allocation = 0.05\n+allocation = 0.1",
    ),
    (
        "full_rollout",
        "a/flipper.yml",
        " refunds:\n   gates:\n-    actors:\n-      - a1\n+    boolean: true",
        " refunds:\n   gates:\n     actors:\n       - a1\n+      - a2",
    ),
    (
        "default_flipped",
        "a/flags.json",
        "-  \"defaultVariant\": \"off\",\n+  \"defaultVariant\": \"on\",",
        "-  \"defaultVariant\": \"blue\",\n+  \"defaultVariant\": \"green\",",
    ),
    (
        "flag_on_in_production",
        "prod/features.yaml",
        " features:\n-  oauth_login: false\n+  oauth_login: true",
        " features:\n-  oauth_login: # ask the team\n+  oauth_login: # ask the other team",
    ),
    (
        "full_rollout",
        "a/canary.yaml",
        "-canary_weight: 10\n+canary_weight: 90",
        "-canary_weight: 10\n+canary_weight: 25",
    ),
    (
        "canary_skipped",
        "a/rollout.yaml",
        " steps:\n   - setWeight: 5\n-  - pause: {}\n-  - analysis:\n-      templates:\n-        - templateName: errors\n   - setWeight: 50",
        " steps:\n   - setWeight: 5\n-  - pause: {duration: 20m}\n+  - pause: {duration: 25m}\n   - setWeight: 50",
    ),
    (
        "full_rollout",
        "flags/new.json",
        " \"rollout\": {\n   \"variations\": [\n-    { \"variation\": 0, \"weight\": 1000 },\n-    { \"variation\": 1, \"weight\": 99000 }\n+    { \"variation\": 0, \"weight\": 100000 },\n+    { \"variation\": 1, \"weight\": 0 }\n   ]",
        " \"rollout\": {\n   \"variations\": [\n-    { \"variation\": 0, \"weight\": 1000 },\n-    { \"variation\": 1, \"weight\": 99000 }\n+    { \"variation\": 0, \"weight\": 2000 },\n+    { \"variation\": 1, \"weight\": 98000 }\n   ]",
    ),
    (
        "flag_off_in_production",
        "config/switches/production.yaml",
        " switches:\n   payments_accept:\n-    value: true\n+    value: false\n     owner: payments",
        " switches:\n   payments_accept:\n     value: true\n-    owner: payments\n+    owner: payments-core",
    ),
    (
        "flag_on_in_production",
        "values-prod.yaml",
        " new_checkout:\n-  disabled: true\n+  disabled: false",
        " firewall:\n-  disabled: true\n+  disabled: false",
    ),
    (
        "flag_on_in_production",
        "values-prod.yaml",
        "-disable_new_checkout: true\n+disable_new_checkout: false",
        "-disable_auth: true\n+disable_auth: false",
    ),
];
