//! What the parser takes, what it refuses, and where.

use crate::change::{
    ChangeRecord, DiffError, DiffLimits, FileContent, FileStatus, parse_diff, parse_diff_within, render_diff,
};

fn parse(text: &str) -> ChangeRecord {
    parse_diff(text.as_bytes()).unwrap()
}

/// Path before, path after, status, modes, hunks.
fn summary(record: &ChangeRecord) -> Vec<String> {
    let file = |file: &crate::change::FileDiff| {
        let path = |path: &Option<String>| path.clone().unwrap_or_else(|| "-".to_owned());
        let (old, new) = (path(&file.old_path), path(&file.new_path));
        format!(
            "{:?} {old} {new} {:o} {:o} {}",
            file.status,
            file.old_mode,
            file.new_mode,
            file.hunks().len()
        )
    };
    record.files.iter().map(file).collect()
}

const GIT: &str = "\
diff --git a/a b/a
old mode 100644
new mode 100755
diff --git a/b c b/b c
index 1111..2222 100644
--- a/b c\t
+++ b/b c\t
@@ -1,4 +1,4 @@ fn
 1
 2
 3
-4
\\ No newline at end of file
+5
diff --git a/old b/new
similarity index 100%
rename from old
rename to new
diff --git \"a/\\303\\251\" \"b/\\303\\251\"
new file mode 120000
index 0000..3333
--- /dev/null
+++ \"b/\\303\\251\"
@@ -0,0 +1 @@
+target
\\ No newline at end of file
diff --git a/gone b/gone
deleted file mode 100644
index e69de29..0000
diff --git a/x.png b/x.png
index 1111..2222 100644
Binary files a/x.png and b/x.png differ
diff --git a/y.png b/y.png
index 1111..2222 100644
GIT binary patch
literal 4
LcmZ?wVPX

literal 0
HcmV?d00001

diff --git a/sub b/sub
index 1111..2222 160000
--- a/sub
+++ b/sub
@@ -1 +1 @@
-Subproject commit 1111
+Subproject commit 2222
";

#[test]
fn every_form_of_a_git_diff_is_read() {
    let record = parse(GIT);
    let expected = [
        "Modified a a 100644 100755 0",
        "Modified b c b c 100644 100644 1",
        "Deleted gone - 100644 0 0",
        "Renamed old new 0 0 0",
        "Modified sub sub 160000 160000 1",
        "Modified x.png x.png 100644 100644 0",
        "Modified y.png y.png 100644 100644 0",
        "Added - é 0 120000 1",
    ];
    assert_eq!(summary(&record), expected);
    assert!(!record.partial);
    let marks: Vec<bool> = record.files[1].hunks()[0].lines.iter().map(|line| line.no_newline).collect();
    assert_eq!(marks, [false, false, false, true, false]);
    assert_eq!(record.files[5].content, FileContent::Binary);
    assert_eq!(record.files[6].content, FileContent::Binary);
    assert_eq!(parse(&render_diff(&record)), record);
}

#[test]
fn text_around_the_files_is_passed_over() {
    let mail = format!("From 1234 Mon\nSubject: x\n\n---\n a | 2 +-\n\n{GIT}-- \n2.47.3\n\n");
    assert_eq!(parse(&mail), parse(GIT));
    assert_eq!(parse(&GIT.replace('\n', "\r\n")).files.len(), 8);
}

#[test]
fn plain_diffs_are_read() {
    let hunk = "@@ -1 +1 @@\n-1\n+2\n";
    for (old, new, path) in [
        ("a/x.yaml", "b/x.yaml", "x.yaml"),
        ("x.yaml\t2026-01-01 00:00:00", "x.yaml\t2026-01-02 00:00:00", "x.yaml"),
        ("x.yaml.orig", "x.yaml", "x.yaml"),
        ("old/d/x.yaml", "new/d/x.yaml", "d/x.yaml"),
    ] {
        let record = parse(&format!("Index: x\n=====\n--- {old}\n+++ {new}\n{hunk}"));
        assert_eq!(summary(&record), [format!("Modified {path} {path} 0 0 1")]);
    }
    let added = parse("--- /dev/null\n+++ b/x\n@@ -0,0 +1 @@\n+1\n");
    assert_eq!(added.files[0].status, FileStatus::Added);
}

