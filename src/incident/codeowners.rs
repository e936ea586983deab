//! CODEOWNERS: gitignore-like patterns, the last one that matches wins; with GitLab's sections, the last one of each, and with
//! GitLab's meaning of a path that begins without a slash. Start at [`CodeOwners::parse`].

use std::collections::BTreeSet;

use globset::{GlobBuilder, GlobMatcher};

use crate::incident::Error;

/// The rules of one CODEOWNERS file, in file order.
#[derive(Clone, Debug)]
pub(crate) struct CodeOwners(Vec<Rule>);

#[derive(Clone, Debug)]
struct Rule {
    matchers: Vec<Matcher>,
    owners: Vec<String>,
    /// Position of its section; lines before the first belong to the 0th.
    section: usize,
}

/// What a pattern matches. Most name a path as it is, and a file may have tens of thousands of them: these are compared, since
/// each compiled one takes tens of kilobytes.
#[derive(Clone, Debug)]
enum Matcher {
    Name(Name),
    Glob(GlobMatcher),
}

/// A path without wildcards.
#[derive(Clone, Debug)]
struct Name {
    path: String,
    /// Whether it begins at the root, and not below any directory.
    is_anchored: bool,
    /// Whether only what is below it matches.
    is_directory: bool,
}

/// Whose rules a file goes by: only GitLab has sections.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Dialect {
    GitHub,
    GitLab,
}

impl CodeOwners {
    /// Reads the file.
    ///
    /// # Errors
    /// When a pattern cannot be understood, or the file is empty: one that owns nothing says so in a comment.
    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        if text.is_empty() {
            return Err(Error::NoOwners);
        }
        let text = text.trim_start_matches('\u{feff}');
        let dialect = match text.lines().any(|line| section_head(line).is_some()) {
            true => Dialect::GitLab,
            false => Dialect::GitHub,
        };
        let mut rules = Vec::new();
        // Sections of one name are one.
        let mut sections = vec![String::new()];
        let (mut section, mut of_section) = (0, Vec::new());
        for (line, number) in text.lines().zip(1_usize..) {
            if let Some((name, owners)) = section_head(line) {
                let known = sections.iter().position(|known| *known == name);
                section = known.unwrap_or(sections.len());
                if known.is_none() {
                    sections.push(name);
                }
                of_section = owners;
            } else if let Some((pattern, owners)) = split_line(line) {
                let owners = if owners.is_empty() { of_section.clone() } else { owners };
                rules.push(Rule { matchers: matchers(&pattern, dialect, number)?, owners, section });
            }
        }
        Ok(Self(rules))
    }

    /// The owners that the last matching pattern of each section names: perhaps none.
    pub(crate) fn owners_of(&self, path: &str) -> Vec<String> {
        let (mut answered, mut owners) = (BTreeSet::new(), Vec::<String>::new());
        let matching = self.0.iter().rev().filter(|rule| rule.matchers.iter().any(|it| it.is_match(path)));
        for rule in matching {
            if !answered.insert(rule.section) {
                continue;
            }
            for owner in &rule.owners {
                if !owners.contains(owner) {
                    owners.push(owner.clone());
                }
            }
        }
        owners
    }
}

/// Name and owners of the heading of a section: `[Database] @dba`, `^[Docs][2]`.
fn section_head(line: &str) -> Option<(String, Vec<String>)> {
    let line = line.trim();
    let (name, rest) = line.strip_prefix('^').unwrap_or(line).strip_prefix('[')?.split_once(']')?;
    let is_count = |rest: &str| rest.bytes().all(|b| b.is_ascii_digit());
    let approvals = rest.strip_prefix('[').and_then(|rest| rest.split_once(']')).filter(|(n, _)| is_count(n));
    let owners = approvals.map_or(rest, |(_, rest)| rest);
    // `[abc].yaml` is a pattern.
    (owners.is_empty() || owners.starts_with([' ', '\t']))
        .then(|| (name.trim().to_lowercase(), owners_in(owners)))
}

fn owners_in(rest: &str) -> Vec<String> {
    rest.split_whitespace().take_while(|word| !word.starts_with('#')).map(str::to_owned).collect()
}

