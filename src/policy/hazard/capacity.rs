//! Rules about copies, budgets and resources.

use crate::change::{KeyChangeKind, LineOrigin};
use crate::policy::hazard::edit::Edit;
use crate::policy::hazard::found::FileEdits;
use crate::policy::hazard::reading::Value;
use crate::policy::hazard::rule::{FileFinding, HazardRule, Look, Sphere, edit_rule};
use crate::policy::reason::ReasonCode;

pub(super) const RULES: &[HazardRule] = &[
    edit_rule(
        "replicas_to_zero",
        Sphere::OutsideTests,
        replicas_to_zero,
        ["A replica count or capacity falls to zero", "`replicas: 3` → `0`"],
    )
    .with_code(ReasonCode::HazardReplicasToZero),
    edit_rule(
        "capacity_cut",
        Sphere::OutsideTests,
        capacity_cut,
        [
            "Copies or workers fall to a fifth or less, a pool, a buffer or what may be open at once to a tenth, a disk shrinks, or a server is taken out of its pool",
            "`default_pool_size: 50` → `1`",
        ],
    ),
    edit_rule(
        "replication_cut",
        Sphere::OutsideTests,
        replication_cut,
        [
            "Data that was kept several times is kept once, or acknowledged by one",
            "`replication_factor: 3` → `1`",
        ],
    ),
    edit_rule(
        "disruption_budget_gone",
        Sphere::OutsideTests,
        disruption_budget_gone,
        ["Every copy may be taken down at once", "`minAvailable: 2` → `0`"],
    ),
    edit_rule(
        "resource_limit_removed",
        Sphere::OutsideTests,
        resource_limit_removed,
        ["A bound on memory or processors goes away", "`limits: {memory: 2Gi}` removed"],
    ),
    edit_rule(
        "resource_limit_cut",
        Sphere::OutsideTests,
        resource_limit_cut,
        ["A bound on memory or processors falls to an eighth or less", "`limits.memory: 4Gi` → `256Mi`"],
    ),
    HazardRule {
        name: "limit_below_request",
        code: ReasonCode::HazardOther,
        sphere: Sphere::Everywhere,
        sentence: "More is asked for than is allowed",
        example: "`requests.memory: 2Gi` with `limits.memory: 1Gi`",
        look: Look::File(limit_below_request),
        is_general: false,
    },
];

const COPIES: &[&str] = &[
    "replicas", "replica count", "min replicas", "replica", "instances", "instance count", "desired count",
    "desired capacity", "min instances", "desired size", "min size", "min count", "num replicas",
    "n replicas",
];

fn replicas_to_zero(edit: &Edit<'_>) -> bool {
    // `count = var.enabled ? 1 : 0` is a number as well.
    let is_told = || edit.new == "0" && edit.old.contains('?');
    // A new line among those that stay, over a default or an anchor that had some.
    let comes_as_none = || edit.new == "0" && edit.comes_alone() && !edit.leaf_says(&["min"]);
    (edit.numbers().is_some_and(|(old, new)| old > 0.0 && new == 0.0) || is_told() || comes_as_none())
        && (edit.is_about(COPIES) || edit.key_change.leaf == "count")
        && !edit.leaf_says(&["max", "delay", "timeout", "seconds", "spare", "unavailable", "surge"])
}

