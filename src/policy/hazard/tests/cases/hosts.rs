//! The cases of `hosts.rs`.

use super::Case;

pub(super) const CASES: &[Case] = &[
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
        "host_misspelled",
        "a/db.yaml",
        "-host: pg.internal.acme.net\n+host: pg.intrenal.acme.net",
        "-host: pg1.internal.acme.net\n+host: pg2.internal.acme.net",
    ),
    (
        "host_misspelled",
        "a/cdn.yaml",
        "-host: colour.example.org\n+host: colur.example.org",
        "-host: colour.example.org\n+host: color.example.org",
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
        "     key = \"stacks/dev/network.tfstate\"\n-    region = \"eu-west-1\"\n+    region = \"eu-west-2\"",
    ),
    (
        "host_swapped",
        "ci/deploy-prod.yml",
        "-    ROLE_ARN: arn:aws:iam::418827700931:role/tf-apply-prod\n+    ROLE_ARN: arn:aws:iam::902215663148:role/tf-apply-sandbox",
        "-    ROLE_ARN: arn:aws:iam::418827700931:role/tf-apply-prod\n+    ROLE_ARN: arn:aws:iam::418827700931:role/tf-apply2-prod",
    ),
    (
        "test_reaches_production",
        "hieradata/staging.yaml",
        "-db_host: crm-db-stg.corp.example\n+db_host: crm-db.corp.example",
        "-db_host: crm-db-stg.corp.example\n+db_host: crm-db2-stg.corp.example",
    ),
    ("host_swapped", "a/app.yaml", "-db: shop-prod\n+db: shop-staging", "-label: prod-a\n+label: staging-a"),
];
