//! XML: elements open keys, attributes are keys, `name` and `id` say which element it is.

use crate::change::keys::collect::Sort;
use crate::change::keys::scope::Scope;

/// Most attributes of one element that are read.
const MAX_ATTRIBUTES: usize = 32;

/// Moves the scope over one line of context.
pub(super) fn step(scope: &mut Scope, raw: &str) {
    read(scope, raw.trim(), |_, _, _, _| {});
}

/// Reads one line, moves the scope, and calls `f` with the parent's path, the key, what it is and
/// the value for everything that the line says.
pub(super) fn read<'a>(scope: &mut Scope, text: &'a str, mut f: impl FnMut(&str, &str, Sort, &'a str)) {
    if text.is_empty() {
        return f("", "", Sort::Blank, "");
    }
    if text.starts_with("<!") || text.starts_with("<?") || text.starts_with("-->") {
        return f(scope.path(), "", Sort::Comment, "");
    }
    if text.starts_with("</") {
        return scope.close(scope.depth());
    }
    let Some(element) = Element::read(text) else {
        let (start, end) = (text.find('=').unwrap_or(0), text.trim_end_matches(['/', '>']));
        let is_attribute = start > 0 && text.as_bytes().get(start + 1) == Some(&b'"');
        if is_attribute && let (Some(key), Some(value)) = (text.get(..start), end.get(start + 1..)) {
            return f(scope.path(), key, Sort::Pair, value.trim_matches('"'));
        }
        return f(scope.path(), "", Sort::Bare, text);
    };
    scope.open(scope.depth() + 1, element.name);
    let identity = element.attributes().find(|(key, _)| is_identity(key)).map(|(_, value)| value);
    if let Some(identity) = identity {
        scope.open(scope.depth() + 1, identity);
    }
    let parent = scope.path().to_owned();
    let n_levels = 1 + u32::from(identity.is_some());
    for (key, value) in element.attributes() {
        let key_shown = if key == "value" && identity.is_some() { "" } else { key };
        f(&parent, key_shown, Sort::Pair, value);
    }
    if let Some(content) = element.content {
        f(&parent, "", Sort::Pair, content);
    } else if element.attributes().next().is_none() {
        f(&parent, "", Sort::Pair, "");
    }
    if element.is_closed {
        scope.close((scope.depth() + 1).saturating_sub(n_levels));
    }
}

fn is_identity(key: &str) -> bool {
    matches!(key, "name" | "id" | "key")
}

struct Element<'a> {
    name: &'a str,
    head: &'a str,
    content: Option<&'a str>,
    is_closed: bool,
}

impl<'a> Element<'a> {
    fn read(text: &'a str) -> Option<Self> {
        let inner = text.strip_prefix('<')?;
        let head_end = inner.find('>').unwrap_or(inner.len());
        let head = inner.get(..head_end)?;
        let after = inner.get(head_end + 1..).unwrap_or("");
        let name = head.split([' ', '\t', '/']).next().filter(|name| !name.is_empty())?;
        let content = after.rfind("</").and_then(|end| after.get(..end));
        Some(Self { name, head, content, is_closed: head.ends_with('/') || content.is_some() })
    }

    fn attributes(&self) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
        let mut rest = self.head.get(self.name.len()..).unwrap_or("");
        std::iter::from_fn(move || {
            let (key, after) = rest.split_once('=')?;
            let quote = after.chars().next().filter(|c| matches!(c, '"' | '\''))?;
            let (value, behind) = after.get(1..)?.split_once(quote)?;
            rest = behind;
            Some((key.trim(), value))
        })
        .take(MAX_ATTRIBUTES)
    }
}
