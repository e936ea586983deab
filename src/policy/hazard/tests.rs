mod cases;

use std::collections::BTreeSet;

use cases::cases;

use super::{Hazard, find_hazards, hazard_rules};
use crate::change::{UNSEEN, key_changes, parse_diff};

/// A diff of one file: `body` holds the hunk's lines with their signs.
fn diff(path: &str, body: &str) -> String {
    let count = |signs: &str| body.lines().filter(|line| line.starts_with(|c| signs.contains(c))).count();
    let (n_old, n_new) = (count(" -"), count(" +"));
    format!("diff --git a/{path} b/{path}\n--- a/{path}\n+++ b/{path}\n@@ -1,{n_old} +1,{n_new} @@\n{body}\n")
}

fn hazards_in(diff: &str, environment: Option<&str>) -> Vec<Hazard> {
    let record = parse_diff(diff.as_bytes()).unwrap();
    let files = record.files.iter();
    let keys: Vec<_> = files.map(|file| (file.path().to_owned(), key_changes(file))).collect();
    find_hazards(&record, &keys, environment, &BTreeSet::new())
}

fn names(path: &str, body: &str) -> Vec<&'static str> {
    hazards_in(&diff(path, body), None).iter().map(|hazard| hazard.rule.name).collect()
}

#[test]
fn every_rule_fires_on_its_own_edit_and_none_on_the_harmless_form() {
    for (rule, path, dangerous, harmless) in cases() {
        assert!(
            names(path, dangerous).contains(rule),
            "{rule}: {:?} on\n{dangerous}",
            names(path, dangerous)
        );
        assert!(names(path, harmless).is_empty(), "{rule}: {:?} on\n{harmless}", names(path, harmless));
    }
}

#[test]
fn copies_that_are_all_gone_are_told_once() {
    assert_eq!(names("a/web.yaml", "-replicas: 6\n+replicas: 0"), ["replicas_to_zero"]);
}

#[test]
fn every_rule_has_a_case_and_a_name_of_its_own() {
    let tried: BTreeSet<&str> = cases().map(|case| case.0).chain(["unread"]).collect();
    let all: Vec<&str> = hazard_rules().map(|rule| rule.name).collect();
    assert_eq!(all.iter().copied().collect::<BTreeSet<_>>(), tried);
    assert_eq!(all.len(), tried.len(), "a name is used twice");
    for rule in hazard_rules() {
        assert!(
            rule.sentence.starts_with(char::is_uppercase) && !rule.sentence.ends_with('.'),
            "{}",
            rule.name
        );
    }
}

#[test]
fn the_environment_comes_from_the_key_then_the_path_then_the_request() {
    let edit = "-read_only: false\n+read_only: true";
    let fires = |path: &str, environment| !hazards_in(&diff(path, edit), environment).is_empty();
    assert!(fires("app.yaml", None) && fires("app.yaml", Some("production")));
    assert!(!fires("app.yaml", Some("staging")) && !fires("staging/app.yaml", Some("production")));
    assert!(fires("production/app.yaml", Some("staging")));
    let by_key = diff("production/app.yaml", " staging:\n-  read_only: false\n+  read_only: true");
    assert!(hazards_in(&by_key, None).is_empty());
}

#[test]
fn a_hazard_names_file_key_and_edit_and_counts_the_rest() {
    let body = " a:\n-  replicas: 3\n+  replicas: 0\n b:\n-  replicas: 2\n+  replicas: 0";
    let hazards = hazards_in(&diff("deploy/web.yaml", body), None);
    assert_eq!(
        hazards[0].text(),
        "A replica count or capacity falls to zero: `a.replicas` `3` → `0` in `deploy/web.yaml` and 1 more \
         (hazard rule `replicas_to_zero`)"
    );
}

#[test]
fn no_text_of_a_hazard_holds_the_secret() {
    let secret = ["hunter2", "hunter2", "x"].concat();
    let cases = [
        format!("+password: {secret}"),
        format!("-password: ${{DB}}\n+password: {secret}"),
        format!("-url: https://app:{secret}@db.example.org/\n+url: http://app:{secret}@db.example.org/"),
        format!(
            " allow:\n-  - https://app:{secret}@a.prod.example.org\n+  - https://app:{secret}@b.staging.example.org"
        ),
    ];
    for body in cases {
        let hazards = hazards_in(&diff("app.yaml", &body), None);
        assert!(!hazards.is_empty(), "{body}");
        for hazard in hazards {
            assert!(!hazard.text().contains("hunter2"), "{}", hazard.text());
        }
    }
}

