//! Every case is a small diff and the edits that must come out, written as `path: kind`.

use crate::change::{DiffLine, FileContent, FileDiff, FileStatus, Hunk, KeyChange, LineOrigin, key_changes};
use proptest::prelude::*;

/// A file from lines that start with ` `, `-` or `+`; a line `@@` starts the next hunk.
fn file(path: &str, diff: &str) -> FileDiff {
    let hunks = diff.split("@@\n").map(|part| hunk(part.lines())).collect();
    FileDiff {
        old_path: Some(path.into()),
        new_path: Some(path.into()),
        status: FileStatus::Modified,
        old_mode: 0o100_644,
        new_mode: 0o100_644,
        content: FileContent::Text(hunks),
    }
}

fn hunk<'a>(lines: impl Iterator<Item = &'a str>) -> Hunk {
    let lines = lines.map(|line| {
        let origin = match line.as_bytes().first() {
            Some(b'-') => LineOrigin::Deleted,
            Some(b'+') => LineOrigin::Added,
            _ => LineOrigin::Context,
        };
        DiffLine { origin, text: line.get(1..).unwrap_or("").into(), no_newline: false }
    });
    Hunk { old_start: 1, old_lines: 1, new_start: 1, new_lines: 1, lines: lines.collect() }
}

fn shown(key_change: &KeyChange) -> String {
    let value = |value: &Option<String>| value.clone().unwrap_or("-".into());
    let kind = format!("{:?}", key_change.kind);
    let kind = kind.replace(" { ", "(").replace(" }", ")");
    format!("{}: {kind} {} => {}", key_change.path, value(&key_change.old), value(&key_change.new))
}

fn check(path: &str, diff: &str, expected: &[&str]) {
    let found: Vec<String> = key_changes(&file(path, diff)).iter().map(shown).collect();
    assert_eq!(found, expected, "in {path}:\n{diff}");
}

#[test]
fn yaml_keys_carry_their_path_and_unit() {
    check(
        "values.yaml",
        " backend:\n   resources:\n-    memory: 512Mi\n+    memory: 1Gi # more\n-  timeout_ms: 300\n+  timeout_ms: 3000\n",
        &[
            "backend.resources.memory: Size(old_bytes: 536870912.0, new_bytes: 1073741824.0) 512Mi => 1Gi",
            "backend.timeout_ms: Duration(old_s: 0.3, new_s: 3.0) 300 => 3000",
        ],
    );
}

#[test]
fn a_section_is_one_with_a_comment_behind_it() {
    for (path, header) in [
        ("a.toml", "[production] # main"),
        ("a.ini", "[production] ; main"),
        ("a.cfg", "[production]\t# see [staging]"),
        ("a.toml", "[[production]] # one"),
        ("a.toml", "[production]"),
    ] {
        let diff = format!(" [staging]\n replicas = 3\n {header}\n-replicas = 3\n+replicas = 0\n");
        check(path, &diff, &["production.replicas: Number(old: 3.0, new: 0.0) 3 => 0"]);
    }
}

#[test]
fn elements_of_a_yaml_list_are_known_by_name() {
    check(
        "deploy.yaml",
        " env:\n - name: RETRIES\n-  value: \"3\"\n+  value: \"0\"\n - name: DEBUG\n-  value: \"false\"\n+  value: \"true\"\n",
        &["env.RETRIES: Number(old: 3.0, new: 0.0) 3 => 0", "env.DEBUG: Flag(to: true) false => true"],
    );
    check(
        "deploy.yaml",
        " allowed:\n - a.example.org\n+- b.example.org\n-- old\n",
        &["allowed: ListAdd - => b.example.org", "allowed: ListRemove old => -"],
    );
}

#[test]
fn elements_of_a_json_list_are_known_by_name() {
    check(
        "flags.json",
        " {\n   \"name\": \"shop\",\n   \"flags\": [\n     {\n       \"name\": \"checkout\",\n-      \"rollout\": 1\n+      \"rollout\": 100\n     },\n     {\n       \"id\": 7,\n-      \"on\": false\n+      \"on\": true\n     }\n   ],\n-  \"limit\": 5\n+  \"limit\": 6\n",
        &[
            "flags.checkout.rollout: Percentage(old: 1.0, new: 100.0) 1 => 100",
            "flags.7.on: Flag(to: true) false => true",
            "limit: Number(old: 5.0, new: 6.0) 5 => 6",
        ],
    );
}

