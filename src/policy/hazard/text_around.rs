//! Texts of several lines that YAML puts below a key: the reading of keys goes by the line and takes what such lines say for
//! keys. Start at [`is_in_text`].

/// Whether a line stands in a text below a key (`x: |`), by the lines before it from the last to the first.
pub(super) fn is_in_text<'a>(path: &str, own: &str, before: impl Iterator<Item = &'a str>) -> bool {
    if ![".yaml", ".yml"].iter().any(|ending| path.ends_with(ending)) {
        return false;
    }
    let mut depth = depth_of(own);
    for line in before {
        let text = line.trim();
        if text.is_empty() || depth_of(line) >= depth {
            continue;
        }
        // The key of an element stands behind its dashes, and so do its siblings.
        let key = text.trim_start_matches(['-', ' ']);
        let column = line.trim_end().len() - key.len();
        if is_block_text(key) && column < depth {
            return true;
        }
        depth = depth_of(line);
    }
    false
}

fn depth_of(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

/// Whether the value of a line is the text below it: `description: |`.
fn is_block_text(text: &str) -> bool {
    let Some((_, mark)) = text.rsplit_once(": ") else { return false };
    mark.len() <= 3
        && mark.starts_with(['|', '>'])
        && mark.bytes().skip(1).all(|byte| matches!(byte, b'-' | b'+' | b'0'..=b'9'))
}
