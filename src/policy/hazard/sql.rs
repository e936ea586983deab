//! Statements of SQL, as far as rules ask about them: who may do more, and what is gone for good. Start at [`statements`].

use crate::change::lower_case;
use crate::policy::hazard::bytes::holds;
use crate::policy::hazard::edit::Edit;

/// Whether an edit stands in statements of SQL.
pub(super) fn is_sql(edit: &Edit<'_>) -> bool {
    let path = edit.file_diff.path();
    let ending = path.len().checked_sub(4).and_then(|at| path.get(at..));
    ending.is_some_and(|ending| ending.eq_ignore_ascii_case(".sql")) || path.contains(".sql.")
}

/// A statement of a line, in lower case, and whether it ends there.
struct Statement<'a> {
    words: Vec<&'a str>,
    is_whole: bool,
}

/// The statements of a line, without what is said of them.
fn statements(line: &str) -> impl Iterator<Item = Statement<'_>> {
    let line = line.split_once("--").map_or(line, |(line, _)| line);
    let mut rest = Some(line);
    std::iter::from_fn(move || {
        let (text, after) = match rest?.split_once(';') {
            Some((text, after)) => (text, Some(after)),
            None => (rest?, None),
        };
        rest = after;
        let is_part = |c: char| !(c.is_whitespace() || matches!(c, '(' | ')' | ','));
        let words = text.split(|c| !is_part(c)).filter(|word| !word.is_empty()).collect();
        Some(Statement { words, is_whole: after.is_some() })
    })
}

/// Whether the edit brings a statement that deletes or overwrites for good.
pub(super) fn deletes(edit: &Edit<'_>) -> bool {
    const VERBS: &[&str] = &["drop", "truncate", "delete", "update"];
    let loses = |line: &str, edit: Option<&Edit<'_>>| statements(line).any(|it| it.loses_data(edit));
    edit.new.has_any(VERBS) && loses(&edit.new, Some(edit)) && !loses(&edit.old, None)
}

/// Whether the edit gives somebody more than before, or no longer takes something away.
pub(super) fn grants_more(edit: &Edit<'_>) -> bool {
    const GIVERS: &[&str] = &["grant", "create user", "create role", "alter", "sp_addrolemember"];
    let gives = |line: &str| statements(line).any(|it| it.gives_much());
    let no_longer_taken = || edit.is_dropped() && edit.old.trim_start().starts_with("revoke ");
    edit.new.has_any(GIVERS) && gives(&edit.new) && !gives(&edit.old) || no_longer_taken()
}

/// The tables, databases and schemas that a value drops if they exist, by their names in lower case: what may be made again, as
/// dumps do after they drop it.
pub(super) fn dropped(value: &str) -> Vec<String> {
    let value = lower_case(value);
    let names = statements(&value).filter_map(|it| it.dropped_if_exists().map(str::to_owned));
    if holds(&value, "drop") { names.collect() } else { Vec::new() }
}

impl Statement<'_> {
    fn dropped_if_exists(&self) -> Option<&str> {
        match self.words.as_slice() {
            ["drop", "table" | "database" | "schema", "if", "exists", name, ..] => Some(name),
            _ => None,
        }
    }

    fn loses_data(&self, edit: Option<&Edit<'_>>) -> bool {
        /// What is dropped from a table and comes back without a loss.
        const NO_DATA: &[&str] =
            &["constraint", "index", "key", "default", "foreign", "primary", "not", "check"];
        let follows = |word: &str| {
            let at = self.words.iter().position(|it| *it == word)?;
            self.words.get(at + 1).copied()
        };
        if let Some(name) = self.dropped_if_exists() {
            return !edit.is_some_and(|edit| edit.is_made_again(name));
        }
        match self.words.as_slice() {
            ["drop", "table" | "database" | "schema", ..] | ["truncate", ..] => true,
            ["alter", "table", ..] => follows("drop").is_some_and(|what| !NO_DATA.contains(&what)),
            ["delete", "from", ..] | ["update", ..] => {
                let holds_always = |what: &str| matches!(what, "1=1" | "true" | "1");
                self.is_whole && follows("where").is_none_or(holds_always)
            }
            _ => false,
        }
    }

    fn gives_much(&self) -> bool {
        let has = |word: &str| self.words.contains(&word);
        let follows = |one: &str, two: &str| self.words.windows(2).any(|pair| pair == [one, two]);
        let is_mighty = |word: &&str| {
            let word = word.trim_matches(['`', '"', '\'', '[', ']']);
            word.ends_with("superuser") && !word.starts_with("no")
                || matches!(word, "bypassrls" | "db_owner" | "sysadmin" | "*.*")
        };
        let is_any_host = || self.words.iter().any(|word| word.ends_with("@'%'") || word.ends_with("@\"%\""));
        match self.words.as_slice() {
            // That somebody may connect.
            ["grant", "usage", ..] => false,
            ["grant", what, ..] => {
                *what == "all"
                    || self.words.iter().any(&is_mighty)
                    || is_any_host()
                    || follows("to", "public")
                    || follows("grant", "option")
                    || follows("admin", "option")
            }
            ["create", "user" | "role", ..] => is_any_host() || self.words.iter().any(&is_mighty),
            ["alter", "user" | "role", ..] => {
                !follows("drop", "member") && !has("identified") && self.words.iter().any(&is_mighty)
            }
            ["exec" | "execute", "sp_addrolemember", ..] => true,
            _ => false,
        }
    }
}
