//! Rules about what a change points at, and about what cannot be read.

use crate::change::{FileContent, FileDiff, KeyChangeKind};
use crate::policy::hazard::edit::Edit;
use crate::policy::hazard::found::is_whole;
use crate::policy::hazard::place::Place;
use crate::policy::hazard::rule::{FileFinding, HazardRule, Look, Sphere, edit_rule};
use crate::policy::reason::ReasonCode;

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
        "image_latest",
        Sphere::OutsideTests,
        image_latest,
        ["An image is no longer pinned", "`image: web:1.14.2` → `web:latest`"],
    ),
    edit_rule(
        "dns_record_removed",
        Sphere::Everywhere,
        dns_record_removed,
        ["A name server, a mail exchanger or the address of a zone goes away", "`@ IN MX 10 mail` removed"],
    ),
    HazardRule {
        name: "unread",
        code: ReasonCode::HazardOther,
        sphere: Sphere::Everywhere,
        sentence: "A file is too large for the rules to read it all",
        example: "more than 4,000 changed lines in one file",
        look: Look::File(unread),
    },
];

fn host_swapped(edit: &Edit<'_>) -> bool {
    let is_pointer = edit.key_change.kind == KeyChangeKind::Host
        || (edit.key_change.kind == KeyChangeKind::Text && is_address(&edit.old) && is_address(&edit.new));
    if !is_pointer || edit.new.contains('@') && !edit.new.contains("://") {
        return false;
    }
    let (old, new) = (Place::of_text(without_suffix(&edit.old)), Place::of_text(without_suffix(&edit.new)));
    let to_test = new == Place::Test && old != Place::Test;
    let is_own = |value: &str| ["localhost", "127.0.0.1", "::1"].iter().any(|own| value.contains(own));
    to_test || (is_own(&edit.new) && !is_own(&edit.old) && !edit.old.starts_with("0.0.0.0"))
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

fn image_latest(edit: &Edit<'_>) -> bool {
    let floats = |value: &str| value.ends_with(":latest") || matches!(value, "latest" | "edge" | "nightly");
    let loses_pin = floats(&edit.new) && !floats(&edit.old) && !edit.old.is_empty();
    loses_pin
        && (edit.new.ends_with(":latest")
            || edit.leaf_says(&[
                "image",
                "tag",
                "image tag",
                "version",
                "from",
                "new tag",
                "container image",
            ]))
}

fn dns_record_removed(edit: &Edit<'_>) -> bool {
    if edit.key_change.kind != KeyChangeKind::Removed {
        return false;
    }
    let path = edit.file_diff.path();
    let is_zone = path.contains("zone") || path.ends_with(".dns") || path.ends_with(".db");
    let record = edit.key_change.leaf.as_str();
    let is_apex = edit.key_change.path.starts_with("@.") || edit.key_change.path.starts_with("www.");
    let matters =
        matches!(record, "MX" | "NS" | "SOA") || (is_apex && matches!(record, "A" | "AAAA" | "CNAME"));
    is_zone && matters && edit.is_dropped()
}

fn unread(file_diff: &FileDiff) -> Option<FileFinding> {
    let too_long = !is_whole(file_diff);
    let too_large = matches!(file_diff.content, FileContent::Unread);
    (too_long || too_large).then(|| FileFinding { key: "", what: "changed lines".to_owned() })
}
