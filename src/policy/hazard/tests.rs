use std::collections::BTreeSet;

use super::{Hazard, find_hazards, hazard_rules};
use crate::change::{key_changes, parse_diff};

/// A diff of one file: `body` holds the hunk's lines with their signs.
fn diff(path: &str, body: &str) -> String {
    let count = |signs: &str| body.lines().filter(|line| line.starts_with(|c| signs.contains(c))).count();
    let (n_old, n_new) = (count(" -"), count(" +"));
    format!("diff --git a/{path} b/{path}\n--- a/{path}\n+++ b/{path}\n@@ -1,{n_old} +1,{n_new} @@\n{body}\n")
}

fn hazards_in(diff: &str, environment: Option<&str>) -> Vec<Hazard> {
    let record = parse_diff(diff.as_bytes()).unwrap();
    let files = record.files.iter();
    let keys: Vec<_> = files.map(|file| (file.path().to_owned(), key_changes(file))).collect();
    find_hazards(&record, &keys, environment, &BTreeSet::new())
}

fn names(path: &str, body: &str) -> Vec<&'static str> {
    hazards_in(&diff(path, body), None).iter().map(|hazard| hazard.rule.name).collect()
}

/// A rule, a file, an edit that it fires on, and one that no rule fires on.
type Case = (&'static str, &'static str, &'static str, &'static str);

