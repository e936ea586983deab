//! Rules about lines that mean something together: bounds that cross, and rules of which the first or the last that fits decides.
//! Start at [`RULES`].

use memchr::{memchr2, memchr3_iter};
use rustc_hash::FxHashSet;

use crate::change::{DiffLine, Hunk, LineOrigin};
use crate::policy::hazard::found::{FileEdits, is_prose};
use crate::policy::hazard::owners;
use crate::policy::hazard::rule::{FileFinding, HazardRule, Look, Sphere};
use crate::policy::hazard::words::spaced;
use crate::policy::reason::ReasonCode;

pub(super) const RULES: &[HazardRule] = &[
    HazardRule {
        name: "bounds_crossed",
        code: ReasonCode::HazardOther,
        sphere: Sphere::OutsideTests,
        sentence: "A lower bound lies above its upper bound",
        example: "`min_spare_servers = 40` with `max_spare_servers = 10`",
        look: Look::File(bounds_crossed),
        is_general: false,
    },
    HazardRule {
        name: "rule_order_changed",
        code: ReasonCode::HazardOther,
        sphere: Sphere::Everywhere,
        sentence: "A rule that lets through changed places with one that refuses, or one for everything, or for more, came after those for some",
        example: "`tcp dport 1-65535 accept` moves above `tcp dport 22 drop`",
        look: Look::File(rule_order_changed),
        is_general: false,
    },
    HazardRule {
        name: "shares_unbalanced",
        code: ReasonCode::HazardOther,
        sphere: Sphere::OutsideTests,
        sentence: "Shares that made a hundred together no longer do",
        example: "weights `95` and `5` → `0` and `10`",
        look: Look::File(shares_unbalanced),
        is_general: false,
    },
    HazardRule {
        name: "owners_removed",
        code: ReasonCode::HazardOther,
        sphere: Sphere::Everywhere,
        sentence: "Paths lose those who had to look at their changes",
        example: "`/infra/prod/ @shop/security` → `/infra/prod/` in `CODEOWNERS`",
        look: Look::File(owners::owners_removed),
        is_general: false,
    },
];

/// Lines of a hunk that a bound is looked for among, before its own; and moved rules of a hunk that are looked at.
const NEAR_LINES: usize = 12;
/// As much of a line as is read, in bytes.
const LINE_TEXT: usize = 400;

/// One end of a range.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Lower,
    Upper,
}

/// A bound that a line writes.
struct Bound {
    end: End,
    /// The words of its name but the one that says which end it is.
    name: String,
    value: f64,
    /// How deep its line stands, and the position of the line on its side.
    indent: usize,
    at: usize,
    /// The line and the number of the object on it that holds the bound; none of what stands outside of any.
    object: Option<(usize, usize)>,
}

fn bounds_crossed(file_edits: &FileEdits<'_>) -> Option<FileFinding> {
    file_edits.file_diff.hunks().iter().find_map(|hunk| {
        // Most hunks end here.
        if !hunk.lines.iter().any(|line| line.origin == LineOrigin::Added && may_bound(&line.text)) {
            return None;
        }
        let crossed = crossed_in(hunk, LineOrigin::Deleted);
        let crossed_before: FxHashSet<String> = crossed_in(hunk, LineOrigin::Added).into_iter().collect();
        let name = crossed.into_iter().find(|name| !crossed_before.contains(name))?;
        let what = match name.trim() {
            "" => "a minimum above its maximum".to_owned(),
            name => format!("the bounds of `{name}`"),
        };
        Some(FileFinding { key: "", what })
    })
}

/// Whether a line may write one end of a range.
fn may_bound(line: &str) -> bool {
    const WORDS: [&[u8]; 4] = [b"min", b"max", b"lower", b"upper"];
    let bytes = line.as_bytes();
    let begins = |at: usize| {
        let rest = bytes.get(at..).unwrap_or(&[]);
        WORDS.iter().any(|word| rest.get(..word.len()).is_some_and(|it| it.eq_ignore_ascii_case(word)))
    };
    let letters = memchr3_iter(b'm', b'l', b'u', bytes).chain(memchr3_iter(b'M', b'L', b'U', bytes));
    letters.into_iter().any(begins)
}