#[test]
fn a_secret_that_goes_away_is_no_hazard() {
    let secret = ["corr3ct", "horse"].concat();
    assert!(names("db.yaml", &format!("-password: {secret}\n+password: ${{DB_PASSWORD}}")).is_empty());
    assert!(names("db.yaml", &format!("-password: {secret}")).is_empty());
}

#[test]
fn a_block_of_something_public_or_sealed_is_no_secret() {
    let letters = [
        "MIIDazCCAlOgAwIBAgIUJX7zQ9b3Kq2",
        "w5rT8yU1iO4pA6sD9fG2hJ7kL3zX0cV",
        "aB1cD2eF3gH4iJ5kL6mN7oP8qR9sT0u",
    ];
    let block = |begin: &str, indent: &str| {
        let lines = letters.iter().map(|line| format!("+{indent}{line}\n"));
        format!("+{indent}{begin}\n{}", lines.collect::<String>())
    };
    let begin = |what: &str| format!("-----BEGIN {what}-----");
    for what in ["CERTIFICATE", "DH PARAMETERS", "PGP MESSAGE", "PUBLIC KEY"] {
        assert!(names("tls/chain.pem", &block(&begin(what), "")).is_empty(), "{what}");
        assert!(names("a.yaml", &format!("+ca: |\n{}", block(&begin(what), "  "))).is_empty(), "{what}");
    }
    let private = begin(&["PRIVATE", "KEY"].join(" "));
    assert_eq!(names("tls/key.pem", &block(&private, "")), ["secret_in_clear"]);
    let vault = "+db_password: !vault |\n+  $ANSIBLE_VAULT;1.1;AES256\n+  6162636465663031323334353637383961626364656630313233\n+  3734616263646566303132333435363738396162636465663031";
    assert!(names("group_vars/all.yaml", vault).is_empty());
    // What only looks like such a block hides nothing.
    let secret = ["hunter2", "hunter2", "x"].concat();
    for before in [
        "+CERT=\"-----BEGIN CERTIFICATE-----MIID-----END CERTIFICATE-----\"",
        " # -----BEGIN settings-----",
        " ; -----BEGIN x",
        " cert: \"-----BEGIN CERTIFICATE-----\\nMIID\\n-----END CERTIFICATE-----\"",
        " x: \"$ANSIBLE_VAULT;1.1\"",
        " -----BEGIN CERTIFICATE-----",
        " $ANSIBLE_VAULT;1.1;AES256",
    ] {
        assert_eq!(
            names("app.env", &format!("{before}\n+PASSWORD={secret}")),
            ["secret_in_clear"],
            "{before}"
        );
    }
    let key_id = ["AKIA", "QYLPMN5HHHFPZAM2"].concat();
    assert_eq!(names("a.pem", &format!(" -----BEGIN CERTIFICATE-----\n+{key_id}")), ["secret_in_clear"]);
    // What follows such a block is read as everywhere.
    let after = format!(
        "{}+-----END CERTIFICATE-----\n+password: {}",
        block(&begin("CERTIFICATE"), ""),
        ["hunter2", "hunter2", "x"].concat()
    );
    assert_eq!(names("tls/chain.yaml", &after), ["secret_in_clear"]);
}

