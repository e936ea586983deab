//! The cases of `safety.rs`.

use super::Case;

pub(super) const CASES: &[Case] = &[
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
        "deletion_protection_off",
        "a/db.tf",
        " resource \"db\" \"a\" {\n   size = 1\n-  lifecycle {\n-    prevent_destroy = true\n-  }\n }",
        "-resource \"db\" \"a\" {\n-  lifecycle {\n-    prevent_destroy = true\n-  }\n-}",
    ),
    ("durability_off", "a/postgresql.conf", "-fsync = on\n+fsync = off", "-fsync = off\n+fsync = on"),
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
    (
        "read_only_on",
        "a/store.yaml",
        "-write-enabled: true\n+write-enabled: false",
        "-write-enabled: false\n+write-enabled: true",
    ),
    (
        "durability_off",
        "a/broker.toml",
        "-persistent = true\n+persistent = false",
        "-persistent = false\n+persistent = true",
    ),
    (
        "rate_limit_off",
        "a/kong.yaml",
        " plugins:\n   - name: cors\n-  - name: rate-limiting\n-    config:\n-      minute: 60",
        " plugins:\n   - name: cors\n   - name: rate-limiting\n     config:\n-      minute: 60\n+      minute: 80",
    ),
    (
        "rate_limit_off",
        "a/rate-limits.yaml",
        "       limit_by: consumer\n+    enabled: false",
        "       limit_by: consumer\n+    enabled: true",
    ),
    (
        "rate_limit_off",
        "a/site.conf",
        "-client_max_body_size 10m;\n+client_max_body_size 0;",
        "-client_max_body_size 10m;\n+client_max_body_size 20m;",
    ),
    ("debug_on", "a/payment.ini", "-mode = live\n+mode = sandbox", "-mode = live\n+mode = strict"),
    (
        "deletion_protection_off",
        "deploy/ingress.yaml",
        "-lb/attributes: deletion_protection.enabled=true,idle_timeout.timeout_seconds=60\n+lb/attributes: deletion_protection.enabled=false,idle_timeout.timeout_seconds=60",
        "-lb/attributes: deletion_protection.enabled=true,idle_timeout.timeout_seconds=60\n+lb/attributes: deletion_protection.enabled=true,idle_timeout.timeout_seconds=65",
    ),
    (
        "debug_on",
        "deploy/.env.production",
        "-SEED_DEMO_ACCOUNTS=false\n-ALLOW_TEST_LOGIN=false\n+SEED_DEMO_ACCOUNTS=true\n+ALLOW_TEST_LOGIN=true",
        "-SEED_DEMO_ACCOUNTS=true\n-ALLOW_TEST_LOGIN=true\n+SEED_DEMO_ACCOUNTS=false\n+ALLOW_TEST_LOGIN=false",
    ),
    (
        "destructive_policy",
        "gcs/uploads-lifecycle.json",
        " \"condition\": {\n-  \"age\": 1,\n-  \"matchesPrefix\": [\"tmp/\", \"multipart/\"]\n+  \"age\": 1\n }",
        " \"condition\": {\n-  \"age\": 1,\n+  \"age\": 2,\n   \"matchesPrefix\": [\"tmp/\", \"multipart/\"]\n }",
    ),
    (
        "destructive_policy",
        "res/hibernate.cfg.xml",
        "-    <property name=\"hibernate.hbm2ddl.auto\">validate</property>\n+    <property name=\"hibernate.hbm2ddl.auto\">create-drop</property>",
        "-    <property name=\"hibernate.hbm2ddl.auto\">create-drop</property>\n+    <property name=\"hibernate.hbm2ddl.auto\">validate</property>",
    ),
    (
        "retention_cut",
        "kafka/server.properties",
        "-log.retention.hours=168\n+log.retention.minutes=10",
        "-log.retention.hours=168\n+log.retention.minutes=10080",
    ),
];