#[test]
fn php_arrays_keep_wiki_and_setting() {
    check(
        "wmf-config/InitialiseSettings.php",
        " 'wgFoo' => [\n \t'default' => true,\n-\t'enwiki' => false,\n+\t'enwiki' => true, // T1\n+\t'dewiki' => true,\n ],\n",
        &["wgFoo.enwiki: Flag(to: true) false => true", "wgFoo.dewiki: Added - => true"],
    );
    check(
        "a.php",
        "-$wgRateLimits['edit']['ip'] = [ 8, 60 ];\n+$wgRateLimits['edit']['ip'] = [ 80, 60 ];\n-$wgExpiry = 60 * 60;\n+$wgExpiry = 60 * 60 * 24;\n",
        &[
            "wgRateLimits.edit.ip: ListRemove 8 => -",
            "wgRateLimits.edit.ip: ListAdd - => 80",
            "wgExpiry: Duration(old_s: 3600.0, new_s: 86400.0) 60 * 60 => 60 * 60 * 24",
        ],
    );
}

#[test]
fn json_toml_and_hcl_are_read_alike() {
    check(
        "a.json",
        " {\n   \"db\": {\n-    \"host\": \"db1.example.org\",\n+    \"host\": \"db2.example.org\",\n     \"port\": 1\n   }\n",
        &["db.host: Host db1.example.org => db2.example.org"],
    );
    check(
        "a.toml",
        " [server.http]\n-workers = 4\n+workers = 8\n-rollout_percent = 1\n+rollout_percent = 100\n",
        &[
            "server.http.workers: Number(old: 4.0, new: 8.0) 4 => 8",
            "server.http.rollout_percent: Percentage(old: 1.0, new: 100.0) 1 => 100",
        ],
    );
    check(
        "main.tf",
        " resource \"aws_db_instance\" \"main\" {\n-  backup_retention_period = 7\n+  backup_retention_period = 0\n-  engine_version = \"14.7\"\n+  engine_version = \"15.2\"\n }\n",
        &[
            "resource.aws_db_instance.main.backup_retention_period: Duration(old_s: 7.0, new_s: 0.0) 7 => 0",
            "resource.aws_db_instance.main.engine_version: Version 14.7 => 15.2",
        ],
    );
}

#[test]
fn puppet_and_hiera_are_read() {
    check(
        "site.pp",
        " class { 'nginx':\n-  ensure => present,\n+  ensure => absent,\n }\n-$retries = 3\n+$retries = 5\n",
        &[
            "class.nginx.ensure: Flag(to: false) present => absent",
            "retries: Number(old: 3.0, new: 5.0) 3 => 5",
        ],
    );
    check(
        "hieradata/common.yaml",
        "-profile::cache::ttl: 3600\n+profile::cache::ttl: 0\n",
        &["profile::cache::ttl: Duration(old_s: 3600.0, new_s: 0.0) 3600 => 0"],
    );
}

#[test]
fn xml_attributes_are_keys() {
    check(
        "server.xml",
        " <Service name=\"web\">\n-  <Connector port=\"80\" connectionTimeout=\"20000\"/>\n+  <Connector port=\"80\" connectionTimeout=\"2000\"/>\n-  <property name=\"poolSize\" value=\"10\"/>\n+  <property name=\"poolSize\" value=\"100\"/>\n </Service>\n",
        &[
            "Service.web.Connector.connectionTimeout: Duration(old_s: 20000.0, new_s: 2000.0) 20000 => 2000",
            "Service.web.property.poolSize: Number(old: 10.0, new: 100.0) 10 => 100",
        ],
    );
}

#[test]
fn zone_records_carry_owner_and_type() {
    check(
        "zones/example.org",
        " www 300 IN A 10.0.0.1\n-\t600 IN AAAA 2001:db8::1\n+\t600 IN AAAA 2001:db8::2\n-api 3600 IN CNAME a.example.org.\n+api 60 IN CNAME b.example.org.\n",
        &[
            "www.AAAA: Host 2001:db8::1 => 2001:db8::2",
            "api.CNAME: Host a.example.org. => b.example.org.",
            "api.CNAME.ttl: Duration(old_s: 3600.0, new_s: 60.0) 3600 => 60",
        ],
    );
}

