//! Rules about what must not be read by others.

use crate::change::secrets::{self, SecretMatch};
use crate::change::{DiffLine, KeyChange, KeyChangeKind, KeyWords, LineOrigin, key_words};
use crate::policy::hazard::edit::Edit;
use crate::policy::hazard::found::is_prose;
use crate::policy::hazard::reading::Value;
use crate::policy::hazard::rule::{HazardRule, Sphere, edit_rule};
use crate::policy::reason::ReasonCode;

pub(super) const RULES: &[HazardRule] = &[
    edit_rule(
        "secret_in_clear",
        Sphere::OutsideTests,
        secret_in_clear,
        ["A secret stands in clear", "`password: …` with the password itself"],
    )
    .with_code(ReasonCode::HazardSecret),
    edit_rule(
        "tls_verification_off",
        Sphere::OutsideTests,
        tls_verification_off,
        ["Certificates are no longer checked", "`verify_ssl: true` → `false`"],
    ),
    edit_rule(
        "encryption_downgraded",
        Sphere::OutsideTests,
        encryption_downgraded,
        ["A connection or a disk loses its encryption, or gets a broken one", "`https://…` → `http://…`"],
    ),
];

fn secret_in_clear(edit: &Edit<'_>) -> bool {
    if is_printed(edit) || edit.line.is_in_new_file() && is_named_before(edit) && !is_sealed(edit) {
        return true;
    }
    let is_typed = edit.key_change.kind == KeyChangeKind::Secret;
    if edit.line.text.is_empty()
        || !(is_typed || edit.line.may_hold_secret())
        || is_sealed(edit)
        || is_open(edit)
    {
        return false;
    }
    (is_default_of_secret(edit) || is_shown(edit))
        && !*edit.line.is_in_open_block.get_or_init(|| is_in_open_block(edit))
}

/// Whether a line stands in the block of something public, such as a certificate, or of ciphertext, and shows nothing but
/// letters drawn at random. Looks back no further than such blocks are long.
fn is_in_open_block(edit: &Edit<'_>) -> bool {
    /// Lines of a block, and bytes of a line: such blocks are broken at 64, 76 or 80.
    const LONGEST: (usize, usize) = (256, 128);
    const PUBLIC: &[&str] = &[
        "CERTIFICATE", "TRUSTED CERTIFICATE", "CERTIFICATE REQUEST", "X509 CRL", "PUBLIC KEY",
        "RSA PUBLIC KEY", "DH PARAMETERS", "EC PARAMETERS", "PKCS7", "PGP MESSAGE", "PGP PUBLIC KEY BLOCK",
        "PGP SIGNATURE",
    ];
    let (max_lines, max_bytes) = LONGEST;
    let is_packed = |text: &str| {
        let body = text.trim_end_matches('=');
        let is_letter = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/');
        !body.is_empty()
            && text.len() <= max_bytes
            && text.len() - body.len() <= 2
            && body.bytes().all(is_letter)
    };
    let is_heading = |text: &str| ["Version: ", "Comment: ", "Hash: "].iter().any(|it| text.starts_with(it));
    let line = edit.line.trimmed();
    if !is_packed(line) || edit.line.secrets().iter().any(|secret| secret.kind != "high_entropy") {
        return false;
    }
    let KeyChange { hunk_idx, line_idx, .. } = edit.key_change;
    let hunk = edit.file_diff.hunks().get(*hunk_idx);
    let before = hunk.and_then(|hunk| hunk.lines.get(..*line_idx)).unwrap_or(&[]);
    let is_new = |line: &&DiffLine| line.origin != LineOrigin::Deleted;
    let mut before = before.iter().rev().filter(is_new).take(max_lines).map(|line| line.text.trim());
    let opening = before.find(|text| !(text.is_empty() || is_packed(text) || is_heading(text)));
    let label = |text: &str| {
        let label = text.strip_prefix("-----BEGIN ").and_then(|rest| rest.strip_suffix("-----"));
        label.is_some_and(|label| PUBLIC.contains(&label))
    };
    let is_hex = || line.bytes().all(|b| b.is_ascii_hexdigit());
    opening.is_some_and(|text| label(text) || text.starts_with("$ANSIBLE_VAULT;") && is_hex())
}

