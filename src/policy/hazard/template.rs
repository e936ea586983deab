//! Lines of templates: what they write themselves, and what comes from elsewhere. Start at [`is_of_template`].

use std::borrow::Cow;

/// A line without what a template puts there.
pub(super) fn written(line: &str) -> Cow<'_, str> {
    if !is_of_template(line) {
        return line.into();
    }
    let mut text = line.to_owned();
    for (open, close) in [("{{", "}}"), ("{%", "%}")] {
        let parts = text.split(open);
        text = parts.map(|part| part.rsplit_once(close).map_or(part, |(_, rest)| rest)).collect();
    }
    text.into()
}

/// Whether what stands on a line comes from elsewhere and may be all that the key above it has.
pub(super) fn is_of_template(line: &str) -> bool {
    line.contains("{{") || line.contains("{%") || line.trim_start().starts_with("<<")
}

/// Whether a line is nothing but a branch of a template: `{{- if .Values.x }}`, `{{ end }}`.
pub(super) fn is_branch(line: &str) -> bool {
    const WORDS: [&str; 6] = ["if", "else", "end", "endif", "with", "range"];
    let inner = line.trim().strip_prefix("{{").and_then(|rest| rest.strip_suffix("}}"));
    let inner = inner.or_else(|| line.trim().strip_prefix("{%").and_then(|rest| rest.strip_suffix("%}")));
    let inner = inner.map(|inner| inner.trim_matches(['-', ' '])).filter(|inner| !inner.contains(['{', '}']));
    inner.is_some_and(|inner| inner.split(' ').next().is_some_and(|word| WORDS.contains(&word)))
}
