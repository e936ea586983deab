//! Small but dangerous: each pair of `danger/pairs.jsonl` is put in order by the hazard rules first, then by
//! the score of the published artifact. `SHOW_PAIRS=1` with `--no-capture` prints the tables of
//! docs/HAZARDS.md.

use std::collections::{BTreeMap, BTreeSet};

use crate::danger::{
    Cold, Pair, eighth_pairs, fifth_pairs, fourth_pairs, hazards, pairs, record_of, second_pairs,
    seventh_pairs, sixth_pairs, third_pairs,
};

/// Who put a pair in order, or that nobody did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    ByRules,
    ByScore,
    Wrong,
}

/// The order of a pair, and whether the score alone would have been right.
fn order(cold: &Cold, pair: &Pair) -> (Order, bool) {
    let (dangerous, harmless) = (record_of(&pair.dangerous), record_of(&pair.harmless));
    let by_score = cold.margin(&dangerous) > cold.margin(&harmless);
    let order = match (hazards(&dangerous).is_empty(), hazards(&harmless).is_empty()) {
        (false, true) => Order::ByRules,
        (true, false) => Order::Wrong,
        _ if by_score => Order::ByScore,
        _ => Order::Wrong,
    };
    (order, by_score)
}

/// Pairs in all, in order by the rules, in order by the score where the rules see no difference, and
/// how many the score alone would put in order.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    n: usize,
    by_rules: usize,
    by_score: usize,
    score_alone: usize,
}

fn tally(half: &str) -> Tally {
    let pairs: Vec<Pair> = pairs().into_iter().filter(|pair| pair.half == half).collect();
    tally_of(&pairs, half, |pair| &pair.kind)
}

/// Counts the pairs, by what `group` says of each; `name` is that of all.
fn tally_of(pairs: &[Pair], name: &str, group: fn(&Pair) -> &String) -> Tally {
    let cold = Cold::new();
    let mut by_kind: BTreeMap<String, Tally> = BTreeMap::new();
    let mut all = Tally::default();
    let mut odd = Vec::new();
    for pair in pairs {
        let (order, score_alone) = order(&cold, pair);
        if order != Order::ByRules {
            odd.push(format!("{} {} ({}): {order:?}", pair.index, pair.kind, pair.format));
        }
        for tally in [&mut all, by_kind.entry(group(pair).clone()).or_default()] {
            tally.n += 1;
            tally.by_rules += usize::from(order == Order::ByRules);
            tally.by_score += usize::from(order == Order::ByScore);
            tally.score_alone += usize::from(score_alone);
        }
    }
    if std::env::var_os("SHOW_PAIRS").is_some() {
        by_kind.insert(format!("**{name}**"), all);
        for (kind, Tally { n, by_rules, by_score, score_alone }) in &by_kind {
            println!("| {kind} | {n} | {by_rules} | {by_score} | {score_alone} |");
        }
        println!("{}", odd.join("\n"));
    }
    all
}

#[test]
fn the_suite_is_large_and_halved_by_index() {
    let pairs = pairs();
    assert!(pairs.len() >= 50);
    for (idx, pair) in pairs.iter().enumerate() {
        assert_eq!((pair.index, pair.half.as_str()), (idx, if idx % 2 == 0 { "dev" } else { "held" }));
    }
    let formats: BTreeSet<&str> = pairs.iter().map(|pair| pair.format.as_str()).collect();
    for format in ["yaml", "json", "toml", "ini", "hcl", "php", "puppet", "xml", "zone"] {
        assert!(formats.contains(format), "no pair in {format}");
    }
}

#[test]
fn dangerous_edits_of_the_development_half_come_first() {
    let tally = tally("dev");
    assert!(tally.by_rules >= 45 && tally.by_rules + tally.by_score >= 45, "{tally:?}");
}

/// Run for the first time after the rules were committed; what it showed changed no rule.
#[test]
fn dangerous_edits_of_the_held_half_come_first() {
    let tally = tally("held");
    assert!(tally.by_rules >= 43 && tally.by_rules + tally.by_score >= 43, "{tally:?}");
}

/// Written by somebody who had seen neither the rules nor the first suite. Rules were widened after its first run, so that
/// this keeps what was reached; it measures nothing that is new.
#[test]
fn dangerous_edits_of_the_second_suite_come_first() {
    let tally = tally_of(&second_pairs(), "second", |pair| &pair.format);
    assert!(tally.by_rules >= 405 && tally.by_rules + tally.by_score >= 438, "{tally:?}");
}

/// The half of a suite that rules were widened after, and the half of which nobody saw more than totals.
fn tally_of_halves(pairs: fn() -> Vec<Pair>) -> [Tally; 2] {
    ["dev", "final"].map(|half| {
        let pairs: Vec<Pair> = pairs().into_iter().filter(|pair| pair.half == half).collect();
        tally_of(&pairs, half, |pair| &pair.kind)
    })
}

#[test]
fn dangerous_edits_of_the_third_suite_come_first() {
    let [dev, held] = tally_of_halves(third_pairs);
    assert!(dev.by_rules >= 99 && dev.by_rules + dev.by_score >= 99, "{dev:?}");
    assert!(held.by_rules >= 92 && held.by_rules + held.by_score >= 100, "{held:?}");
}

#[test]
fn dangerous_edits_of_the_fourth_suite_come_first() {
    let [dev, held] = tally_of_halves(fourth_pairs);
    assert!(dev.by_rules >= 130 && dev.by_rules + dev.by_score >= 134, "{dev:?}");
    assert!(held.by_rules >= 105 && held.by_rules + held.by_score >= 114, "{held:?}");
}

#[test]
fn dangerous_edits_of_the_fifth_suite_come_first() {
    let [dev, held] = tally_of_halves(fifth_pairs);
    assert!(dev.by_rules >= 93 && dev.by_rules + dev.by_score >= 94, "{dev:?}");
    assert!(held.by_rules >= 58 && held.by_rules + held.by_score >= 71, "{held:?}");
}

#[test]
fn dangerous_edits_of_the_seventh_suite_come_first() {
    let [dev, held] = tally_of_halves(seventh_pairs);
    assert!(dev.by_rules >= 107 && dev.by_rules + dev.by_score >= 107, "{dev:?}");
    assert!(held.by_rules >= 91 && held.by_rules + held.by_score >= 97, "{held:?}");
}

#[test]
fn dangerous_edits_of_the_eighth_suite_come_first() {
    let [dev, held] = tally_of_halves(eighth_pairs);
    assert!(dev.by_rules >= 106 && dev.by_rules + dev.by_score >= 107, "{dev:?}");
    assert!(held.by_rules >= 91 && held.by_rules + held.by_score >= 99, "{held:?}");
}

#[test]
fn dangerous_edits_of_the_sixth_suite_come_first() {
    let [dev, held] = tally_of_halves(sixth_pairs);
    assert!(dev.by_rules >= 97 && dev.by_rules + dev.by_score >= 97, "{dev:?}");
    assert!(held.by_rules >= 82 && held.by_rules + held.by_score >= 100, "{held:?}");
}