#[test]
fn a_diff_without_prefixes_keeps_its_paths() {
    let text = "diff --git a/x a/x\nindex 1..2 100644\n--- a/x\n+++ a/x\n@@ -1 +1 @@\n-1\n+2\n";
    assert_eq!(parse(text).files[0].path(), "a/x");
}

#[test]
fn an_empty_text_is_a_change_without_files() {
    assert_eq!(parse(""), ChangeRecord::default());
    assert_eq!(parse("\n\n"), ChangeRecord::default());
}

fn malformed(line: usize) -> impl Fn(&DiffError) -> bool {
    move |error| matches!(error, DiffError::Malformed { line: found, .. } if *found == line)
}

fn truncated(line: usize) -> impl Fn(&DiffError) -> bool {
    move |error| matches!(error, DiffError::Truncated { line: found, .. } if *found == line)
}

#[test]
fn what_is_broken_is_refused_with_its_line() {
    let names = "--- a/x\n+++ b/x\n";
    let git = "diff --git a/x b/x\n";
    let check = |text: String, fits: &dyn Fn(&DiffError) -> bool| {
        let error = parse_diff(text.as_bytes()).unwrap_err();
        assert!(fits(&error), "{text}: {error}");
    };
    check("hello\n".into(), &|error| *error == DiffError::NoDiff);
    check(names.into(), &truncated(2));
    check(format!("{names}@@ -1,2 +1,2 @@\n-1\n"), &truncated(4));
    check(format!("{names}@@ nonsense\n"), &malformed(3));
    check(format!("{names}@@ -1,99999999999 +1 @@\n"), &malformed(3));
    check(format!("{names}@@ -1 +1 @@\n-1\n+2\n+3\n"), &malformed(6));
    check(format!("{names}@@ -1 +1 @@\n-1\n-2\n"), &malformed(5));
    check(format!("{names}@@ -1,2 +1,2 @@\n-1\nx\n"), &malformed(5));
    check(format!("{names}@@ -1 +1 @@\n 1\n"), &malformed(3));
    check(format!("{names}@@ -5 +5 @@\n-1\n+2\n@@ -1 +1 @@\n-1\n+2\n"), &malformed(6));
    check("@@ -1 +1 @@\n-1\n+2\n".into(), &malformed(1));
    check(format!("{git}--- a/x\n+++ b/y\n@@ -1 +1 @@\n-1\n+2\n"), &malformed(3));
    check(format!("{git}--- a/y\n+++ b/x\n@@ -1 +1 @@\n-1\n+2\n"), &malformed(2));
    check(format!("{git}@@ -1 +1 @@\n-1\n+2\n"), &malformed(2));
    check(format!("{git}new file mode 9\n"), &malformed(2));
    check("diff --git a/x b/y\n".into(), &malformed(1));
    check(format!("{git}new file mode 100644\n{git}"), &malformed(3));
    check("diff --cc x\n".into(), &malformed(1));
    check("--- a/evil\n+++ b/safe\n@@ -1 +1 @@\n-1\n+2\n".into(), &malformed(2));
}

#[test]
fn limits_are_named() {
    let file = |idx| format!("--- a/{idx}\n+++ b/{idx}\n@@ -1 +1 @@\n-1\n+2\n");
    let text: String = (0..4).map(file).collect();
    let within =
        |max_files, max_lines| parse_diff_within(text.as_bytes(), DiffLimits { max_files, max_lines });
    assert_eq!(within(4, 20).unwrap().files.len(), 4);
    assert_eq!(within(3, 20).unwrap_err(), DiffError::TooManyFiles { line: 16, limit: 3 });
    assert_eq!(within(4, 19).unwrap_err(), DiffError::TooManyLines { limit: 19 });
}