/// Pattern and owners of a line; none for blank lines and comments.
fn split_line(line: &str) -> Option<(String, Vec<String>)> {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return None;
    }
    let (pattern, rest) = take_pattern(line);
    let owners = owners_in(rest);
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

impl Matcher {
    fn is_match(&self, path: &str) -> bool {
        match self {
            Self::Name(name) => name.is_match(path),
            Self::Glob(glob) => glob.is_match(path),
        }
    }
}

impl Name {
    fn is_match(&self, path: &str) -> bool {
        let starts =
            if self.is_anchored { None } else { Some(path.match_indices('/').map(|(slash, _)| slash + 1)) };
        let mut starts = std::iter::once(0).chain(starts.into_iter().flatten());
        starts.any(|start| match path.get(start..).and_then(|rest| rest.strip_prefix(self.path.as_str())) {
            Some("") => !self.is_directory,
            Some(below) => below.starts_with('/'),
            None => false,
        })
    }
}

/// A pattern with no slash but at its end matches at any depth; otherwise it is anchored at the root, on GitLab only where it
/// begins with a slash. One that names a directory, or might, matches everything below, except when its last part
/// is a lone `*`: that is the directory's own files only.
fn matchers(pattern: &str, dialect: Dialect, line: usize) -> Result<Vec<Matcher>, Error> {
    let pattern = pattern.strip_prefix('.').filter(|rest| rest.starts_with('/')).unwrap_or(pattern);
    let body = pattern.trim_start_matches('/').trim_end_matches('/');
    let is_anchored = match dialect {
        Dialect::GitHub => pattern.trim_end_matches('/').contains('/'),
        Dialect::GitLab => pattern.starts_with('/'),
    };
    let is_directory = pattern.ends_with('/');
    let has_parts = pattern.trim_end_matches('/').contains('/');
    let is_own_files_only = !is_directory && has_parts && body.rsplit('/').next() == Some("*");
    if !body.is_empty() && !body.contains(['*', '?', '[', ']', '\\']) {
        return Ok(vec![Matcher::Name(Name { path: body.to_owned(), is_anchored, is_directory })]);
    }
    let rooted = if is_anchored { body.to_owned() } else { format!("**/{body}") };
    let mut globs = Vec::new();
    if body.is_empty() {
        globs.push("**".to_owned());
    } else {
        if !is_directory {
            globs.push(rooted.clone());
        }
        if !is_own_files_only {
            globs.push(format!("{rooted}/**"));
        }
    }
    globs.iter().map(|glob| compile(&without_braces(glob), pattern, line).map(Matcher::Glob)).collect()
}

/// Braces and commas stand for themselves: neither GitHub nor GitLab takes `{a,b}` for two names.
fn without_braces(glob: &str) -> String {
    let mut escaped = String::with_capacity(glob.len());
    let mut is_escaped = false;
    for letter in glob.chars() {
        if matches!(letter, '{' | '}' | ',') && !is_escaped {
            escaped.push('\\');
        }
        is_escaped = letter == '\\' && !is_escaped;
        escaped.push(letter);
    }
    escaped
}

