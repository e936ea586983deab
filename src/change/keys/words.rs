//! What the name of a key says about its value: units, flags, secrets, hosts.

use std::borrow::Cow;

/// What the words of a key's name say, as a set of bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeyWords(u32);

impl KeyWords {
    /// Reads like a switch (`enable…`, `is…`, `use…`).
    pub const FLAG: Self = Self(1);
    /// A switch whose `true` turns something off (`disable…`, `skip…`, `no…`).
    pub const NEGATIVE: Self = Self(1 << 1);
    /// Milliseconds.
    pub const MILLISECONDS: Self = Self(1 << 2);
    /// Seconds.
    pub const SECONDS: Self = Self(1 << 3);
    /// Minutes.
    pub const MINUTES: Self = Self(1 << 4);
    /// Hours.
    pub const HOURS: Self = Self(1 << 5);
    /// Days.
    pub const DAYS: Self = Self(1 << 6);
    /// A time span without a unit in its name (`timeout`, `ttl`, `interval`).
    pub const SPAN: Self = Self(1 << 7);
    /// Bytes.
    pub const BYTES: Self = Self(1 << 8);
    /// Kilobytes.
    pub const KILOBYTES: Self = Self(1 << 9);
    /// Megabytes.
    pub const MEGABYTES: Self = Self(1 << 10);
    /// Gigabytes.
    pub const GIGABYTES: Self = Self(1 << 11);
    /// Memory or disk, without a unit in its name.
    pub const MEMORY: Self = Self(1 << 12);
    /// A share written in percent.
    pub const PERCENT: Self = Self(1 << 13);
    /// A share written as a fraction of one.
    pub const FRACTION: Self = Self(1 << 14);
    /// A version, tag, image or digest.
    pub const VERSION: Self = Self(1 << 15);
    /// A host, server, address or endpoint.
    pub const HOST: Self = Self(1 << 16);
    /// A password, token or key.
    pub const SECRET: Self = Self(1 << 17);
    /// Something about a secret that is none itself (`token_ttl`, `secret_name`, `password_file`).
    pub const ABOUT: Self = Self(1 << 18);
    /// Processor shares, where `500m` is half a core.
    pub const CPU: Self = Self(1 << 19);
    /// Number of copies of a service.
    pub const REPLICAS: Self = Self(1 << 20);
    /// A bound: limit, maximum, quota.
    pub const LIMIT: Self = Self(1 << 21);
    /// A timeout or deadline.
    pub const TIMEOUT: Self = Self(1 << 22);
    /// A time to live or expiry.
    pub const TTL: Self = Self(1 << 23);
    /// How long something is kept.
    pub const RETENTION: Self = Self(1 << 24);

    /// A password, which may be a plain word.
    pub const PASSWORD: Self = Self(1 << 25);

    /// Whether all bits of `other` are set.
    pub fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether any bit of `other` is set.
    pub fn has_any(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Both sets together.
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The set less `other`.
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether the name is that of a secret itself, not of something about one.
    pub fn names_secret(self) -> bool {
        self.has(Self::SECRET) && !self.has(Self::ABOUT)
    }

    /// Whether nothing was recognised.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }
}

/// Reads the words of a key's name, split at case changes, digits and punctuation.
pub fn key_words(name: &str) -> KeyWords {
    let mut found = KeyWords::default();
    let mut opens_key = false;
    for_each_word(name, |word| {
        let is_key = opens_key && matches!(word, "key" | "keys");
        let meaning = if is_key { KeyWords::SECRET } else { word_meaning(word) };
        if meaning.has(KeyWords::SECRET) {
            found = found.without(KeyWords::ABOUT);
        }
        found = found.and(meaning);
        opens_key = matches!(
            word,
            "api"
                | "private"
                | "access"
                | "signing"
                | "encryption"
                | "auth"
                | "master"
                | "shared"
                | "secret"
                | "app"
        );
    });
    found
}

/// A text in lower case, as far as it is ASCII; most texts are already, and are borrowed.
pub(crate) fn lower_case(text: &str) -> Cow<'_, str> {
    match text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        true => Cow::Owned(text.to_ascii_lowercase()),
        false => Cow::Borrowed(text),
    }
}

/// Calls `f` with every lower-case word of `name`: `wgHTTPTimeout_ms` gives wg, http, timeout, ms.
pub(crate) fn for_each_word(name: &str, mut f: impl FnMut(&str)) {
    let bytes = name.as_bytes();
    let mut buffer = [0_u8; 24];
    let mut len = 0;
    for (idx, &byte) in bytes.iter().enumerate() {
        let next_is_lower = bytes.get(idx + 1).is_some_and(u8::is_ascii_lowercase);
        let after_lower =
            idx > 0 && bytes.get(idx - 1).is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        let starts = byte.is_ascii_uppercase() && (after_lower || (len > 1 && next_is_lower));
        if !byte.is_ascii_alphabetic() || starts {
            flush(&buffer, &mut len, &mut f);
        }
        if byte.is_ascii_alphabetic()
            && let Some(slot) = buffer.get_mut(len)
        {
            *slot = byte.to_ascii_lowercase();
            len += 1;
        }
    }
    flush(&buffer, &mut len, &mut f);
}

