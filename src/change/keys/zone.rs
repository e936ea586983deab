//! DNS zone files: `name [ttl] [class] type data`, where a line may inherit its owner's name.

use crate::change::LineOrigin;
use crate::change::keys::collect::Sort;
use crate::change::keys::value;

/// The owner name in force on either side.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Owners<'a> {
    old: &'a str,
    new: &'a str,
}

/// Reads one line and calls `f` with a path, what it is, and the value: once for the data of a
/// record, once for its time to live where it has one.
pub(super) fn read<'a>(
    raw: &'a str,
    owners: &mut Owners<'a>,
    origin: LineOrigin,
    mut f: impl FnMut(String, Sort, &'a str),
) {
    let text = raw.trim();
    if text.is_empty() {
        return f(String::new(), Sort::Blank, "");
    }
    if text.starts_with([';', '#']) || text.starts_with("//") {
        return f(String::new(), Sort::Comment, "");
    }
    let text = text.split(" ;").next().unwrap_or(text).trim_end();
    if let Some(directive) = text.strip_prefix('$') {
        let (name, data) = directive.split_once([' ', '\t']).unwrap_or((directive, ""));
        return f(name.to_owned(), Sort::Pair, data.trim());
    }
    let has_owner = !raw.starts_with([' ', '\t']);
    let Some(record) = Record::read(text, has_owner) else { return f(String::new(), Sort::Bare, text) };
    let owner = record.owner.unwrap_or(if origin == LineOrigin::Deleted { owners.old } else { owners.new });
    if origin != LineOrigin::Added {
        owners.old = owner;
    }
    if origin != LineOrigin::Deleted {
        owners.new = owner;
    }
    f(format!("{owner}.{}", record.kind), Sort::Pair, value::clean(record.data));
    if let Some(ttl) = record.ttl {
        f(format!("{owner}.{}.ttl", record.kind), Sort::Pair, ttl);
    }
}

struct Record<'a> {
    owner: Option<&'a str>,
    ttl: Option<&'a str>,
    kind: &'a str,
    data: &'a str,
}

impl<'a> Record<'a> {
    fn read(text: &'a str, has_owner: bool) -> Option<Self> {
        let mut rest = text;
        let owner = if has_owner { Some(next_field(&mut rest)?) } else { None };
        let mut ttl = None;
        for _ in 0..3 {
            let field = next_field(&mut rest)?;
            if is_type(field) {
                return Some(Self { owner, ttl, kind: field, data: rest.trim_start() });
            }
            if field.starts_with(|c: char| c.is_ascii_digit()) {
                ttl = Some(field);
            }
        }
        None
    }
}

fn next_field<'a>(rest: &mut &'a str) -> Option<&'a str> {
    let text = rest.trim_start();
    let end = text.find([' ', '\t']).unwrap_or(text.len());
    *rest = text.get(end..).unwrap_or("");
    text.get(..end).filter(|field| !field.is_empty())
}

fn is_type(field: &str) -> bool {
    matches!(
        field,
        "A" | "AAAA"
            | "CNAME"
            | "MX"
            | "NS"
            | "TXT"
            | "SRV"
            | "PTR"
            | "CAA"
            | "SOA"
            | "DS"
            | "DNSKEY"
            | "TLSA"
            | "NAPTR"
            | "DYNA"
            | "SSHFP"
            | "SPF"
            | "LOC"
            | "HTTPS"
            | "SVCB"
    )
}
