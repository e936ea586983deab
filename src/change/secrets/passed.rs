//! Passwords that a command line passes by a letter: `curl -u deploy:…`, `mysqldump -p…`, `sshpass -p …`.

use std::sync::LazyLock;

use memchr::{memchr_iter, memmem};
use regex::Regex;

use crate::change::keys::KeyWords;
use crate::change::secrets::SecretMatch;
use crate::change::secrets::assigned::is_assigned;

/// The kinds of this module.
pub(super) const NAMES: [&str; 1] = ["command_password"];

/// How programs are called with a password, as their manuals say; group 1 is the password.
const CALLS: &[&str] = &[
    r#"\bcurl\b[^|;&\n]*?[\s"',]-(?:[a-zA-Z]*[uU]|-user|-proxy-user)[\s"',=]{0,4}[^\s:"',=-][^\s:"']*:([^\s"']+)"#,
    r#"\b(?:mysql(?:dump|admin|import|check|show|slap|binlog)?|mariadb(?:-[a-z]+)?)\b[^|;&\n]*?[\s"',]-p["']?([^\s"',]+)"#,
    r#"\bsshpass\b[\s"',]+-p[\s"',]*([^\s"',]+)"#,
    r#"\b(?:redis|valkey)-cli\b[^|;&\n]*?[\s"',]-a[\s"',]+([^\s"',]+)"#,
    r#"\bldap(?:search|add|modify|delete|passwd|whoami)\b[^|;&\n]*?[\s"',]-w[\s"',]+([^\s"',]+)"#,
    r#"\bmongo(?:sh|dump|restore|export|import)?\b[^|;&\n]*?[\s"',]-p[\s"',]+([^\s"',]+)"#,
    r#"\b(?:docker|podman|buildah|skopeo|helm|oras|az|oc)\b[^|;&\n]*?\blogin\b[^|;&\n]*?[\s"',]-p[\s"',]+([^\s"',]+)"#,
    r#"\b(?:un)?zip\b[^|;&\n]*?[\s"',]-P[\s"',]*([^\s"',]+)"#,
    r#"\b(?:smbclient|rpcclient)\b[^|;&\n]*?[\s"',]-U[\s"',]+[^\s%"']+%([^\s"',]+)"#,
    r#"\bopenssl\b[^|;&\n]*?\bpass:([^\s"',]+)"#,
    r#"\becho\s+["']?[A-Za-z0-9_.-]+:([^\s"'|]+)["']?\s*\|\s*(?:sudo\s+)?chpasswd\b"#,
];

/// One look for the names of all these programs, and the patterns.
struct Compiled {
    programs: Regex,
    calls: Vec<Regex>,
}

static COMPILED: LazyLock<Compiled> = LazyLock::new(|| {
    let compile = |pattern: &str| Regex::new(pattern).expect("the patterns of the table are tested");
    let programs = "(?-u:curl|mysql|mariadb|sshpass|redis-cli|valkey-cli|ldap|mongo|login|zip|smbclient|rpcclient|pass:|chpasswd)";
    // Ends of words in ASCII alone: with those of all letters the search takes a much slower way.
    let calls = CALLS.iter().map(|call| compile(&call.replace(r"\b", r"(?-u:\b)"))).collect();
    Compiled { programs: compile(programs), calls }
});

/// Whether a text names a program that takes a password so. Most lines have nothing that looks like such an option.
pub(super) fn may_pass(text: &str) -> bool {
    has_option(text.as_bytes()) && COMPILED.programs.is_match(text)
}

/// Whether a text has an option of one letter that passes a password, or of one word, or says `pass`.
fn has_option(bytes: &[u8]) -> bool {
    let is_option = |at: usize| match bytes.get(at + 1) {
        // `--user`, `--proxy-user`
        Some(b'-') => matches!(bytes.get(at + 2), Some(b'u' | b'p')),
        Some(letter) => {
            letter.is_ascii_alphabetic()
                && !bytes.get(at.wrapping_sub(1)).is_some_and(u8::is_ascii_alphanumeric)
        }
        None => false,
    };
    memchr_iter(b'-', bytes).any(is_option) || memmem::find(bytes, b"pass").is_some()
}

/// Finds the passwords of command lines that stand there themselves.
pub(super) fn find(text: &str, found: &mut Vec<SecretMatch>) {
    if !may_pass(text) {
        return;
    }
    let passed = COMPILED.calls.iter().flat_map(|call| call.captures_iter(text)).filter_map(|it| it.get(1));
    let in_clear = passed.filter(|it| is_assigned(KeyWords::SECRET.and(KeyWords::PASSWORD), it.as_str()));
    found.extend(in_clear.map(|it| SecretMatch { start: it.start(), end: it.end(), kind: NAMES[0] }));
}

#[cfg(test)]
mod tests {
    use crate::change::secrets::{find, redact};

    #[test]
    fn passwords_of_command_lines_are_masked() {
        for line in [
            "curl -fsS -u deploy:@ https://a.example.org/hook",
            "curl --user \"deploy:@\" https://a.example.org",
            "args: [\"curl\", \"-u\", \"deploy:@\", \"https://a.example.org\"]",
            "mysqldump -h db -u backup -p@ shop | gzip",
            "/usr/bin/mysql -uroot -p'@' -e 'select 1'",
            "sshpass -p @ scp a b:",
            "redis-cli -h cache -a '@' flushall",
            "ldapsearch -x -D cn=admin -w @ -b dc=example",
            "mongodump --host db -u backup -p @",
            "docker login -u ci -p @ registry.example.org",
            "zip -r -P @ out.zip data",
            "smbclient //nas/backup -U backup%@",
            "openssl rsa -in a -passin pass:@",
            "echo 'deploy:@' | chpasswd",
        ] {
            let whole = line.replace('@', "Tr0ub4dor.x");
            assert!(!redact(&whole).contains("Tr0ub4dor"), "{line}");
            assert_eq!(find(&whole).len(), 1, "{line}");
        }
    }

    #[test]
    fn what_is_put_in_later_or_is_no_password_stays() {
        for line in [
            "curl -u \"$USER:$PASS\" https://a.example.org",
            "curl -fsS https://a.example.org:8443/up",
            "curl -H accept:application -o out https://a.example.org",
            "mysqldump -u backup -p\"${DB_PASS}\" shop",
            "mysql -u root -p shop",
            "mysql --port 3306 -P 3306 --protocol=tcp shop",
            "docker run -p 8080:80 nginx # after docker login",
            "docker login -u ci --password-stdin",
            "redis-cli -h cache -p 6379 ping",
            "sshpass -p \"$PASS\" ssh a",
            "mongo -p 27017",
            "openssl req -passin file:/etc/pass",
        ] {
            assert_eq!(redact(line), line);
        }
    }
}
