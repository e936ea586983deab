//! The cases of `target.rs`.

use super::Case;

pub(super) const CASES: &[Case] = &[
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
        "host_swapped",
        "a/resolver.yaml",
        " nameservers:\n-  - 10.3.0.1\n-  - 10.3.0.2\n+  - 127.0.0.1",
        " nameservers:\n   - 10.3.0.1\n+  - 10.3.0.2",
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
    (
        "volatile_path",
        "a/app.toml",
        "-data_dir = \"/var/lib/app\"\n+data_dir = \"/tmp/app\"",
        "-data_dir = \"/var/lib/app\"\n+data_dir = \"/srv/app\"",
    ),
    (
        "selector_changed",
        "a/service.yaml",
        "   selector:\n-    app: web\n+    app: web-old",
        "   labels:\n-    app: web\n+    app: web-old",
    ),
    (
        "environment_switched",
        "a/app.properties",
        "-payment.mode=sandbox\n+payment.mode=live",
        "-payment.mode=live\n+payment.mode=live2",
    ),
    (
        "region_swapped",
        "a/storage.env",
        "-S3_REGION=eu-central-1\n+S3_REGION=us-east-1",
        "-S3_REGION=eu-central-1\n+S3_REGION=eu-west-1",
    ),
    (
        "route_withdrawn",
        "a/frr.conf",
        " router bgp 64500\n   network 198.51.100.0/24\n-  network 203.0.113.0/24",
        " router bgp 64500\n   network 198.51.100.0/24\n+  network 203.0.113.0/24",
    ),
    (
        "host_swapped",
        "a/db.properties",
        "-url=jdbc:postgresql://ledger-rw.corp:5432/ledger\n+url=jdbc:postgresql://ledger-ro.corp:5432/ledger",
        "-url=jdbc:postgresql://ledger-rw.corp:5432/ledger\n+url=jdbc:postgresql://ledger-rw.corp.internal:5432/ledger",
    ),
    (
        "host_swapped",
        "a/db.properties",
        "-url=jdbc:postgresql://pg.corp:6432/ledger\n+url=jdbc:postgresql://pg.corp:6433/ledger",
        "-url=jdbc:postgresql://pg.corp:6432/ledger\n+url=jdbc:postgresql://pg.corp:6432/ledger?sslmode=require",
    ),
    (
        "host_swapped",
        "a/appsettings.json",
        "-  \"Claims\": \"Server=sql.corp;Database=Claims\"\n+  \"Claims\": \"Server=localhost;Database=Claims\"",
        "-  \"Claims\": \"Server=sql.corp;Database=Claims\"\n+  \"Claims\": \"Server=sql2.corp;Database=Claims\"",
    ),
    (
        "host_swapped",
        "a/records.tf",
        "-  name = module.alb_prod.dns_name\n+  name = module.alb_preview.dns_name",
        "-  name = module.alb_prod.dns_name\n+  name = module.alb_prod2.dns_name",
    ),
    (
        "selector_changed",
        "net/db.yaml",
        " spec:\n-  podSelector:\n-    matchLabels:\n-      app: db\n+  podSelector: {}",
        " spec:\n   podSelector:\n     matchLabels:\n-      # the database\n+      # the databases\n       app: db",
    ),
    (
        "image_latest",
        "ci/build.yaml",
        "-image: docker:28.3.3-dind\n+image: docker:dind",
        "-image: docker:28.3.3-dind\n+image: docker:28.3.4-dind",
    ),
    (
        "host_misspelled",
        "a/db.yaml",
        "-host: pg.internal.acme.net\n+host: pg.intrenal.acme.net",
        "-host: pg1.internal.acme.net\n+host: pg2.internal.acme.net",
    ),
    (
        "host_misspelled",
        "a/ldap.ini",
        "-URI = ldaps://ldap1.accounts.acme.com:636\n+URI = ldaps://ldap1.acounts.acme.com:636",
        "-URI = ldaps://ldap-a.accounts.acme.com:636\n+URI = ldaps://ldap-b.accounts.acme.com:636",
    ),
    (
        "test_reaches_production",
        "stacks/dev/backend.tf",
        "-    key = \"stacks/dev/network.tfstate\"\n+    key = \"stacks/prod/network.tfstate\"",
        "-    key = \"stacks/dev/network.tfstate\"\n+    key = \"stacks/dev/net.tfstate\"",
    ),
    (
        "host_swapped",
        "ci/deploy-prod.yml",
        "-    ROLE_ARN: arn:aws:iam::418827700931:role/tf-apply-prod\n+    ROLE_ARN: arn:aws:iam::902215663148:role/tf-apply-sandbox",
        "-    ROLE_ARN: arn:aws:iam::418827700931:role/tf-apply-prod\n+    ROLE_ARN: arn:aws:iam::418827700931:role/tf-apply2-prod",
    ),
];