#[test]
fn less_context_is_partial_and_more_is_cut() {
    let hunk = |before: usize, after: usize, start: usize| {
        let (old, new) = (before + 1 + after, before + 1 + after);
        let context = |n| " c\n".repeat(n);
        format!("@@ -{start},{old} +{start},{new} @@\n{}-1\n+2\n{}", context(before), context(after))
    };
    let parse_hunks = |hunks: &[String]| parse(&format!("--- a/x\n+++ b/x\n{}", hunks.concat()));
    assert!(!parse_hunks(&[hunk(3, 3, 10)]).partial);
    assert!(!parse_hunks(&[hunk(0, 3, 1)]).partial);
    assert!(!parse_hunks(&[hunk(3, 0, 10)]).partial);
    assert!(parse_hunks(&[hunk(2, 3, 10)]).partial);
    assert!(parse_hunks(&[hunk(0, 0, 10)]).partial);
    assert!(parse_hunks(&[hunk(3, 2, 10), hunk(3, 3, 30)]).partial);
    assert_eq!(parse_hunks(&[hunk(9, 9, 4)]), parse_hunks(&[hunk(3, 3, 10)]));
}

#[test]
fn a_hunk_with_wide_context_is_cut_in_two() {
    let wide = "--- a/x\n+++ b/x\n@@ -1,9 +1,10 @@\n-1\n+2\n 1\n 2\n 3\n 4\n 5\n 6\n 7\n+3\n 8\n";
    let narrow =
        "--- a/x\n+++ b/x\n@@ -1,4 +1,4 @@\n-1\n+2\n 1\n 2\n 3\n@@ -6,4 +6,5 @@\n 5\n 6\n 7\n+3\n 8\n";
    assert_eq!(parse(wide), parse(narrow));
}

#[test]
fn a_header_alone_is_unread_where_it_does_not_say_all() {
    let is_unread = |rest: &str| {
        let record = parse(&format!("diff --git a/x b/x\n{rest}"));
        record.files[0].content == FileContent::Unread
    };
    let empty = "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391";
    for (rest, unread) in [
        ("", true),
        ("index 1111111..2222222 100644\n", true),
        ("index 1111111..2222222\n", true),
        ("index 1111111..1111111 100644\n", false),
        ("new file mode 100644\n", true),
        ("new file mode 100644\nindex 0000000..2222222\n", true),
        ("new file mode 100644\nindex 0000000..e69de29\n", false),
        (&format!("deleted file mode 100644\nindex {empty}..{}\n", "0".repeat(40)), false),
        ("deleted file mode 100644\nindex 1111111..0000000\n", true),
        ("old mode 100644\nnew mode 100755\n", false),
        ("old mode 100644\nnew mode 100755\nindex 1111111..2222222\n", true),
        ("similarity index 100%\nrename from x\nrename to y\n", false),
        ("similarity index 90%\nrename from x\nrename to y\nindex 1111111..2222222 100644\n", true),
    ] {
        assert_eq!(is_unread(rest), unread, "{rest}");
    }
}

#[test]
fn what_another_notation_says_is_not_passed_over() {
    let file = "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-1\n+2\n";
    for (said, line) in [
        ("Only in b/prod: values.yaml\n", 6),
        ("* Unmerged path prod.yaml\n", 6),
        (" diff --git a/prod.yaml b/prod.yaml\n", 6),
        ("\t--- a/prod.yaml\n\t+++ b/prod.yaml\n\t@@ -1 +1 @@\n\t-1\n\t+2\n", 6),
        ("Binary files a/prod.bin and b/prod.bin differ\n", 6),
        ("Files a/prod and b/prod differ\n", 6),
        ("Submodule conf 1111111..2222222:\n  > Replicas\n", 6),
        ("Submodule conf 0000000...1111111 (new submodule)\n", 6),
        ("*** a/prod.yaml\t2026-01-01\n--- b/prod.yaml\t2026-01-02\n***************\n*** 1 ****\n", 6),
        ("diff -r a/prod.yaml b/prod.yaml\n3c3\n< replicas: 3\n---\n> replicas: 0\n", 7),
        ("\u{1b}[1mdiff --git a/prod b/prod\u{1b}[m\n", 6),
        ("X--- a/prod.yaml\nX+++ b/prod.yaml\nX@@ -1 +1 @@\nX-1\nX+2\n", 6),
        ("X*** a/prod.yaml\nX--- b/prod.yaml\nX***************\n", 6),
        ("Index: prod.yaml\n1c\nreplicas: 0\n.\n", 7),
    ] {
        let error = parse_diff(format!("{file}{said}").as_bytes()).unwrap_err();
        assert!(malformed(line)(&error), "{said}: {error}");
    }
    let mail = "Subject: Only\n\nThis reads only in part. > quoted\n\n3 c\n";
    assert_eq!(parse(&format!("{mail}{file}")), parse(file));
    assert_eq!(parse(&format!("\u{feff}{file}")), parse(file));
}