fn compile(glob: &str, pattern: &str, line: usize) -> Result<GlobMatcher, Error> {
    let built = GlobBuilder::new(glob).literal_separator(true).backslash_escape(true).build();
    built.map(|glob| glob.compile_matcher()).map_err(|error| Error::Pattern {
        line,
        pattern: pattern.to_owned(),
        reason: error.kind().to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_answer_each_for_itself() {
        let text = "\u{feff}/prod/ @ops\n[Database] @dba\n/prod/db/\n*.md @docs\n^[Docs][2] @docs\n*.md\n[database]\n/dev/ @dev\n";
        let code_owners = CodeOwners::parse(text).unwrap();
        for (path, owners) in [
            ("prod/web.yaml", &["@ops"][..]),
            ("prod/db/a.yaml", &["@dba", "@ops"]),
            ("prod/db/a.md", &["@docs", "@ops"]),
            ("dev/a.yaml", &["@dev"]),
            ("other.yaml", &[]),
        ] {
            assert_eq!(code_owners.owners_of(path), owners, "{path}");
        }
    }

    #[test]
    fn a_path_without_wildcards_is_compared_as_it_would_match() {
        let paths =
            ["a", "a/b", "b/a", "c/a/b", "a/b/c", "ab", "c/ab", "a/bc", "c/a", "a/c/b", "é/a", "a/é/b"];
        for (pattern, glob) in
            [("/a", "a"), ("/a/b", "a/b"), ("a", "**/a"), ("b/", "**/b"), ("/a/", "a"), ("é", "**/é")]
        {
            let named = matchers(pattern, Dialect::GitLab, 1).unwrap();
            let below = compile(&format!("{glob}/**"), pattern, 1).unwrap();
            let itself = compile(glob, pattern, 1).unwrap();
            for path in paths {
                let expected = below.is_match(path) || !pattern.ends_with('/') && itself.is_match(path);
                assert_eq!(named.iter().any(|it| it.is_match(path)), expected, "{pattern} {path}");
            }
        }
    }

    #[test]
    fn without_sections_the_last_pattern_wins_even_where_it_names_nobody() {
        let code_owners = CodeOwners::parse("* @all\n/docs/\n[ab].yaml @ab\n").unwrap();
        assert_eq!(code_owners.owners_of("x.yaml"), ["@all"]);
        assert_eq!(code_owners.owners_of("docs/x.yaml"), [""; 0]);
        assert_eq!(code_owners.owners_of("a.yaml"), ["@ab"], "a pattern, no heading");
    }

    /// What GitHub's and GitLab's manuals say of patterns.
    #[test]
    fn a_pattern_matches_what_its_host_says() {
        let check = |text: &str, path: &str, owned: bool| {
            let code_owners = CodeOwners::parse(text).unwrap();
            assert_eq!(!code_owners.owners_of(path).is_empty(), owned, "`{text}` of `{path}`");
        };
        for (pattern, matched, unmatched) in [
            (
                "/apps/*/",
                &["apps/pay/values.yaml", "apps/pay/x/y.yaml"][..],
                &["apps/a.yaml", "x/apps/pay/a.yaml"][..],
            ),
            ("docs/*/", &["docs/a/b.md"], &["docs/a.md"]),
            ("/*", &["a.yaml"], &["apps/a.yaml"]),
            ("./*", &["a.yaml"], &["apps/a.yaml"]),
            ("*", &["a.yaml", "apps/pay/a.yaml"], &[]),
            ("/**", &["a.yaml", "apps/a.yaml"], &[]),
            ("/", &["a.yaml", "apps/a.yaml"], &[]),
            ("docs/*", &["docs/a.md"], &["docs/a/b.md", "x/docs/a.md"]),
            ("apps/", &["apps/a.yaml", "x/apps/a/b.yaml"], &["apps"]),
            ("/{{cookiecutter.name}}/", &["{{cookiecutter.name}}/a.yaml"], &["cookiecutter.name/a.yaml"]),
            ("{a,b}.yaml", &["{a,b}.yaml"], &["a.yaml", "b.yaml"]),
            ("\\{a,b\\}.yaml", &["{a,b}.yaml"], &["a.yaml"]),
            ("a\\ b,c.yaml", &["a b,c.yaml"], &["a"]),
        ] {
            let line = format!("{pattern} @team\n");
            matched.iter().for_each(|path| check(&line, path, true));
            unmatched.iter().for_each(|path| check(&line, path, false));
        }
        for (path, owned) in
            [("x/docs/a.md", true), ("docs/a.md", true), ("docs/a/b.md", false), ("x/ops/a", false)]
        {
            check("[Docs]\ndocs/* @docs\n/ops/ @ops\n", path, owned);
        }
    }

    #[test]
    fn an_empty_file_was_cut_off() {
        assert!(matches!(CodeOwners::parse(""), Err(Error::NoOwners)));
        assert_eq!(CodeOwners::parse("# Nobody.\n").unwrap().owners_of("a"), [""; 0]);
    }
}