fn flush(buffer: &[u8; 24], len: &mut usize, f: &mut impl FnMut(&str)) {
    if let Some(Ok(word)) = buffer.get(..*len).map(std::str::from_utf8)
        && !word.is_empty()
    {
        f(word);
    }
    *len = 0;
}

fn word_meaning(word: &str) -> KeyWords {
    type W = KeyWords;
    match word {
        "enable" | "enabled" | "is" | "use" | "allow" | "allowed" | "has" | "flag" | "should" | "active"
        | "ensure" | "on" | "with" | "require" | "required" | "debug" => W::FLAG,
        "disable" | "disabled" | "skip" | "no" | "ignore" | "without" | "suspend" | "paused" | "insecure" => {
            W::FLAG.and(W::NEGATIVE)
        }
        "ms" | "msec" | "msecs" | "millis" | "millisecond" | "milliseconds" => W::MILLISECONDS,
        "s" | "sec" | "secs" | "second" | "seconds" => W::SECONDS,
        "min" | "mins" => W::default(),
        "minute" | "minutes" => W::MINUTES,
        "hour" | "hours" | "hrs" => W::HOURS,
        "day" | "days" => W::DAYS,
        "timeout" | "timeouts" | "deadline" => W::SPAN.and(W::TIMEOUT).and(W::ABOUT),
        "ttl" | "expiry" | "expires" | "expiration" | "lifetime" | "expire" => {
            W::SPAN.and(W::TTL).and(W::ABOUT)
        }
        "interval" | "delay" | "duration" | "period" | "age" | "backoff" | "cooldown" | "grace" => W::SPAN,
        "retention" | "retain" | "keep" => W::RETENTION,
        "bytes" | "byte" => W::BYTES,
        "kb" | "kib" | "kilobytes" => W::KILOBYTES,
        "mb" | "mib" | "megabytes" => W::MEGABYTES,
        "gb" | "gib" | "gigabytes" => W::GIGABYTES,
        "mem" | "memory" | "heap" | "storage" | "disk" | "xmx" => W::MEMORY,
        "percent" | "percentage" | "pct" | "rollout" => W::PERCENT,
        "ratio" | "fraction" | "probability" | "sampling" | "sample" | "share" | "weight" => W::FRACTION,
        "version" | "tag" | "image" | "digest" | "sha" | "revision" | "ref" | "chart" | "commit"
        | "branch" | "release" => W::VERSION,
        "host" | "hosts" | "hostname" | "server" | "servers" | "endpoint" | "address" | "addr"
        | "upstream" | "master" | "primary" | "url" | "uri" | "backend" | "node" | "domain" | "ip" => {
            W::HOST.and(W::ABOUT)
        }
        "password" | "passwd" | "pwd" | "passphrase" | "pass" => W::SECRET.and(W::PASSWORD),
        "secret" | "secrets" | "token" | "apikey" | "credential" | "credentials" | "psk" => W::SECRET,
        "name" | "path" | "file" | "id" | "policy" | "type" | "length" | "store" | "keyref" | "namespace"
        | "provider" | "mount" | "dir" | "class" | "field" | "format" | "algorithm" | "rotation"
        | "scope" | "scopes" | "mode" | "header" | "issuer" | "audience" | "manager" | "reset"
        | "username" | "user" | "email" | "list" => W::ABOUT,
        "cpu" | "cpus" | "cores" | "millicores" => W::CPU,
        "replicas" | "replica" | "instances" | "workers" => W::REPLICAS,
        "limit" | "limits" | "max" | "maximum" | "quota" | "cap" => W::LIMIT,
        _ => joined_meaning(word),
    }
}

/// Names written without word boundaries, such as `proxyreadtimeout` or `dbpassword`.
fn joined_meaning(word: &str) -> KeyWords {
    const ENDINGS: [(&str, KeyWords); 7] = [
        ("timeout", KeyWords(KeyWords::SPAN.0 | KeyWords::TIMEOUT.0)),
        ("seconds", KeyWords::SECONDS),
        ("percent", KeyWords::PERCENT),
        ("password", KeyWords(KeyWords::SECRET.0 | KeyWords::PASSWORD.0)),
        ("enabled", KeyWords::FLAG),
        ("interval", KeyWords::SPAN),
        ("bytes", KeyWords::BYTES),
    ];
    if word.len() < 7 {
        return KeyWords::default();
    }
    ENDINGS
        .iter()
        .find(|(ending, _)| word.ends_with(ending))
        .map_or(KeyWords::default(), |(_, meaning)| *meaning)
}
