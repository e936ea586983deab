//! Rules about what a change points at.

use crate::change::KeyChangeKind;
use crate::policy::hazard::edit::Edit;
use crate::policy::hazard::place::Place;
use crate::policy::hazard::reading::Value;
use crate::policy::hazard::rule::{HazardRule, Sphere, edit_rule};

pub(super) const RULES: &[HazardRule] = &[
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
            "A name of a zone loses its last dot or leads to a private address, a serial goes back, or anybody may send mail",
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
        "state_moved",
        Sphere::Everywhere,
        state_moved,
        [
            "The state of what was built is looked for elsewhere, and all of it would be built anew",
            "`backend \"s3\" { key = \"backup/terraform.tfstate\" }` → `network/…`",
        ],
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
    let moves = loses_pin(edit)
        || loses_tag(edit)
        || loses_version(edit)
        || loses_commit(edit)
        || loses_digest(edit)
        || takes_any_version(edit)
        || is_tag_emptied(edit);
    // The name of something at Amazon is no image.
    moves && !edit.new.starts_with("arn:")
}

/// Whether a tag that stays becomes one that moves.
fn loses_pin(edit: &Edit<'_>) -> bool {
    const NAMES: &[&str] = &[
        "image", "tag", "image tag", "version", "from", "new tag", "container image", "revision",
        "target revision", "ref",
    ];
    let floats = |value: &str| {
        [":latest", ":main", ":master"].iter().any(|tag| value.ends_with(tag))
            || matches!(value, "latest" | "edge" | "nightly" | "main" | "master" | "head")
    };
    floats(&edit.new)
        && !floats(&edit.old)
        && !edit.old.is_empty()
        && !edit.leaf_says(&["id", "github version"])
        && (edit.new.contains(':') || edit.leaf_says(NAMES))
}

/// `nginx:1.27` → `nginx`.
fn loses_tag(edit: &Edit<'_>) -> bool {
    edit.old.has_any(&[":"])
        && edit.old.rsplit_once(':').is_some_and(|(name, tag)| edit.new == name && !tag.contains('/'))
        && edit.leaf_says(&["image", "from"])
}

/// `28.3.3-dind` → `dind`: what is left of the tag names no version.
fn loses_version(edit: &Edit<'_>) -> bool {
    let has_digit = |tag: &str| tag.bytes().any(|byte| byte.is_ascii_digit());
    let is_lost = |((name, old), (same, new)): ((&str, &str), (&str, &str))| {
        name == same && has_digit(old) && !has_digit(new) && !new.is_empty() && !old.contains('/')
    };
    edit.old.has_any(&[":"])
        && edit.old.rsplit_once(':').zip(edit.new.rsplit_once(':')).is_some_and(is_lost)
        && edit.leaf_says(&["image", "from"])
}

/// `actions/checkout@<commit>` → `@v4`.
fn loses_commit(edit: &Edit<'_>) -> bool {
    let is_commit = |value: &Value<'_>| {
        value.has_any(&["@"]) && value.rsplit_once('@').is_some_and(|(_, at)| at.len() == 40)
    };
    is_commit(&edit.old) && !is_commit(&edit.new) && edit.new.contains('@')
}

fn loses_digest(edit: &Edit<'_>) -> bool {
    edit.loses(&["@sha256:", "?ref="])
        && !edit.new.is_empty()
        && edit.key_change.kind != KeyChangeKind::Removed
}

/// `~> 5.0` → `>= 5.0`.
fn takes_any_version(edit: &Edit<'_>) -> bool {
    (edit.new.starts_with('>') || edit.new == "*")
        && !edit.old.is_empty()
        && !edit.old.starts_with(['>', '*'])
        && edit.leaf_says(&["version", "required version"])
}

fn is_tag_emptied(edit: &Edit<'_>) -> bool {
    edit.new.is_empty() && edit.key_change.new.is_some() && !edit.old.is_empty() && edit.leaf_says(&["tag"])
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
    if leads_inside(edit) {
        return true;
    }
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

/// Whether a private address took the place of a public one.
fn leads_inside(edit: &Edit<'_>) -> bool {
    // RFC 1918 and the loopback; none of what is no address.
    let is_private = |value: &str| {
        let mut parts = value.split('.').map(|part| part.parse::<u8>().ok());
        let address = [parts.next()??, parts.next()??, parts.next()??, parts.next()??];
        let is_one = matches!(address, [10 | 127, ..] | [172, 16..=31, ..] | [192, 168, ..]);
        parts.next().is_none().then_some(is_one)
    };
    let is_inside = |value: &str| is_private(value) == Some(true);
    let is_outside = |value: &str| is_private(value) == Some(false);
    let speaks_of_names = || {
        let path = edit.file_diff.path();
        is_zone(path) || path.contains("dns") || path.contains("route53")
    };
    is_inside(&edit.new) && edit.replaces(|left| &left.is_public, is_outside) && speaks_of_names()
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

/// Whether Terraform keeps its state under another name or in another place.
fn state_moved(edit: &Edit<'_>) -> bool {
    const PLACES: &[&str] = &["key", "bucket", "prefix", "container_name", "workspace_key_prefix"];
    let is_of_backend =
        || edit.key_change.path.split('.').any(|it| it == "backend" || it.starts_with("backend_"));
    PLACES.contains(&edit.key_change.leaf.as_str())
        && !edit.old.is_empty()
        && !edit.new.is_empty()
        && [".tf", ".hcl"].iter().any(|ending| edit.file_diff.path().ends_with(ending))
        && (is_of_backend() || edit.old.ends_with(".tfstate") && edit.key_change.leaf == "key")
}

fn route_withdrawn(edit: &Edit<'_>) -> bool {
    let routes = || {
        edit.path_says(&["address family", "router bgp", "bgp"])
            || ["bgp", "frr", "bird"].iter().any(|word| edit.file_diff.path().contains(word))
            || edit.stands_near(&["router bgp ", "protocol bgp "])
    };
    let is_network = edit.key_change.leaf == "network" && edit.old.contains('/');
    (edit.is_dropped() && is_network || edit.gains(&["shutdown"]) && edit.leaf_says(&["neighbor"]))
        && routes()
}