#[test]
fn a_file_after_a_binary_patch_is_read() {
    let binary =
        "diff --git a/y.png b/y.png\nindex 1111..2222 100644\nGIT binary patch\nliteral 4\nLcmZ?wVPX\n\n";
    let plain = "--- a/prod.yaml\n+++ b/prod.yaml\n@@ -1 +1 @@\n-replicas: 3\n+replicas: 0\n";
    assert_eq!(summary(&parse(&format!("{binary}{plain}")))[0], "Modified prod.yaml prod.yaml 0 0 1");
}

#[test]
fn a_copy_shows_too_little_of_itself() {
    let copy =
        "diff --git a/dev.yaml b/prod.yaml\nsimilarity index 100%\ncopy from dev.yaml\ncopy to prod.yaml\n";
    let hunk = "--- a/dev.yaml\n+++ b/prod.yaml\n@@ -1 +1 @@\n-a: 1\n+a: 2\n";
    for text in [copy.to_owned(), format!("{copy}{hunk}")] {
        let record = parse(&text);
        assert_eq!((record.files.len(), &record.files[0].content), (1, &FileContent::Unread), "{text}");
        assert_eq!(record.files[0].path(), "prod.yaml");
    }
}

#[test]
fn a_path_has_one_name() {
    let hunk = "@@ -1 +1 @@\n-1\n+2\n";
    for (old, new, path) in [
        ("./prod/x.yaml", "./prod/x.yaml", "prod/x.yaml"),
        ("a/./prod/x.yaml", "b/./prod/x.yaml", ""),
        ("a/prod//x.yaml", "b/prod//x.yaml", ""),
        ("a//prod/x.yaml", "b//prod/x.yaml", ""),
        ("/srv/prod/x.yaml.orig", "/srv/prod/x.yaml", "srv/prod/x.yaml"),
        ("a/t/../prod/x.yaml", "b/t/../prod/x.yaml", ""),
        ("prod.orig/x.yaml", "prod/x.yaml", "prod/x.yaml"),
        ("prod/x.yaml", "prod.new/x.yaml", "prod/x.yaml"),
        ("x.yaml", "x.yaml.orig", "x.yaml"),
        ("x.yaml", "x.yaml.md", ""),
        ("one-1.0/prod/x.yaml", "one-1.1/prod/x.yaml", "prod/x.yaml"),
    ] {
        let read = parse_diff(format!("--- {old}\n+++ {new}\n{hunk}").as_bytes());
        let found = read.map(|record| record.files[0].path().to_owned()).unwrap_or_default();
        assert_eq!(found, path, "{old} {new}");
    }
}

const EDIT: &str = "@@ -1,3 +1,3 @@\n spec:\n-  replicas: 3\n+  replicas: 0\n   x: 1\n";