/// The names of the ranges of a hunk whose ends are crossed, without the lines of one side.
fn crossed_in(hunk: &Hunk, without: LineOrigin) -> Vec<String> {
    let lines = || hunk.lines.iter().filter(|line| line.origin != without);
    let mut crossed = Vec::new();
    let mut seen: Vec<Bound> = Vec::new();
    for (at, line) in lines().enumerate() {
        let text = line.text.trim_start();
        let indent = line.text.len() - text.len();
        if text.is_empty() || text.starts_with(['#', '/', ';']) {
            continue;
        }
        seen.retain(|bound| bound.indent <= indent && at - bound.at <= NEAR_LINES);
        for (object, part) in parts_of(cut(text)) {
            let Some((end, name, value)) = bound_of(part) else { continue };
            let object = object.map(|object| (at, object));
            let bound = Bound { end, name, value, indent, at, object };
            let crosses = |other: &Bound| {
                let (lower, upper) = if end == End::Lower { (&bound, other) } else { (other, &bound) };
                other.end != end
                    && other.name == bound.name
                    && other.indent == indent
                    && other.object == bound.object
                    // No upper bound at all is written so.
                    && upper.value > 0.0
                    && lower.value > upper.value
            };
            if seen.iter().any(crosses) {
                crossed.push(bound.name.clone());
            }
            seen.push(bound);
        }
    }
    crossed
}

/// The parts of a line, each with the number of the innermost object on it that it stands in.
fn parts_of(text: &str) -> impl Iterator<Item = (Option<usize>, &str)> {
    let (mut open, mut n_objects) = (Vec::new(), 0);
    text.split_inclusive([',', '{', '}', ';']).map(move |part| {
        let own = open.last().copied();
        match part.as_bytes().last() {
            Some(b'{') => {
                open.push(n_objects);
                n_objects += 1;
            }
            Some(b'}') => drop(open.pop()),
            _ => {}
        }
        (own, part.trim_end_matches([',', '{', '}', ';']))
    })
}

/// Which end of which range a text such as `"min_size": 3` writes.
fn bound_of(text: &str) -> Option<(End, String, f64)> {
    let (key, value) = text.split_once([':', '=']).or_else(|| text.trim().split_once(' '))?;
    let value = value.trim_start_matches(['>', '=']).trim().trim_matches(['"', '\'']);
    let value: f64 = value.split(" #").next()?.trim().parse().ok().filter(|value: &f64| *value >= 0.0)?;
    let key = key.trim().trim_start_matches("- ").trim_matches(['"', '\'']);
    // `3.10` is more than `3.9`.
    if key.len() > 80 || key.contains(' ') || key.to_ascii_lowercase().contains("version") {
        return None;
    }
    let (mut end, mut name) = (None, String::from(" "));
    for word in spaced(key).split(' ').filter(|word| !word.is_empty()) {
        match word {
            "min" | "minimum" | "lower" => end = end.or(Some(End::Lower)),
            "max" | "maximum" | "upper" => end = end.or(Some(End::Upper)),
            _ => {
                name.push_str(word);
                name.push(' ');
            }
        }
    }
    Some((end?, name, value))
}

fn rule_order_changed(file_edits: &FileEdits<'_>) -> Option<FileFinding> {
    let file_diff = file_edits.file_diff;
    if is_prose(file_diff) {
        return None;
    }
    let is_of_owners = file_diff.path().ends_with("CODEOWNERS");
    let passes = |hunk: &Hunk| if is_of_owners { owners::takes_over(hunk) } else { passes_verdict(hunk) };
    let (hunk, idx) = file_diff.hunks().iter().find_map(|hunk| Some((hunk, passes(hunk)?)))?;
    Some(FileFinding { key: "", what: line_of(hunk, idx) })
}

/// A line that lets through or refuses and passed one of the other kind, from where it was to where it is.
fn passes_verdict(hunk: &Hunk) -> Option<usize> {
    let with_verdict = |origin| {
        let lines = hunk.lines.iter().enumerate().filter(move |(_, line)| line.origin == origin);
        lines.filter_map(|(idx, line)| Some((idx, line.text.trim(), lets_through(&line.text)?)))
    };
    let gone: Vec<_> = with_verdict(LineOrigin::Deleted).take(NEAR_LINES).collect();
    if gone.is_empty() {
        return None;
    }
    let moved = with_verdict(LineOrigin::Added).filter_map(|(to, text, lets)| {
        let from = gone.iter().find(|(_, old, _)| *old == text).map(|(from, ..)| *from)?;
        Some((from, to, text, lets))
    });
    // Each looks at all that lies between.
    let mut moved = moved.take(NEAR_LINES);
    let passing = moved.find(|(from, to, text, lets)| {
        let between = hunk.lines.get(*from.min(to)..*from.max(to)).unwrap_or(&[]);
        between.iter().any(|line| {
            line.origin != LineOrigin::Deleted
                && lets_through(&line.text).is_some_and(|it| it != *lets)
                && may_meet(text, &line.text)
        })
    });
    passing.map(|(_, to, ..)| to)
}