#[test]
fn a_danger_is_known_in_other_spellings() {
    for (rule, path, body) in [
        ("destructive_command", "ci/a.sh", "+redis-cli -h cache FLUSHDB"),
        ("destructive_command", "ci/a.sh", "+terraform -chdir=prod destroy"),
        ("destructive_command", "ci/a.sh", "+terraform apply -destroy"),
        ("destructive_command", "ci/a.sh", "+kubectl -n shop delete pvc --all"),
        ("destructive_command", "ci/a.sh", "+rm -rf /var/lib/postgresql"),
        ("destructive_command", "ci/a.sh", "+helm uninstall shop"),
        ("destructive_command", "ci/a.sh", "+mkfs -t ext4 /dev/sdb1"),
        ("destructive_command", "db/a.sql", "+ALTER TABLE t DROP note;"),
        ("destructive_command", "db/a.sql", "+DELETE FROM carts;  -- all of them"),
        ("destructive_command", "db/a.sql", "+BEGIN; DELETE FROM carts; COMMIT;"),
        ("destructive_command", "db/a.sql", "+DELETE FROM carts WHERE 1=1;"),
        ("privilege_widened", "db/a.sql.j2", "+GRANT rds_superuser TO app;"),
        ("privilege_widened", "db/a.sql", " GRANT SELECT ON t TO app;\n-REVOKE DELETE ON t FROM app;"),
        ("privilege_widened", "web/Dockerfile", "-USER app\n+USER 0"),
        ("privilege_widened", "web/Dockerfile", "-USER app:app\n+USER root:root"),
        ("privilege_widened", "units/shop.service.d/o.conf", " [Service]\n-User=shop\n Restart=always"),
        ("privilege_widened", "web/Dockerfile", "+RUN chmod -Rf a+rwx /app"),
        ("privilege_widened", "web/Dockerfile", "+RUN chmod 666 /app/a"),
        ("public_access", "a/app.toml", "-bind = \"[::1]:9000\"\n+bind = \"[::]:9000\""),
        (
            "tls_verification_off",
            "a/app.yaml",
            "-url: postgres://db.example/x?sslmode=verify-full\n+url: postgres://db.example/x?sslmode=require",
        ),
        (
            "tls_verification_off",
            "a/web.js",
            "-const a = new https.Agent({ rejectUnauthorized: true })\n+const a = new https.Agent({ rejectUnauthorized: false })",
        ),
        ("tls_verification_off", "a/web.go", "-\tInsecureSkipVerify: false,\n+\tInsecureSkipVerify: true,"),
        (
            "deletion_protection_off",
            "a/db.tf",
            "-  lifecycle { prevent_destroy = true }\n+  lifecycle { prevent_destroy = false }",
        ),
        (
            "deletion_protection_off",
            "a/db.tf",
            "-  deletion_protection = true\n+  deletion_protection = null",
        ),
        (
            "deletion_protection_off",
            "a/stack.yaml",
            " Db:\n-  DeletionPolicy: Retain\n   Type: AWS::RDS::DBInstance",
        ),
        (
            "replicas_to_zero",
            "a/web.php",
            "-return ['web' => ['replicas' => 3]];\n+return ['web' => ['replicas' => 0]];",
        ),
        ("replicas_to_zero", "a/web.yaml", " web:\n   <<: *defaults\n+  replicas: 0\n   image: web:1"),
        ("timeout_tenfold", "a/web.yaml", " timeout:\n-  seconds: 30\n+  seconds: 1"),
        ("host_swapped", "a/web.yaml", " brokers:\n-  - db.prod.example.org\n+  - db.staging.example.org"),
        ("auth_off", "a/web.env", " NAME=a\n+DISABLE_AUTH=true\n PORT=1"),
        (
            "auth_off",
            "a/nginx.conf",
            " location / {\n-    auth_request /auth;\n     proxy_pass http://web;\n }",
        ),
        ("auth_off", "a/Security.java", "-  .anyRequest().authenticated()\n+  .anyRequest().permitAll()"),
        ("canary_skipped", "a/rollout.yaml", "-skipAnalysis: false\n+skipAnalysis: true"),
        (
            "wildcard",
            "a/sg.tf",
            " ingress {\n-  cidr_blocks = [\"10.0.0.0/8\"]\n+  cidr_blocks = [\"0.0.0.0/1\", \"128.0.0.0/1\"]\n }",
        ),
        (
            "wildcard",
            "a/nginx.conf",
            "-add_header Access-Control-Allow-Origin https://a.example.org;\n+add_header Access-Control-Allow-Origin $http_origin;",
        ),
        ("public_access", "a/nginx.conf", "-listen 127.0.0.1:8080;\n+listen 8080;"),
        ("unit_slip", "a/web.go", "-\ttimeout = 30 * time.Second\n+\ttimeout = 30 * time.Millisecond"),
        (
            "guard_off",
            "a/svc.yaml",
            " spec:\n-  loadBalancerSourceRanges:\n-    - 10.0.0.0/8\n   type: LoadBalancer",
        ),
        ("unread", "a/app.yaml", "+host: a\u{ad}b.example.org"),
        ("unread", "a/app.yaml", "+host: ab\u{feff}.example.org"),
    ] {
        assert!(names(path, body).contains(&rule), "{rule}: {:?} on\n{body}", names(path, body));
    }
}

