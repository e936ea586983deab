//! What an artifact says of the rows it was trained on, source by source.

use std::collections::BTreeMap;

use crate::artifact::{DigestSample, MIXED, Source};
use crate::dataset::{Row, Rows, Standing};

/// One source a repository, in the order of their first rows: the root commit tells the same history under
/// two names, the unit two readings of one history.
pub(super) fn describe_sources(rows: &Rows, standings: &[Standing]) -> Vec<Source> {
    let mut sources: Vec<(&str, &str, Vec<usize>)> = Vec::new();
    for (idx, Row { root, unit, .. }) in rows.facts().iter().enumerate() {
        match sources.iter_mut().find(|(known, of_unit, _)| known == root && of_unit == unit) {
            Some((_, _, idxs)) => idxs.push(idx),
            None => sources.push((root, unit, vec![idx])),
        }
    }
    let described = sources.iter().map(|(_, _, idxs)| {
        let n_rows = idxs.iter().filter(|&&idx| standings[idx] != Standing::Left).count();
        let n_positive = idxs.iter().filter(|&&idx| standings[idx] == Standing::Positive).count();
        describe_source(&rows.select(idxs), n_rows, n_positive)
    });
    described.collect()
}

/// What an artifact says of the rows of one source.
pub(super) fn describe_source(rows: &Rows, n_rows: usize, n_positive: usize) -> Source {
    let (first, last) = (rows.facts().first(), rows.facts().last());
    Source {
        name: first.map_or(String::new(), |row| row.repo.clone()),
        root: first.map_or(String::new(), |row| row.root.clone()),
        unit: first.map_or(String::new(), |row| row.unit.clone()),
        from: first.map_or(0, |row| row.committed_at),
        to: last.map_or(0, |row| row.committed_at),
        last_label: rows.facts().iter().filter_map(|row| row.label_known_at).max(),
        n_rows,
        n_positive,
        dataset: rows.digest().to_string(),
    }
}

/// One sample of changes a root, in the order of the roots.
pub(super) fn digest_samples(rows: &Rows) -> Vec<DigestSample> {
    let mut by_root: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for row in rows.facts() {
        by_root.entry(&row.root).or_default().push(&row.digest);
    }
    by_root.into_iter().map(|(root, digests)| DigestSample::new(root, digests.into_iter())).collect()
}

/// The unit of all rows.
pub(super) fn unit_of(rows: &Rows) -> String {
    let mut units = rows.facts().iter().map(|row| row.unit.as_str());
    let first = units.next().unwrap_or("");
    if units.all(|unit| unit == first) { first.to_owned() } else { MIXED.to_owned() }
}

/// The rows in the order of time, where they are not: files of several repositories come one after the
/// other, but what calibrates must be the newest of all.
pub(super) fn in_time_order(rows: &Rows) -> Option<Rows> {
    if rows.facts().is_sorted_by_key(|row| row.committed_at) {
        return None;
    }
    let mut order: Vec<usize> = (0..rows.n_rows()).collect();
    order.sort_by_key(|&idx| rows.facts()[idx].committed_at);
    Some(rows.select(&order))
}
