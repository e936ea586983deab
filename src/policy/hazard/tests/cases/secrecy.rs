//! The cases of `secrecy.rs`.

use super::Case;

pub(super) const CASES: &[Case] = &[
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
    ("secret_in_clear", "a/db.yaml", "+password: corr3cthorse", "+password: ${DB_PASSWORD}"),
    (
        "secret_in_clear",
        "a/backup.yaml",
        "-command: mysqldump -h db shop\n+command: mysqldump -h db -u backup -pcorr3cthorse shop",
        "-command: mysqldump -h db shop\n+command: mysqldump -h db -u backup -p\"$DB_PASS\" shop",
    ),
    (
        "tls_verification_off",
        "a/web.yaml",
        "-verify_ssl: *on\n+verify_ssl: *off",
        "-verify_ssl: *off\n+verify_ssl: *on",
    ),
    (
        "tls_verification_off",
        "a/web.yaml",
        "-client: \"{\\\"name\\\": \\\"web\\\", \\\"verify_ssl\\\": true}\"\n+client: \"{\\\"name\\\": \\\"web\\\", \\\"verify_ssl\\\": false}\"",
        "-client: \"{\\\"name\\\": \\\"web\\\", \\\"verify_ssl\\\": true}\"\n+client: \"{\\\"name\\\": \\\"shop\\\", \\\"verify_ssl\\\": true}\"",
    ),
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
        "secret_in_clear",
        "a/app.py",
        "-dsn = os.environ[\"DSN\"]\n+dsn = \"user=app password=c0rr3ct-h0rse host=db\"",
        "-self.password = None\n+self.password = password1_from_vault",
    ),
    (
        "secret_in_clear",
        ".github/workflows/a.yaml",
        " steps:\n+  - run: echo \"token is ${{ secrets.NPM_TOKEN }}\" | base64",
        " steps:\n+  - run: echo \"${{ secrets.NPM_TOKEN }}\" > .token",
    ),
    (
        "secret_in_clear",
        "a/outputs.tf",
        " output \"key\" {\n-  value = var.key_id\n+  value = nonsensitive(var.key_id)",
        " output \"key\" {\n-  value = var.key_id\n+  value = var.key_name",
    ),
    (
        "tls_verification_off",
        "a/server.properties",
        "-ssl.endpoint.identification.algorithm=https\n+ssl.endpoint.identification.algorithm=",
        "-ssl.endpoint.identification.algorithm=\n+ssl.endpoint.identification.algorithm=https",
    ),
    (
        "secret_in_clear",
        "a/grafana.tf",
        "   set_sensitive {\n     name  = \"adminPassword\"\n-    value = data.store.grafana.secret_string\n+    value = \"Gr4fana!Winter88\"",
        "   set_sensitive {\n     name  = \"adminPassword\"\n-    value = data.store.grafana.secret_string\n+    value = data.store.grafana_admin.secret_string",
    ),
    (
        "encryption_downgraded",
        "a/cache.yaml",
        "-url: rediss://cache.example.org:6380/0\n+url: redis://cache.example.org:6380/0",
        "-url: redis://cache.example.org:6380/0\n+url: rediss://cache.example.org:6380/0",
    ),
    (
        "encryption_downgraded",
        "a/server.properties",
        "-security.protocol=SASL_SSL\n+security.protocol=SASL_PLAINTEXT",
        "-security.protocol=SASL_PLAINTEXT\n+security.protocol=SASL_SSL",
    ),
    (
        "encryption_downgraded",
        "a/lb.tf",
        " resource \"aws_lb_listener\" \"web\" {\n-  protocol = \"HTTPS\"\n+  protocol = \"HTTP\"",
        " resource \"aws_lb_listener\" \"web\" {\n-  protocol = \"HTTP\"\n+  protocol = \"HTTPS\"",
    ),
    (
        "tls_verification_off",
        "a/db.yaml",
        "-sslmode: verify-full\n+sslmode: require",
        "-sslmode: verify-ca\n+sslmode: verify-full",
    ),
    (
        "encryption_downgraded",
        "a/values.yaml",
        " ingress:\n   enabled: true\n-  tls:\n-    - secretName: shop-tls\n-      hosts: [shop.example.org]",
        " ingress:\n   enabled: true\n   tls:\n-    - secretName: shop-tls\n+    - secretName: shop-tls-b\n       hosts: [shop.example.org]",
    ),
];