const CASES: &[Case] = &[
    ("replicas_to_zero", "a/web.yaml", "-replicas: 3\n+replicas: 0", "-replicas: 0\n+replicas: 3"),
    (
        "replication_cut",
        "a/topics.toml",
        "-replication_factor = 3\n+replication_factor = 1",
        "-replication_factor = 3\n+replication_factor = 2",
    ),
    (
        "disruption_budget_gone",
        "a/pdb.yaml",
        "-maxUnavailable: 25%\n+maxUnavailable: 100%",
        "-maxUnavailable: 25%\n+maxUnavailable: 30%",
    ),
    (
        "resource_limit_removed",
        "a/web.yaml",
        " resources:\n-  limits:\n-    memory: 2Gi\n   requests:",
        " resources:\n   limits:\n-    memory: 2Gi\n+    memory: 3Gi",
    ),
    (
        "limit_below_request",
        "a/web.yaml",
        " requests:\n   memory: 2Gi\n limits:\n-  memory: 4Gi\n+  memory: 1Gi",
        " requests:\n   memory: 2Gi\n limits:\n-  memory: 4Gi\n+  memory: 2Gi",
    ),
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
    ("capacity_cut", "a/web.yaml", "-maxReplicas: 60\n+maxReplicas: 6", "-maxReplicas: 60\n+maxReplicas: 40"),
    (
        "capacity_cut",
        "a/pgbouncer.ini",
        "-default_pool_size = 50\n+default_pool_size = 1",
        "-default_pool_size = 50\n+default_pool_size = 10",
    ),
    (
        "alert_silenced",
        "alerts/api.yaml",
        "-  expr: errors / total > 0.05\n+  expr: errors / total > 5",
        "-  expr: errors / total > 0.05\n+  expr: errors / total > 0.04",
    ),
    (
        "alert_silenced",
        "alerts/disk.yaml",
        "-  expr: free / size < 0.1\n+  expr: free / size < 0",
        "-  expr: free / size < 0.1\n+  expr: free / size < 0.2",
    ),
    (
        "safety_net_off",
        "a/shop.yaml",
        "-circuit_breaker_enabled: true\n+circuit_breaker_enabled: false",
        "-circuit_breaker_enabled: false\n+circuit_breaker_enabled: true",
    ),
    (
        "safety_net_off",
        "a/orders.service",
        "-Restart=on-failure\n+Restart=no",
        "-Restart=on-failure\n+Restart=always",
    ),
    (
        "dns_record_broken",
        "dns/example.org.zone",
        "-www IN CNAME web.example.org.\n+www IN CNAME web.example.org",
        "-www IN CNAME web.example.org.\n+www IN CNAME web2.example.org.",
    ),
    (
        "dns_record_broken",
        "dns/example.org.zone",
        "-        2024030501 7200 900 )\n+        20240305 7200 900 )",
        "-        2024030501 7200 900 )\n+        2024030502 7200 900 )",
    ),
    (
        "dns_record_broken",
        "dns/example.org.zone",
        "-@ IN TXT \"v=spf1 mx -all\"\n+@ IN TXT \"v=spf1 mx +all\"",
        "-@ IN TXT \"v=spf1 mx -all\"\n+@ IN TXT \"v=spf1 mx a -all\"",
    ),
    (
        "tls_verification_off",
        "a/Dockerfile",
        "-RUN curl -fsSL https://a.example.org/x\n+RUN curl -kfsSL https://a.example.org/x",
        "-RUN curl -fsSL https://a.example.org/x\n+RUN curl -fsSLO https://a.example.org/x",
    ),
    (
        "tls_verification_off",
        "a/vault.cfg",
        "-    server v1 10.8.0.11:8200 ssl verify required ca-file ca.pem\n+    server v1 10.8.0.11:8200 ssl verify none",
        "-    server v1 10.8.0.11:8200 ssl verify none\n+    server v1 10.8.0.11:8200 ssl verify required ca-file ca.pem",
    ),
    (
        "tls_verification_off",
        "a/peers.yaml",
        " mtls:\n-  mode: STRICT\n+  mode: DISABLE",
        " mtls:\n-  mode: PERMISSIVE\n+  mode: STRICT",
    ),
    (
        "tls_verification_off",
        "a/.env",
        " PORT=3000\n+NODE_TLS_REJECT_UNAUTHORIZED=0",
        " PORT=3000\n+NODE_TLS_REJECT_UNAUTHORIZED=1",
    ),
    (
        "ttl_to_zero",
        "a/cache.conf",
        "-proxy_cache_valid 200 10m;\n+proxy_cache_valid 200 0;",
        "-proxy_cache_valid 200 10m;\n+proxy_cache_valid 200 12m;",
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
        "schedule_every_minute",
        "a/dump.timer",
        "-OnCalendar=*-*-* 02:30:00\n+OnCalendar=*-*-* *:*:*",
        "-OnCalendar=*-*-* 02:30:00\n+OnCalendar=*-*-* 03:30:00",
    ),
    (
        "host_swapped",
        "a/resolver.yaml",
        " nameservers:\n-  - 10.3.0.1\n-  - 10.3.0.2\n+  - 127.0.0.1",
        " nameservers:\n   - 10.3.0.1\n+  - 10.3.0.2",
    ),
    (
        "firewall_off",
        "manifests/waf.pp",
        "-  Boolean $enabled      = true,\n+  Boolean $enabled      = false,",
        "-  Boolean $enabled      = false,\n+  Boolean $enabled      = true,",
    ),
    (
        "auth_off",
        "a/server.xml",
        "-           clientAuth=\"true\" sslProtocol=\"TLS\"\n+           clientAuth=\"false\" sslProtocol=\"TLS\"",
        "-           clientAuth=\"false\" sslProtocol=\"TLS\"\n+           clientAuth=\"true\" sslProtocol=\"TLS\"",
    ),
    (
        "default_flipped",
        "a/Flags.php",
        " 'useParser' => [\n-  'default' => false,\n+  'default' => true,",
        " 'useParser' => [\n-  'frwiki' => false,\n+  'frwiki' => true,",
    ),
    (
        "wildcard",
        "a/cors.yaml",
        " allowed_origins:\n+  - \"*\"",
        " allowed_origins:\n+  - https://a.example.org",
    ),
    (
        "wildcard",
        "a/sg.tf",
        " ingress {\n-  cidr_blocks = [\"10.0.0.0/8\"]\n+  cidr_blocks = [\"0.0.0.0/0\"]",
        " egress {\n-  cidr_blocks = [\"10.0.0.0/8\"]\n+  cidr_blocks = [\"10.0.0.0/9\"]",
    ),
    (
        "cidr_widened",
        "a/acl.yaml",
        " allow_from:\n-  - 10.1.2.0/24\n+  - 10.0.0.0/8",
        " allow_from:\n-  - 10.1.2.0/24\n+  - 10.1.2.0/25",
    ),
    (
        "firewall_off",
        "a/host.yaml",
        "-profile::firewall::enable: true\n+profile::firewall::enable: false",
        "-profile::fonts::enable: true\n+profile::fonts::enable: false",
    ),
    (
        "auth_off",
        "a/api.yaml",
        "-auth_enabled: true\n+auth_enabled: false",
        "-author_shown: true\n+author_shown: false",
    ),
    (
        "privilege_widened",
        "a/pod.yaml",
        "-  privileged: false\n+  privileged: true",
        "-  privileged: true\n+  privileged: false",
    ),
    (
        "privilege_widened",
        "a/key.pp",
        "-  mode => '0600',\n+  mode => '0777',",
        "-  mode => '0644',\n+  mode => '0755',",
    ),
    (
        "root_access",
        "a/sshd.conf",
        "-PermitRootLogin no\n+PermitRootLogin yes",
        "-PermitRootLogin yes\n+PermitRootLogin no",
    ),
    (
        "public_access",
        "a/bucket.tf",
        "-  acl = \"private\"\n+  acl = \"public-read\"",
        "-  acl = \"public-read\"\n+  acl = \"private\"",
    ),
    (
        "host_mount",
        "a/compose.yaml",
        " volumes:\n+  - /var/run/docker.sock:/var/run/docker.sock",
        " volumes:\n+  - ./web.conf:/etc/web.conf",
    ),
    ("secret_in_clear", "a/db.yaml", "+password: corr3cthorse", "+password: ${DB_PASSWORD}"),
    (
        "secret_in_clear",
        "a/app.env",
        " A=1\n+API_KEY=ghp_aB3dE5fG7hI9jK1lM3nO5pQ7rS9tU1vW3xY5",
        " A=1\n+API_KEY=$API_KEY_OF_THE_VAULT",
    ),
    (
        "secret_in_clear",
        "a/web.yaml",
        " env:\n   - name: DB_PASSWORD\n+    value: Hx7kQ2vLp9z",
        " env:\n   - name: DB_PASSWORD\n+    valueFrom: vault",
    ),
    (
        "secret_in_clear",
        "a/app.yaml",
        "-db: jdbc:mysql://db/app\n+db: jdbc:mysql://db/app?user=a&password=Hx7kQ2vLp9z",
        "-password: Hx7kQ2vLp9z\n+password: !vault x",
    ),
    (
        "replicas_to_zero",
        "a/web.json",
        "-{\"replicas\":3,\"port\":80}\n+{\"replicas\":0,\"port\":80}",
        "-{\"port\":80}\n+{ \"port\": 80 }",
    ),
    (
        "replicas_to_zero",
        "a/web.yaml",
        " web:\n-  - {name: web, replicas: 3}\n+  - {name: web, replicas: &none 0}",
        " web:\n-  - {name: web, replicas: 3}\n+  - {name: web, replicas: 4}",
    ),
    (
        "host_mount",
        "a/web.yaml",
        " volumes:\n   - name: disk\n+    hostPath: {path: /}",
        " volumes:\n   - name: disk\n+    emptyDir: {medium: Memory}",
    ),
    (
        "default_flipped",
        "a/Flags.php",
        "-'wgReadCache' => [ 'default' => false, 'frwiki' => true ],\n+'wgReadCache' => [ 'default' => true, 'frwiki' => true ],",
        "-'wgReadCache' => [ 'default' => false ],\n+'wgReadCache' => [ 'default' => false, 'frwiki' => true ],",
    ),
    (
        "replicas_to_zero",
        "a/web.yaml",
        " staging:\n-  replicas: 0\n-production:\n   replicas: 3\n+production:\n+  replicas: 0",
        "-staging:\n+production:\n   replicas: 3\n-production:\n+staging:\n   replicas: 3",
    ),
    (
        "root_access",
        "ssh/sshd_config",
        "-PermitRootLogin no\n+PermitRootLogin yes",
        "-PermitRootLogin yes\n+PermitRootLogin no",
    ),
    (
        "schedule_every_minute",
        "cron.d/backup",
        "-0 3 * * * root /usr/local/bin/b.sh\n+* 3 * * * root /usr/local/bin/b.sh",
        "-0 3 * * * root /usr/local/bin/b.sh\n+0 4 * * * root /usr/local/bin/b.sh",
    ),
    (
        "timeout_tenfold",
        "a/haproxy.cfg",
        " defaults\n-    timeout server 30s\n+    timeout server 3s",
        " defaults\n-    timeout server 30s\n+    timeout server 20s",
    ),
    (
        "health_check_removed",
        "a/haproxy.cfg",
        " backend app\n-    option httpchk GET /health",
        " backend app\n-    option forwardfor",
    ),
    (
        "wildcard",
        "a/netpol.yaml",
        " ingress:\n   - from:\n     - ipBlock:\n-        cidr: 10.2.0.0/16\n+        cidr: 0.0.0.0/0",
        " egress:\n   - to:\n     - ipBlock:\n-        cidr: 10.2.0.0/16\n+        cidr: 0.0.0.0/0",
    ),
    (
        "disruption_budget_gone",
        "a/values.yaml",
        " podDisruptionBudget:\n-  enabled: true\n+  enabled: false",
        "-minAvailable: 2\n+maxUnavailable: 1",
    ),
    (
        "deletion_protection_off",
        "a/db.tf",
        " resource \"db\" \"a\" {\n   size = 1\n-  lifecycle {\n-    prevent_destroy = true\n-  }\n }",
        "-resource \"db\" \"a\" {\n-  lifecycle {\n-    prevent_destroy = true\n-  }\n-}",
    ),
    ("durability_off", "a/postgresql.conf", "-fsync = on\n+fsync = off", "-fsync = off\n+fsync = on"),
    ("merge_marker", "a/web.yaml", " a: 1\n+<<<<<<< HEAD\n+b: 2", " a: 1\n+b: \"<<<<<<< HEAD\""),
    (
        "resource_limit_cut",
        "a/web.yaml",
        " limits:\n-  memory: 4Gi\n+  memory: 256Mi",
        " limits:\n-  memory: 4Gi\n+  memory: 2Gi",
    ),
    ("auth_off", "a/api.yaml", " a: 1\n-auth_enabled: true", " a: 1\n-auth_enabled: false"),
    (
        "public_access",
        "a/app.toml",
        "-listen = \"127.0.0.1:8080\"\n+listen = \"0.0.0.0:8080\"",
        "-listen = \"127.0.0.1:8080\"\n+listen = \"127.0.0.1:8081\"",
    ),
    (
        "tls_verification_off",
        "a/scrape.yaml",
        "-insecure_skip_verify: false\n+insecure_skip_verify: true",
        "-insecure_skip_verify: true\n+insecure_skip_verify: false",
    ),
    (
        "tls_verification_off",
        "a/bank.yaml",
        "-verify_ssl: true\n+verify_ssl: false",
        "-verify_ssl: false\n+verify_ssl: true",
    ),
    (
        "encryption_downgraded",
        "a/idp.yaml",
        "-url: https://id.example.org/x\n+url: http://id.example.org/x",
        "-url: http://id.example.org/x\n+url: https://id.example.org/x",
    ),
    (
        "health_check_removed",
        "a/web.yaml",
        "   ports: 80\n-  livenessProbe:\n-    path: /up\n   image: web",
        "   ports: 80\n-  livenessProbe:\n-    path: /up\n   image: web\n+  livenessProbe:\n+    path: /alive",
    ),
    (
        "monitoring_off",
        "a/host.yaml",
        "-notifications_enabled: true\n+notifications_enabled: false",
        "-notifications_enabled: false\n+notifications_enabled: true",
    ),
    (
        "backup_off",
        "a/db.yaml",
        " backup:\n-  enabled: true\n+  enabled: false",
        " banner:\n-  enabled: true\n+  enabled: false",
    ),
    (
        "retention_cut",
        "a/log.yaml",
        "-retention_days: 30\n+retention_days: 1",
        "-retention_days: 30\n+retention_days: 21",
    ),
    (
        "deletion_protection_off",
        "a/db.tf",
        "-  deletion_protection = true\n+  deletion_protection = false",
        "-  deletion_protection = false\n+  deletion_protection = true",
    ),
    (
        "destructive_policy",
        "a/class.yaml",
        "-reclaimPolicy: Retain\n+reclaimPolicy: Delete",
        "-reclaimPolicy: Delete\n+reclaimPolicy: Retain",
    ),
    (
        "rate_limit_off",
        "a/gate.ini",
        "-max_requests_per_second = 200\n+max_requests_per_second = 0",
        "-max_requests_per_second = 200\n+max_requests_per_second = 150",
    ),
    (
        "read_only_on",
        "a/store.ini",
        "-read_only = false\n+read_only = true",
        "-read_only = true\n+read_only = false",
    ),
    (
        "debug_on",
        "a/log.yaml",
        " logging:\n-  level: info\n+  level: debug",
        " logging:\n-  level: info\n+  level: warn",
    ),
    ("unit_slip", "a/up.yaml", "-wait: 30s\n+wait: 30ms", "-wait: 60s\n+wait: 1m"),
    ("timeout_tenfold", "a/up.yaml", "-timeout: 30s\n+timeout: 3s", "-timeout: 30s\n+timeout: 20s"),
    (
        "ttl_to_zero",
        "zones/a.example",
        "-www 3600 IN A 192.0.2.1\n+www 0 IN A 192.0.2.1",
        "-www 3600 IN A 192.0.2.1\n+www 300 IN A 192.0.2.1",
    ),
    (
        "number_jump",
        "a/db.yaml",
        "-max_connections: 100\n+max_connections: 10000",
        "-max_connections: 100\n+max_connections: 400",
    ),
    ("sign_flip", "a/cache.ini", "-size = 512\n+size = -512", "-size = -1\n+size = 512"),
    ("retry_storm", "a/client.yaml", "-max_retries: 3\n+max_retries: 30", "-max_retries: 3\n+max_retries: 5"),
    (
        "schedule_every_minute",
        "a/job.yaml",
        "-schedule: \"0 3 * * *\"\n+schedule: \"* 3 * * *\"",
        "-schedule: \"0 3 * * *\"\n+schedule: \"0 4 * * *\"",
    ),
    (
        "host_swapped",
        "a/app.yaml",
        "-host: db.prod.example.org\n+host: db.staging.example.org",
        "-host: db1.prod.example.org\n+host: db2.prod.example.org",
    ),
    (
        "image_latest",
        "a/web.yaml",
        "-image: registry.example.org/web:1.2\n+image: registry.example.org/web:latest",
        "-image: registry.example.org/web:1.2\n+image: registry.example.org/web:1.3",
    ),
    (
        "dns_record_removed",
        "zones/a.example",
        "-@ 3600 IN MX 10 mail.example.org.\n www IN A 192.0.2.1",
        "-old 3600 IN A 192.0.2.9\n www IN A 192.0.2.1",
    ),
];

