//! A record printed as git prints it, as far as the record knows: object ids are zeros.

use std::fmt::Write;

use crate::change::{ChangeRecord, DiffLine, FileContent, FileDiff, FileStatus, Hunk, LineOrigin};

const NO_ID: &str = "0000000000000000000000000000000000000000";

/// The canonical diff. Reading it back with [`parse_diff`](crate::change::parse_diff) gives the
/// record again (a file that was not read comes back as binary).
pub fn render_diff(record: &ChangeRecord) -> String {
    let mut text = String::new();
    for file_diff in &record.files {
        render_file(file_diff, &mut text);
    }
    text
}

fn render_file(file_diff: &FileDiff, text: &mut String) {
    let old = file_diff.old_path.as_deref().unwrap_or(file_diff.path());
    let new = file_diff.path();
    let (old, new) = (quoted("a/", old), quoted("b/", new));
    push(text, &["diff --git ", &old, " ", &new]);
    render_header(file_diff, text);
    let has_names = |name: &str, path: &Option<String>| match path {
        Some(path) if path.contains(' ') && !name.starts_with('"') => format!("{name}\t"),
        Some(_) => name.to_owned(),
        None => "/dev/null".to_owned(),
    };
    let (old, new) = (has_names(&old, &file_diff.old_path), has_names(&new, &file_diff.new_path));
    match &file_diff.content {
        FileContent::Text(hunks) if hunks.is_empty() => {}
        FileContent::Text(hunks) => {
            push(text, &["--- ", &old]);
            push(text, &["+++ ", &new]);
            hunks.iter().for_each(|hunk| render_hunk(hunk, text));
        }
        FileContent::Binary | FileContent::Unread => {
            push(text, &["Binary files ", old.trim_end(), " and ", new.trim_end(), " differ"]);
        }
    }
}

fn render_header(file_diff: &FileDiff, text: &mut String) {
    let (old_mode, new_mode) = (file_diff.old_mode, file_diff.new_mode);
    let is_pure = matches!(&file_diff.content, FileContent::Text(hunks) if hunks.is_empty());
    let is_one_sided = matches!(file_diff.status, FileStatus::Added | FileStatus::Deleted);
    match file_diff.status {
        FileStatus::Added => push(text, &["new file mode ", &octal(new_mode)]),
        FileStatus::Deleted => push(text, &["deleted file mode ", &octal(old_mode)]),
        FileStatus::Modified | FileStatus::Renamed if old_mode != new_mode => {
            push(text, &["old mode ", &octal(old_mode)]);
            push(text, &["new mode ", &octal(new_mode)]);
        }
        FileStatus::Modified | FileStatus::Renamed => {}
    }
    if let (FileStatus::Renamed, Some(old), Some(new)) =
        (file_diff.status, &file_diff.old_path, &file_diff.new_path)
    {
        if is_pure {
            push(text, &["similarity index 100%"]);
        }
        push(text, &["rename from ", &quoted("", old)]);
        push(text, &["rename to ", &quoted("", new)]);
    }
    if is_one_sided || !is_pure {
        let mode = if is_one_sided || old_mode != new_mode || new_mode == 0 {
            String::new()
        } else {
            format!(" {}", octal(new_mode))
        };
        push(text, &["index ", NO_ID, "..", NO_ID, &mode]);
    }
}

fn render_hunk(hunk: &Hunk, text: &mut String) {
    let range = |start: u32, n_lines: u32| match n_lines {
        1 => start.to_string(),
        _ => format!("{start},{n_lines}"),
    };
    let (old, new) = (range(hunk.old_start, hunk.old_lines), range(hunk.new_start, hunk.new_lines));
    push(text, &["@@ -", &old, " +", &new, " @@"]);
    hunk.lines.iter().for_each(|line| render_line(line, text));
}

fn render_line(line: &DiffLine, text: &mut String) {
    let sign = match line.origin {
        LineOrigin::Context => " ",
        LineOrigin::Added => "+",
        LineOrigin::Deleted => "-",
    };
    push(text, &[sign, &line.text]);
    if line.no_newline {
        push(text, &["\\ No newline at end of file"]);
    }
}

fn push(text: &mut String, parts: &[&str]) {
    text.extend(parts.iter().copied());
    text.push('\n');
}

fn octal(mode: u32) -> String {
    format!("{mode:06o}")
}

/// A name with its prefix, in quotes where git would quote it.
fn quoted(prefix: &str, path: &str) -> String {
    let is_plain = |byte: u8| (b' '..0x7f).contains(&byte) && byte != b'"' && byte != b'\\';
    if path.bytes().all(is_plain) {
        return format!("{prefix}{path}");
    }
    let mut quoted = format!("\"{prefix}");
    for byte in path.bytes() {
        match byte {
            b'"' | b'\\' => quoted.extend(['\\', char::from(byte)]),
            7..=13 => quoted.extend(['\\', char::from(b"abtnvfr"[usize::from(byte - 7)])]),
            _ if is_plain(byte) => quoted.push(char::from(byte)),
            _ => write!(quoted, "\\{byte:03o}").expect("a string takes all"),
        }
    }
    quoted.push('"');
    quoted
}
