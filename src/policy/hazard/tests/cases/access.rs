//! The cases of `access.rs`.

use super::Case;

pub(super) const CASES: &[Case] = &[
    (
        "auth_off",
        "a/server.xml",
        "-           clientAuth=\"true\" sslProtocol=\"TLS\"\n+           clientAuth=\"false\" sslProtocol=\"TLS\"",
        "-           clientAuth=\"false\" sslProtocol=\"TLS\"\n+           clientAuth=\"true\" sslProtocol=\"TLS\"",
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
        "host_mount",
        "a/compose.yaml",
        " volumes:\n+  - /var/run/docker.sock:/var/run/docker.sock",
        " volumes:\n+  - ./web.conf:/etc/web.conf",
    ),
    (
        "host_mount",
        "a/web.yaml",
        " volumes:\n   - name: disk\n+    hostPath: {path: /}",
        " volumes:\n   - name: disk\n+    emptyDir: {medium: Memory}",
    ),
    (
        "root_access",
        "ssh/sshd_config",
        "-PermitRootLogin no\n+PermitRootLogin yes",
        "-PermitRootLogin yes\n+PermitRootLogin no",
    ),
    ("auth_off", "a/api.yaml", " a: 1\n-auth_enabled: true", " a: 1\n-auth_enabled: false"),
    (
        "privilege_widened",
        "a/appsettings.json",
        "-\"Reporting\": \"Server=sql;ApplicationIntent=ReadOnly\"\n+\"Reporting\": \"Server=sql;ApplicationIntent=ReadWrite\"",
        "-\"Reporting\": \"Server=sql;ApplicationIntent=ReadWrite\"\n+\"Reporting\": \"Server=sql;ApplicationIntent=ReadOnly\"",
    ),
    (
        "root_access",
        "a/sudoers.d/deploy",
        "-deploy ALL=(root) NOPASSWD: LOGS\n+deploy ALL=(root) NOPASSWD: LOGS, /usr/bin/vim /etc/nginx/*",
        "-deploy ALL=(root) NOPASSWD: LOGS, RESTART\n+deploy ALL=(root) NOPASSWD: LOGS",
    ),
    (
        "privilege_widened",
        "a/realm.json",
        "         \"account\": [\"view-profile\"],\n+        \"realm-management\": [\"manage-users\"],",
        "         \"account\": [\"view-profile\"],\n+        \"realm-management\": [\"view-users\"],",
    ),
    (
        "privilege_widened",
        "db/grants.sql",
        "-GRANT SELECT ON shop.orders TO 'web'@'10.0.%';\n+GRANT ALL PRIVILEGES ON *.* TO 'web'@'10.0.%';",
        "-GRANT SELECT ON shop.orders TO 'web'@'10.0.%';\n+GRANT SELECT, INSERT ON shop.orders TO 'web'@'10.0.%';",
    ),
    (
        "privilege_widened",
        "db/grants.sql",
        "-GRANT SELECT ON shop.orders TO 'web'@'10.0.%';\n+GRANT SELECT ON shop.orders TO 'web'@'%';",
        "-GRANT SELECT ON shop.orders TO 'web'@'10.0.%';\n+GRANT SELECT ON shop.orders TO 'web'@'10.1.%';",
    ),
    (
        "privilege_widened",
        "web/Dockerfile",
        " RUN make install\n-USER app\n CMD [\"/app\"]",
        " RUN make install\n-USER app\n+USER web\n CMD [\"/app\"]",
    ),
    (
        "privilege_widened",
        "web/shop.service",
        " [Service]\n-User=shop\n ExecStart=/usr/bin/shop",
        " [Service]\n-User=shop\n+User=store\n ExecStart=/usr/bin/shop",
    ),
    (
        "privilege_widened",
        "web/Dockerfile",
        "-RUN chmod 755 /app\n+RUN chmod -R 777 /app",
        "-RUN chmod 755 /app\n+RUN chmod -R 755 /app",
    ),
    (
        "privilege_widened",
        ".github/workflows/ci.yml",
        " permissions:\n-  contents: read\n+  contents: write",
        " permissions:\n-  contents: write\n+  contents: read",
    ),
    (
        "root_access",
        "etc/ssh/sshd_config",
        "-PermitRootLogin no\n+PermitRootLogin prohibit-password",
        "-PermitRootLogin yes\n+PermitRootLogin prohibit-password",
    ),
    (
        "root_access",
        "etc/ssh/sshd_config",
        " Port 22\n-PasswordAuthentication no\n UsePAM yes",
        " Port 22\n+PasswordAuthentication no\n UsePAM yes",
    ),
    (
        "privilege_widened",
        "iam/policy.json",
        "   \"Effect\": \"Allow\",\n   \"Action\": \"s3:GetObject\",\n-  \"Condition\": {\n-    \"Bool\": {\"aws:SecureTransport\": \"true\"}\n-  },\n   \"Resource\": \"arn:aws:s3:::shop/*\"",
        "   \"Effect\": \"Allow\",\n   \"Action\": \"s3:GetObject\",\n+  \"Condition\": {\n+    \"Bool\": {\"aws:SecureTransport\": \"true\"}\n+  },\n   \"Resource\": \"arn:aws:s3:::shop/*\"",
    ),
    (
        "auth_off",
        "ansible/kubelet-config.yaml",
        " authentication:\n   anonymous:\n-    enabled: false\n+    enabled: true",
        " authentication:\n   anonymous:\n-    enabled: true\n+    enabled: false",
    ),
    (
        "privilege_widened",
        "jsonnet/api.libsonnet",
        "-    + container.securityContext.withPrivileged(false)\n+    + container.securityContext.withPrivileged(true)",
        "-    + container.securityContext.withPrivileged(true)\n+    + container.securityContext.withPrivileged(false)",
    ),
    (
        "privilege_widened",
        "access/roles.csv",
        " role,resource,read,export\n-contractor,payroll,no,no\n+contractor,payroll,yes,yes",
        " role,resource,read,export\n-contractor,payroll,yes,yes\n+contractor,payroll,yes,no",
    ),
];