#[test]
fn every_rule_fires_on_its_own_edit_and_none_on_the_harmless_form() {
    for (rule, path, dangerous, harmless) in CASES {
        assert!(
            names(path, dangerous).contains(rule),
            "{rule}: {:?} on\n{dangerous}",
            names(path, dangerous)
        );
        assert!(names(path, harmless).is_empty(), "{rule}: {:?} on\n{harmless}", names(path, harmless));
    }
}

#[test]
fn every_rule_has_a_case_and_a_name_of_its_own() {
    let tried: BTreeSet<&str> = CASES.iter().map(|case| case.0).chain(["unread"]).collect();
    let all: Vec<&str> = hazard_rules().map(|rule| rule.name).collect();
    assert_eq!(all.iter().copied().collect::<BTreeSet<_>>(), tried);
    assert_eq!(all.len(), tried.len(), "a name is used twice");
    for rule in hazard_rules() {
        assert!(
            rule.sentence.starts_with(char::is_uppercase) && !rule.sentence.ends_with('.'),
            "{}",
            rule.name
        );
    }
}

#[test]
fn the_environment_comes_from_the_key_then_the_path_then_the_request() {
    let edit = "-read_only: false\n+read_only: true";
    let fires = |path: &str, environment| !hazards_in(&diff(path, edit), environment).is_empty();
    assert!(fires("app.yaml", None) && fires("app.yaml", Some("production")));
    assert!(!fires("app.yaml", Some("staging")) && !fires("staging/app.yaml", Some("production")));
    assert!(fires("production/app.yaml", Some("staging")));
    let by_key = diff("production/app.yaml", " staging:\n-  read_only: false\n+  read_only: true");
    assert!(hazards_in(&by_key, None).is_empty());
}

