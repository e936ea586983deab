//! Rules about the hosts and environments that a change points at.

use crate::change::{KeyChangeKind, for_each_word};
use crate::policy::hazard::around::Left;
use crate::policy::hazard::edit::Edit;
use crate::policy::hazard::place::Place;
use crate::policy::hazard::reading::Value;
use crate::policy::hazard::rule::{HazardRule, Sphere, edit_rule};
use crate::policy::hazard::words::spaced;

pub(super) const RULES: &[HazardRule] = &[
    edit_rule(
        "host_swapped",
        Sphere::OutsideTests,
        host_swapped,
        [
            "A host of another environment, or the machine itself, takes the place of the real one",
            "`db.prod.example.org` → `db.staging.example.org`",
        ],
    ),
    edit_rule(
        "host_misspelled",
        Sphere::OutsideTests,
        host_misspelled,
        [
            "The name of a host has a slip of the hand in it",
            "`db.internal.example.org` → `db.intrenal.example.org`",
        ],
    ),
    edit_rule(
        "test_reaches_production",
        Sphere::Tests,
        test_reaches_production,
        [
            "A test environment is pointed at what belongs to production",
            "`key = \"dev/network.tfstate\"` → `\"prod/network.tfstate\"` in `stacks/dev`",
        ],
    ),
];

/// Names of the machine itself.
const OWN: &[&str] = &["localhost", "127.0.0.1", "::1"];

fn host_swapped(edit: &Edit<'_>) -> bool {
    if edit.key_change.kind == KeyChangeKind::ListAdd {
        return is_swapped_in_list(edit);
    }
    if is_no_host(edit) {
        return false;
    }
    is_server_itself(edit)
        || is_of_other_environment(edit)
        || leaves_production(edit)
        || is_copy_of_primary(edit)
        || connects_to_itself(edit)
        || has_other_port(edit)
        || points_to_test(edit)
}

/// Whether a key names a mode or what people call something: `stripe.mode: live` → `test`.
fn is_no_host(edit: &Edit<'_>) -> bool {
    let is_word = |value: &str| !value.contains(['.', ':', '/']);
    is_word(&edit.old)
        && is_word(&edit.new)
        && matches!(edit.key_change.leaf.as_str(), "mode" | "label" | "title" | "color" | "payment_mode")
}

/// Whether the only hosts of a list that went make room for the machine itself, or one of production for its like of a test.
fn is_swapped_in_list(edit: &Edit<'_>) -> bool {
    const POINTERS: &[&str] = &[
        "nameserver", "nameservers", "dns", "resolver", "resolvers", "servers", "upstreams", "endpoints",
        "brokers", "backends", "targets", "hosts", "peers",
    ];
    if edit.new.has_any(OWN) && edit.leaf_says(POINTERS) {
        let is_own = |value: &str| OWN.iter().any(|own| value.contains(own));
        let mut left = edit.left_list().iter().peekable();
        return left.peek().is_some() && left.all(|old| is_address(old) && !is_own(old));
    }
    let is_test = is_address(&edit.new) && Place::of_text(without_suffix(&edit.new)) == Place::Test;
    let is_of_production = |old: &&&str| Place::of_text(without_suffix(old)) == Place::Production;
    let of_production = |left: &Left<'_>| {
        let names = left.of_production.get_or_init(|| {
            let old = left.elements.iter().filter(is_of_production);
            old.map(|old| without_environment(old)).collect()
        });
        names.contains(&without_environment(&edit.new))
    };
    is_test && edit.left().is_some_and(of_production)
}

/// Whether the server that a key names becomes the machine itself.
fn is_server_itself(edit: &Edit<'_>) -> bool {
    edit.new == "localhost"
        && !edit.old.is_empty()
        && !edit.old.has_any(OWN)
        && !edit.old.contains(' ')
        && edit.leaf_says(&["host", "hostname", "server", "dbserver", "address", "endpoint"])
}

/// Whether an address becomes one of a test, or the machine itself.
fn points_to_test(edit: &Edit<'_>) -> bool {
    let is_pointer = edit.key_change.kind == KeyChangeKind::Host
        || (edit.key_change.kind == KeyChangeKind::Text
            && is_address(&edit.old)
            && (is_address(&edit.new) || edit.new == "localhost"));
    if !is_pointer || edit.new.contains('@') && !edit.new.contains("://") {
        return false;
    }
    let (old, new) = (Place::of_text(without_suffix(&edit.old)), Place::of_text(without_suffix(&edit.new)));
    let to_test = new == Place::Test && old != Place::Test;
    // The database or the queue behind the same host.
    let tail = |value: &str| Place::of_text(value.rsplit_once('/').map_or("", |(_, tail)| tail));
    let to_test_tail =
        edit.old.contains("://") && tail(&edit.new) == Place::Test && tail(&edit.old) != Place::Test;
    to_test
        || to_test_tail
        || (edit.new.has_any(OWN) && !edit.old.has_any(OWN) && !edit.old.starts_with("0.0.0.0"))
}

