//! Rules about files that are not read as what they are: cut off, hidden, elsewhere, or left in the middle of a merge. Start at
//! [`unread`].

use memchr::memchr2;

use crate::change::{FileContent, FileDiff, FileStatus, LineOrigin, is_unseen};
use crate::policy::hazard::found::{FileEdits, is_prose};
use crate::policy::hazard::rule::{FileFinding, HazardRule, Look, Sphere};
use crate::policy::reason::ReasonCode;

pub(super) const RULES: &[HazardRule] = &[
    HazardRule {
        name: "merge_marker",
        code: ReasonCode::HazardOther,
        sphere: Sphere::Everywhere,
        sentence: "A merge was left unfinished in the file",
        example: "a line `<<<<<<< HEAD` added",
        look: Look::File(merge_marker),
        is_general: false,
    },
    HazardRule {
        name: "unread",
        code: ReasonCode::HazardOther,
        sphere: Sphere::Everywhere,
        sentence: "A file is too large, no text, hides letters, or is in another repository, so that nobody reads it all",
        example: "more than 4,000 changed lines in one file",
        look: Look::File(unread),
        is_general: false,
    },
];

fn merge_marker(file_edits: &FileEdits<'_>) -> Option<FileFinding> {
    let mut added = file_edits.file_diff.changed_lines().filter(|line| line.origin == LineOrigin::Added);
    let is_marker = |text: &str| text.starts_with("<<<<<<< ") || text.starts_with(">>>>>>> ");
    added.any(|line| is_marker(&line.text)).then(|| FileFinding { key: "", what: "merge markers".to_owned() })
}

/// The mode of a submodule in a tree.
const GITLINK: u32 = 0o160_000;

/// Whether files of a name are never text: pictures, fonts, archives, programs, documents, sealed keys.
fn is_binary_by_name(path: &str) -> bool {
    const ENDINGS: &[&str] = &[
        "png", "jpg", "jpeg", "gif", "ico", "icns", "webp", "avif", "bmp", "tif", "tiff", "psd", "woff",
        "woff2", "ttf", "otf", "eot", "mp3", "mp4", "wav", "ogg", "webm", "mov", "avi", "flac", "gz", "gzip",
        "tgz", "bz2", "xz", "zst", "lz4", "zip", "7z", "rar", "tar", "jar", "war", "whl", "egg", "deb",
        "rpm", "apk", "iso", "img", "class", "pyc", "so", "a", "o", "dll", "exe", "dylib", "wasm", "bin",
        "pdf", "doc", "docx", "xls", "xlsx", "ppt", "pptx", "odt", "ods", "odp", "gpg", "p12", "pfx", "jks",
        "keystore", "der", "mo", "db", "sqlite", "mmdb", "parquet", "avro", "npy", "npz", "pkl", "pickle",
        "h5", "onnx", "pb", "swp",
    ];
    let name = path.rsplit('/').next().unwrap_or(path);
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending).to_ascii_lowercase();
    ENDINGS.contains(&ending.as_str())
}

/// What a changed line holds that other readers take for something else: a zero byte, as of UTF-16 that a diff was made
/// of as text; or in a line that came what they take for its end, a carriage return and the line ends of YAML 1.1, so that
/// what stands behind it is read as one text with what stands before; or letters that whoever reads it does not see.
fn hidden_in_lines(file_diff: &FileDiff) -> Option<&'static str> {
    let is_end = |c: char| matches!(c, '\r' | '\u{85}' | '\u{2028}' | '\u{2029}');
    // Nearly every line is of nothing but ASCII.
    let is_plain = |bytes: &[u8]| bytes.is_ascii() && memchr2(0, b'\r', bytes).is_none();
    let odd = || file_diff.changed_lines().filter(|line| !is_plain(line.text.as_bytes()));
    if odd().any(|line| line.text.contains('\0')) {
        return (!is_binary_by_name(file_diff.path())).then_some("bytes that are no text");
    }
    let mut came = odd().filter(|line| line.origin == LineOrigin::Added && !is_prose(file_diff));
    came.find_map(|line| {
        let text = line.text.trim_end_matches('\r');
        if text.contains(is_end) {
            Some("lines that stand inside of a line")
        } else {
            let is_hidden = hides(text).then_some("letters that are not seen or turn others around");
            is_hidden.or_else(|| mixes_scripts(text).then_some("a word of letters that only look alike"))
        }
    })
}

/// Whether a line holds letters that show nothing, or that turn around the order in which others are shown. Languages that
/// are written from right to left, or without spaces, need most of these: there only what overrides an order counts.
fn hides(line: &str) -> bool {
    // A mark of the encoding, where a file begins.
    let line = line.strip_prefix('\u{feff}').unwrap_or(line);
    let is_override = |c: char| matches!(c, '\u{202d}' | '\u{202e}');
    line.contains(is_override)
        || line.contains(is_unseen) && line.chars().all(|c| c.is_ascii() || is_unseen(c))
}

/// Whether a word is written in Latin letters and in Greek or Cyrillic ones that look like them: `аpi.example.org`.
fn mixes_scripts(line: &str) -> bool {
    const ALIKE: &str = "аеорсухіјѕһԁԛԝАВЕКМНОРСТХІЈЅοαινρυΑΒΕΖΗΙΚΜΝΟΡΤΥΧ";
    let words = line.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_ascii());
    words.into_iter().any(|word| {
        word.chars().any(|c| c.is_ascii_alphabetic())
            && word.chars().any(|c| ALIKE.contains(c))
            && word.chars().all(|c| c.is_ascii() || ALIKE.contains(c))
    })
}

/// Whether what came is the pointer of Git LFS to a file that is no picture or the like.
fn is_pointer(file_diff: &FileDiff) -> bool {
    let names = |text: &str| text.strip_prefix("oid sha256:").is_some_and(|digest| digest.len() == 64);
    let mut came = file_diff.changed_lines().filter(|line| line.origin == LineOrigin::Added);
    came.any(|line| names(&line.text)) && !is_binary_by_name(file_diff.path())
}

fn unread(file_edits: &FileEdits<'_>) -> Option<FileFinding> {
    let FileEdits { file_diff, is_whole, .. } = file_edits;
    let what = match file_diff.content {
        _ if file_edits.became_link => "a link in the place of a file",
        _ if file_edits.comes_again => "a file that goes and comes in one diff",
        // What it stands for is in another repository.
        _ if file_diff.new_mode == GITLINK => "another commit of a submodule",
        // One NUL byte hides what a text says.
        FileContent::Binary if file_diff.status == FileStatus::Deleted => return None,
        FileContent::Binary if !is_binary_by_name(file_diff.path()) => "bytes that are no text",
        FileContent::Unread => "changed lines",
        FileContent::Text(_) if !is_whole => "changed lines",
        FileContent::Text(_) if is_pointer(file_diff) => "another object in a store of large files",
        FileContent::Text(_) => hidden_in_lines(file_diff)?,
        FileContent::Binary => return None,
    };
    Some(FileFinding { key: "", what: what.to_owned() })
}