/// Whether the line of an edit shows a secret that came with it; found out once a line for all edits of a sort.
fn is_shown(edit: &Edit<'_>) -> bool {
    let [typed, remark, other] = &edit.line.shows_secret;
    let known = match edit.key_change.kind {
        KeyChangeKind::Secret => typed,
        KeyChangeKind::Comment => remark,
        _ => other,
    };
    *known.get_or_init(|| {
        let is_typed = edit.key_change.kind == KeyChangeKind::Secret;
        let mut found = edit.line.secrets().iter().enumerate();
        (is_typed && is_named(edit)) || found.any(|(n, secret)| n >= MAX_SECRETS || is_in_clear(edit, secret))
    })
}

/// Whether a line shows a secret by its name alone: the name stands on another line, or in an attribute.
fn is_named(edit: &Edit<'_>) -> bool {
    let line = edit.line.text;
    edit.line.secrets().iter().all(|secret| secret.kind == "high_entropy")
        && !is_reference(literal_of(line))
        && (!is_code(edit.file_diff.path()) || ends_quoted(line))
        && secrets::is_assigned(PASSWORD, literal_of(line))
}

/// Whether a secret that stands elsewhere is shown: printed by a step of a pipeline, or no longer kept from a plan.
fn is_printed(edit: &Edit<'_>) -> bool {
    const PRINTS: &[&str] = &["echo ", "print", "printf ", "cat <<"];
    let of_step = || edit.gains(&["secrets."]) && edit.new.has_any(PRINTS);
    edit.gains(&["nonsensitive("])
        || (of_step() && !edit.new.contains("--password-stdin") && !edit.new.contains(" >"))
}

/// Whether what was found on a new line is a secret, and came with the edit.
fn is_in_clear(edit: &Edit<'_>, secret: &SecretMatch) -> bool {
    let line = edit.line.text;
    let text = line.get(secret.start..secret.end).unwrap_or("");
    let is_put_in = ["<%", "{{", "${", "#{"].iter().any(|mark| text.contains(mark));
    // A token of a known shape is no name.
    let is_named = is_named_kind(secret.kind);
    let is_name = || is_named && is_code(edit.file_diff.path()) && !is_quoted(line, secret.start);
    if secret.kind == "high_entropy"
        || is_put_in
        || is_name()
        || is_named && is_reference(word_at(line, secret.start))
    {
        return false;
    }
    if edit.key_change.kind == KeyChangeKind::Secret {
        return true;
    }
    // Comments and prose speak of passwords, and a line may name one; a token of a known shape is no word of theirs.
    let is_text = edit.key_change.kind == KeyChangeKind::Comment || is_prose(edit.file_diff);
    let is_drawn = text.bytes().any(|byte| byte.is_ascii_digit());
    !(is_named && (is_text || !is_drawn)) && !edit.was_there(text)
}

/// Secrets of one line that are looked for among what was there before; a line with more of them shows one.
const MAX_SECRETS: usize = 1 << 10;

/// The names of a secret whose value may be any word.
const PASSWORD: KeyWords = KeyWords::SECRET.and(KeyWords::PASSWORD);

/// What a line says last: its last quoted text, else what follows its separator.
fn literal_of(line: &str) -> &str {
    let line = line.trim().trim_end_matches([',', ';', ')', '/', '>', ' ']);
    let quoted = line.chars().next_back().filter(|quote| matches!(quote, '"' | '\''));
    match quoted.and_then(|quote| line.strip_suffix(quote)?.rsplit(quote).next()) {
        Some(inner) => inner,
        None => line.split_once([':', '=']).map_or(line, |(_, value)| value).trim(),
    }
}

/// Whether a file is of a language in which a text that stands for itself is quoted: a bare word is a name.
fn is_code(path: &str) -> bool {
    const LANGUAGES: &[&str] = &[
        ".tf", ".tfvars", ".hcl", ".py", ".rb", ".js", ".ts", ".go", ".nix", ".exs", ".php", ".pp", "sonnet",
    ];
    LANGUAGES.iter().any(|ending| path.ends_with(ending))
}

/// Whether a place of a line lies between quotes.
fn is_quoted(line: &str, at: usize) -> bool {
    let mut open = None;
    for letter in line.get(..at).unwrap_or("").chars().filter(|letter| matches!(letter, '"' | '\'' | '`')) {
        match open {
            None => open = Some(letter),
            Some(quote) if quote == letter => open = None,
            Some(_) => {}
        }
    }
    open.is_some()
}

fn ends_quoted(line: &str) -> bool {
    line.trim().trim_end_matches([',', ';', ')', ' ']).ends_with(['"', '\''])
}

/// Whether what is named like a secret is none: a public key, the address that mails about passwords come from, or the
/// name of an object that holds the secret.
fn is_open(edit: &Edit<'_>) -> bool {
    edit.leaf_says(&["public key", "pubkey", "password sender"]) || names_secret(edit)
}