/// The same address of a copy that takes no writes: `db-rw.prod` → `db-ro.prod`.
fn is_copy_of_primary(edit: &Edit<'_>) -> bool {
    const PAIRS: [(&str, &str); 6] = [
        ("rw", "ro"),
        ("primary", "replica"),
        ("primary", "standby"),
        ("master", "slave"),
        ("writer", "reader"),
        ("leader", "follower"),
    ];
    const PRIMARIES: &[&str] = &["rw", "primary", "master", "writer", "leader"];
    let is_name = edit.old.len() <= 200 && !edit.old.contains(' ') && edit.old.contains(['.', ':', '-']);
    if !is_name || !edit.old.has_any(PRIMARIES) {
        return false;
    }
    let (old, new) = (spaced(&edit.old), spaced(&edit.new));
    let is_pair = |(primary, copy): &(&str, &str)| {
        let [primary, copy] = [primary, copy].map(|word| format!(" {word} "));
        old.contains(&primary) && !old.contains(&copy) && old.replace(&primary, &copy) == new
    };
    PAIRS.iter().any(is_pair)
}

/// A text of a connection whose server is the machine itself now: `Server=db.prod;Database=a` → `Server=localhost;…`.
fn connects_to_itself(edit: &Edit<'_>) -> bool {
    const ITSELF: &[&str] = &[
        "server=localhost", "server=127.0.0.1", "server=(local", "host=localhost", "host=127.0.0.1",
        "source=localhost", "source=127.0.0.1",
    ];
    edit.gains(ITSELF) && edit.old.has_any(&["server=", "host=", "source="])
}

/// The same database or queue behind another port.
fn has_other_port(edit: &Edit<'_>) -> bool {
    const STORES: &[&str] =
        &["postgres", "mysql", "mariadb", "mongodb", "redis", "amqp", "oracle", "sqlserver", "kafka", "nats"];
    if !edit.old.has_any(&["://"]) || !edit.old.has_any(STORES) {
        return false;
    }
    // The scheme, the host, and what follows the port.
    let parts = |value: &str| {
        let (scheme, rest) = value.split_once("://")?;
        let (host, rest) = rest.rsplit_once('@').map_or(rest, |(_, rest)| rest).split_once(':')?;
        let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let (port, tail) = rest.split_at_checked(end)?;
        (!port.is_empty()).then(|| [scheme, host, port, tail].map(str::to_owned))
    };
    let both = parts(&edit.old).zip(parts(&edit.new));
    both.is_some_and(|([scheme, host, port, tail], [to_scheme, to_host, to_port, to_tail])| {
        port != to_port && [scheme, host, tail] == [to_scheme, to_host, to_tail]
    })
}

/// The same name of a test environment: `shop` → `shop_test`, `uploads-prod` → `uploads-dev`.
fn is_of_other_environment(edit: &Edit<'_>) -> bool {
    let is_name = |value: &str| !value.is_empty() && value.len() < 80 && !value.contains([' ', '/', ',']);
    if edit.key_change.kind != KeyChangeKind::Text || !is_name(&edit.old) || !is_name(&edit.new) {
        return false;
    }
    let (old, new) = (Place::of_text(&edit.old), Place::of_text(&edit.new));
    let is_preview = || old == Place::Production && spaced(&edit.new).contains(" preview ");
    if old == Place::Test || new != Place::Test && !is_preview() {
        return false;
    }
    let (old, new) = (without_environment(&edit.old), without_environment(&edit.new));
    !old.is_empty() && old == new
}

/// Whether a name of production became one of a test environment, whatever else changed in it.
fn leaves_production(edit: &Edit<'_>) -> bool {
    let is_name = |value: &str| !value.is_empty() && value.len() < 200 && !value.contains([' ', ',']);
    edit.key_change.kind == KeyChangeKind::Text
        && is_name(&edit.old)
        && is_name(&edit.new)
        && Place::of_text(&edit.old) == Place::Production
        && Place::of_text(&edit.new) == Place::Test
}

