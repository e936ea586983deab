//! A commit and its diff put together as a [`Change`].

use std::path::Path;
use std::sync::Arc;

use git2::{Commit, Oid};

use crate::change::{Change, ChangeId, Moment};
use crate::git::Error;
use crate::git::extract::{Counts, Extractor};
use crate::git::graph::Step;

/// Reads the change of a step: its commit against the first parent.
///
/// # Errors
/// When the commit or its first parent cannot be read.
pub(super) fn change(
    extractor: &mut Extractor<'_>,
    path: &Path,
    step: &Step,
) -> Result<(Change, Counts), Error> {
    let commit = find_commit(extractor, path, step.oid)?;
    let mut parents = commit.parent_ids();
    let parent_tree = match parents.next().map(|parent| (parent, extractor.last_tree(parent))) {
        Some((_, Some(tree))) => Some(tree),
        Some((parent, None)) => Some(find_commit(extractor, path, parent)?.tree_id()),
        None => None,
    };
    extractor.remember_tree(step.oid, commit.tree_id());
    let branch_tip = match parents.next() {
        Some(tip) if !step.merged.is_empty() => find_commit(extractor, path, tip)?,
        _ => commit.clone(),
    };
    let (record, counts) = extractor.record(parent_tree, Some(commit.tree_id()));
    let change = Change { record: Arc::new(record), ..describe(&commit, &branch_tip, step.committed_at) };
    Ok((with_merged(change, extractor, path, &step.merged)?, counts))
}

/// Names the commits inside a change, with their messages.
///
/// # Errors
/// When one cannot be read.
pub(super) fn with_merged(
    mut change: Change,
    extractor: &Extractor<'_>,
    path: &Path,
    merged: &[Oid],
) -> Result<Change, Error> {
    for &oid in merged {
        change.merged_messages.push(lossy(find_commit(extractor, path, oid)?.message_bytes()));
        change.merged.push(ChangeId(oid.to_string()));
    }
    Ok(change)
}

/// What a commit says of itself; the author is that of the merged branch's tip.
pub(super) fn describe(commit: &Commit<'_>, branch_tip: &Commit<'_>, committed_at: i64) -> Change {
    let author = branch_tip.author();
    let (name, email) = (lossy(author.name_bytes()), lossy(author.email_bytes()));
    let when = author.when();
    Change {
        id: ChangeId(commit.id().to_string()),
        author: format!("{name} <{email}>").trim_start().to_owned(),
        message: lossy(commit.message_bytes()),
        authored_at: Moment { unix_seconds: when.seconds(), offset_minutes: when.offset_minutes() },
        committed_at,
        merged: Vec::new(),
        merged_messages: Vec::new(),
        record: Arc::default(),
    }
}

/// A commit by id.
///
/// # Errors
/// When it cannot be read.
pub(super) fn find_commit<'repo>(
    extractor: &Extractor<'repo>,
    path: &Path,
    oid: Oid,
) -> Result<Commit<'repo>, Error> {
    extractor.repository().find_commit(oid).map_err(|source| Error::Commit {
        id: oid.to_string(),
        path: path.to_path_buf(),
        source,
    })
}

/// The id, where a revision is written as a full one.
pub(super) fn oid_of(revision: &str) -> Option<Oid> {
    if revision.len() == 40 { Oid::from_str(revision).ok() } else { None }
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
