//! Rules about what a change points at.

use crate::change::{KeyChangeKind, for_each_word};
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
    edit_rule(
        "image_latest",
        Sphere::OutsideTests,
        image_latest,
        ["An image or an action is no longer pinned", "`image: web:1.14.2` → `web:latest`"],
    ),
    edit_rule(
        "dns_record_removed",
        Sphere::Everywhere,
        dns_record_removed,
        ["A name server, a mail exchanger or the address of a zone goes away", "`@ IN MX 10 mail` removed"],
    ),
    edit_rule(
        "dns_record_broken",
        Sphere::Everywhere,
        dns_record_broken,
        [
            "A name of a zone loses its last dot, a serial goes back, or anybody may send mail",
            "`www IN CNAME web.example.org.` → `web.example.org`",
        ],
    ),
    edit_rule(
        "volatile_path",
        Sphere::OutsideTests,
        volatile_path,
        ["Data goes where it does not stay", "`data_dir: /var/lib/app` → `/tmp/app`"],
    ),
    edit_rule(
        "selector_changed",
        Sphere::OutsideTests,
        selector_changed,
        ["A service or a policy selects others than before", "`selector: {app: web}` → `{app: web-old}`"],
    ),
    edit_rule(
        "environment_switched",
        Sphere::OutsideTests,
        environment_switched,
        ["What ran as a test runs for real", "`payment.mode=sandbox` → `live`"],
    ),
    edit_rule(
        "region_swapped",
        Sphere::OutsideTests,
        region_swapped,
        ["A region of a cloud becomes one of another continent", "`S3_REGION: eu-central-1` → `us-east-1`"],
    ),
    edit_rule(
        "route_withdrawn",
        Sphere::OutsideTests,
        route_withdrawn,
        [
            "A network is no longer announced to its neighbors",
            "`network 203.0.113.0/24` removed below `router bgp`",
        ],
    ),
];

