//! A commit and its diff put together as a [`Change`].

use std::path::Path;
use std::sync::Arc;

use git2::{Commit, Oid};

use crate::change::{Change, ChangeId, Moment, is_bot};
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
    let written = match parents.next() {
        Some(tip) if !step.merged.is_empty() => written(extractor, path, tip, &step.merged)?,
        _ => commit.clone(),
    };
    let (record, counts) = extractor.record(parent_tree, Some(commit.tree_id()));
    let change = Change { record: Arc::new(record), ..describe(&commit, &written, step.committed_at) };
    Ok((with_merged(change, extractor, path, &step.merged)?, counts))
}

/// The commit of a merged branch that says who wrote it: its tip; where that is by a program, but a person began the branch, the
/// newest by a person, for programs format what people wrote. `merged` is newest first; merges in it say nothing.
///
/// # Errors
/// When one cannot be read.
fn written<'repo>(
    extractor: &Extractor<'repo>,
    path: &Path,
    tip: Oid,
    merged: &[Oid],
) -> Result<Commit<'repo>, Error> {
    let tip = find_commit(extractor, path, tip)?;
    if !is_bot(&author_of(&tip)) {
        return Ok(tip);
    }
    let mut newest_by_person = None;
    let mut began_by_person = false;
    for &oid in merged {
        let commit = find_commit(extractor, path, oid)?;
        if commit.parent_count() < 2 {
            began_by_person = !is_bot(&author_of(&commit));
            newest_by_person = newest_by_person.or_else(|| began_by_person.then_some(commit));
        }
    }
    Ok(newest_by_person.filter(|_| began_by_person).unwrap_or(tip))
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

/// What a commit says of itself; who wrote it, and when, is said by `written`.
pub(super) fn describe(commit: &Commit<'_>, written: &Commit<'_>, committed_at: i64) -> Change {
    let when = written.author().when();
    Change {
        id: ChangeId(commit.id().to_string()),
        author: author_of(written),
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
    extractor.repository().refuse_cut_commit(oid)?;
    extractor.repository().git().find_commit(oid).map_err(|source| Error::Commit {
        id: oid.to_string(),
        path: path.to_path_buf(),
        source,
    })
}

/// The id, where a revision is written as a full one.
pub(super) fn oid_of(revision: &str) -> Option<Oid> {
    if revision.len() == 40 { Oid::from_str(revision).ok() } else { None }
}

/// The author of a commit as `Name <address>`.
fn author_of(commit: &Commit<'_>) -> String {
    let author = commit.author();
    let (name, email) = (lossy(author.name_bytes()), lossy(author.email_bytes()));
    format!("{name} <{email}>").trim_start().to_owned()
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
