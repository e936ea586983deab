//! The cases of `holding.rs`.

use super::Case;

pub(super) const CASES: &[Case] = &[
    (
        "data_holder_removed",
        "infra/main.tf",
        "-resource \"aws_db_instance\" \"orders\" {\n-  engine = \"postgres\"\n-}\n resource \"aws_sns_topic\" \"t\" {\n   name = \"t\"\n }",
        "-resource \"aws_sns_topic\" \"t\" {\n-  name = \"t\"\n-}\n resource \"aws_db_instance\" \"orders\" {\n   engine = \"postgres\"\n }",
    ),
    (
        "data_holder_removed",
        "infra/main.tf",
        "-resource \"aws_s3_bucket\" \"data\" {\n+resource \"aws_s3_bucket\" \"files\" {\n   bucket = \"shop-data\"\n }",
        "-resource \"aws_s3_bucket\" \"data\" {\n+resource \"aws_s3_bucket\" \"files\" {\n   bucket = \"shop-data\"\n }\n+moved {\n+  from = aws_s3_bucket.data\n+  to   = aws_s3_bucket.files\n+}",
    ),
    (
        "data_holder_removed",
        "shop/all.yaml",
        "-kind: PersistentVolumeClaim\n-metadata:\n-  name: data\n----\n kind: Service",
        "-kind: ConfigMap\n-metadata:\n-  name: data\n----\n kind: Service",
    ),
    (
        "data_holder_removed",
        "shop/compose.yaml",
        " services:\n   db:\n     volumes:\n-      - data:/var/lib/postgresql/data\n       - ./conf:/etc/conf",
        " services:\n   db:\n     volumes:\n-      - data:/var/lib/postgresql/data\n+      - pg:/var/lib/postgresql/data\n       - ./conf:/etc/conf",
    ),
];
