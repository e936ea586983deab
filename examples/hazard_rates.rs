//! How often each hazard rule fires on the newest changes of a repository:
//! `cargo run --release --example hazard_rates -- PATH_OF_CLONE commit|landing N_CHANGES AFTER [RULE_TO_SHOW]`.
//!
//! `AFTER` is a commit so far back that enough changes follow it; what is older is not read. Prints one line a rule that fired, with the number and the share of changes, then the share of changes
//! that any rule raises. With a rule's name it also prints the subject and the sentence of every hit.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::ControlFlow;

use anyhow::{Context, bail};
use diffrisk::change::{Change, ChangeId, key_changes};
use diffrisk::git::{Repository, Unit, WalkOptions, walk};
use diffrisk::policy::{Hazard, find_hazards};

fn main() -> anyhow::Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [clone, unit, n_changes, after, shown @ ..] = args.as_slice() else {
        bail!("expected: PATH_OF_CLONE commit|landing N_CHANGES AFTER [RULE_TO_SHOW]");
    };
    let unit = match unit.as_str() {
        "commit" => Unit::Commit,
        "landing" => Unit::Landing,
        _ => bail!("`{unit}` is no unit: expected commit or landing"),
    };
    let n_changes: usize = n_changes.parse().context("N_CHANGES is no number")?;
    let newest = newest_changes(clone, unit, n_changes, after)?;
    let mut n_by_rule = BTreeMap::new();
    let mut n_raised = 0;
    for change in &newest {
        let hazards = hazards_of(change);
        n_raised += usize::from(!hazards.is_empty());
        for hazard in &hazards {
            *n_by_rule.entry(hazard.rule.name).or_insert(0_usize) += 1;
            if shown.iter().any(|rule| rule == hazard.rule.name || rule == "all") {
                println!("{} {}\n    {}", &change.id.0[..10], change.title(), hazard.text());
            }
        }
    }
    let percent = |n: usize| 100.0 * n as f64 / newest.len() as f64;
    for (rule, n) in n_by_rule {
        println!("{rule:<28} {n:>5} {:>6.2} %", percent(n));
    }
    println!("{:<28} {n_raised:>5} {:>6.2} %  of {} changes", "any", percent(n_raised), newest.len());
    Ok(())
}

fn newest_changes(
    clone: &str,
    unit: Unit,
    n_changes: usize,
    after: &str,
) -> anyhow::Result<VecDeque<Change>> {
    let repository = Repository::open(clone)?;
    let mut newest = VecDeque::new();
    let options = WalkOptions { after: Some(ChangeId(after.to_owned())), ..WalkOptions::new(unit) };
    walk(&repository, &options, |change| {
        if newest.len() == n_changes {
            newest.pop_front();
        }
        newest.push_back(change);
        ControlFlow::Continue(())
    })?;
    Ok(newest)
}

fn hazards_of(change: &Change) -> Vec<Hazard> {
    let files = change.record.files.iter();
    let keys: Vec<_> = files.map(|file| (file.path().to_owned(), key_changes(file))).collect();
    find_hazards(&change.record, &keys, None, &BTreeSet::new())
}