fn capacity_cut(edit: &Edit<'_>) -> bool {
    const WORKERS: &[&str] = &[
        "max replicas", "max instances", "max size", "max count", "max nodes", "nodes", "node count",
        "max node count", "pods", "numprocs", "processes", "workers", "worker processes", "worker count",
        "concurrency", "concurrent executions", "max concurrent", "max concurrency", "shards", "partitions",
    ];
    const POOLS: &[&str] = &[
        "pool", "pool size", "max connections", "connections", "max clients", "max children", "threads",
        "nofile", "open files", "file descriptors", "body size", "buffers", "buffer pool size", "cache size",
        "queue size", "heap", "maxmemory",
    ];
    const OTHERS: &[&str] =
        &["delay", "timeout", "seconds", "spare", "unavailable", "surge", "idle", "per", "log"];
    let falls_to = |part: f64| edit.numbers().is_some_and(|(old, new)| new >= 0.0 && new <= old / part);
    let has_many = || edit.numbers().is_some_and(|(old, _)| old >= 5.0);
    let is_floor = || edit.leaf_says(&["min"]) && !edit.leaf_says(COPIES);
    let is_smaller =
        || machine_size(&edit.old).zip(machine_size(&edit.new)).is_some_and(|(old, new)| new + 2 < old);
    // Of the size of a body, nothing is no bound.
    let is_unbounded = || edit.numbers().is_some_and(|(_, new)| new == 0.0) && edit.is_about(&["body size"]);
    // Of HAProxy.
    let is_taken_out = || edit.gains(&[" disabled"]) && edit.leaf_says(&["server"]);
    shrinks_disk(edit)
        || is_taken_out()
        || (is_smaller()
            && edit.leaf_says(&["instance type", "machine type", "instance class", "node type", "size"]))
        || has_many()
            && falls_to(5.0)
            && !replicas_to_zero(edit)
            && !is_unbounded()
            && !is_floor()
            && (edit.is_about(COPIES)
                || edit.key_change.leaf == "count" && edit.path_says(COPIES)
                || edit.is_about(WORKERS)
                || falls_to(10.0) && edit.is_about(POOLS))
            && !edit.leaf_says(OTHERS)
}

/// Whether a disk is to become smaller: what is on it has no room, or it is made anew.
fn shrinks_disk(edit: &Edit<'_>) -> bool {
    const DISKS: &[&str] = &[
        "allocated storage", "disk size", "disk size gb", "disk size gib", "volume size", "volume size gb",
        "storage size", "storage gb", "storage mb",
    ];
    let is_claim = || edit.key_change.leaf == "storage" && edit.path_says(&["requests"]);
    edit.numbers().is_some_and(|(old, new)| new > 0.0 && new < old) && (edit.leaf_says(DISKS) || is_claim())
}

/// Where a cloud machine's size stands among sizes: `m5.4xlarge` above `t3.large`.
fn machine_size(value: &Value<'_>) -> Option<usize> {
    const SIZES: &[&str] =
        &["nano", "micro", "small", "medium", "large", "xlarge", "2xlarge", "4xlarge", "8xlarge"];
    if !value.has_any(&["."]) {
        return None;
    }
    let (_, size) = value.trim_matches(['"', '\'']).rsplit_once('.')?;
    let is_larger = || size.ends_with("xlarge") || size == "metal";
    SIZES.iter().position(|known| *known == size).or_else(|| is_larger().then_some(SIZES.len()))
}

fn replication_cut(edit: &Edit<'_>) -> bool {
    let is_lone = edit.becomes(&["any", "one", "local_one"])
        && matches!(edit.old.as_ref(), "quorum" | "local_quorum" | "each_quorum" | "all" | "two" | "three")
        && edit.leaf_says(&["consistency", "consistency level", "write consistency", "read consistency"]);
    is_lone
        || edit.numbers().is_some_and(|(old, new)| old > 1.0 && new <= 1.0)
            && edit.path_says(&[
                "replication factor", "insync replicas", "insync", "in sync", "quorum", "rf", "master nodes",
            ])
        || edit.numbers().is_some_and(|(old, new)| old > 1.0 && new == 1.0)
            && edit.key_change.leaf.to_ascii_lowercase().ends_with("replication")
}

fn disruption_budget_gone(edit: &Edit<'_>) -> bool {
    let numbers = edit.numbers();
    let all_may_go =
        numbers.is_some_and(|(old, new)| old < 100.0 && new >= 100.0) && edit.leaf_says(&["max unavailable"]);
    let all_at_once = edit.key_change.kind == KeyChangeKind::Added
        && edit.new == "100%"
        && edit.leaf_says(&["max unavailable"]);
    let none_must_stay =
        numbers.is_some_and(|(old, new)| old > 0.0 && new == 0.0) && edit.leaf_says(&["min available"]);
    let gone = (edit.is_dropped() || edit.flipped() == Some(false))
        && (edit.is_about(&["disruption budget", "pdb"]) || edit.leaf_says(&["min available"]))
        && !edit.comes_elsewhere("maxUnavailable");
    all_may_go || all_at_once || none_must_stay || gone
}

