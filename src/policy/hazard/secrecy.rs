//! Rules about what must not be read by others.

use crate::change::KeyChangeKind;
use crate::change::secrets;
use crate::policy::hazard::edit::Edit;
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
    let is_known = |secret: &secrets::SecretMatch| secret.kind != "high_entropy";
    edit.key_change.kind == KeyChangeKind::Secret && secrets::find(edit.new_line()).iter().any(is_known)
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
    ];
    let skips = edit.set_to() == Some(true) && edit.leaf_says(SKIPS);
    let about_tls = || {
        edit.path_says(&["ssl", "tls", "cert", "certs", "peer", "hostname", "certificate", "unauthorized"])
    };
    let stops =
        edit.flipped() == Some(false) && edit.leaf_says(CHECKS) && !edit.leaf_says(SKIPS) && about_tls();
    let loose = edit.becomes(&["disable", "disabled", "none", "prefer", "allow", "cert_none"])
        && !matches!(edit.old.as_ref(), "" | "prefer" | "allow" | "disable")
        && edit.leaf_says(&["ssl mode", "ssl verify", "verify", "verify client", "tls mode"]);
    skips || stops || loose
}

fn encryption_downgraded(edit: &Edit<'_>) -> bool {
    const ENCRYPTS: &[&str] = &[
        "ssl",
        "tls",
        "https",
        "encrypt",
        "encrypted",
        "encryption",
        "encryption at rest",
        "storage encrypted",
        "at rest encryption",
        "force ssl",
        "ssl only",
        "require ssl",
        "require tls",
        "use ssl",
        "use tls",
        "starttls",
        "hsts",
        "secure cookie",
        "cookie secure",
        "secure cookies",
    ];
    const BROKEN: &[&str] = &[
        "sslv2", "sslv3", "tlsv1.0", "tlsv1.1", "tls1.0", "tls1.1", "tlsv1_0", "tlsv1_1", "rc4-", "des-cbc",
    ];
    let hosts = edit.old.strip_prefix("https://").zip(edit.new.strip_prefix("http://"));
    let in_clear = hosts.is_some_and(|(old, new)| host(old) == host(new));
    let about_protocols = || {
        edit.path_says(&[
            "ssl",
            "tls",
            "protocol",
            "protocols",
            "cipher",
            "ciphers",
            "min version",
            "ssl protocols",
        ])
    };
    let is_worse = || edit.gains(BROKEN) || gains_tls_1(edit);
    let gains_broken = is_worse() && about_protocols() && !edit.new.contains('!');
    edit.turned_off(ENCRYPTS) || in_clear || gains_broken
}

/// `TLSv1` as a word of its own.
fn gains_tls_1(edit: &Edit<'_>) -> bool {
    let holds =
        |value: &str| value.split([' ', ',', ':', '"']).any(|word| matches!(word, "tlsv1" | "+tlsv1"));
    holds(&edit.new) && !holds(&edit.old)
}

fn host(rest: &str) -> &str {
    rest.split(['/', ':', '?']).next().unwrap_or("")
}
