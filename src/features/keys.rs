//! Which settings are edited and how, from the diff alone: kinds of values, directions, sizes of steps, topics of names.
//! Reads no history.

use std::sync::LazyLock;

use rustc_hash::{FxHashMap, FxHashSet};

use crate::change::{KeyChange, KeyChangeKind, LineOrigin};
use crate::features::facts::{count, flag, share};
use crate::features::schema::{FeatureSpec, Unit};
use crate::features::spread::Spread;
use crate::history::{Reading, hash64, log_ratio};

/// The subjects told apart in key names, each with the words that show it.
const TOPICS: [&[&str]; 12] = [
    &["timeout", "ttl", "interval", "expiry", "expire", "delay", "deadline", "retry", "retries", "backoff"],
    &["limit", "limits", "max", "min", "quota", "threshold", "size", "rate", "burst", "concurrency"],
    &["replica", "replicas", "count", "instances", "workers", "nodes", "scale", "autoscaling", "minreplicas"],
    &["percent", "percentage", "ratio", "weight", "sampling", "sample", "rollout", "fraction", "chance"],
    &["enable", "enabled", "disable", "disabled", "use", "allow", "feature", "toggle", "flag", "switch"],
    &[
        "auth", "password", "token", "secret", "key", "user", "users", "group", "groups", "role", "roles",
        "permission", "permissions", "rights", "grant", "policy",
    ],
    &[
        "db", "database", "sql", "mysql", "postgres", "mariadb", "replication", "master", "primary", "slave",
        "shard",
    ],
    &["cache", "redis", "memcached", "varnish", "cdn", "session"],
    &[
        "host", "hosts", "port", "url", "uri", "address", "ip", "domain", "server", "servers", "endpoint",
        "proxy", "dns",
    ],
    &["memory", "cpu", "disk", "storage", "heap", "volume"],
    &["image", "tag", "version", "digest", "ref", "revision", "targetrevision", "chart", "newtag"],
    &[
        "alert", "alerts", "monitor", "monitoring", "check", "probe", "health", "liveness", "readiness",
        "log", "logging",
    ],
];

/// The topics that a word shows, one bit each.
static TOPICS_OF_WORD: LazyLock<FxHashMap<&str, u32>> = LazyLock::new(|| {
    let mut topics_of_word = FxHashMap::default();
    for (idx, words) in TOPICS.iter().enumerate() {
        for word in *words {
            *topics_of_word.entry(*word).or_default() |= 1 << idx;
        }
    }
    topics_of_word
});

/// What the key edit family reads.
pub struct EditFacts {
    n_edits: usize,
    n_flags_on: usize,
    n_flags_off: usize,
    n_up: usize,
    n_down: usize,
    n_to_zero: usize,
    n_from_zero: usize,
    n_sign: usize,
    n_by_kind: [usize; 15],
    n_by_topic: [usize; TOPICS.len()],
    n_leaves: usize,
    n_distinct_edits: usize,
    n_comment_lines: usize,
    n_changed_lines: usize,
    n_default_scope: usize,
    n_production_scope: usize,
    depth: Option<Spread>,
    ratios: Option<Spread>,
    duration_ratios: Option<Spread>,
    percent_steps: Option<Spread>,
    value_lengths: Option<Spread>,
}

macro_rules! n_of_kind {
    ($name:literal, $idx:literal, $what:literal) => {
        FeatureSpec::new($name, Unit::Count, $what, |f| count(f.edits.n_by_kind[$idx]))
    };
}

macro_rules! topic_share {
    ($name:literal, $idx:literal, $what:literal) => {
        FeatureSpec::new($name, Unit::Share, concat!("Share of the edited keys about ", $what), |f| {
            share(f.edits.n_by_topic[$idx], f.edits.n_edits)
        })
    };
}