/// Whether a test environment is pointed at what belongs to production, by the same name with another environment in it.
fn test_reaches_production(edit: &Edit<'_>) -> bool {
    let is_name = |value: &str| value.contains(['.', '/', ':', '-', '_']) && !value.contains([' ', ',']);
    let is_edited = matches!(edit.key_change.kind, KeyChangeKind::Text | KeyChangeKind::Host);
    if !is_edited || !is_name(&edit.old) || !is_name(&edit.new) {
        return false;
    }
    // Production is often what has no name of its own: `crm-db-stg.corp` → `crm-db.corp`.
    let is_real = || match Place::of_text(&edit.new) {
        Place::Production => true,
        Place::Unknown => is_address(&edit.new) && edit.new.len() < edit.old.len(),
        Place::Test => false,
    };
    Place::of_text(&edit.old) == Place::Test
        && is_real()
        && without_environment(&edit.old) == without_environment(&edit.new)
}

/// The words of a name but those for environments.
fn without_environment(value: &str) -> String {
    let mut rest = String::new();
    for_each_word(value, |word| {
        if Place::of_text(word) == Place::Unknown && word != "preview" {
            rest.push_str(word);
            rest.push(' ');
        }
    });
    rest
}

/// Letters of a host changed places, or one is gone or doubled: `intrenal`, `exmaple`.
fn host_misspelled(edit: &Edit<'_>) -> bool {
    let names_host = edit.key_change.kind == KeyChangeKind::Host || edit.new.has_any(&["://"]);
    let is_host = |value: &Value<'_>| value.contains('.') && value.len() <= 200 && !value.contains(' ');
    if !names_host
        || !is_host(&edit.old)
        || !is_host(&edit.new)
        || edit.old.len().abs_diff(edit.new.len()) > 1
    {
        return false;
    }
    fn labels(value: &str) -> impl Iterator<Item = &str> {
        value.split(|c: char| !c.is_ascii_alphanumeric())
    }
    let mut others = labels(&edit.old).zip(labels(&edit.new)).filter(|(old, new)| old != new);
    let (Some((old, new)), None) = (others.next(), others.next()) else { return false };
    labels(&edit.old).count() == labels(&edit.new).count()
        && is_slip(old, new)
        && !WELL_SPELLED.contains(&new)
}

/// Words of hosts that are spelled so: who writes one in the place of another word mended it.
const WELL_SPELLED: &[&str] = &[
    "account", "accounts", "amazonaws", "cluster", "database", "example", "external", "github", "google",
    "internal", "metrics", "monitoring", "network", "postgres", "prometheus", "production", "registry",
    "service", "services", "staging", "storage", "windows",
];

/// Whether a word is another one with a slip of the hand in its middle.
fn is_slip(old: &str, new: &str) -> bool {
    let is_word = |word: &str| word.len() >= 5 && word.bytes().all(|byte| byte.is_ascii_alphabetic());
    if !is_word(old) || !is_word(new) {
        return false;
    }
    let n_same = old.bytes().zip(new.bytes()).take_while(|(old, new)| old == new).count();
    let (Some(old_rest), Some(new_rest)) = (old.as_bytes().get(n_same..), new.as_bytes().get(n_same..))
    else {
        return false;
    };
    let is_swapped = match (old_rest, new_rest) {
        ([a, b, old_tail @ ..], [c, d, new_tail @ ..]) => a == d && b == c && old_tail == new_tail,
        _ => false,
    };
    // One side of an ocean writes `colour`, the other `color`.
    let is_dialect = |long: &[u8]| {
        long.starts_with(b"ur") && old.as_bytes().get(..n_same).is_some_and(|it| it.ends_with(b"o"))
    };
    let is_shorter = |long: &[u8], short: &[u8]| {
        n_same > 0 && !short.is_empty() && long.get(1..) == Some(short) && !is_dialect(long)
    };
    is_swapped || is_shorter(old_rest, new_rest) || is_shorter(new_rest, old_rest)
}

/// Something with a host name in it.
fn is_address(value: &str) -> bool {
    value.contains('.') && !value.contains(' ') && value.len() > 4
}

/// An address without what follows its last dot, because `.dev` is also the name of a registry.
fn without_suffix(value: &str) -> &str {
    let host_end = value.find("://").map_or(0, |at| at + 3);
    let host_end =
        value.get(host_end..).and_then(|rest| rest.find(['/', ':'])).map_or(value.len(), |at| host_end + at);
    let host = value.get(..host_end).unwrap_or(value);
    host.rsplit_once('.').map_or(value, |(before, _)| before)
}
