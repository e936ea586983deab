//! What looks like a host, an address or a version.

/// The host part of a value that is a URL, a host name or an address; none for anything else.
pub(super) fn host_of(value: &str) -> Option<&str> {
    let (has_scheme, rest) = match value.find("://") {
        Some(at) => (true, value.get(at + 3..)?),
        None => (false, value),
    };
    let authority = rest.get(..rest.find(['/', '?', '#']).unwrap_or(rest.len()))?;
    let host = authority.rsplit('@').next()?;
    if is_ipv6(host) {
        return Some(host);
    }
    let name = host.split_once(':').map_or(host, |(name, port)| if is_digits(port) { name } else { host });
    let name = name.trim_end_matches('.');
    let looks_right = is_ipv4(name) || is_host_name(name) || (has_scheme && is_label(name));
    (looks_right && (has_scheme || is_only_host(value))).then_some(name)
}

/// A value without a scheme is a host only if no path follows it, or a mask of digits.
fn is_only_host(value: &str) -> bool {
    value.split_once('/').is_none_or(|(_, mask)| is_digits(mask))
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

fn is_label(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_'))
}

/// Four numbers up to 255.
pub(super) fn is_ipv4(name: &str) -> bool {
    let mut n_parts = 0;
    for part in name.split('.') {
        n_parts += 1;
        if n_parts > 4 || !is_digits(part) || part.len() > 3 || part.parse::<u16>().map_or(true, |n| n > 255)
        {
            return false;
        }
    }
    n_parts == 4
}

fn is_ipv6(host: &str) -> bool {
    let host = host.trim_matches(['[', ']']);
    let n_colons = host.bytes().filter(|&b| b == b':').count();
    (2..=7).contains(&n_colons)
        && host.bytes().all(|b| b.is_ascii_hexdigit() || b == b':')
        && (host.contains("::") || n_colons == 7)
}

fn is_host_name(name: &str) -> bool {
    if name.len() > 253
        || !name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'.' | b'_'))
    {
        return false;
    }
    match name.rsplit_once('.') {
        Some((front, top)) => {
            let has_letters = top.len() >= 2 && top.bytes().all(|b| b.is_ascii_lowercase());
            has_letters
                && !front.is_empty()
                && !front.starts_with('.')
                && !is_file_suffix(top)
                && !is_machine_size(top)
                && !is_reversed(name)
        }
        None => is_numbered(name),
    }
}

/// A short host name such as `db1123`.
fn is_numbered(name: &str) -> bool {
    let digits = name.bytes().rev().take_while(u8::is_ascii_digit).count();
    let letters = name.len() - digits;
    (3..=6).contains(&digits)
        && (2..=20).contains(&letters)
        && name.bytes().take(letters).all(|b| b.is_ascii_lowercase() || b == b'-')
}

/// A Java-like package name or a domain written backwards.
fn is_reversed(name: &str) -> bool {
    name.starts_with("com.")
        || name.starts_with("org.")
        || name.starts_with("net.")
        || name.starts_with("io.")
}

/// The last word of the name of a kind of machine: `m5.large`, `db.t3.medium`.
fn is_machine_size(top: &str) -> bool {
    matches!(top, "nano" | "micro" | "small" | "medium" | "large" | "metal") || top.ends_with("xlarge")
}

fn is_file_suffix(top: &str) -> bool {
    matches!(
        top,
        "php"
            | "yaml"
            | "yml"
            | "json"
            | "py"
            | "sh"
            | "js"
            | "css"
            | "html"
            | "txt"
            | "xml"
            | "conf"
            | "cfg"
            | "png"
            | "svg"
            | "jpg"
            | "gif"
            | "md"
            | "rb"
            | "pp"
            | "erb"
            | "go"
            | "rs"
            | "lua"
            | "sql"
            | "log"
            | "gz"
            | "zip"
            | "tar"
            | "pem"
            | "crt"
            | "key"
            | "sock"
            | "service"
            | "jar"
            | "so"
            | "dblist"
            | "tpl"
            | "lock"
            | "ini"
            | "toml"
            | "tf"
            | "csv"
            | "default"
            | "name"
            | "enabled"
            | "value"
            | "class"
            | "type"
            | "ico"
            | "webp"
    )
}

/// Whether a value looks like a version, an image with a tag, or a digest.
pub(super) fn is_version(value: &str) -> bool {
    let tag = value.rsplit(['@', ':']).next().unwrap_or(value);
    let tag = tag.trim_start_matches(['~', '^', '>', '=', '<', ' ']);
    let tag = tag.strip_prefix('v').unwrap_or(tag);
    is_dotted(tag) || is_dated(tag) || is_digest(tag)
}

/// `1.2.3`, `1.2.3-rc1`, `2.4`.
fn is_dotted(tag: &str) -> bool {
    let core = tag.split(['-', '+', '_', '~']).next().unwrap_or("");
    let mut n_parts = 0;
    for part in core.split('.') {
        let starts_with_digit = part.starts_with(|c: char| c.is_ascii_digit());
        if part.is_empty() || part.len() > 10 || !(starts_with_digit || (n_parts > 0 && part == "x")) {
            return false;
        }
        n_parts += 1;
    }
    (2..=5).contains(&n_parts) && !is_ipv4(core)
}

/// `2026-08-18-185108-production`, `20260818.1`.
fn is_dated(tag: &str) -> bool {
    let digits: usize =
        tag.bytes().take_while(|b| b.is_ascii_digit() || *b == b'-').filter(u8::is_ascii_digit).count();
    digits >= 8 && (tag.starts_with("20") || tag.starts_with("19")) && !is_digits(tag)
}

/// A hash in hexadecimal.
pub(super) fn is_digest(tag: &str) -> bool {
    matches!(tag.len(), 40 | 64) && tag.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'a'..=b'f'))
}
