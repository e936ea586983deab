//! Texts of several lines: block comments, and what a notation puts below a key as one text. The reading of keys goes by
//! the line and takes what such lines say for keys. Start at [`text_around`].

/// What sort of text a line stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TextAround<'a> {
    /// A comment from `/*` to `*/`.
    Comment,
    /// The value of the key of this name.
    Of(&'a str),
}

impl TextAround<'_> {
    /// Whether it is for people.
    pub(super) fn is_said(self) -> bool {
        match self {
            Self::Comment => true,
            Self::Of(key) => matches!(key, "description" | "summary" | "comment" | "help" | "usage"),
        }
    }
}

/// The text around a line of a file, by the lines before it from the last to the first.
pub(super) fn text_around<'a>(
    path: &str,
    own: &str,
    before: impl Iterator<Item = &'a str>,
) -> Option<TextAround<'a>> {
    let ending = path.rsplit('.').next().unwrap_or("");
    let has_comments = COMMENTED.contains(&ending);
    let is_yaml = matches!(ending, "yaml" | "yml" | "tpl" | "gotmpl" | "sls");
    let is_hcl = matches!(ending, "tf" | "hcl" | "tfvars" | "nomad");
    if !has_comments && !is_yaml {
        return None;
    }
    let (mut depth, mut may_be_comment) = (depth_of(own), has_comments);
    let mut ends = Vec::new();
    for line in before {
        let text = line.trim();
        if may_be_comment && text.contains("*/") {
            may_be_comment = false;
        }
        if may_be_comment && text.starts_with("/*") {
            return Some(TextAround::Comment);
        }
        if is_hcl {
            if let Some((key, end)) = heredoc(text)
                && !ends.contains(&end)
            {
                return Some(TextAround::Of(key));
            }
            ends.push(text);
        }
        if is_yaml && !text.is_empty() && depth_of(line) < depth {
            depth = depth_of(line);
            if let Some(key) = block_text(text) {
                return Some(TextAround::Of(key));
            }
        }
    }
    None
}

/// Endings of files in which what stands between `/*` and `*/` is a comment.
const COMMENTED: &[&str] = &[
    "php", "inc", "tf", "tfvars", "hcl", "nomad", "js", "jsx", "ts", "tsx", "java", "kt", "go", "c", "h",
    "cpp", "rs", "groovy", "sql", "json", "jsonc", "json5", "jsonnet", "libsonnet", "hujson", "cue", "vcl",
];

fn depth_of(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

/// The key of a line of YAML whose value is the text below it: `description: |`.
fn block_text(text: &str) -> Option<&str> {
    let (key, mark) = text.trim_start_matches("- ").rsplit_once(": ")?;
    let is_mark = mark.len() <= 3
        && mark.starts_with(['|', '>'])
        && mark.bytes().skip(1).all(|byte| matches!(byte, b'-' | b'+' | b'0'..=b'9'));
    is_mark.then(|| key.trim().trim_matches(['"', '\'']))
}

/// The key and the end of a text that Terraform writes below: `description = <<-EOT`.
fn heredoc(text: &str) -> Option<(&str, &str)> {
    let (key, end) = text.split_once("<<")?;
    let end = end.trim_start_matches('-');
    let is_name = !end.is_empty() && end.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    is_name.then(|| (key.trim().trim_end_matches('=').trim(), end))
}
