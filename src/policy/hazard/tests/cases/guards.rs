//! The cases of `guards.rs`.

use super::Case;

pub(super) const CASES: &[Case] = &[
    (
        "guard_off",
        "a/ledger.properties",
        "-ledger.skip-balance-check=false\n+ledger.skip-balance-check=true",
        "-ui.compact-table=false\n+ui.compact-table=true",
    ),
    (
        "guard_off",
        "a/parser.service",
        " [Service]\n-ProtectSystem=strict\n User=parser",
        "-ProtectSystem=strict\n+ProtectSystem=full",
    ),
    (
        "guard_off",
        "a/fstab",
        "-/dev/sdb1 /data ext4 defaults,nosuid,nodev 0 2\n+/dev/sdb1 /data ext4 defaults 0 2",
        "-/dev/sdb1 /data ext4 defaults,nosuid 0 2\n+/dev/sdb1 /data ext4 noatime,nosuid 0 2",
    ),
    (
        "risk_allowed",
        "a/ceph.yml",
        "-mon_allow_pool_delete: false\n+mon_allow_pool_delete: true",
        "-mon_allow_pool_delete: true\n+mon_allow_pool_delete: false",
    ),
    ("risk_allowed", "a/cleaner.yaml", "-dryRun: true\n+dryRun: false", "-dryRun: false\n+dryRun: true"),
    (
        "failure_ignored",
        "a/gate.yaml",
        "-  optional: false\n+  optional: true",
        "-  optional: true\n+  optional: false",
    ),
    (
        "failure_ignored",
        "a/ci.yaml",
        "-  - run: make test\n+  - run: make test || true",
        "-  - run: make test\n+  - run: make tests",
    ),
    (
        "commented_out",
        "a/cron.d/base",
        "-15 2 * * * postgres /usr/local/bin/base.sh\n+#15 2 * * * postgres /usr/local/bin/base.sh",
        "-15 2 * * * postgres /usr/local/bin/base.sh\n+15 3 * * * postgres /usr/local/bin/base.sh",
    ),
    (
        "guard_off",
        "a/janitor.yaml",
        " protected_tags:\n-  - legal-hold\n   - main",
        " protected_tags:\n+  - legal-hold\n   - main",
    ),
    (
        "dry_run_off",
        "jobs/reap.sh",
        "   --batch 100 \\\n-  --dry-run \\\n   --report /var/log/report.csv",
        "   --batch 100 \\\n-  --dry-run \\\n+  --verbose --dry-run \\\n   --report /var/log/report.csv",
    ),
    (
        "failure_ignored",
        "a/jvm.options",
        "--XX:+ExitOnOutOfMemoryError\n+-XX:-ExitOnOutOfMemoryError",
        "--XX:-ExitOnOutOfMemoryError\n+-XX:+ExitOnOutOfMemoryError",
    ),
    (
        "failure_ignored",
        "nginx/reload.sh",
        " #!/bin/bash\n-set -euo pipefail\n nginx -t\n nginx -s reload",
        " #!/bin/bash\n-set -euo pipefail\n+set -eu\n nginx -t\n nginx -s reload",
    ),
    (
        "risk_allowed",
        "argocd/kafka.yaml",
        " syncPolicy:\n   syncOptions:\n-    - ServerSideApply=true\n+    - Replace=true\n+    - Force=true",
        " syncPolicy:\n   syncOptions:\n     - ServerSideApply=true\n+    - CreateNamespace=false",
    ),
];