pub(super) const FEATURES: &[FeatureSpec] = &[
    FeatureSpec::new("key_edits", Unit::Count, "Keys edited, added or removed", |f| count(f.edits.n_edits)),
    FeatureSpec::new("key_flags_on", Unit::Count, "Switches turned on", |f| count(f.edits.n_flags_on)),
    FeatureSpec::new("key_flags_off", Unit::Count, "Switches turned off", |f| count(f.edits.n_flags_off)),
    n_of_kind!("key_numbers", 1, "Plain numbers edited"),
    n_of_kind!("key_durations", 2, "Time spans edited"),
    n_of_kind!("key_sizes", 3, "Amounts of memory or disk edited"),
    n_of_kind!("key_percentages", 4, "Percentages edited"),
    n_of_kind!("key_versions", 5, "Versions, tags or images edited"),
    n_of_kind!("key_hosts", 6, "Hosts or addresses edited").revised(3),
    n_of_kind!("key_list_added", 7, "List elements added"),
    n_of_kind!("key_list_removed", 8, "List elements removed"),
    n_of_kind!("key_texts", 9, "Other texts edited").revised(4),
    n_of_kind!("key_secrets", 10, "Edits of something that looks like a secret").revised(3),
    n_of_kind!("key_added", 11, "New keys"),
    n_of_kind!("key_removed", 12, "Removed keys"),
    n_of_kind!("key_moved", 13, "Lines moved within a file"),
    FeatureSpec::new("key_numbers_up", Unit::Count, "Numbers, spans and sizes raised", |f| {
        count(f.edits.n_up)
    }),
    FeatureSpec::new("key_numbers_down", Unit::Count, "Numbers, spans and sizes lowered", |f| {
        count(f.edits.n_down)
    }),
    FeatureSpec::new("key_to_zero", Unit::Count, "Numbers set to zero", |f| count(f.edits.n_to_zero)),
    FeatureSpec::new("key_from_zero", Unit::Count, "Numbers raised from zero", |f| {
        count(f.edits.n_from_zero)
    }),
    FeatureSpec::new("key_sign_changed", Unit::Flag, "Whether a number changes its sign", |f| {
        flag(f.edits.n_sign > 0)
    }),
    FeatureSpec::new("key_ratio_up", Unit::LogRatio, "Largest rise of a number, as ln(new / old)", |f| {
        f.edits.ratios.map(|ratios| ratios.max.max(0.0))
    }),
    FeatureSpec::new("key_ratio_down", Unit::LogRatio, "Largest fall of a number, as ln(old / new)", |f| {
        f.edits.ratios.map(|ratios| (-ratios.min).max(0.0))
    }),
    FeatureSpec::new(
        "key_duration_ratio",
        Unit::LogRatio,
        "Mean ln(new / old) of the time spans edited",
        |f| f.edits.duration_ratios.map(|ratios| ratios.mean),
    ),
    FeatureSpec::new("key_percent_step", Unit::Count, "Largest step of a percentage, in points", |f| {
        f.edits.percent_steps.map(|steps| steps.max)
    }),
    FeatureSpec::new(
        "key_comment_share",
        Unit::Share,
        "Share of the changed lines that are comments or white space",
        |f| share(f.edits.n_comment_lines, f.edits.n_changed_lines),
    ),
    FeatureSpec::new("key_leaves", Unit::Count, "Different key names edited", |f| count(f.edits.n_leaves)),
    FeatureSpec::new(
        "key_repeated_share",
        Unit::Share,
        "Share of the edits that repeat another edit of this change",
        |f| share(f.edits.n_edits - f.edits.n_distinct_edits, f.edits.n_edits),
    ),
    FeatureSpec::new("key_depth_max", Unit::Count, "Parts of the deepest key path edited", |f| {
        f.edits.depth.map(|depth| depth.max)
    })
    .revised(2),
    FeatureSpec::new(
        "key_default_share",
        Unit::Share,
        "Share of the edits in a default or global block",
        |f| share(f.edits.n_default_scope, f.edits.n_edits),
    ),
    FeatureSpec::new(
        "key_production_share",
        Unit::Share,
        "Share of the edits whose key or value names production",
        |f| share(f.edits.n_production_scope, f.edits.n_edits),
    ),
    FeatureSpec::new("key_value_length", Unit::Count, "Characters of the longest new value", |f| {
        f.edits.value_lengths.map(|lengths| lengths.max)
    }),
    topic_share!("topic_timing", 0, "time limits and retries"),
    topic_share!("topic_limits", 1, "limits and sizes"),
    topic_share!("topic_replicas", 2, "replicas and workers"),
    topic_share!("topic_percent", 3, "percentages and weights"),
    topic_share!("topic_switches", 4, "switches"),
    topic_share!("topic_identity", 5, "secrets, users and rights"),
    topic_share!("topic_database", 6, "databases"),
    topic_share!("topic_cache", 7, "caches and sessions"),
    topic_share!("topic_hosts", 8, "hosts and addresses"),
    topic_share!("topic_resources", 9, "memory, processors and disks").revised(2),
    topic_share!("topic_versions", 10, "images and versions"),
    topic_share!("topic_monitoring", 11, "checks and alerts"),
];

