//! What records are looked for by, as a condition with its values apart: nothing that a caller wrote becomes part of a statement.

use crate::store::RecordKind;

/// What a search of the log asks for; absent parts match everything.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Search {
    /// The kind of record; none for every kind.
    pub kind: Option<RecordKind>,
    /// The writer's chain.
    pub chain: Option<String>,
    /// The repository's name.
    pub repo: Option<String>,
    /// The decision's word.
    pub verdict: Option<String>,
    /// The commit, review identity or digest of the change.
    pub change: Option<String>,
    /// Whether the service could not vouch.
    pub degraded: Option<bool>,
    /// Part of the repository's name or of any identity of the change or record, in any case.
    pub text: Option<String>,
    /// The decisions that the records stand beside.
    pub subject_ids: Option<Vec<String>>,
    /// Only records older than this id.
    pub before: Option<String>,
    /// Only records newer than this id; they come oldest first.
    pub after: Option<String>,
    /// At most this many.
    pub limit: i64,
}

impl Search {
    /// The condition in SQL and what its places stand for, counted from 1. What names one change or a few records is looked up
    /// by that: kind and repository, which most records share, are then no columns that an index could be chosen for.
    pub(super) fn condition(&self) -> (String, Vec<String>) {
        let mut wheres = Vec::new();
        let mut values = Vec::new();
        let kind = self.kind.map(|kind| kind.as_str().to_owned());
        let is_of_few = self.change.is_some() || self.subject_ids.is_some();
        let (of_kind, of_repo) =
            if is_of_few { ("kind || '' = ", "repo || '' = ") } else { ("kind = ", "repo = ") };
        let parts = [
            (of_kind, &kind),
            ("chain = ", &self.chain),
            (of_repo, &self.repo),
            ("verdict = ", &self.verdict),
            ("id < ", &self.before),
            ("id > ", &self.after),
        ];
        for (part, value) in parts {
            if let Some(value) = value {
                values.push(value.clone());
                wheres.push(format!("{part}${}", values.len()));
            }
        }
        if let Some(subject_ids) = &self.subject_ids {
            let first = values.len() + 1;
            values.extend(subject_ids.iter().cloned());
            let places: Vec<String> = (first..=values.len()).map(|n| format!("${n}")).collect();
            // An empty list is no SQL to PostgreSQL.
            let is_any = (!places.is_empty()).then(|| format!("subject_id IN ({})", places.join(", ")));
            wheres.push(is_any.unwrap_or_else(|| "1 = 0".to_owned()));
        }
        if let Some(change) = &self.change {
            values.push(change.clone());
            let n = values.len();
            wheres.push(format!("(commit_id = ${n} OR change_id = ${n} OR change_digest = ${n})"));
        }
        if let Some(text) = &self.text {
            values.push(containing(text));
            let n = values.len();
            let columns = ["repo", "commit_id", "change_id", "change_digest", "id"];
            let parts = columns.map(|column| format!("LOWER({column}) LIKE LOWER(${n}) ESCAPE '!'"));
            wheres.push(format!("({})", parts.join(" OR ")));
        }
        if let Some(degraded) = self.degraded {
            wheres.push(format!("degraded = {}", i64::from(degraded)));
        }
        let condition = if wheres.is_empty() { "1 = 1".to_owned() } else { wheres.join(" AND ") };
        (condition, values)
    }
}

/// A pattern of LIKE for texts that contain this one; its case is the database's matter, as that of the columns is.
fn containing(text: &str) -> String {
    let mut pattern = String::from("%");
    for c in text.chars() {
        if matches!(c, '%' | '_' | '!') {
            pattern.push('!');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}