fn host_swapped(edit: &Edit<'_>) -> bool {
    let is_pointer = edit.key_change.kind == KeyChangeKind::Host
        || (edit.key_change.kind == KeyChangeKind::Text
            && is_address(&edit.old)
            && (is_address(&edit.new) || edit.new == "localhost"));
    const POINTERS: &[&str] = &[
        "nameserver",
        "nameservers",
        "dns",
        "resolver",
        "resolvers",
        "servers",
        "upstreams",
        "endpoints",
        "brokers",
        "backends",
        "targets",
        "hosts",
        "peers",
    ];
    const OWN: &[&str] = &["localhost", "127.0.0.1", "::1"];
    let is_own = |value: &str| OWN.iter().any(|own| value.contains(own));
    let is_left_to_itself = || {
        let mut left = edit.left_list().iter().peekable();
        left.peek().is_some() && left.all(|old| is_address(old) && !is_own(old))
    };
    if edit.key_change.kind == KeyChangeKind::ListAdd {
        if edit.new.has_any(OWN) && edit.leaf_says(POINTERS) {
            return is_left_to_itself();
        }
        let is_test = is_address(&edit.new) && Place::of_text(without_suffix(&edit.new)) == Place::Test;
        let of_production = |old: &&str| {
            Place::of_text(without_suffix(old)) == Place::Production
                && without_environment(old) == without_environment(&edit.new)
        };
        return is_test && edit.left_list().iter().any(of_production);
    }
    let serves = || edit.leaf_says(&["host", "hostname", "server", "dbserver", "address", "endpoint"]);
    if edit.new == "localhost"
        && !edit.old.is_empty()
        && !edit.old.has_any(OWN)
        && !edit.old.contains(' ')
        && serves()
    {
        return true;
    }
    if is_of_other_environment(edit)
        || leaves_production(edit)
        || is_copy_of_primary(edit)
        || connects_to_itself(edit)
        || has_other_port(edit)
    {
        return true;
    }
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
        "server=localhost",
        "server=127.0.0.1",
        "server=(local",
        "host=localhost",
        "host=127.0.0.1",
        "source=localhost",
        "source=127.0.0.1",
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
    Place::of_text(&edit.old) == Place::Test
        && Place::of_text(&edit.new) == Place::Production
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
    let names_host = edit.key_change.kind == KeyChangeKind::Host || edit.new.contains("://");
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
    "account",
    "accounts",
    "amazonaws",
    "cluster",
    "database",
    "example",
    "external",
    "github",
    "google",
    "internal",
    "metrics",
    "monitoring",
    "network",
    "postgres",
    "prometheus",
    "production",
    "registry",
    "service",
    "services",
    "staging",
    "storage",
    "windows",
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
    let is_shorter =
        |long: &[u8], short: &[u8]| n_same > 0 && !short.is_empty() && long.get(1..) == Some(short);
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

fn volatile_path(edit: &Edit<'_>) -> bool {
    const VOLATILE: &[&str] = &["/tmp", "/dev/shm", "/dev/null", "/run/", "/var/tmp"];
    let is_volatile = |value: &str| VOLATILE.iter().any(|place| value.starts_with(place));
    const OTHERS: &[&str] =
        &["tmp", "temp", "temporary", "cache", "socket", "pid", "scratch", "lock", "home"];
    is_volatile(&edit.new)
        && !is_volatile(&edit.old)
        && edit.old.contains('/')
        && !edit.old.contains(' ')
        && !edit.leaf_says(OTHERS)
}

fn selector_changed(edit: &Edit<'_>) -> bool {
    let selects = || {
        let above = edit.key_change.path.rsplit_once('.').map_or("", |(above, _)| above);
        let holder = above.strip_suffix(".matchLabels").unwrap_or(above);
        matches!(holder.rsplit('.').next(), Some("selector" | "podSelector"))
    };
    let others = || {
        edit.key_change.kind == KeyChangeKind::Text
            && !edit.old.is_empty()
            && !edit.new.is_empty()
            && selects()
            && !edit.comes_elsewhere(&edit.key_change.leaf)
    };
    // What it said went, and it says nothing: everything.
    let everything = || {
        edit.new == "{}"
            && matches!(edit.key_change.leaf.as_str(), "selector" | "podSelector")
            && edit.loses_keys_below()
    };
    others() || everything()
}

fn environment_switched(edit: &Edit<'_>) -> bool {
    const MODES: &[&str] = &["mode", "env", "environment", "stage", "profile", "tier", "endpoint type"];
    !edit.old.is_empty()
        && !edit.old.contains(['/', ' ', '.'])
        && edit.leaf_says(MODES)
        && Place::of_text(&edit.old) == Place::Test
        && Place::of_text(&edit.new) == Place::Production
}

fn image_latest(edit: &Edit<'_>) -> bool {
    let floats = |value: &str| {
        [":latest", ":main", ":master"].iter().any(|tag| value.ends_with(tag))
            || matches!(value, "latest" | "edge" | "nightly" | "main" | "master" | "head")
    };
    let loses_pin = floats(&edit.new) && !floats(&edit.old) && !edit.old.is_empty();
    let loses_tag = edit.old.has_any(&[":"])
        && edit.old.rsplit_once(':').is_some_and(|(name, tag)| edit.new == name && !tag.contains('/'))
        && edit.leaf_says(&["image", "from"]);
    // `28.3.3-dind` → `dind`: what is left of the tag names no version.
    let has_digit = |tag: &str| tag.bytes().any(|byte| byte.is_ascii_digit());
    let loses_version = edit.old.has_any(&[":"])
        && edit.old.rsplit_once(':').zip(edit.new.rsplit_once(':')).is_some_and(
            |((name, old), (same, new))| {
                name == same && has_digit(old) && !has_digit(new) && !new.is_empty() && !old.contains('/')
            },
        )
        && edit.leaf_says(&["image", "from"]);
    let is_commit = |value: &Value<'_>| {
        value.has_any(&["@"]) && value.rsplit_once('@').is_some_and(|(_, at)| at.len() == 40)
    };
    let loses_commit = is_commit(&edit.old) && !is_commit(&edit.new) && edit.new.contains('@');
    let loses_digest = edit.loses(&["@sha256:", "?ref="])
        && !edit.new.is_empty()
        && edit.key_change.kind != KeyChangeKind::Removed;
    let any_version = (edit.new.starts_with('>') || edit.new == "*")
        && !edit.old.is_empty()
        && !edit.old.starts_with(['>', '*'])
        && edit.leaf_says(&["version", "required version"]);
    let is_emptied = edit.new.is_empty()
        && edit.key_change.new.is_some()
        && !edit.old.is_empty()
        && edit.leaf_says(&["tag"]);
    loses_tag
        || loses_version
        || loses_digest
        || any_version
        || loses_commit
        || is_emptied
        || loses_pin
            && !edit.leaf_says(&["id", "github version"])
            && (edit.new.contains(':')
                || edit.leaf_says(&[
                    "image",
                    "tag",
                    "image tag",
                    "version",
                    "from",
                    "new tag",
                    "container image",
                    "revision",
                    "target revision",
                    "ref",
                ]))
}

