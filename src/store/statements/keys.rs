//! Idempotency keys: who holds one, until when.

use crate::store::record::RecordDigest;

/// A remembered idempotency key.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::store) struct Remembered {
    pub(in crate::store) body_digest: RecordDigest,
    pub(in crate::store) decision_id: String,
    pub(in crate::store) expires_ms: i64,
}

/// Who holds an idempotency key.
pub(super) enum Standing {
    None,
    OtherBody,
    Decision(String),
}

macro_rules! key_statements {
    () => {
        /// Takes an idempotency key, unless it is still held.
        pub(in crate::store) async fn claim(
            session: &mut Session,
            claim: &Claim,
            decision: (&str, i64, i64),
            forgotten_before_ms: i64,
        ) -> Result<bool, Error> {
            let (decision_id, at_ms, expires_ms) = decision;
            let sql = "INSERT INTO idempotency VALUES ($1, $2, $3, $4, $5, $6) \
                       ON CONFLICT (api_key, key_digest) DO UPDATE SET body_digest = excluded.body_digest, \
                       decision_id = excluded.decision_id, at_ms = excluded.at_ms, \
                       expires_ms = excluded.expires_ms WHERE idempotency.at_ms < $7 \
                       OR (idempotency.body_digest = excluded.body_digest AND idempotency.expires_ms <= $8)";
            let query = sqlx::query(sql).bind(&claim.api_key).bind(&claim.key_digest[..]);
            let query = query.bind(&claim.body_digest[..]).bind(decision_id).bind(at_ms).bind(expires_ms);
            let done = query.bind(forgotten_before_ms).bind(at_ms).execute(session).await?;
            Ok(done.rows_affected() == 1)
        }

        /// What an idempotency key stands for.
        pub(in crate::store) async fn remembered(
            session: &mut Session,
            claim: &Claim,
            forgotten_before_ms: i64,
        ) -> Result<Option<Remembered>, Error> {
            let sql = "SELECT body_digest, decision_id, expires_ms FROM idempotency \
                       WHERE api_key = $1 AND key_digest = $2 AND at_ms >= $3";
            let query = sqlx::query(sql).bind(&claim.api_key).bind(&claim.key_digest[..]);
            let Some(row) = query.bind(forgotten_before_ms).fetch_optional(session).await? else {
                return Ok(None);
            };
            let body_digest = array(row.try_get(0)?)?;
            Ok(Some(Remembered { body_digest, decision_id: row.try_get(1)?, expires_ms: row.try_get(2)? }))
        }

        /// Forgets idempotency keys older than a moment.
        pub(in crate::store) async fn forget(session: &mut Session, before_ms: i64) -> Result<(), Error> {
            let sql = "DELETE FROM idempotency WHERE at_ms < $1";
            sqlx::query(sql).bind(before_ms).execute(session).await?;
            Ok(())
        }

        /// A key no longer stands for a decision that was taken back.
        async fn expire(session: &mut Session, record: &Record) -> Result<(), Error> {
            if record.kind != RecordKind::Revocation {
                return Ok(());
            }
            let sql = "UPDATE idempotency SET expires_ms = $1 WHERE decision_id = $2";
            let subject_id = record.columns.subject_id.as_deref().unwrap_or("");
            sqlx::query(sql).bind(record.at_ms).bind(subject_id).execute(session).await?;
            Ok(())
        }

        /// Takes an idempotency key for a decision (its id, moment and end), or says who holds it.
        async fn standing(
            session: &mut Session,
            claimed: &Claim,
            decision: (&str, i64, i64),
            forgotten_before_ms: i64,
        ) -> Result<Standing, Error> {
            if claim(session, claimed, decision, forgotten_before_ms).await? {
                return Ok(Standing::None);
            }
            Ok(match remembered(session, claimed, forgotten_before_ms).await? {
                None => Standing::None,
                Some(held) if held.body_digest != claimed.body_digest => Standing::OtherBody,
                Some(held) => Standing::Decision(held.decision_id),
            })
        }

        /// Gives a key that stood for something it cannot prove to another decision.
        async fn take_over(
            session: &mut Session,
            claimed: &Claim,
            (decision_id, at_ms, expires_ms): (&str, i64, i64),
        ) -> Result<(), Error> {
            let sql = "UPDATE idempotency SET decision_id = $1, at_ms = $2, expires_ms = $3 \
                       WHERE api_key = $4 AND key_digest = $5";
            let query = sqlx::query(sql).bind(decision_id).bind(at_ms).bind(expires_ms);
            query.bind(&claimed.api_key).bind(&claimed.key_digest[..]).execute(session).await?;
            Ok(())
        }
    };
}

pub(super) use key_statements;