#[test]
fn what_only_looks_different_is_told_apart() {
    check("a.yaml", "-a: 1 # old\n+a: 1 # new\n", &["a: Comment - => -"]);
    check("a.yaml", "-# one\n+# two\n", &[": Comment - => -"]);
    check("a.yaml", "-a: 'x'\n+a: \"x\"\n", &["a: Whitespace - => -"]);
    check("a.yaml", "-  a: x\n+    a: x\n", &["a: Whitespace - => -"]);
    check(
        "a.yaml",
        "-alpha: long value\n mid: 1\n@@\n other: 1\n+alpha: long value\n",
        &["alpha: Moved - => -"],
    );
}

#[test]
fn flags_need_a_switch_on_both_sides() {
    check("a.ini", "-enable_x = 0\n+enable_x = 1\n", &["enable_x: Flag(to: true) 0 => 1"]);
    check("a.ini", "-level = 0\n+level = 1\n", &["level: Number(old: 0.0, new: 1.0) 0 => 1"]);
    check("a.ini", "-mode = true\n+mode = fast\n", &["mode: Text true => fast"]);
}

#[test]
fn versions_and_images_are_no_numbers() {
    check("v.yaml", "-version: v0.4.0\n+version: v0.6.0\n", &["version: Version v0.4.0 => v0.6.0"]);
    check(
        "v.yaml",
        "-version: 2026-07-24-161534-production\n+version: 2026-08-20-122835-production\n",
        &["version: Version 2026-07-24-161534-production => 2026-08-20-122835-production"],
    );
    check(
        "v.yaml",
        "-image: nginx:1.25\n+image: nginx:latest\n",
        &["image: Version nginx:1.25 => nginx:latest"],
    );
}

#[test]
fn values_of_secrets_are_never_kept() {
    let diff = "-db_password: hunter2hunter2\n+db_password: correct7horse\n+api_key: q8W3zR5tY7uI9oP1aS2d\n";
    check("a.yaml", diff, &["db_password: Secret - => -", "api_key: Secret - => -"]);
    let token = format!("+url: \"https://ci:{}@host.example.org/x\"\n", "s3cr3tpass");
    check("a.yaml", &token, &["url: Secret - => -"]);
}

#[test]
fn names_near_a_secret_are_not_one() {
    check(
        "a.yaml",
        "-token_ttl: 60\n+token_ttl: 600\n",
        &["token_ttl: Duration(old_s: 60.0, new_s: 600.0) 60 => 600"],
    );
    check("a.yaml", "+secret_name: my-app-credentials\n", &["secret_name: Added - => my-app-credentials"]);
    check("a.yaml", "+password: ${DB_PASSWORD}\n", &["password: Added - => ${DB_PASSWORD}"]);
}

#[test]
fn upstreams_of_nginx_are_hosts_and_no_passwords() {
    let diff = "-    proxy_pass backend;\n+    proxy_pass backend2;\n";
    check("a.conf", diff, &["proxy_pass: Host backend => backend2"]);
    check("a.conf", "+    uwsgi_pass shop_app1;\n", &["uwsgi_pass: Added - => shop_app1"]);
    check("a.yaml", "+proxy_pass: hunter2hunter2\n", &["proxy_pass: Secret - => -"]);
}

#[test]
fn values_longer_than_the_cap_are_cut_at_a_character() {
    let diff = format!("+text: {}\n", "ä ".repeat(600));
    let found = key_changes(&file("a.yaml", &diff));
    assert!(found[0].new.as_ref().unwrap().len() <= 512);
}

#[test]
fn a_file_of_many_lines_is_read_to_the_cap() {
    let diff: String = (0..20_000).map(|n| format!("-k{n}: {n}\n+k{n}: {}\n", n + 1)).collect();
    assert_eq!(key_changes(&file("a.yaml", &diff)).len(), super::MAX_LINES / 2);
}

const PATHS: [&str; 10] =
    ["a.yaml", "a.json", "a.ini", "a.tf", "a.php", "a.pp", "a.xml", "zones/a", "nginx.conf", "plain"];

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(path in 0_usize..10, lines in prop::collection::vec("[-+ ]\\PC{0,60}", 0..20)) {
        let file = file(PATHS[path], &lines.join("\n"));
        let once = key_changes(&file);
        prop_assert_eq!(once, key_changes(&file));
    }

    #[test]
    fn no_odd_punctuation_makes_the_reader_panic(
        path in 0_usize..10,
        lines in prop::collection::vec("[-+ ][ a:=>'\"{}\\[\\]()#/<$,;*-]{0,24}", 0..20),
    ) {
        key_changes(&file(PATHS[path], &lines.join("\n")));
    }
}
