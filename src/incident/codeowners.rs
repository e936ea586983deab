//! GitHub's CODEOWNERS: gitignore-like patterns, the last one that matches wins.

use globset::{GlobBuilder, GlobMatcher};

use crate::incident::Error;

/// The rules of one CODEOWNERS file, in file order.
#[derive(Clone, Debug)]
pub(crate) struct CodeOwners(Vec<Rule>);

#[derive(Clone, Debug)]
struct Rule {
    matchers: Vec<GlobMatcher>,
    owners: Vec<String>,
}

impl CodeOwners {
    /// Reads the file.
    ///
    /// # Errors
    /// When a pattern cannot be understood.
    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        let mut rules = Vec::new();
        for (line, number) in text.lines().zip(1_usize..) {
            if let Some((pattern, owners)) = split_line(line) {
                rules.push(Rule { matchers: matchers(&pattern, number)?, owners });
            }
        }
        Ok(Self(rules))
    }

    /// The owners that the last matching pattern names: perhaps none.
    pub(crate) fn owners_of(&self, path: &str) -> Vec<String> {
        let rule =
            self.0.iter().rev().find(|rule| rule.matchers.iter().any(|matcher| matcher.is_match(path)));
        rule.map(|rule| rule.owners.clone()).unwrap_or_default()
    }
}

/// Pattern and owners of a line; none for blank lines, comments and section headings.
fn split_line(line: &str) -> Option<(String, Vec<String>)> {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') || line.starts_with('[') || line.starts_with("^[") {
        return None;
    }
    let (pattern, rest) = take_pattern(line);
    let owners =
        rest.split_whitespace().take_while(|word| !word.starts_with('#')).map(str::to_owned).collect();
    Some((pattern, owners))
}

/// The pattern up to the first space that no backslash stands before, and the rest.
fn take_pattern(line: &str) -> (String, &str) {
    let mut pattern = String::new();
    let mut escaped = false;
    for (idx, letter) in line.char_indices() {
        match letter {
            _ if escaped => {
                if !matches!(letter, ' ' | '#') {
                    pattern.push('\\');
                }
                pattern.push(letter);
                escaped = false;
            }
            '\\' => escaped = true,
            ' ' | '\t' => return (pattern, &line[idx..]),
            _ => pattern.push(letter),
        }
    }
    (pattern, "")
}

/// A pattern with no slash but at its end matches at any depth; otherwise it is anchored at the
/// root. One that names a directory, or might, matches everything below, except when its last part
/// is a lone `*`: that is the directory's own files only.
fn matchers(pattern: &str, line: usize) -> Result<Vec<GlobMatcher>, Error> {
    let body = pattern.trim_start_matches('/').trim_end_matches('/');
    let anchored = pattern.trim_end_matches('/').contains('/');
    let rooted = if anchored { body.to_owned() } else { format!("**/{body}") };
    let mut globs = Vec::new();
    if body.is_empty() {
        globs.push("**".to_owned());
    } else if !pattern.ends_with('/') {
        globs.push(rooted.clone());
    }
    let own_files_only = anchored && body.ends_with("/*");
    if !body.is_empty() && !own_files_only {
        globs.push(format!("{rooted}/**"));
    }
    globs.iter().map(|glob| compile(glob, pattern, line)).collect()
}

fn compile(glob: &str, pattern: &str, line: usize) -> Result<GlobMatcher, Error> {
    let built = GlobBuilder::new(glob).literal_separator(true).backslash_escape(true).build();
    built.map(|glob| glob.compile_matcher()).map_err(|error| Error::Pattern {
        line,
        pattern: pattern.to_owned(),
        reason: error.kind().to_string(),
    })
}
