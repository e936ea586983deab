//! The text of statements that is put together: columns, places and rows. Start at [`inserts`].

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::store::record::{Claim, NewRecord};

pub(super) const COLUMNS: &str = "chain, seq, kind, id, at_ms, repo, verdict, degraded, commit_id, change_id, change_digest, \
                       subject_id, expires_ms, question, claim, body, vector, tokens, prev, digest, mac";
const N_COLUMNS: usize = 21;

/// Rows that a statement inserts at most: each number of them is a prepared statement of its own.
pub(super) const MOST_ROWS: usize = 32;

/// Places that a statement looks at; few sizes, so that prepared statements are reused.
pub(super) const PLACE_SIZES: [usize; 6] = [32, 16, 8, 4, 2, 1];

/// Asks for what still holds of the decisions in some places of a chain. `||` keeps the index of kinds out of it: SQLite would
/// read every revocation there is.
pub(super) fn still_hold_sql(n_places: usize, mark: Mark) -> String {
    format!(
        "SELECT {COLUMNS} FROM record d WHERE chain = {} AND expires_ms > {} AND seq IN ({}) AND NOT EXISTS \
         (SELECT 1 FROM record r WHERE r.subject_id = d.id AND r.kind || '' = 'revocation')",
        mark(1),
        mark(2),
        marks(3..=n_places + 2, mark)
    )
}

/// Takes locks in the order in which they are given: replicas that each took theirs in another would wait for one another without
/// end.
pub(super) const LOCK_KEYS: &str =
    "SELECT pg_advisory_xact_lock(739174003, lock) FROM unnest($1::TEXT::INT4[]) AS lock";

/// The locks of the idempotency keys of some records, as [`LOCK_KEYS`] takes them; none where there are no keys.
pub(super) fn key_locks(new_records: &[NewRecord]) -> Option<String> {
    let claims = new_records.iter().filter_map(|new_record| new_record.claim.as_ref());
    let locks: BTreeSet<i32> = claims.map(Claim::lock).collect();
    let locks: Vec<String> = locks.iter().map(i32::to_string).collect();
    (!locks.is_empty()).then(|| format!("{{{}}}", locks.join(",")))
}

/// Writes the place of a statement's nth value, from 1.
pub(super) type Mark = fn(usize) -> String;

fn marks(numbers: std::ops::RangeInclusive<usize>, mark: Mark) -> String {
    numbers.map(mark).collect::<Vec<_>>().join(", ")
}

fn placeholders(n_rows: usize, n_columns: usize, mark: Mark) -> String {
    let row = |row: usize| format!("({})", marks(row * n_columns + 1..=(row + 1) * n_columns, mark));
    (0..n_rows).map(row).collect::<Vec<_>>().join(", ")
}

/// What inserts one row, two, and so on.
pub(super) fn inserts(mark: Mark) -> [Arc<str>; MOST_ROWS] {
    std::array::from_fn(|idx| {
        let values = placeholders(idx + 1, N_COLUMNS, mark);
        format!("INSERT INTO record ({COLUMNS}) VALUES {values}").into()
    })
}

#[cfg(test)]
mod tests {
    use sqlx::Connection;

    use super::*;
    use crate::store::record::RecordKind;
    use crate::store::search::Search;
    use crate::store::statements::sqlite;

    /// An empty log.
    async fn session() -> sqlx::SqliteConnection {
        let mut session = sqlx::SqliteConnection::connect("sqlite::memory:").await.unwrap();
        sqlite::migrate(&mut session).await.unwrap();
        session
    }

    /// How SQLite looks for what a statement asks for.
    async fn plan(session: &mut sqlx::SqliteConnection, sql: &str) -> Vec<String> {
        let explain = format!("EXPLAIN QUERY PLAN {sql}");
        let steps: Vec<(i64, i64, i64, String)> =
            sqlx::query_as(sqlx::AssertSqlSafe(explain)).fetch_all(session).await.unwrap();
        steps.into_iter().map(|(.., step)| step).collect()
    }

    /// A log of many decisions must not make each append slower than the one before.
    #[tokio::test]
    async fn what_still_holds_is_looked_up_by_its_place() {
        let mut session = session().await;
        for n_places in PLACE_SIZES {
            let steps = plan(&mut session, &still_hold_sql(n_places, sqlite::MARK)).await;
            let by = |index: &str| steps.iter().any(|step| step.contains(index));
            assert!(by("(chain=? AND seq=?)") && by("record_subject (subject_id=?)"), "{steps:?}");
        }
    }

    /// Nor a question about one change look through all decisions of its repository.
    #[tokio::test]
    async fn what_names_one_change_or_a_few_records_is_looked_up_by_that() {
        let mut session = session().await;
        let some = |text: &str| Some(text.to_owned());
        let of_change = Search {
            kind: Some(RecordKind::Decision),
            repo: some("shop"),
            change: some("pr/1"),
            ..Search::default()
        };
        let beside = Search {
            kind: Some(RecordKind::Revocation),
            subject_ids: Some(vec!["a".to_owned(), "b".to_owned()]),
            ..Search::default()
        };
        let by_change: &[&str] = &["(commit_id=?)", "(change_id=?)", "(change_digest=?)"];
        for (search, places) in [
            (of_change.clone(), by_change),
            (Search { before: some("0198"), ..of_change.clone() }, by_change),
            (Search { after: some("0198"), ..of_change }, by_change),
            (beside, &["(subject_id=?)"]),
        ] {
            let sql =
                format!("SELECT id FROM record WHERE {} ORDER BY id DESC LIMIT 9", search.condition().0);
            let steps = plan(&mut session, &sql).await;
            let is_by = |place: &&str| steps.iter().any(|step| step.contains(*place));
            assert!(places.iter().all(is_by), "{sql}: {steps:?}");
        }
    }
}