#[test]
fn a_value_is_read_wherever_it_stands() {
    for (path, body) in [
        ("a/web.yaml", " spec:\n   replicas:\n-    3\n+    0"),
        ("a/web.yaml", " spec:\n-  replicas: 3\n+  replicas:\n+    0"),
        ("a/web.yaml", " spec:\n-  replicas: 3\n+  replicas: # none\n+    0"),
        ("a/web.yaml", " spec:\n-  replicas: 3\n+  replicas: &n 0"),
        ("a/web.yaml", " spec:\n-  replicas: &n 3\n+  replicas: 0"),
        ("a/web.yaml", " spec:\n-  replicas: 3\n+  replicas: >-\n+    0"),
        ("a/web.json", " {\n   \"replicas\":\n-    3\n+    0\n }"),
        ("a/web.json", "-{\"web\": {\"replicas\": 3}}\n+{\n+  \"web\": {\n+    \"replicas\": 0\n+  }\n+}"),
        ("a/web.json", "-{\n-  \"web\": {\n-    \"replicas\": 3\n-  }\n-}\n+{\"web\": {\"replicas\": 0}}"),
    ] {
        assert!(names(path, body).contains(&"replicas_to_zero"), "{:?} on\n{body}", names(path, body));
    }
    let apart = "--- a/web.yaml\n+++ b/web.yaml\n@@ -1,2 +1,1 @@\n web:\n-  replicas: 3\n\
                 @@ -9,1 +8,3 @@\n name: x\n+web:\n+  replicas: 0\n";
    let found = hazards_in(apart, None);
    assert_eq!(found.iter().map(|hazard| hazard.edit.as_str()).collect::<Vec<_>>(), ["`3` → `0`"]);
}

#[test]
fn what_only_looks_dangerous_is_left_alone() {
    for (path, body) in [
        ("redis.conf", "+rename-command FLUSHALL \"\""),
        ("values.yaml", " disableCommands:\n+  - FLUSHALL"),
        ("db/dump.sql", "+DROP TABLE IF EXISTS orders;\n+CREATE TABLE orders (id int);"),
        ("db/a.sql", "+GRANT SELECT, TRUNCATE ON t TO app;"),
        ("db/a.sql", "+UPDATE t SET a = 1\tWHERE(id = 3);"),
        ("db/a.sql", "+ALTER TABLE t DROP CONSTRAINT a_b;"),
        ("db/a.sql", "+-- DROP TABLE orders; comes later"),
        ("db/a.sql", "+DELETE FROM carts"),
        ("db/a.sql", "+GRANT USAGE ON *.* TO 'web'@'10.0.%';"),
        ("db/a.sql", "+REVOKE ALL PRIVILEGES ON *.* FROM web;"),
        ("db/a.sql", "+DROP USER 'web'@'%';"),
        ("db/a.sql", "+ALTER ROLE db_owner DROP MEMBER bob;"),
        ("db/a.sql", "+ALTER USER 'web'@'%' IDENTIFIED BY 'x';"),
        ("db/a.sql", "+ALTER DATABASE x SET search_path TO public;"),
        ("a/shop.service", " [Service]\n-User=shop\n+DynamicUser=yes"),
        ("web/Dockerfile", "-FROM a AS b\n-USER builder\n FROM c"),
        (".github/workflows/a.yml", " permissions:\n+  id-token: write\n+  contents: read"),
        ("ci/a.sh", "+rm -rf /var/lib/apt/lists/*"),
        ("i18n/ar.yaml", "+greeting: \u{200f}مرحبا"),
        ("a/site.conf", "-client_max_body_size 10m;"),
        ("a/alerts.yaml", " priority:\n   high: 10\n-  low: 20\n+  low: 30"),
        ("a/app.yaml", " min_version: 3.9\n-max_version: 3.11\n+max_version: 3.10"),
        ("a/rules.nft", " udp dport 53 drop\n+tcp dport 22 accept\n udp dport 54 drop\n-tcp dport 22 accept"),
        ("a/acl.yaml", "+deny:\n+  - b\n allow:\n   - a\n-deny:\n-  - b"),
        ("a/db.yaml", "-host: pg.exmaple.net\n+host: pg.example.net"),
        ("a/app.yaml", "-usage: \"run with timeout=30 and a=3\"\n+usage: \"run with timeout=1 and a=3\""),
        ("prod/legacy.yaml", " legacy:\n-  tls_enabled: false\n+  tls_enabled: true"),
    ] {
        assert!(names(path, body).is_empty(), "{:?} on\n{body}", names(path, body));
    }
}