#[test]
fn a_hazard_names_file_key_and_edit_and_counts_the_rest() {
    let body = " a:\n-  replicas: 3\n+  replicas: 0\n b:\n-  replicas: 2\n+  replicas: 0";
    let hazards = hazards_in(&diff("deploy/web.yaml", body), None);
    assert_eq!(
        hazards[0].text(),
        "A replica count or capacity falls to zero: `a.replicas` `3` → `0` in `deploy/web.yaml` and 1 more \
         (hazard rule `replicas_to_zero`)"
    );
}

#[test]
fn no_text_of_a_hazard_holds_the_secret() {
    let secret = ["hunter2", "hunter2", "x"].concat();
    let cases = [
        format!("+password: {secret}"),
        format!("-password: ${{DB}}\n+password: {secret}"),
        format!("-url: https://app:{secret}@db.example.org/\n+url: http://app:{secret}@db.example.org/"),
        format!(
            " allow:\n-  - https://app:{secret}@a.prod.example.org\n+  - https://app:{secret}@b.staging.example.org"
        ),
    ];
    for body in cases {
        let hazards = hazards_in(&diff("app.yaml", &body), None);
        assert!(!hazards.is_empty(), "{body}");
        for hazard in hazards {
            assert!(!hazard.text().contains("hunter2"), "{}", hazard.text());
        }
    }
}

