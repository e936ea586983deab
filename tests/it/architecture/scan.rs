//! Reads Rust text just far enough to know which modules and crates it names.

use super::{HOMES, TABLE, allowed};

/// What only modules that do I/O, and tests, may name: files, network, processes, environment, clocks.
const OUTSIDE_WORLD: [&str; 8] = [
    "std::fs", "std::net", "std::env", "std::process", "SystemTime::now", "Instant::now", "Timestamp::now",
    "Zoned::now",
];

/// A file below `src`.
pub struct Source {
    /// Its path below `src`.
    pub path: String,
    /// Its text.
    pub text: String,
}

/// What is wrong with a file, one sentence each.
pub fn check_source(source: &Source) -> Vec<String> {
    if source.path == "lib.rs" {
        return Vec::new();
    }
    let code = code_only(&source.text);
    let module = module_of(&source.path);
    let Some(row_idx) = TABLE.iter().position(|row| row.module == module) else {
        return vec![format!("{}: module `{module}` has no row", source.path)];
    };
    let mut faults = forms(&code);
    faults.extend(imports(&code, source, row_idx));
    faults.extend(homes(&code, module));
    if TABLE[row_idx].io == "no" && !is_test(&source.path) {
        faults.extend(outside_world(&code));
    }
    faults.into_iter().map(|fault| format!("{}: {fault}", source.path)).collect()
}

/// `git/walk.rs` and `git.rs` both belong to `git`.
fn module_of(path: &str) -> &str {
    let first = path.split('/').next().unwrap_or(path);
    first.strip_suffix(".rs").unwrap_or(first)
}

fn forms(code: &str) -> Vec<String> {
    let forbidden = ["use crate::{", "super::super"];
    let found = forbidden.into_iter().filter(|form| code.contains(form));
    found.map(|form| format!("`{form}` is not used here; write `use crate::x::Y`")).collect()
}

/// Modules named by `crate::x`, and by `super::x` where `super` is the crate's root.
fn imports(code: &str, source: &Source, row_idx: usize) -> Vec<String> {
    let module = TABLE[row_idx].module;
    let mut named = names_after(code, "crate::");
    if !source.path.contains('/') || source.path == format!("{module}/mod.rs") {
        let is_module = |name: &&str| TABLE.iter().any(|row| row.module == *name);
        named.extend(names_after(code, "super::").into_iter().filter(is_module));
    }
    named.sort_unstable();
    named.dedup();
    let fault = |name: &str| match TABLE.iter().any(|row| row.module == name) {
        _ if name == module || allowed(row_idx).contains(name) => None,
        true => Some(format!("`{module}` may not import `{name}`")),
        false => Some(format!("`{name}` has no row")),
    };
    named.into_iter().filter_map(fault).collect()
}

fn homes(code: &str, module: &str) -> Vec<String> {
    let strays = HOMES.iter().filter(|(_, homes)| !homes.contains(&module));
    let strays = strays.filter(|(name, _)| names_crate(code, name));
    strays.map(|(name, homes)| format!("`{name}` belongs in {}", homes.join(", "))).collect()
}

/// Unit tests that are long have files of their own.
fn is_test(path: &str) -> bool {
    path.ends_with("/tests.rs") || path.contains("/tests/")
}

fn outside_world(code: &str) -> Vec<String> {
    let found = OUTSIDE_WORLD.iter().filter(|name| code.contains(*name));
    found.map(|name| format!("`{name}` in a module without I/O or clock")).collect()
}

/// The identifiers that follow a path prefix such as `crate::`.
fn names_after<'a>(code: &'a str, prefix: &str) -> Vec<&'a str> {
    let starts = code.match_indices(prefix).filter(|(at, _)| begins_path(code, *at));
    let names = starts.map(|(at, _)| {
        let rest = &code[at + prefix.len()..];
        &rest[..rest.find(|c| !is_identifier(c)).unwrap_or(rest.len())]
    });
    names.filter(|name| !name.is_empty()).collect()
}

/// Whether a path of the code starts with this crate.
fn names_crate(code: &str, name: &str) -> bool {
    let ends_well = |at: usize| {
        let rest = &code[at + name.len()..];
        rest.starts_with("::") && !rest.starts_with("::<")
    };
    let used = code.match_indices(name).any(|(at, _)| begins_path(code, at) && ends_well(at));
    used || code.contains(&format!("use {name};"))
}

/// Whether nothing before this place makes it the middle of a name, path or call.
fn begins_path(code: &str, at: usize) -> bool {
    !code[..at].ends_with(|c| is_identifier(c) || c == ':' || c == '.')
}

fn is_identifier(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The code without comments, strings and characters.
fn code_only(text: &str) -> String {
    let mut code = String::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let skipped = comment(rest).or_else(|| raw_string(rest)).or_else(|| quoted(rest));
        if skipped.is_none() {
            code.push(c);
        }
        rest = &rest[skipped.unwrap_or(c.len_utf8())..];
    }
    code
}

/// Length of the comment that starts here; blocks are not nested in this code.
fn comment(rest: &str) -> Option<usize> {
    if rest.starts_with("//") {
        return Some(rest.find('\n').unwrap_or(rest.len()));
    }
    rest.starts_with("/*").then(|| rest.find("*/").map_or(rest.len(), |end| end + 2))
}

/// Length of the raw string that starts here.
fn raw_string(rest: &str) -> Option<usize> {
    let after = rest.strip_prefix('r')?;
    let n_hashes = after.len() - after.trim_start_matches('#').len();
    let body = after[n_hashes..].strip_prefix('"')?;
    let close = format!("\"{}", "#".repeat(n_hashes));
    let body_length = body.find(&close).map_or(body.len(), |end| end + close.len());
    Some(2 + n_hashes + body_length)
}

/// Length of the string or character that starts here; a lifetime is neither.
fn quoted(rest: &str) -> Option<usize> {
    let quote = rest.chars().next().filter(|c| *c == '"' || *c == '\'')?;
    let mut characters = rest.char_indices().skip(1);
    if quote == '\'' && !rest.starts_with("'\\") && rest.chars().nth(2) != Some('\'') {
        return None;
    }
    while let Some((at, c)) = characters.next() {
        match c {
            '\\' => drop(characters.next()),
            _ if c == quote => return Some(at + c.len_utf8()),
            _ => {}
        }
    }
    Some(rest.len())
}