/// `existingSecret: my-postgres`, `passwordSecretKey: postgres-password`: the secret itself stands elsewhere.
fn names_secret(edit: &Edit<'_>) -> bool {
    const HOLDERS: &[&str] = &[
        "password secret key",
        "password secret name",
        "existing secret",
        "secret key ref",
        "existing secret password key",
        "secret ref",
    ];
    let is_known = |secret: &SecretMatch| !is_named_kind(secret.kind) && secret.kind != "high_entropy";
    let is_name = |text: &str| {
        // Names of objects are in lower case.
        let is_part =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.');
        (1..=253).contains(&text.len()) && text.bytes().all(is_part) && text.contains(['-', '.'])
    };
    edit.leaf_says(HOLDERS)
        && !edit.leaf_says(&["value"])
        && !edit.line.text.contains(['#', '/'])
        && is_name(literal_of(edit.line.text))
        && !edit.line.secrets().iter().any(is_known)
}

/// Whether a secret was found by the name that it is given, and is not of a known shape.
fn is_named_kind(kind: &str) -> bool {
    matches!(kind, "password" | "assigned_secret" | "command_password")
}

/// The word of a line that a place lies in, without quotes around it, as far as a name may reach.
fn word_at(line: &str, at: usize) -> &str {
    const NEAR: usize = 256;
    let is_end = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`' | ',' | ';' | '&' | '=' | '?');
    let near = line.ceil_char_boundary(at.saturating_sub(NEAR))
        ..line.floor_char_boundary(at.saturating_add(2 * NEAR));
    let from = near.start;
    let near = line.get(near).unwrap_or("");
    let before = near.get(..at.saturating_sub(from)).unwrap_or("");
    let start = before.char_indices().rfind(|(_, c)| is_end(*c)).map_or(0, |(at, c)| at + c.len_utf8());
    near.get(start..).unwrap_or("").split(is_end).next().unwrap_or("")
}

/// Whether a text is the name of a secret that a cloud keeps.
fn is_reference(text: &str) -> bool {
    let text = text.trim_matches(['"', '\'']);
    text.starts_with("arn:aws") && text.matches(':').count() >= 5
}

/// Whether the values of the block are ciphertext.
fn is_sealed(edit: &Edit<'_>) -> bool {
    edit.path_says(&["encrypted data", "encrypted"])
}

/// `variable "db_password" { default = "…" }`
fn is_default_of_secret(edit: &Edit<'_>) -> bool {
    let key_change = edit.key_change;
    let new = key_change.new.as_deref().unwrap_or("");
    key_change.leaf == "default" && secrets::is_assigned(key_words(key_change.parent()), new)
}

/// `- name: DB_PASSWORD`, or `name = "…"`, and on the next line its value.
fn is_named_before(edit: &Edit<'_>) -> bool {
    if edit.key_change.leaf != "value" {
        return false;
    }
    let before = edit
        .line_before()
        .map_or("", |line| line.text.trim())
        .trim_start_matches("- ")
        .strip_prefix("name")
        .unwrap_or("");
    let name = before.trim_start().strip_prefix([':', '=']).unwrap_or("");
    let new = edit.key_change.new.as_deref().unwrap_or("");
    !is_reference(new) && secrets::is_assigned(key_words(name.trim().trim_matches(['"', '\''])), new)
}

fn tls_verification_off(edit: &Edit<'_>) -> bool {
    const CHECKS: &[&str] = &[
        "verify",
        "verify ssl",
        "ssl verify",
        "verify tls",
        "tls verify",
        "verify peer",
        "verify certs",
        "verify certificate",
        "validate certs",
        "verify hostname",
        "check hostname",
        "strict ssl",
        "sslverify",
        "proxy ssl verify",
        "reject unauthorized",
        "verify host",
        "ssl check cert",
        "ssl verification",
        "tls verification",
        "cert verification",
        "certificate verification",
    ];
    const SKIPS: &[&str] = &[
        "insecure skip verify",
        "insecure skip tls verify",
        "skip verify",
        "tls skip verify",
        "skip tls verify",
        "ssl no verify",
        "insecure",
        "no check certificate",
        "tls insecure",
        "allow selfsigned",
        "allow self signed",
    ];
    let about_tls = || {
        edit.path_says(&["ssl", "tls", "cert", "certs", "peer", "hostname", "certificate", "unauthorized"])
            || (edit.key_change.leaf == "verify" && edit.key_change.kind != KeyChangeKind::Added)
    };
    let skips =
        edit.set_to().is_some_and(|to| edit.is_off_side(to) && (to || about_tls())) && edit.switches(SKIPS);
    let stops = (edit.set_to().is_some_and(|to| edit.is_off_side(to)) || edit.drops_switch(CHECKS))
        && edit.leaf_says(CHECKS)
        && !edit.leaf_says(SKIPS)
        && about_tls();
    let one_sided = edit.becomes(&["disable", "disabled", "none", "off", "permissive"])
        && matches!(edit.old.as_ref(), "strict" | "mutual" | "istio_mutual" | "required" | "on")
        && edit.path_says(&["mtls", "tls", "mutual tls", "ssl"]);
    let loose = edit.becomes(&["disable", "disabled", "none", "prefer", "allow", "cert_none"])
        && !matches!(edit.old.as_ref(), "" | "prefer" | "allow" | "disable")
        && edit.leaf_says(&["ssl mode", "ssl verify", "verify", "verify client", "tls mode"])
        || edit.becomes(&["require"])
            && matches!(edit.old.as_ref(), "verify-full" | "verify-ca")
            && edit.leaf_says(&["ssl mode"])
        || edit.loses(&["sslmode=verify-full", "sslmode=verify-ca"])
            && edit.new.has_any(&["sslmode=require", "sslmode=prefer", "sslmode=allow"]);
    // Kafka: whether the name in a certificate is that of the broker.
    let any_name = || {
        let is_name = edit.key_change.path.ends_with("endpoint.identification.algorithm");
        is_name && edit.old == "https" && edit.new != "https"
    };
    skips || stops || loose || one_sided || any_name() || asks_nobody(edit)
}

/// Whether a command or a directive no longer looks at who answers.
fn asks_nobody(edit: &Edit<'_>) -> bool {
    const OPTIONS: &[&str] = &[
        " verify none",
        "verify=false",
        "sslverify=false",
        "--insecure",
        "--no-check-certificate",
        "--no-verify-ssl",
        "--nogpgcheck",
        "--no-gpg-check",
        "--allow-unauthenticated",
        "--skip-tls-verify",
        "stricthostkeychecking=no",
        "stricthostkeychecking no",
        "sslmode=disable",
        "trustservercertificate=true",
    ];
    let is_text = matches!(
        edit.key_change.kind,
        KeyChangeKind::Text | KeyChangeKind::Added | KeyChangeKind::ListAdd | KeyChangeKind::Host
    );
    let asks_none = || OPTIONS.iter().any(|it| stands_on(&edit.new, it) && !stands_on(&edit.old, it));
    is_text && (edit.new.has_any(OPTIONS) && asks_none() || (has_curl_k(&edit.new) && !has_curl_k(&edit.old)))
}

/// Whether an option stands in a command, and is not switched off right there: `--insecure-skip-tls-verify=false`.
fn stands_on(command: &str, option: &str) -> bool {
    const OFF: &[&str] = &["=false", "=0", "=no", "=off"];
    let is_off = |rest: &str| {
        let value = rest.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
        let ends = |rest: &str| rest.is_empty() || rest.starts_with([' ', '"', '\'', ',', ']']);
        OFF.iter().any(|off| value.strip_prefix(off).is_some_and(ends))
    };
    // `--ssl-no-verify=false` checks.
    let is_turned = |before: &str| {
        let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        let name = before.rsplit(|c| !is_part(c)).next().unwrap_or("");
        let mut words = name.split(['-', '_']);
        words.any(|word| matches!(word, "no" | "skip" | "insecure" | "disable" | "ignore"))
    };
    let says_off = OFF.iter().any(|off| option.ends_with(off));
    command.match_indices(option).any(|(at, _)| {
        let (before, rest) =
            (command.get(..at).unwrap_or(""), command.get(at + option.len()..).unwrap_or(""));
        !(is_off(rest) || says_off && is_turned(before))
    })
}

/// Whether a command line calls curl with `-k` among its short options.
fn has_curl_k(command: &Value<'_>) -> bool {
    if !command.has_any(&["curl"]) {
        return false;
    }
    let mut words = command.split_ascii_whitespace().skip_while(|word| !word.ends_with("curl"));
    let is_k = |word: &str| {
        let options = word.strip_prefix('-').unwrap_or("");
        options.contains('k') && options.bytes().all(|byte| byte.is_ascii_alphabetic())
    };
    words.next().is_some() && words.take_while(|word| !matches!(*word, "|" | "&&" | ";")).any(is_k)
}

fn encryption_downgraded(edit: &Edit<'_>) -> bool {
    const ENCRYPTS: &[&str] = &[
        "ssl", "tls", "https", "encrypt", "encrypted", "encryption", "encryption at rest",
        "storage encrypted", "at rest encryption", "force ssl", "ssl only", "require ssl", "require tls",
        "use ssl", "use tls", "starttls", "hsts", "secure cookie", "cookie secure", "secure cookies",
        "key rotation",
    ];
    const BROKEN: &[&str] = &[
        "sslv2", "sslv3", "tlsv1.0", "tlsv1.1", "tls1.0", "tls1.1", "tlsv1_0", "tlsv1_1", "rc4-", "des-cbc",
    ];
    let about_protocols = || {
        edit.path_says(&[
            "ssl", "tls", "protocol", "protocols", "cipher", "ciphers", "min version", "ssl protocols",
        ])
    };
    // What `all -SSLv3` names goes out.
    let goes_out = |protocol: &str| edit.new.contains(&["-", protocol].concat());
    let is_worse = || edit.gains(BROKEN) && !BROKEN.iter().any(|it| goes_out(it)) || gains_tls_1(edit);
    let gains_broken = is_worse() && about_protocols() && !edit.new.contains('!');
    let no_promise =
        (edit.is_dropped() || edit.gains(&["max-age=0"])) && edit.leaf_says(&["strict transport security"]);
    let weak_digest =
        edit.becomes(&["md5"]) && edit.old.has_any(&["sha"]) && edit.leaf_says(&["encryption", "auth"]);
    let plain_listener = edit.loses(&["ssl"])
        && !edit.new.is_empty()
        && edit.old.split_ascii_whitespace().any(|word| word == "ssl")
        && matches!(edit.key_change.leaf.as_str(), "listen" | "bind");
    // The block of an ingress that names its certificate.
    let no_certificate = edit.key_change.leaf == "tls" && edit.old.is_empty() && edit.is_dropped();
    weak_digest
        || no_certificate
        || plain_listener
        || edit.turned_off(ENCRYPTS)
        || no_promise
        || speaks_in_clear(edit)
        || gains_broken
}

/// Whether the same host is spoken to without encryption: by the scheme of its address, or by the name of a protocol.
fn speaks_in_clear(edit: &Edit<'_>) -> bool {
    const SCHEMES: &[[&str; 2]] = &[
        ["https://", "http://"],
        ["rediss://", "redis://"],
        ["amqps://", "amqp://"],
        ["ldaps://", "ldap://"],
        ["wss://", "ws://"],
        ["ftps://", "ftp://"],
        ["smtps://", "smtp://"],
        ["mqtts://", "mqtt://"],
        ["grpcs://", "grpc://"],
    ];
    const PROTOCOLS: &[[&str; 2]] =
        &[["https", "http"], ["tls", "tcp"], ["ssl", "plaintext"], ["sasl_ssl", "sasl_plaintext"]];
    let loses_scheme = |[sealed, clear]: &[&str; 2]| {
        if !edit.old.has_any(&[sealed]) || !edit.new.has_any(&[clear]) {
            return false;
        }
        let sealed_before: Vec<&str> = hosts(&edit.old, sealed).collect();
        let was_clear = |host: &str| hosts(&edit.old, clear).any(|other| other == host);
        hosts(&edit.new, clear).any(|host| sealed_before.contains(&host) && !was_clear(host))
    };
    let by_name = || {
        PROTOCOLS.iter().any(|[sealed, clear]| edit.old == *sealed && edit.new == *clear)
            && edit.leaf_says(&["protocol", "scheme", "app protocol"])
    };
    SCHEMES.iter().any(loses_scheme) || by_name()
}

/// `TLSv1` as a word of its own.
fn gains_tls_1(edit: &Edit<'_>) -> bool {
    let holds = |value: &Value<'_>| {
        let is_one = |word| matches!(word, "tlsv1" | "+tlsv1");
        value.has_any(&["tlsv1"]) && value.split([' ', ',', ':', '"']).any(is_one)
    };
    holds(&edit.new) && !holds(&edit.old)
}

/// The hosts of the addresses of a scheme.
fn hosts<'a>(text: &'a str, scheme: &'a str) -> impl Iterator<Item = &'a str> {
    text.match_indices(scheme).filter_map(move |(at, _)| {
        let is_whole = !text[..at].ends_with(|c: char| c.is_ascii_alphanumeric());
        let rest = text.get(at + scheme.len()..).filter(|_| is_whole)?;
        rest.split(['/', ':', '?', ',', ' ', '"', '\'']).next()
    })
}