#[test]
fn a_secret_that_goes_away_is_no_hazard() {
    let secret = ["corr3ct", "horse"].concat();
    assert!(names("db.yaml", &format!("-password: {secret}\n+password: ${{DB_PASSWORD}}")).is_empty());
    assert!(names("db.yaml", &format!("-password: {secret}")).is_empty());
}

#[test]
fn a_file_too_large_to_be_read_is_never_let_pass_in_silence() {
    let lines: Vec<String> = (0..4_001).map(|n| format!("+line_{n}: a")).collect();
    assert_eq!(names("big.yaml", &lines.join("\n")), ["unread"]);
    assert!(names("big.yaml", &lines[..4_000].join("\n")).is_empty());
    let many = |n: usize| (0..n).map(|n| format!("a{n}: {n}, ")).collect::<String>();
    let line = |n: usize, end: &str| format!("-x: {{{}b: 1}}\n+x: {{{}b: {end}}}", many(n), many(n));
    assert_eq!(names("big.yaml", &line(40_000, "2")), ["unread"]);
    let nested = |n: usize| format!("x: {}1{}", "{a: ".repeat(n), "}".repeat(n));
    assert_eq!(names("deep.yaml", &format!("-y: 1\n+{}", nested(65))), ["unread"]);
    assert!(names("deep.yaml", &format!("-y: 1\n+{}", nested(64))).is_empty());
    let long = format!("{}-web: {{replicas: 3}}\n+web: {{replicas: 0}}", " same: 1\n".repeat(9_000));
    assert_eq!(names("long.yaml", &long), ["replicas_to_zero"]);
    let ranges: Vec<String> = (0..300).map(|n| format!("10.{}.{}.0/24", n / 250, n % 250)).collect();
    for separator in [", ", " "] {
        let list = ranges.join(separator);
        assert_eq!(
            names("a.ini", &format!("-allow = {list}\n+allow = {list}{separator}0.0.0.0/0")),
            ["wildcard"]
        );
    }
    let binary = |path: &str| {
        let diff = format!(
            "diff --git a/{path} b/{path}\nindex 1234567..89abcde 100644\nBinary files a/{path} and b/{path} differ\n"
        );
        hazards_in(&diff, None).len()
    };
    for path in
        ["prod/x.yaml", "etc/ssh/sshd_config", "etc/sudoers", "nginx/sites-enabled/default", "deploy.sh"]
    {
        assert_eq!(binary(path), 1, "{path}");
    }
    for path in ["logo.png", "fonts/a.WOFF2", "keys/a.gpg", "chart-1.2.tgz"] {
        assert_eq!(binary(path), 0, "{path}");
    }
    let moved = "diff --git a/lib b/lib\nindex 1234567..89abcde 160000\n--- a/lib\n+++ b/lib\n@@ -1 +1 @@\n\
                 -Subproject commit 1234567890123456789012345678901234567890\n\
                 +Subproject commit 89abcdef01234567890123456789012345678901\n";
    assert_eq!(hazards_in(moved, None).len(), 1);
}

