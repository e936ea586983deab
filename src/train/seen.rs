//! What an artifact has seen of some rows: in its own training, and in that of the artifact it was blended with.

use std::sync::Arc;

use crate::artifact::{Artifact, published};
use crate::dataset::Rows;
use crate::train::Error;

/// Share of a source's changes in the rows at hand above which both are one history.
const MAX_SHARED: f64 = 0.01;

/// A source of an artifact that is met again in rows.
pub(super) struct Met {
    /// Root commit of the source.
    pub(super) source: String,
    /// Root commit of the rows.
    pub(super) rows: String,
    /// Unix seconds of the newest row that was trained on.
    pub(super) to: i64,
}

/// The artifact that this one was blended with, where that is the published one.
///
/// # Errors
/// [`Error::UnknownPrior`] where it is another one: what that saw cannot be told from here.
pub(super) fn blended_with(artifact: &Artifact) -> Result<Option<Arc<Artifact>>, Error> {
    let Some(prior) = &artifact.document().prior else { return Ok(None) };
    let published = published()?;
    if format!("sha256:{}", published.digest()) == prior.digest {
        return Ok(Some(published));
    }
    Err(Error::UnknownPrior { artifact: artifact.document().name.clone(), prior: prior.name.clone() })
}

/// The sources that rows come from: by their root commit, or by more than a hundredth of their changes. `left_out`
/// are root commits that a use of the artifact is without.
pub(super) fn met(artifact: &Artifact, rows: &Rows, left_out: &[String]) -> Result<Vec<Met>, Error> {
    let samples = artifact.twins()?.samples;
    let mut roots: Vec<&str> = rows.facts().iter().map(|row| row.root.as_str()).collect();
    roots.sort_unstable();
    roots.dedup();
    let mut found = Vec::new();
    for root in roots {
        let of_root = || rows.facts().iter().filter(|row| row.root == root);
        let digests = || of_root().map(|row| row.digest.as_str());
        for source in artifact.document().sources.iter().filter(|source| !left_out.contains(&source.root)) {
            let sample = samples.iter().find(|sample| sample.root == source.root);
            let shares = || sample.is_some_and(|sample| sample.has_more_than(MAX_SHARED, digests()));
            if source.root == root || shares() {
                found.push(Met { source: source.root.clone(), rows: root.to_owned(), to: source.to });
            }
        }
    }
    Ok(found)
}
