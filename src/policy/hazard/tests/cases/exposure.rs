//! The cases of `exposure.rs`.

use super::Case;

pub(super) const CASES: &[Case] = &[
    (
        "firewall_off",
        "manifests/waf.pp",
        "-  Boolean $enabled      = true,\n+  Boolean $enabled      = false,",
        "-  Boolean $enabled      = false,\n+  Boolean $enabled      = true,",
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
        "public_access",
        "a/bucket.tf",
        "-  acl = \"private\"\n+  acl = \"public-read\"",
        "-  acl = \"public-read\"\n+  acl = \"private\"",
    ),
    (
        "wildcard",
        "a/netpol.yaml",
        " ingress:\n   - from:\n     - ipBlock:\n-        cidr: 10.2.0.0/16\n+        cidr: 0.0.0.0/0",
        " egress:\n   - to:\n     - ipBlock:\n-        cidr: 10.2.0.0/16\n+        cidr: 0.0.0.0/0",
    ),
    (
        "public_access",
        "a/app.toml",
        "-listen = \"127.0.0.1:8080\"\n+listen = \"0.0.0.0:8080\"",
        "-listen = \"127.0.0.1:8080\"\n+listen = \"127.0.0.1:8081\"",
    ),
    (
        "wildcard",
        "a/policy.tf",
        "     effect = \"Allow\"\n     principals {\n-      identifiers = [\"arn:aws:iam::1:root\"]\n+      identifiers = [\"*\"]",
        "     effect = \"Deny\"\n     principals {\n-      identifiers = [\"arn:aws:iam::1:root\"]\n+      identifiers = [\"*\"]",
    ),
    (
        "wildcard",
        "a/named.conf",
        " options {\n-    allow-recursion { corp_nets; localhost; };\n+    allow-recursion { any; };",
        " options {\n-    allow-recursion { corp_nets; localhost; };\n+    allow-recursion { corp_nets; };",
    ),
    (
        "wildcard",
        "a/api.conf",
        "-SetEnvIf Origin \"^https://www\\.example\\.org$\" CORS=$0\n+SetEnvIf Origin \"^https?://.*example.org\" CORS=$0",
        "-SetEnvIf Origin \"^https://www\\.example\\.org$\" CORS=$0\n+SetEnvIf Origin \"^https://m\\.example\\.org$\" CORS=$0",
    ),
    (
        "public_access",
        "a/policy.csv",
        " g, role:engineer, role:operator\n+g, group:all-staff, role:operator",
        " g, role:engineer, role:operator\n+g, group:shift-c, role:operator",
    ),
    (
        "public_access",
        "a/app.toml",
        "-bind = \"127.0.0.1:9000\"\n+bind = \":9000\"",
        "-bind = \"127.0.0.1:9000\"\n+bind = \"127.0.0.1:9001\"",
    ),
    (
        "public_access",
        "a/site.conf",
        " location /files {\n+  autoindex on;\n }",
        " location /files {\n+  autoindex off;\n }",
    ),
    (
        "wildcard",
        "a/policy.yaml",
        " spec:\n   ingress:\n-    - from:\n-        - podSelector:\n-            matchLabels:\n-              app: web\n+    - {}",
        " spec:\n   ingress:\n-    - from:\n-        - podSelector:\n-            matchLabels:\n-              app: web\n     - from: []",
    ),
    (
        "wildcard",
        "terraform/ci-role.tf",
        " condition {\n   test = \"StringLike\"\n-  values = [\"repo:shop/infra:ref:refs/heads/main\"]\n+  values = [\"repo:shop/*\"]\n }",
        " condition {\n   test = \"StringLike\"\n-  values = [\"repo:shop/infra:ref:refs/heads/main\"]\n+  values = [\"repo:shop/infra:ref:refs/heads/release\"]\n }",
    ),
    (
        "wildcard",
        "argocd/project.yaml",
        " spec:\n   destinations:\n-    - server: https://k8s.example.org\n-      namespace: growth-a\n+    - server: '*'\n+      namespace: '*'",
        " spec:\n   destinations:\n     - server: https://k8s.example.org\n-      namespace: growth-a\n+      namespace: growth-b",
    ),
    (
        "wildcard",
        "cilium/egress.yaml",
        " egress:\n-    - toFQDNs:\n-        - matchName: api.example.net\n+    - toEntities:\n+        - world",
        " egress:\n     - toFQDNs:\n-        - matchName: api.example.net\n+        - matchName: api2.example.net",
    ),
    (
        "firewall_off",
        "policies/authz.rego",
        " package authz\n-default allow := false\n+default allow := true",
        " package authz\n-default reason := \"a\"\n+default reason := \"b\"",
    ),
    (
        "public_access",
        "files/memcached.conf",
        " # there is no password\n--l 127.0.0.1\n+-l 0.0.0.0",
        " # there is no password\n--l 127.0.0.1\n+-l 127.0.0.2",
    ),
    (
        "public_access",
        "k8s/ingress.yaml",
        "-  ingressClassName: nginx-private\n+  ingressClassName: nginx-public",
        "-  ingressClassName: nginx-public\n+  ingressClassName: nginx-private",
    ),
    (
        "wildcard",
        "nginx/api.conf",
        " map $http_origin $cors {\n-    default \"\";\n+    default $http_origin;",
        " map $http_origin $cors {\n     default \"\";\n+    \"https://shop.example.org\" $http_origin;",
    ),
    (
        "firewall_off",
        "apache/www.conf",
        "     # not for the public\n-    ProxyPass /admin !\n     ProxyPass / http://10.8.0.21:9000/",
        "     # not for the public\n     ProxyPass /admin !\n+    ProxyPass /debug !",
    ),
];
