//! The cases of `command.rs`.

use super::Case;

pub(super) const CASES: &[Case] = &[
    (
        "destructive_command",
        "db/migrate.sql",
        " ALTER TABLE orders ADD COLUMN note text;\n+DROP TABLE orders_old;",
        " ALTER TABLE orders ADD COLUMN note text;\n+CREATE TABLE orders_new (id int);",
    ),
    (
        "destructive_command",
        "db/fix.sql",
        "-DELETE FROM carts WHERE updated_at < now() - interval '90 days';\n+DELETE FROM carts;",
        "-DELETE FROM carts WHERE updated_at < now() - interval '90 days';\n+DELETE FROM carts WHERE updated_at < now() - interval '60 days';",
    ),
    (
        "destructive_command",
        "ci/deploy.sh",
        "-terraform plan -out plan.bin\n+terraform destroy -auto-approve",
        "-terraform plan -out plan.bin\n+terraform plan -out plan.tmp",
    ),
    (
        "destructive_command",
        "a/values.yaml",
        "-  command: [\"bin/migrate\", \"up\"]\n+  command: [\"bin/migrate\", \"fresh\", \"--force\"]",
        "-  command: [\"bin/migrate\", \"up\"]\n+  command: [\"bin/migrate\", \"up\", \"--verbose\"]",
    ),
    (
        "destructive_command",
        "a/deploy.sh",
        "-rake db:migrate\n+rake db:reset",
        "-rake db:migrate\n+rake db:migrate db:version",
    ),
];
