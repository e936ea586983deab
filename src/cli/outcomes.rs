//! Reported outcomes of a log as the lines that `mine --outcomes` reads. Altered records are counted and left out.

use diffrisk::incident::OUTCOME_KEYS;
use diffrisk::store::{Log, Record, RecordKind, Search};
use serde_json::{Map, Value};

use crate::cli::failure::Failure;

/// Records read at once.
const PAGE_LEN: i64 = 500;

/// The outcomes of a log.
pub struct Outcomes {
    /// One JSON document each.
    pub lines: Vec<String>,
    /// Those that this installation did not write, or that were changed since.
    pub n_altered: usize,
}

/// Every outcome that this installation wrote to the log, oldest first, as `mine --outcomes` reads it: by the commit that landed,
/// where the service knew it. One that was reported for a decision names the change of that decision instead, and one by a
/// review identity the diff that was asked about under it: whoever mines has no log to look into.
pub async fn outcome_lines(log: &Log) -> Result<Outcomes, Failure> {
    let (mut lines, mut n_altered) = (Vec::new(), 0);
    let mut after = Some(String::new());
    while after.is_some() {
        let search = Search { kind: Some(RecordKind::Outcome), after, limit: PAGE_LEN, ..Search::default() };
        let page = log.page(&search).await?;
        for record in &page.records {
            if log.wrote(record) {
                let of_record = lines_of(log, record).await?;
                lines.extend(of_record.into_iter().map(|line| (record.first_id(), line)));
            } else {
                n_altered += 1;
            }
        }
        after = page.next;
    }
    lines.sort();
    Ok(Outcomes { lines: lines.into_iter().map(|(_, line)| line).collect(), n_altered })
}

/// One line for each change of the history that the outcome is about, else one by its names.
async fn lines_of(log: &Log, record: &Record) -> Result<Vec<String>, Failure> {
    let said: Map<String, Value> = serde_json::from_str(&record.body).unwrap_or_default();
    let line: Map<String, Value> =
        said.clone().into_iter().filter(|(key, value)| known(key, value)).collect();
    if let Some(landed) = said.get("landed").and_then(Value::as_array) {
        let digest = said.get("landed_digest").filter(|digest| digest.is_string());
        return Ok(landed.iter().map(|commit| of_commit(line.clone(), commit, digest)).collect());
    }
    let line = by_names(log, record, (line, &said)).await?;
    Ok(vec![Value::Object(line).to_string()])
}

/// By its diff as well: the history may be rewritten.
fn of_commit(mut line: Map<String, Value>, commit: &Value, digest: Option<&Value>) -> String {
    line.retain(|key, _| !matches!(key.as_str(), "id" | "digest"));
    line.insert("commit".to_owned(), commit.clone());
    line.extend(digest.map(|digest| ("digest".to_owned(), digest.clone())));
    Value::Object(line).to_string()
}

async fn by_names(
    log: &Log,
    record: &Record,
    (mut line, said): (Map<String, Value>, &Map<String, Value>),
) -> Result<Map<String, Value>, Failure> {
    let names = said.get("names").and_then(Value::as_array).into_iter().flatten();
    let names: Vec<&Map<String, Value>> = names.filter_map(Value::as_object).collect();
    if line.contains_key("id") {
        let digest = names.iter().find_map(|name| name.get("digest"));
        line.extend(digest.map(|digest| ("digest".to_owned(), digest.clone())));
    } else if let Some(decision_id) = said.get("decision_id").and_then(Value::as_str) {
        match (log.record(decision_id).await?, names.first()) {
            (Some(decision), _) => line.extend(target(&decision)),
            // It is past its retention: the outcome has the names that it had.
            (None, Some(name)) => {
                let repo = record.columns.repo.clone().map(|repo| ("repo".to_owned(), Value::from(repo)));
                line.extend((*name).clone().into_iter().chain(repo));
            }
            (None, None) => {
                line.insert("decision_id".to_owned(), Value::from(decision_id));
            }
        }
    }
    Ok(line)
}

fn known(key: &str, value: &Value) -> bool {
    OUTCOME_KEYS.contains(&key) && !value.is_null()
}

/// What names the change of a decision: its commit, else its digest, else its review identity.
fn target(decision: &Record) -> Vec<(String, Value)> {
    let columns = &decision.columns;
    let named =
        [("commit", &columns.commit_id), ("digest", &columns.change_digest), ("id", &columns.change_id)];
    let target = named.into_iter().find_map(|(key, value)| Some((key, value.clone()?)));
    let repo = columns.repo.clone().map(|repo| ("repo", repo));
    target.into_iter().chain(repo).map(|(key, value)| (key.to_owned(), Value::from(value))).collect()
}
