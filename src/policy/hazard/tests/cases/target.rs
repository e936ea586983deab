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
        "route_withdrawn",
        "routers/edge1.conf",
        " router bgp 64500\n   network 198.51.100.0/24\n-  network 203.0.113.0/24",
        " router ospf\n   network 198.51.100.0/24\n-  network 203.0.113.0/24",
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
        "state_moved",
        "stacks/backup/main.tf",
        " backend \"s3\" {\n-  key = \"backup/terraform.tfstate\"\n+  key = \"network/terraform.tfstate\"",
        " backend \"s3\" {\n   key = \"backup/terraform.tfstate\"\n+  encrypt = true",
    ),
    (
        "dns_record_broken",
        "octodns/shop.yaml",
        " values:\n-  - 198.51.100.20\n+  - 10.0.3.15",
        " values:\n-  - 198.51.100.20\n+  - 198.51.100.21",
    ),
    (
        "image_latest",
        "a/t.json",
        "-\"image\": \"web:1.2\"\n+\"image\": \"web:latest\"",
        "-\"valueFrom\": \"arn:aws:secretsmanager:eu-west-1:430354129336:secret:a_b-Em3aWA\"\n+\"valueFrom\": \"arn:aws:secretsmanager:eu-west-1:430354129336:secret:b_b-nvxDoL\"",
    ),
];