fn resource_limit_removed(edit: &Edit<'_>) -> bool {
    let is_limit = match edit.key_change.leaf.as_str() {
        "limits" => edit.path_says(&["resources", "limits"]),
        "memory" | "cpu" => edit.key_change.parent() == "limits",
        "mem_limit" | "memory_limit" | "memoryLimit" | "MemoryMax" | "memory_max" => true,
        _ => false,
    };
    let is_unbounded = || {
        edit.becomes(&["infinity", "unlimited", "-1"])
            && edit.numbers().is_none()
            && !edit.old.is_empty()
            && edit
                .leaf_says(&["memory max", "memory limit", "mem limit", "cpu quota", "tasks max", "limits"])
    };
    is_unbounded()
        || is_limit
            && edit.is_dropped()
            && edit.key_change.old.as_deref().is_none_or(|old| !old.contains("null"))
}

fn resource_limit_cut(edit: &Edit<'_>) -> bool {
    const BOUNDS: &[&str] =
        &["limits", "mem limit", "memory limit", "memory max", "max heap size", "heap size", "maxmemory"];
    edit.numbers().is_some_and(|(old, new)| old > 0.0 && new >= 0.0 && new <= old / 8.0)
        && edit.path_says(BOUNDS)
        && (edit.leaf_says(BOUNDS) || matches!(edit.key_change.leaf.as_str(), "memory" | "cpu"))
}

/// Reads the new side of every hunk: the last `requests` and `limits` of the same resource within one
/// block, changed or not.
fn limit_below_request(file_edits: &FileEdits<'_>) -> Option<FileFinding> {
    let is_about = |key: &str| key.rsplit('.').next().and_then(resource_of).is_some();
    if !file_edits.all().any(|key_change| is_about(&key_change.leaf)) {
        return None;
    }
    file_edits.file_diff.hunks().iter().find_map(|hunk| {
        let new_side = hunk.lines.iter().filter(|line| line.origin != LineOrigin::Deleted);
        let (mut block, mut lines) = (Block::default(), Amounts::default());
        for line in new_side {
            let is_added = line.origin == LineOrigin::Added;
            let finding = block.step(&line.text, is_added).or_else(|| lines.step(&line.text, is_added));
            if finding.is_some() {
                return finding;
            }
        }
        None
    })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Requests,
    Limits,
}

impl Side {
    fn of(word: &str) -> Option<Self> {
        match word {
            "requests" => Some(Self::Requests),
            "limits" => Some(Self::Limits),
            _ => None,
        }
    }

    fn other(self) -> Self {
        if self == Self::Requests { Self::Limits } else { Self::Requests }
    }
}

/// The place of a resource among amounts, and its name.
fn resource_of(word: &str) -> Option<(usize, &'static str)> {
    match word {
        "memory" => Some((0, "memory")),
        "cpu" => Some((1, "cpu")),
        _ => None,
    }
}

/// Memory and processors of one side, each with whether it is new.
type OfSide = [Option<(f64, bool)>; 2];

/// What one container asks for, and what it is allowed.
#[derive(Default)]
struct Amounts {
    requests: OfSide,
    limits: OfSide,
}

impl Amounts {
    fn side(&mut self, side: Side) -> &mut OfSide {
        if side == Side::Requests { &mut self.requests } else { &mut self.limits }
    }

