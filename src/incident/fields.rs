//! From named fields to a record: the one place that knows the columns.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::change::{ChangeId, Digest};
use crate::incident::{BadRecord, Error, IncidentLink, LinkKind, OutcomeKind, OutcomeRecord, OutcomeTarget};

/// The columns of an incident file.
const INCIDENT_COLUMNS: [&str; 9] = [
    "incident_id", "started_at", "resolved_at", "known_at", "severity", "title", "repo", "change_id",
    "link_kind",
];

/// The keys of a reported outcome, but for `decision_id`, which only a log can look up.
pub const OUTCOME_KEYS: [&str; 10] = [
    "repo", "commit", "id", "digest", "outcome", "occurred_at", "known_at", "incident_id", "severity",
    "source",
];

/// The named fields of one record; an empty value is an absent one.
pub(crate) type Fields = BTreeMap<String, String>;

/// Reads incident links from rows that another module has taken apart (a Parquet table).
///
/// # Errors
/// When any row is bad; rows count from 1.
pub fn from_records(records: impl IntoIterator<Item = Fields>) -> Result<Vec<IncidentLink>, Error> {
    let numbered = records.into_iter().enumerate().map(|(row_idx, fields)| (row_idx as u64 + 1, Ok(fields)));
    collect("incident links", numbered, incident_link)
}

/// Turns numbered fields into records: all of them, or the list of the bad ones.
pub(crate) fn collect<T>(
    what: &'static str,
    numbered: impl Iterator<Item = (u64, Result<Fields, String>)>,
    read: impl Fn(&Fields) -> Result<T, String>,
) -> Result<Vec<T>, Error> {
    let mut good = Vec::new();
    let mut bad = Vec::new();
    for (line, fields) in numbered {
        match fields.and_then(|fields| read(&fields)) {
            Ok(record) => good.push(record),
            Err(reason) => bad.push(BadRecord { line, reason }),
        }
    }
    if bad.is_empty() {
        Ok(good)
    } else {
        Err(Error::Records { path: None, what, n_records: good.len() + bad.len(), bad })
    }
}

/// Reads one incident–change link.
pub(crate) fn incident_link(fields: &Fields) -> Result<IncidentLink, String> {
    refuse_unknown(fields, &INCIDENT_COLUMNS)?;
    let started_at = moment(fields, "started_at")?;
    let resolved_at = moment(fields, "resolved_at")?;
    let known_at = moment(fields, "known_at")?
        .or(resolved_at)
        .ok_or("neither `known_at` nor `resolved_at` is given, so nobody can say when the link was known")?;
    if let (Some(started_at), Some(resolved_at)) = (started_at, resolved_at)
        && resolved_at < started_at
    {
        return Err("`resolved_at` is before `started_at`".to_owned());
    }
    if started_at.is_some_and(|started_at| known_at < started_at) {
        return Err("`known_at` is before `started_at`".to_owned());
    }
    Ok(IncidentLink {
        incident_id: required(fields, "incident_id")?,
        started_at,
        resolved_at,
        known_at,
        severity: optional(fields, "severity"),
        title: optional(fields, "title"),
        repo: required(fields, "repo")?,
        change_id: ChangeId(required(fields, "change_id")?),
        link_kind: link_kind(&required(fields, "link_kind")?)?,
    })
}

/// Whether the columns of a file are those of incident links.
pub(crate) fn incident_header<'a>(names: impl Iterator<Item = &'a str>) -> Result<(), String> {
    // Every column is there and holds something, so that only its name is looked at.
    let fields: Fields = names.map(|name| (name.to_owned(), "0".to_owned())).collect();
    let expected = |why: String| format!("{why}; the columns are `{}`", INCIDENT_COLUMNS.join("`, `"));
    refuse_unknown(&fields, &INCIDENT_COLUMNS).map_err(expected)?;
    ["incident_id", "repo", "change_id", "link_kind"]
        .into_iter()
        .try_for_each(|name| required(&fields, name).map(drop))
}

/// Reads one reported outcome.
pub(crate) fn outcome_record(fields: &Fields) -> Result<OutcomeRecord, String> {
    refuse_unknown(fields, &[&["decision_id"], &OUTCOME_KEYS[..]].concat())?;
    let occurred_at = moment(fields, "occurred_at")?.ok_or("`occurred_at` is missing")?;
    let known_at = moment(fields, "known_at")?.unwrap_or(occurred_at);
    if known_at < occurred_at {
        return Err("`known_at` is before `occurred_at`".to_owned());
    }
    let (target, surer) = outcome_target(fields)?;
    let outcome = outcome_kind(&required(fields, "outcome")?)?;
    Ok(OutcomeRecord {
        repo: optional(fields, "repo"),
        incident_id: optional(fields, "incident_id"),
        severity: optional(fields, "severity"),
        source: optional(fields, "source"),
        surer,
        ..OutcomeRecord::new(target, outcome, occurred_at, known_at)
    })
}