fn dns_record_removed(edit: &Edit<'_>) -> bool {
    if edit.key_change.kind != KeyChangeKind::Removed {
        return false;
    }
    let record = edit.key_change.leaf.as_str();
    let is_apex = edit.key_change.path.starts_with("@.") || edit.key_change.path.starts_with("www.");
    let matters = matches!(record, "MX" | "NS" | "SOA" | "CAA")
        || (is_apex && matches!(record, "A" | "AAAA" | "CNAME"));
    is_zone(edit.file_diff.path()) && matters && edit.is_dropped()
}

fn dns_record_broken(edit: &Edit<'_>) -> bool {
    if edit.old.is_empty() || edit.new.is_empty() {
        return false;
    }
    let is_zone = || is_zone(edit.file_diff.path());
    let loses_dot = || {
        let without = edit.old.strip_suffix('.').filter(|name| name.contains('.'));
        without == Some(edit.new.as_ref()) && is_zone()
    };
    let goes_back = || {
        let serial = |text: &str| text.split_ascii_whitespace().next().and_then(|it| it.parse::<u64>().ok());
        let is_long = edit.old.len() >= 10 && edit.old.as_bytes().first().is_some_and(u8::is_ascii_digit);
        let serials = serial(&edit.old).filter(|_| is_long).zip(serial(&edit.new));
        let is_dated = serials.is_some_and(|(old, new)| old > 1_000_000_000 && new < old);
        is_dated && (is_zone() || edit.leaf_says(&["serial"]))
    };
    let anybody_sends = || {
        let is_spf = |value: &Value<'_>| value.has_any(&["v=spf1"]);
        const REFUSES: &[&str] = &["-all", "~all"];
        let sends = is_spf(&edit.old) && is_spf(&edit.new);
        (sends && edit.old.has_any(REFUSES) && !edit.new.has_any(REFUSES))
            || (edit.old.has_any(&["p=reject", "p=quarantine"]) && edit.new.has_any(&["p=none"]))
    };
    loses_dot() || goes_back() || anybody_sends()
}

fn is_zone(path: &str) -> bool {
    path.contains("zone") || path.ends_with(".dns") || path.ends_with(".db")
}

fn region_swapped(edit: &Edit<'_>) -> bool {
    let (old, new) = (continent_of_region(&edit.old), continent_of_region(&edit.new));
    edit.key_change.kind != KeyChangeKind::ListAdd && old.zip(new).is_some_and(|(old, new)| old != new)
}

/// The first part of the name of a region: `eu` of `eu-central-1`, `europe` of `europe-west3`.
fn continent_of_region(value: &str) -> Option<&str> {
    const PARTS: &[&str] = &["north", "south", "east", "west", "central"];
    let (continent, rest) = value.split_once('-')?;
    let is_continent = matches!(
        continent,
        "us" | "eu"
            | "ap"
            | "sa"
            | "ca"
            | "af"
            | "me"
            | "europe"
            | "asia"
            | "australia"
            | "southamerica"
            | "northamerica"
    );
    let is_numbered = value.len() <= 24 && rest.ends_with(|c: char| c.is_ascii_digit());
    (is_continent && is_numbered && PARTS.iter().any(|part| rest.contains(part))).then_some(continent)
}

fn route_withdrawn(edit: &Edit<'_>) -> bool {
    let routes = || {
        edit.path_says(&["address family", "router bgp", "bgp"])
            || ["bgp", "frr", "bird"].iter().any(|word| edit.file_diff.path().contains(word))
    };
    let is_network = edit.key_change.leaf == "network" && edit.old.contains('/');
    (edit.is_dropped() && is_network || edit.gains(&["shutdown"]) && edit.leaf_says(&["neighbor"]))
        && routes()
}