impl EditFacts {
    pub(super) fn of(reading: &Reading<'_>) -> Self {
        let edits: Vec<&KeyChange> = reading.keys.iter().flatten().collect();
        let about_keys: Vec<&KeyChange> =
            edits.iter().copied().filter(|edit| edit.is_substantial()).collect();
        let ratios: Vec<f64> = about_keys.iter().filter_map(|edit| log_ratio(&edit.kind)).collect();
        let mut n_by_kind = [0; 15];
        for edit in &edits {
            n_by_kind[kind_idx(&edit.kind)] += 1;
        }
        let (n_comment_lines, n_changed_lines) = comment_lines(reading, n_by_kind[14]);
        let numbers = || about_keys.iter().filter_map(|edit| numbers_of(&edit.kind));
        let n_where = |test: fn(f64, f64) -> bool| numbers().filter(|&(old, new)| test(old, new)).count();
        let durations = about_keys.iter().filter(|edit| matches!(edit.kind, KeyChangeKind::Duration { .. }));
        Self {
            n_edits: about_keys.len(),
            n_flags_on: about_keys
                .iter()
                .filter(|edit| edit.kind == KeyChangeKind::Flag { to: true })
                .count(),
            n_flags_off: about_keys
                .iter()
                .filter(|edit| edit.kind == KeyChangeKind::Flag { to: false })
                .count(),
            n_up: n_where(|old, new| new > old),
            n_down: n_where(|old, new| new < old),
            n_to_zero: n_where(|old, new| old != 0.0 && new == 0.0),
            n_from_zero: n_where(|old, new| old == 0.0 && new != 0.0),
            n_sign: n_where(|old, new| old * new < 0.0),
            n_by_kind,
            n_by_topic: topics(&about_keys),
            n_leaves: distinct(about_keys.iter().map(|edit| hash64(&[&edit.leaf]))),
            n_distinct_edits: distinct(about_keys.iter().map(|edit| edit_hash(edit))),
            n_comment_lines,
            n_changed_lines,
            n_default_scope: about_keys.iter().filter(|edit| names_default(&edit.path)).count(),
            n_production_scope: about_keys.iter().filter(|edit| names_production(edit)).count(),
            depth: Spread::of(about_keys.iter().map(|edit| edit.path.split('.').count() as f64)),
            ratios: Spread::of(ratios),
            duration_ratios: Spread::of(durations.filter_map(|edit| log_ratio(&edit.kind))),
            percent_steps: Spread::of(about_keys.iter().filter_map(|edit| percent_step(&edit.kind))),
            value_lengths: Spread::of(
                about_keys.iter().filter_map(|edit| Some(edit.new.as_ref()?.len() as f64)),
            ),
        }
    }
}

fn kind_idx(kind: &KeyChangeKind) -> usize {
    match kind {
        KeyChangeKind::Flag { .. } => 0,
        KeyChangeKind::Number { .. } => 1,
        KeyChangeKind::Duration { .. } => 2,
        KeyChangeKind::Size { .. } => 3,
        KeyChangeKind::Percentage { .. } => 4,
        KeyChangeKind::Version => 5,
        KeyChangeKind::Host => 6,
        KeyChangeKind::ListAdd => 7,
        KeyChangeKind::ListRemove => 8,
        KeyChangeKind::Text => 9,
        KeyChangeKind::Secret => 10,
        KeyChangeKind::Added => 11,
        KeyChangeKind::Removed => 12,
        KeyChangeKind::Moved => 13,
        KeyChangeKind::Comment | KeyChangeKind::Whitespace => 14,
    }
}

fn numbers_of(kind: &KeyChangeKind) -> Option<(f64, f64)> {
    match *kind {
        KeyChangeKind::Number { old, new } | KeyChangeKind::Percentage { old, new } => Some((old, new)),
        KeyChangeKind::Duration { old_s, new_s } => Some((old_s, new_s)),
        KeyChangeKind::Size { old_bytes, new_bytes } => Some((old_bytes, new_bytes)),
        _ => None,
    }
}

fn percent_step(kind: &KeyChangeKind) -> Option<f64> {
    match *kind {
        KeyChangeKind::Percentage { old, new } => Some((new - old).abs()),
        _ => None,
    }
}

fn topics(edits: &[&KeyChange]) -> [usize; TOPICS.len()] {
    let mut n_by_topic = [0; TOPICS.len()];
    for edit in edits {
        let words = words_of(&edit.leaf).into_iter();
        let found = words.fold(0, |found, word| found | TOPICS_OF_WORD.get(word.as_str()).unwrap_or(&0));
        for (idx, n) in n_by_topic.iter_mut().enumerate() {
            *n += usize::from(found & (1 << idx) != 0);
        }
    }
    n_by_topic
}

/// The words of `wgMaxUploadSize`, `max-upload_size` or `upload.size`, in lower case.
fn words_of(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut was_lower = false;
    for c in name.chars() {
        if !c.is_alphanumeric() || (c.is_uppercase() && was_lower) {
            words.push(String::new());
        }
        was_lower = c.is_lowercase();
        if c.is_alphanumeric() {
            words.last_mut().expect("starts with one").extend(c.to_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

fn comment_lines(reading: &Reading<'_>, n_comment_edits: usize) -> (usize, usize) {
    let hunks = reading.change.record.files.iter().flat_map(|file_diff| file_diff.hunks());
    let changed =
        hunks.flat_map(|hunk| &hunk.lines).filter(|line| line.origin != LineOrigin::Context).count();
    (n_comment_edits.min(changed), changed)
}

fn names_default(path: &str) -> bool {
    path.split('.').any(|part| matches!(part, "default" | "defaults" | "global" | "common" | "base" | "*"))
}

fn names_production(edit: &KeyChange) -> bool {
    let names = |text: &str| {
        text.split(|c: char| !c.is_ascii_alphanumeric())
            .any(|part| matches!(part, "prod" | "production" | "live"))
    };
    names(&edit.path) || edit.new.as_deref().is_some_and(names)
}

fn edit_hash(edit: &KeyChange) -> u64 {
    hash64(&[&edit.leaf, edit.old.as_deref().unwrap_or(""), edit.new.as_deref().unwrap_or("")])
}

fn distinct(hashes: impl Iterator<Item = u64>) -> usize {
    hashes.collect::<FxHashSet<u64>>().len()
}
