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
    (
        "guard_off",
        "a/app.yaml",
        "-check_skipped: false\n+check_skipped: true",
        "-check_skipped: true\n+check_skipped: false",
    ),
    (
        "guard_off",
        "a/app.yaml",
        "-validation_ignored: false\n+validation_ignored: true",
        "-validation_ignored: true\n+validation_ignored: false",
    ),
    (
        "guard_off",
        "a/web.service",
        "-NoNewPrivileges=yes\n+NoNewPrivileges=no",
        "-NoNewPrivileges=no\n+NoNewPrivileges=yes",
    ),
    (
        "guard_off",
        "a/.npmrc.ini",
        "-ignore-scripts=true\n+ignore-scripts=false",
        "-ignore-scripts=false\n+ignore-scripts=true",
    ),
    (
        "risk_allowed",
        "a/sshd_config.conf",
        "-DisableForwarding yes\n+DisableForwarding no",
        "-DisableForwarding no\n+DisableForwarding yes",
    ),
    (
        "risk_allowed",
        "a/app.yaml",
        "-reject_unsigned: true\n+reject_unsigned: false",
        "-reject_unsigned: false\n+reject_unsigned: true",
    ),
    (
        "risk_allowed",
        "a/app.yaml",
        "-no_overwrite: true\n+no_overwrite: false",
        "-no_overwrite: false\n+no_overwrite: true",
    ),
    (
        "risk_allowed",
        "a/app.yaml",
        "-no_dry_run: false\n+no_dry_run: true",
        "-no_dry_run: true\n+no_dry_run: false",
    ),
    (
        "dry_run_off",
        "jobs/reap.sh",
        "-reap --dry-run=true\n+reap --batch 100",
        "-reap --dry-run=false\n+reap",
    ),
    (
        "failure_ignored",
        "a/ci.yaml",
        "-  run: make ${{ inputs.a }}\n+  run: make ${{ inputs.a }} || true",
        "-  draft: ${{ inputs.draft }}\n+  draft: ${{ inputs.draft || true }}",
    ),
    (
        "failure_ignored",
        "a/ci.tf",
        "-  command = \"make test\"\n+  command = \"make test || true\"",
        "-  enabled = var.x\n+  enabled = var.x || var.y",
    ),
];
