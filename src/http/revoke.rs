//! Decisions that are taken back: a change that turned out bad must not pass on what was decided before that was known. Start at
//! [`revocations`].

use serde_json::json;

use crate::http::compose::moment;
use crate::http::joins::Joined;
use crate::store::{Columns, NewRecord, Record, RecordKind};

/// One record for each decision that stands, with why it is taken back.
pub(super) fn revocations(decisions: &[Joined], reason: &str, now_ms: i64) -> Vec<NewRecord> {
    let stands = |record: &&Record| record.columns.expires_ms.is_some_and(|expires_ms| expires_ms > now_ms);
    let revocation = |record: &Record| {
        let body =
            json!({ "decision_id": record.id, "reason": reason, "at": moment(now_ms.div_euclid(1000)) });
        let mut new_record = NewRecord::new(RecordKind::Revocation, body.to_string());
        new_record.at_ms = now_ms;
        new_record.columns = Columns {
            repo: record.columns.repo.clone(),
            subject_id: Some(record.id.clone()),
            ..Columns::default()
        };
        new_record
    };
    decisions.iter().map(|joined| &joined.record).filter(stands).map(revocation).collect()
}
