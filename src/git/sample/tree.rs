//! The sample's files as keys and values, and edits of them. An edit that no longer fits is told by [`Tree::fits`], not forced.

use std::collections::BTreeMap;
use std::fmt::Write;

/// The files of the sample at one moment.
#[derive(Clone, Default)]
pub(super) struct Tree {
    files: BTreeMap<String, ConfigFile>,
}

/// One file: keys in order, dotted where they are nested; a leaf that starts with `#` is a comment.
#[derive(Clone)]
struct ConfigFile {
    format: Format,
    title: String,
    entries: BTreeMap<String, String>,
}

#[derive(Clone, Copy)]
enum Format {
    Yaml,
    Json,
    Properties,
    Text,
}

/// One value before and after; none where the key is not there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Edit {
    pub path: String,
    pub key: String,
    pub old: Option<String>,
    pub new: Option<String>,
}

impl Edit {
    /// The edit that undoes this one.
    pub(super) fn inverse(&self) -> Self {
        Self { old: self.new.clone(), new: self.old.clone(), ..self.clone() }
    }
}

impl Tree {
    /// Adds a file; the format follows from its name.
    pub(super) fn add(&mut self, path: &str, title: &str, entries: &[(String, String)]) {
        let format = match path.rsplit('.').next() {
            Some("yaml") => Format::Yaml,
            Some("json") => Format::Json,
            Some("properties") => Format::Properties,
            _ => Format::Text,
        };
        let entries = entries.iter().cloned().collect();
        self.files.insert(path.to_owned(), ConfigFile { format, title: title.to_owned(), entries });
    }

    pub(super) fn paths(&self) -> impl Iterator<Item = &str> {
        self.files.keys().map(String::as_str)
    }

    pub(super) fn value(&self, path: &str, key: &str) -> Option<&str> {
        self.files.get(path)?.entries.get(key).map(String::as_str)
    }

    pub(super) fn keys<'a>(&'a self, path: &str) -> impl Iterator<Item = &'a str> + use<'a> {
        self.files.get(path).into_iter().flat_map(|file| file.entries.keys()).map(String::as_str)
    }

    /// The edit that gives a key a new value.
    pub(super) fn edit(&self, path: &str, key: &str, new: Option<String>) -> Edit {
        let old = self.value(path, key).map(str::to_owned);
        Edit { path: path.to_owned(), key: key.to_owned(), old, new }
    }

    /// Whether an edit still fits: nobody touched the key since.
    pub(super) fn fits(&self, edit: &Edit) -> bool {
        edit.old != edit.new && self.value(&edit.path, &edit.key) == edit.old.as_deref()
    }

    pub(super) fn apply(&mut self, edit: &Edit) {
        let Some(file) = self.files.get_mut(&edit.path) else { return };
        match &edit.new {
            Some(new) => file.entries.insert(edit.key.clone(), new.clone()),
            None => file.entries.remove(&edit.key),
        };
    }

    /// The text of a file.
    pub(super) fn render(&self, path: &str) -> String {
        let Some(file) = self.files.get(path) else { return String::new() };
        match file.format {
            Format::Yaml => yaml(file),
            Format::Json => json(file),
            Format::Properties => lines(file, "="),
            Format::Text => lines(file, " "),
        }
    }
}

fn yaml(file: &ConfigFile) -> String {
    let mut text = format!("# {}\n", file.title);
    let mut above: Vec<&str> = Vec::new();
    for (key, value) in &file.entries {
        let mut parts: Vec<&str> = key.split('.').collect();
        let leaf = parts.pop().unwrap_or("");
        let n_shared = parts.iter().zip(&above).take_while(|(one, other)| one == other).count();
        for (depth, part) in parts.iter().enumerate().skip(n_shared) {
            let _ = writeln!(text, "{}{part}:", "  ".repeat(depth));
        }
        let indent = "  ".repeat(parts.len());
        let _ = match leaf.strip_prefix('#') {
            Some(_) => writeln!(text, "{indent}# {value}"),
            None => writeln!(text, "{indent}{leaf}: {value}"),
        };
        above = parts;
    }
    text
}

fn json(file: &ConfigFile) -> String {
    let mut sections: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (key, value) in &file.entries {
        let (section, leaf) = key.split_once('.').unwrap_or(("", key));
        sections.entry(section).or_default().push(format!("    \"{leaf}\": {value}"));
    }
    let sections = sections.iter();
    let sections: Vec<String> =
        sections.map(|(name, leaves)| format!("  \"{name}\": {{\n{}\n  }}", leaves.join(",\n"))).collect();
    format!("{{\n{}\n}}\n", sections.join(",\n"))
}

fn lines(file: &ConfigFile, separator: &str) -> String {
    let mut text = format!("# {}\n", file.title);
    for (key, value) in &file.entries {
        let _ = match key.starts_with('#') {
            true => writeln!(text, "# {value}"),
            false => writeln!(text, "{key}{separator}{value}"),
        };
    }
    text
}