#[test]
fn what_a_line_hides_is_never_let_pass_in_silence() {
    let unread = |path: &str, body: &str| names(path, body).contains(&"unread");
    for end in ["\r", "\u{85}", "\u{2028}", "\u{2029}"] {
        assert!(unread("a/app.yaml", &format!("-a: 1\n+# keep{end}replicas: 0")), "{end:?}");
        assert!(!unread("a/app.yaml", &format!("-# keep{end}replicas: 0\n+a: 1")), "it goes");
        assert!(!unread("a/app.md", &format!("-a: 1\n+# keep{end}replicas: 0")), "prose");
    }
    assert!(!unread("a/app.yaml", "-a: 1\r\n+a: 2\r"), "lines end so in files of Windows");
    assert!(unread("a/app.yaml", "-\0a\0:\0 \x001\n+\0a\0:\0 \x002"), "UTF-16 as text");
    assert!(!unread("a/logo.png", "-\0a\n+\0b"));
}

#[test]
fn a_rule_that_is_switched_off_stays_silent() {
    let record = parse_diff(diff("web.yaml", "-replicas: 3\n+replicas: 0").as_bytes()).unwrap();
    let keys = [("web.yaml".to_owned(), key_changes(&record.files[0]))];
    let off = BTreeSet::from(["replicas_to_zero"]);
    assert!(find_hazards(&record, &keys, None, &off).is_empty());
    assert_eq!(find_hazards(&record, &keys, None, &BTreeSet::new()).len(), 1);
}