/// Each of these is applied to another file, or to other lines, than a reader sees.
#[test]
fn what_others_would_apply_otherwise_is_refused() {
    let named = |old: &str, new: &str| format!("--- {old}\n+++ {new}\n{EDIT}");
    let benign = named("a/ok.yaml", "b/ok.yaml");
    let indented = |indent: &str| EDIT.lines().map(|line| format!("{indent}{line}\n")).collect::<String>();
    for text in [
        // The name ends at the zero byte.
        named("\"a/prod.yaml\\000.md\"", "\"b/prod.yaml\\000.md\""),
        named("a/prod.yaml\0.md", "b/prod.yaml\0.md"),
        "diff --git a/x b/y\nsimilarity index 100%\nrename from x\nrename to \"y\\000.md\"\n".to_owned(),
        // It ends at the date, or at the blank.
        named("a/prod.yaml 2026-01-01 00:00:00", "b/prod.yaml 2026-01-01 00:00:00"),
        named("a/prod.yaml x.md", "b/prod.yaml x.md"),
        // `replica` and `s: 0` become one line.
        "--- a/x\n+++ b/x\n@@ -1 +1,2 @@\n-replicas: 3\n+replica\n\\ No newline at end of file\n+s: 0\n"
            .to_owned(),
        "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n\\ No newline at end of file\n@@ -9 +9 @@\n-c\n+d\n"
            .to_owned(),
        format!("{benign} +++ b/prod.yaml\n{}", indented(" ")),
        format!("{benign}Index: prod.yaml\n{}", indented("X")),
        format!("{benign}Index: prod.yaml\n 4c4\n <   replicas: 3\n ---\n >   replicas: 0\n"),
        format!("{benign}Index: prod.yaml\n4i\n  replicas: 0\n.\n"),
        format!("{benign}*** a/prod.yaml\n\n--- b/prod.yaml\n********\n*** 1,3 ****\n"),
        format!("{benign}Index: prod.yaml\n  ********\n  *** 1,3 ****\n"),
        named("a/prod.yaml\r.md", "b/prod.yaml\r.md"),
        named("a/prod.yaml\u{b}.md", "b/prod.yaml\u{b}.md"),
        "diff --git a/x b/y\nsimilarity index 100%\nrename from x\nrename to y\r.md\n".to_owned(),
        format!("{benign}Index: prod.yaml\n4d\n"),
        format!("{benign}Content-Transfer-Encoding:\n \"base64\"\n\nLS0tIGEv\n"),
        format!("{benign}Content-Transfer-Encoding: base64\n\nLS0tIGEv\n"),
        format!("Content-transfer-encoding:  quoted-printable\n\n{benign}"),
    ] {
        assert!(matches!(parse_diff(text.as_bytes()), Err(DiffError::Malformed { .. })), "{text}");
    }
    for message in [
        "    A title\n\n    ********\n    see 4c4 and\n    Only in x: y\n\n",
        "Raise retention from 15d to\n30d\n\n    30d\n",
        "    @@ -1 +1 @@\n    -a\n    +b\n",
        "    ******************** NOTE\n    *** all ***\n\n",
    ] {
        assert_eq!(
            parse(&format!("{message}{benign}")).files.len(),
            1,
            "a message is passed over: {message}"
        );
    }
}

#[test]
fn carriage_returns_of_the_way_are_taken_off() {
    let plain = format!("--- a/x.yaml\n+++ b/x.yaml\n{EDIT}");
    assert_eq!(parse(&plain.replace('\n', "\r\n")), parse(&plain));
    // Those of the file stay.
    let of_file = plain.replace("replicas: 0\n", "replicas: 0\r\n");
    assert!(parse(&of_file).files[0].hunks()[0].lines[2].text.ends_with('\r'));
    assert_eq!(parse(&of_file.replace('\n', "\r\n")), parse(&of_file));
    // Of one file alone they are its own.
    let other = format!("--- a/y.yaml\n+++ b/y.yaml\n{EDIT}");
    let mixed = parse(&format!("{}{other}", plain.replace('\n', "\r\n")));
    assert!(mixed.files[0].hunks()[0].lines[2].text.ends_with('\r'));
}

#[test]
fn files_stand_by_their_paths_however_they_were_listed() {
    let file = |path: &str| format!("--- a/{path}\n+++ b/{path}\n{EDIT}");
    let (one, two) = (file("a.yaml"), file("b.yaml"));
    assert_eq!(parse(&format!("{two}{one}")), parse(&format!("{one}{two}")));
}

/// GNU diff has no `/dev/null`.
#[test]
fn a_file_on_one_side_only_has_the_date_of_the_epoch() {
    let dated = |old: &str, new: &str, hunk: &str| {
        summary(&parse(&format!("--- a/x\t{old} +0100\n+++ b/x\t{new} +0100\n{hunk}\n")))
    };
    let (epoch, day) = ("1970-01-01 01:00:00.000000000", "2026-01-01 12:00:00.000000000");
    assert_eq!(dated(epoch, day, "@@ -0,0 +1 @@\n+a"), ["Added - x 0 0 1"]);
    assert_eq!(dated(day, epoch, "@@ -1 +0,0 @@\n-a"), ["Deleted x - 0 0 1"]);
    assert_eq!(dated(epoch, day, "@@ -1 +1 @@\n-a\n+b"), ["Modified x x 0 0 1"]);
    assert_eq!(dated(day, day, "@@ -0,0 +1 @@\n+a"), ["Modified x x 0 0 1"]);
}