#[test]
fn of_the_secrets_of_a_line_those_that_came_with_it_count() {
    let entry = |n: usize| format!("\"k{n}\":{{\"password\":\"{}{n}x\"}}", ["hunter", "2"].concat());
    let line =
        |n: usize, more: &str| format!("{{{}{more}}}", (0..n).map(entry).collect::<Vec<_>>().join(","));
    let edit = |n: usize, more: &str| format!("-{}\n+{}", line(n, ""), line(n, more));
    assert!(names("keys.json", &edit(1_024, ",\"port\":8080")).is_empty());
    assert_eq!(names("keys.json", &edit(3, &format!(",{}", entry(4)))), ["secret_in_clear"]);
    // With more of them it is in doubt.
    assert_eq!(names("keys.json", &edit(1_025, ",\"port\":8080")), ["secret_in_clear"]);
}

#[test]
fn a_long_line_hides_no_emptied_list_and_no_widened_range() {
    let line = |n: usize, hosts: &str| {
        let others: String = (0..n).map(|n| format!("\"port{n}\":{n},")).collect();
        format!("{{{others}\"allowed_hosts\":{hosts}}}")
    };
    let edit = |n: usize| format!("-{}\n+{}", line(n, "[\"a.example.org\"]"), line(n, "[]"));
    assert_eq!(names("app.json", &edit(1)), ["emptied"]);
    assert_eq!(names("app.json", &edit(1_000)), ["emptied"]);
    let ranges =
        |n: usize| (0..n).map(|n| format!("\"10.{}.{}.7/32\"", n / 250, n % 250)).collect::<Vec<_>>();
    let edit =
        |n: usize| format!("-{{\"allow\": [{}]}}\n+{{\"allow\": [\"11.0.0.1/32\"]}}", ranges(n).join(", "));
    assert!(names("net.json", &edit(1_024)).is_empty());
    assert_eq!(names("net.json", &edit(1_025)), ["unread"]);
}

#[test]
fn a_statement_that_refuses_speaks_for_itself_alone() {
    let refused = " {\n   \"Effect\": \"Deny\",\n   \"Principal\": \"arn:a\"\n },\n";
    let edit = "-  \"Action\": \"s3:GetObject\",\n+  \"Action\": \"*\",";
    let statement = |before: &str| format!("{before} {{\n{edit}\n   \"Effect\": \"Allow\"\n }}");
    assert_eq!(names("policy.json", &statement("")), ["wildcard"]);
    assert_eq!(names("policy.json", &statement(refused)), ["wildcard"]);
    let denied = format!(" {{\n   \"Effect\": \"Deny\",\n{edit}\n }}");
    assert!(names("policy.json", &denied).is_empty());
    let of_addresses = " network_rules {\n   default_action = \"Deny\"\n-  ip_rules = [\"203.0.113.7\"]\n+  ip_rules = [\"0.0.0.0/0\"]\n }";
    assert_eq!(names("storage.tf", of_addresses), ["wildcard"]);
}