/// Whether two rules may be about the same traffic: not where both name numbers alone, and none of them the same.
fn may_meet(one: &str, other: &str) -> bool {
    fn numbers(line: &str) -> FxHashSet<&str> {
        let words = cut(line).split(|c: char| !c.is_ascii_digit());
        words.filter(|word| !word.is_empty()).collect()
    }
    let is_range = |line: &str| line.contains(['-', '/', '.', ':', '@']);
    let (of_one, of_other) = (numbers(one), numbers(other));
    of_one.is_empty()
        || of_other.is_empty()
        || is_range(one)
        || is_range(other)
        || !of_one.is_disjoint(&of_other)
}

/// Verdicts of rules.
const LETS: &[&str] = &["accept", "allow", "permit", "trust"];
const REFUSES: &[&str] = &["drop", "reject", "deny", "scram-sha-256", "md5"];

/// Whether a line of a rule lets through or refuses.
fn lets_through(line: &str) -> Option<bool> {
    let text = cut(line).trim_start();
    let is_key = text.ends_with(':') || text.contains("ffect");
    if text.starts_with(['#', '/', ';']) || is_key {
        return None;
    }
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '_'));
    let mut words = words.filter(|word| !word.is_empty()).enumerate();
    // The effect of a statement is no rule: that has a line for itself, and begins or ends with its verdict.
    let is_rule = |at: usize| at != 1 || text.split_ascii_whitespace().count() > 3;
    let is_one = |word: &str, of: &[&str]| of.iter().any(|it| it.eq_ignore_ascii_case(word));
    words.find_map(|(at, word)| match word.len() {
        4..=15 if is_one(word, LETS) && is_rule(at) => Some(true),
        3..=15 if is_one(word, REFUSES) && is_rule(at) => Some(false),
        _ => None,
    })
}

fn shares_unbalanced(file_edits: &FileEdits<'_>) -> Option<FileFinding> {
    let edited = |origin| move |line: &&DiffLine| line.origin == origin && share_of(&line.text).is_some();
    file_edits.file_diff.hunks().iter().find_map(|hunk| {
        // Most hunks end here.
        hunk.lines.iter().find(edited(LineOrigin::Added))?;
        let total = |without: LineOrigin| {
            let shares = hunk.lines.iter().filter(|line| line.origin != without);
            let shares: Vec<f64> = shares.filter_map(|line| share_of(&line.text)).collect();
            (shares.len(), shares.iter().sum::<f64>())
        };
        let ((n_old, old), (n_new, new)) = (total(LineOrigin::Added), total(LineOrigin::Deleted));
        let is_off = n_old >= 2 && n_old == n_new && old == 100.0 && (new - 100.0).abs() > 1.5;
        is_off.then(|| FileFinding { key: "weight", what: format!("`100` → `{new}` together") })
    })
}

/// The share that a line gives: `weight: 95`, `"percent": 5,`.
fn share_of(line: &str) -> Option<f64> {
    let line = cut(line);
    let at = memchr2(b':', b'=', line.as_bytes())?;
    let key = line.get(..at)?.trim().trim_start_matches("- ").trim_matches(['"', '\'']);
    let value = || {
        line.get(at + 1..)?.trim().trim_end_matches(',').trim_matches('"').trim_end_matches('%').parse().ok()
    };
    matches!(key, "weight" | "percent" | "percentage" | "Weight" | "trafficPercent" | "traffic_percent")
        .then(value)
        .flatten()
}

/// Where a line of a hunk stands in the new file, in words.
pub(super) fn line_of(hunk: &Hunk, idx: usize) -> String {
    let above = hunk.lines.iter().take(idx).filter(|line| line.origin != LineOrigin::Deleted).count();
    format!("line {}", hunk.new_start as usize + above)
}

pub(super) fn cut(line: &str) -> &str {
    line.get(..line.floor_char_boundary(LINE_TEXT)).unwrap_or(line)
}