fn commit_id(text: String) -> Result<OutcomeTarget, String> {
    let id = ChangeId::of_commit(&text).map(OutcomeTarget::Commit);
    id.ok_or_else(|| format!("`commit` is `{text}`, expected 7 to 64 hex digits"))
}

fn digest_of(text: String) -> Result<OutcomeTarget, String> {
    let digest = text.parse::<Digest>().map_err(|error| format!("`digest` is `{text}`: {error}"))?;
    Ok(OutcomeTarget::Digest(digest.to_string()))
}

/// What an outcome is about, and what tells better which landing of a diff is meant.
fn outcome_target(fields: &Fields) -> Result<(OutcomeTarget, Vec<OutcomeTarget>), String> {
    let decision = optional(fields, "decision_id").map(OutcomeTarget::Decision);
    let commit = optional(fields, "commit").map(commit_id).transpose()?;
    let id = optional(fields, "id").map(OutcomeTarget::Id);
    let digest = optional(fields, "digest").map(digest_of).transpose()?;
    let (target, surer) = match (decision, commit, id, digest) {
        (None, None, Some(surer), Some(digest)) | (None, Some(surer), None, Some(digest)) => {
            (digest, vec![surer])
        }
        (Some(only), None, None, None)
        | (None, Some(only), None, None)
        | (None, None, Some(only), None)
        | (None, None, None, Some(only)) => (only, Vec::new()),
        _ => {
            let expected = "expected exactly one of `decision_id`, `commit`, `id`, `digest`, or `digest` beside `commit` or `id`";
            return Err(expected.to_owned());
        }
    };
    let is_of_repo = |name: &OutcomeTarget| matches!(name, OutcomeTarget::Commit(_) | OutcomeTarget::Id(_));
    let needs_repo = surer.iter().chain([&target]).any(is_of_repo);
    if needs_repo && optional(fields, "repo").is_none() {
        return Err("`commit` and `id` need `repo` beside them".to_owned());
    }
    Ok((target, surer))
}

fn link_kind(text: &str) -> Result<LinkKind, String> {
    match text {
        "declared" => Ok(LinkKind::Declared),
        "rollback" => Ok(LinkKind::Rollback),
        "revert" => Ok(LinkKind::Revert),
        "bisect" => Ok(LinkKind::Bisect),
        _ => Err(format!("`link_kind` is `{text}`, expected declared, rollback, revert or bisect")),
    }
}

fn outcome_kind(text: &str) -> Result<OutcomeKind, String> {
    OutcomeKind::of(text).ok_or_else(|| {
        format!("`outcome` is `{text}`, expected incident, reverted, reverted_as_planned, caught, harmless or retracted")
    })
}

fn refuse_unknown(fields: &Fields, known: &[&str]) -> Result<(), String> {
    match fields.keys().find(|name| !known.contains(&name.as_str())) {
        Some(name) => Err(format!("unknown field `{name}`")),
        None => Ok(()),
    }
}

fn optional(fields: &Fields, name: &str) -> Option<String> {
    fields.get(name).map(|value| value.trim()).filter(|value| !value.is_empty()).map(str::to_owned)
}

fn required(fields: &Fields, name: &str) -> Result<String, String> {
    optional(fields, name).ok_or_else(|| format!("`{name}` is missing"))
}

/// A moment: RFC 3339 or Unix seconds.
fn moment(fields: &Fields, name: &str) -> Result<Option<i64>, String> {
    let Some(text) = optional(fields, name) else { return Ok(None) };
    if let Ok(seconds) = text.parse::<i64>() {
        return match Timestamp::from_second(seconds) {
            Ok(_) => Ok(Some(seconds)),
            Err(_) => Err(format!("`{name}` is `{text}`, which is outside the years -9999 to 9999")),
        };
    }
    let timestamp: Timestamp = text.parse().map_err(|_| {
        format!("`{name}` is `{text}`, expected RFC 3339 (2026-01-31T12:00:00Z) or Unix seconds")
    })?;
    Ok(Some(timestamp.as_second()))
}
