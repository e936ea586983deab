//! The statement of an access policy around an edit, in JSON or as Terraform writes it.
//! Start at [`is_denied`].

use crate::policy::hazard::edit::NEAR_TEXT;

/// What a line shows of where blocks begin and end, and of the effect of a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    Open,
    Close,
    Effect { denies: bool },
}

/// Whether the statement in which an edit stands refuses, by the nearest effect in a block around it. Takes the line of the
/// edit, and the lines before it from the last to the first. A line too long to be read may allow.
pub(super) fn is_denied<'a>(own: &'a str, before: impl Iterator<Item = &'a str>) -> bool {
    let mut way_back = WayBack::default();
    let effect_on = |(n_back, line): (usize, &str)| {
        if line.len() > NEAR_TEXT {
            return Some(false);
        }
        let mut marks = marks(line);
        // Blocks that end behind the edit are around it.
        while n_back == 0 && marks.last() == Some(&Mark::Close) {
            marks.pop();
        }
        marks.into_iter().rev().find_map(|mark| way_back.step(mark))
    };
    let mut lines = std::iter::once(own).chain(before).enumerate();
    lines.find_map(effect_on) == Some(true)
}

/// The way back from an edit, in blocks.
#[derive(Default)]
struct WayBack {
    /// Blocks entered less blocks left.
    depth: i32,
    /// The least of it so far: a block at this depth is around the edit, one above it stands beside.
    outermost: i32,
}

impl WayBack {
    /// Takes the mark before; whether the statement denies, where the mark is its effect.
    fn step(&mut self, mark: Mark) -> Option<bool> {
        match mark {
            Mark::Open => self.depth -= 1,
            Mark::Close => self.depth += 1,
            Mark::Effect { denies } => return (self.depth == self.outermost).then_some(denies),
        }
        self.outermost = self.outermost.min(self.depth);
        None
    }
}

/// The marks of a line in their order; what stands in quotes opens and closes nothing.
fn marks(line: &str) -> Vec<Mark> {
    let (mut marks, mut quoted_from) = (Vec::new(), None);
    let mut bytes = line.bytes().enumerate();
    while let Some((at, byte)) = bytes.next() {
        match (byte, quoted_from) {
            (b'\\', Some(_)) => {
                bytes.next();
            }
            (b'"', None) => quoted_from = Some(at + 1),
            (b'"', Some(start)) => {
                quoted_from = None;
                match line.get(start..at) {
                    Some("Deny") if is_effect(line.get(..start - 1)) => {
                        marks.push(Mark::Effect { denies: true });
                    }
                    Some("Allow") => marks.push(Mark::Effect { denies: false }),
                    _ => {}
                }
            }
            (b'{' | b'[', None) => marks.push(Mark::Open),
            (b'}' | b']', None) => marks.push(Mark::Close),
            _ => {}
        }
    }
    marks
}

/// Whether a text ends with the key of a statement's effect: what is denied by default (`default_action`) says nothing of what
/// stands beside it.
fn is_effect(before: Option<&str>) -> bool {
    let before =
        before.unwrap_or("").trim_end().trim_end_matches([':', '=']).trim_end().trim_end_matches('"');
    let key = before.rsplit(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '_' | '-')).next();
    key.is_some_and(|key| ["effect", "access", "action"].iter().any(|name| key.eq_ignore_ascii_case(name)))
}

#[cfg(test)]
mod tests {
    use super::is_denied;

    /// The last line is that of the edit.
    fn denied(text: &str) -> bool {
        let (before, own) = text.rsplit_once('\n').unwrap_or(("", text));
        is_denied(own, before.lines().rev())
    }

    #[test]
    fn the_effect_of_the_statement_around_counts_and_no_other() {
        assert!(denied("{\n\"Effect\": \"Deny\",\n\"Action\": \"*\""));
        assert!(denied("effect = \"Deny\"\nprincipals {\n  identifiers = [\"*\"]"));
        assert!(denied("{ \"Effect\": \"Deny\", \"Action\": [\n\"a:b\",\n\"*\""));
        assert!(denied("\"Effect\": \"Deny\",\n\"Condition\": {\"a{\": \"b\"},\n\"Action\": \"*\""));
        assert!(!denied("{\n\"Effect\": \"Allow\",\n\"Action\": \"*\""));
        assert!(
            !denied("{\n\"Effect\": \"Deny\",\n\"Action\": \"a\"\n},\n{\n\"Action\": \"*\""),
            "another's"
        );
        assert!(!denied("{\n\"Effect\": \"Deny\"\n},\n{\n\"Effect\": \"Allow\",\n\"Action\": \"*\""));
        assert!(!denied("\"Action\": \"*\""), "not shown");
        assert!(!denied("default_action = \"Deny\"\nip_rules = [\"0.0.0.0/0\"]"), "what is not listed");
        assert!(!denied("\"bypass\": [\"Deny\",\n\"*\"]"), "a value among others");
    }

    #[test]
    fn the_line_of_the_edit_speaks_first() {
        assert!(denied("{\"Effect\": \"Deny\", \"Principal\": {\"AWS\": \"*\"}},"));
        assert!(denied("{\"Principal\": \"*\", \"Effect\": \"Deny\"}"));
        assert!(!denied(
            "{\"Effect\": \"Deny\", \"Action\": \"a\"},\n{\"Effect\": \"Allow\", \"Action\": \"*\"}"
        ));
        assert!(!denied("{\"Effect\": \"Deny\"}, {\"Action\": \"*\"}"));
    }

    #[test]
    fn a_line_too_long_to_be_read_may_allow() {
        let long = |n: usize| format!("\"Sid\": \"{}\",", "x".repeat(n));
        let statement = |n: usize| format!("\"Effect\": \"Deny\",\n{}\n\"Action\": \"*\"", long(n));
        assert!(denied(&statement(4_000)));
        assert!(!denied(&statement(4_096)));
    }
}