    /// Reads a line that names side, resource and amount: `requests.memory: 2Gi`, `limits: {memory: 1Gi}`. Such lines one
    /// after the other are of one container.
    fn step(&mut self, line: &str, is_added: bool) -> Option<FileFinding> {
        let is_part = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-');
        let mut words = line.split(|c| !is_part(c)).filter(|word| !word.is_empty());
        let (mut side, mut is_of_line) = (None, false);
        while let Some(word) = words.next() {
            let (above, name) = word.rsplit_once('.').unwrap_or(("", word));
            let of_word = above.rsplit('.').next().and_then(Side::of).or_else(|| Side::of(word));
            side = of_word.or(side);
            if let (Some(side), Some((resource, name))) = (side, resource_of(name)) {
                is_of_line = true;
                self.put(side, resource, (words.next().unwrap_or_default(), is_added));
                let finding = self.judge(resource, name);
                if finding.is_some() {
                    return finding;
                }
            }
        }
        if !is_of_line {
            *self = Self::default();
        }
        None
    }

    fn put(&mut self, side: Side, resource: usize, (value, is_added): (&str, bool)) {
        if let Some(place) = self.side(side).get_mut(resource) {
            *place = amount(value).map(|amount| (amount, is_added));
        }
    }

    fn judge(&self, resource: usize, name: &'static str) -> Option<FileFinding> {
        let ((asked, asked_is_new), (allowed, allowed_is_new)) =
            ((*self.requests.get(resource)?)?, (*self.limits.get(resource)?)?);
        let is_new = asked_is_new || allowed_is_new;
        (is_new && allowed < asked)
            .then(|| FileFinding { key: name, what: "requests above limits".to_owned() })
    }
}

/// The requests and limits of one container, a line each, while they go by.
#[derive(Default)]
struct Block {
    indent: usize,
    side: Option<Side>,
    amounts: Amounts,
    /// How deep the amounts stand whose side the hunk does not show: the one that is not named after them.
    headless: Option<(usize, Amounts)>,
}

impl Block {
    fn step(&mut self, line: &str, is_added: bool) -> Option<FileFinding> {
        let text = line.trim_ascii_start();
        let indent = line.len() - text.len();
        // What closes a side ends nothing: the other one follows.
        if text.starts_with('}') && (indent == self.indent || self.headless.is_some()) {
            return None;
        }
        let (key, value) = text.split_once([':', '=']).unwrap_or((text, ""));
        let key = key.trim_end().trim_matches('"');
        if let Some(side) = Side::of(key) {
            self.open(side, indent);
            return None;
        }
        let resource = resource_of(key);
        if self.side.is_some() && indent <= self.indent || self.side.is_none() && resource.is_none() {
            *self = Self::default();
            return None;
        }
        let (resource, name) = resource?;
        let value = value.trim().trim_end_matches(',');
        let Some(side) = self.side else {
            let (_, amounts) = self.headless.get_or_insert_with(|| (indent, Amounts::default()));
            amounts.put(Side::Requests, resource, (value, is_added));
            return None;
        };
        self.amounts.put(side, resource, (value, is_added));
        self.amounts.judge(resource, name)
    }

    /// Begins a side; the other one of the same container stays.
    fn open(&mut self, side: Side, indent: usize) {
        let headless = self.headless.take().filter(|(depth, _)| self.side.is_none() && *depth > indent);
        if self.side.is_none() || indent != self.indent {
            self.amounts = Amounts::default();
        }
        if let Some((_, amounts)) = headless {
            *self.amounts.side(side.other()) = amounts.requests;
        }
        (self.side, self.indent) = (Some(side), indent);
    }
}

/// An amount of memory or processors in one unit; none for what is no plain amount.
fn amount(value: &str) -> Option<f64> {
    let value = value.split(" #").next().unwrap_or("").trim().trim_matches(['"', '\'']);
    let end = value.bytes().position(|b| !(b.is_ascii_digit() || b == b'.')).unwrap_or(value.len());
    let number: f64 = value.get(..end)?.parse().ok()?;
    let factor = match value.get(end..)? {
        "" => 1.0,
        "m" => 1e-3,
        "k" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        "Ki" => 1_024.0,
        "Mi" => 1_048_576.0,
        "Gi" => 1_073_741_824.0,
        _ => return None,
    };
    Some(number * factor)
}