#[test]
fn a_file_too_large_to_be_read_is_never_let_pass_in_silence() {
    let lines: Vec<String> = (0..4_001).map(|n| format!("+line_{n}: a")).collect();
    assert_eq!(names("big.yaml", &lines.join("\n")), ["unread"]);
    assert!(names("big.yaml", &lines[..4_000].join("\n")).is_empty());
    let many = |n: usize| (0..n).map(|n| format!("a{n}: {n}, ")).collect::<String>();
    let line = |n: usize, end: &str| format!("-x: {{{}b: 1}}\n+x: {{{}b: {end}}}", many(n), many(n));
    assert_eq!(names("big.yaml", &line(40_000, "2")), ["unread"]);
    let nested = |n: usize| format!("x: {}1{}", "{a: ".repeat(n), "}".repeat(n));
    assert_eq!(names("deep.yaml", &format!("-y: 1\n+{}", nested(65))), ["unread"]);
    assert!(names("deep.yaml", &format!("-y: 1\n+{}", nested(64))).is_empty());
    let long = format!("{}-web: {{replicas: 3}}\n+web: {{replicas: 0}}", " same: 1\n".repeat(9_000));
    assert_eq!(names("long.yaml", &long), ["replicas_to_zero"]);
    let ranges: Vec<String> = (0..300).map(|n| format!("10.{}.{}.0/24", n / 250, n % 250)).collect();
    for separator in [", ", " "] {
        let list = ranges.join(separator);
        assert_eq!(
            names("a.ini", &format!("-allow = {list}\n+allow = {list}{separator}0.0.0.0/0")),
            ["wildcard"]
        );
    }
    let binary = |path: &str| {
        let diff = format!(
            "diff --git a/{path} b/{path}\nindex 1234567..89abcde 100644\nBinary files a/{path} and b/{path} differ\n"
        );
        hazards_in(&diff, None).len()
    };
    for path in
        ["prod/x.yaml", "etc/ssh/sshd_config", "etc/sudoers", "nginx/sites-enabled/default", "deploy.sh"]
    {
        assert_eq!(binary(path), 1, "{path}");
    }
    for path in ["logo.png", "fonts/a.WOFF2", "keys/a.gpg", "chart-1.2.tgz"] {
        assert_eq!(binary(path), 0, "{path}");
    }
    let moved = "diff --git a/lib b/lib\nindex 1234567..89abcde 160000\n--- a/lib\n+++ b/lib\n@@ -1 +1 @@\n\
                 -Subproject commit 1234567890123456789012345678901234567890\n\
                 +Subproject commit 89abcdef01234567890123456789012345678901\n";
    assert_eq!(hazards_in(moved, None).len(), 1);
}

#[test]
fn what_a_line_hides_is_never_let_pass_in_silence() {
    let unread = |path: &str, body: &str| names(path, body).contains(&"unread");
    for end in ["\r", "\u{85}", "\u{2028}", "\u{2029}"] {
        assert!(unread("a/app.yaml", &format!("-a: 1\n+# keep{end}replicas: 0")), "{end:?}");
        assert!(!unread("a/app.yaml", &format!("-# keep{end}replicas: 0\n+a: 1")), "it goes");
        assert!(!unread("a/app.md", &format!("-a: 1\n+# keep{end}replicas: 0")), "prose");
    }
    assert!(!unread("a/app.yaml", "-a: 1\r\n+a: 2\r"), "lines end so in files of Windows");
    assert!(unread("a/app.yaml", "-\0a\0:\0 \x001\n+\0a\0:\0 \x002"), "UTF-16 as text");
    assert!(!unread("a/logo.png", "-\0a\n+\0b\rc"));
    for hidden in UNSEEN {
        assert!(unread("a/app.yaml", &format!("+host: a{hidden}.example.org")), "{hidden:?}");
    }
    assert!(!unread("a/app.yaml", "+greeting: 👩\u{200d}🚀"), "letters that are put together");
    assert!(unread("a/app.yaml", "+host: \u{430}pi.example.org"), "a Cyrillic letter for a Latin one");
    for word in ["привет", "αβγ", "naïve", "µs", "Ωmega"] {
        assert!(!unread("a/app.yaml", &format!("+word: {word}")), "{word}");
    }
}

#[test]
fn a_rule_that_is_switched_off_stays_silent() {
    let record = parse_diff(diff("web.yaml", "-replicas: 3\n+replicas: 0").as_bytes()).unwrap();
    let keys = [("web.yaml".to_owned(), key_changes(&record.files[0]))];
    let off = BTreeSet::from(["replicas_to_zero"]);
    assert!(find_hazards(&record, &keys, None, &off).is_empty());
    assert_eq!(find_hazards(&record, &keys, None, &BTreeSet::new()).len(), 1);
}
