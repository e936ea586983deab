//! The cases of `weakened.rs`.

use super::Case;

pub(super) const CASES: &[Case] = &[
    (
        "enforcement_weakened",
        "a/webhook.yaml",
        "-  failurePolicy: Fail\n+  failurePolicy: Ignore",
        "-  failurePolicy: Ignore\n+  failurePolicy: Fail",
    ),
    (
        "enforcement_weakened",
        "a/modsecurity.conf",
        "-SecRuleEngine On\n+SecRuleEngine DetectionOnly",
        "-SecRuleEngine DetectionOnly\n+SecRuleEngine On",
    ),
    (
        "set_to_none",
        "a/nslcd.conf",
        "-tls_reqcert demand\n+tls_reqcert never",
        "-tls_reqcert never\n+tls_reqcert demand",
    ),
    (
        "credentials_weakened",
        "a/settings.py",
        "-MIN_PASSWORD_LENGTH = 12\n+MIN_PASSWORD_LENGTH = 4",
        "-MIN_PASSWORD_LENGTH = 12\n+MIN_PASSWORD_LENGTH = 14",
    ),
    (
        "credentials_weakened",
        "a/security.json",
        "-  \"algorithms\": [\"RS256\"],\n+  \"algorithms\": [\"RS256\", \"none\"],",
        "-  \"algorithms\": [\"RS256\"],\n+  \"algorithms\": [\"RS256\", \"ES256\"],",
    ),
    (
        "browser_guard_off",
        "a/site.conf",
        "-add_header Content-Security-Policy \"script-src 'self'\";\n+add_header Content-Security-Policy \"script-src 'self' 'unsafe-inline'\";",
        "-add_header Content-Security-Policy \"script-src 'self'\";\n+add_header Content-Security-Policy \"script-src 'none'\";",
    ),
    (
        "browser_guard_off",
        "a/csp.yaml",
        " script-src:\n-  - https://cdn.example.org\n+  - \"'unsafe-inline'\"",
        " script-src:\n-  - https://cdn.example.org\n+  - https://cdn2.example.org",
    ),
    (
        "set_to_none",
        "config/promotions.rb",
        "-  c.max_discount_cents = 5_000\n+  c.max_discount_cents = nil",
        "-  c.max_discount_cents = 5_000\n+  c.max_discount_cents = 4_800",
    ),
];
