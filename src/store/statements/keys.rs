//! Idempotency keys: who holds one, until when.

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

        /// Who holds an idempotency key that is still remembered.
        async fn holder(
            session: &mut Session,
            claim: &Claim,
            forgotten_before_ms: i64,
        ) -> Result<Standing, Error> {
            let sql = "SELECT body_digest, decision_id FROM idempotency \
                       WHERE api_key = $1 AND key_digest = $2 AND at_ms >= $3";
            let query = sqlx::query(sql).bind(&claim.api_key).bind(&claim.key_digest[..]);
            let Some(row) = query.bind(forgotten_before_ms).fetch_optional(session).await? else {
                return Ok(Standing::None);
            };
            let is_same = array(row.try_get(0)?)? == claim.body_digest;
            Ok(if is_same { Standing::Decision(row.try_get(1)?) } else { Standing::OtherBody })
        }

        /// Forgets idempotency keys older than a moment.
        pub(in crate::store) async fn forget(session: &mut Session, before_ms: i64) -> Result<(), Error> {
            let sql = "DELETE FROM idempotency WHERE at_ms < $1";
            sqlx::query(sql).bind(before_ms).execute(session).await?;
            Ok(())
        }

        /// A key no longer stands for a decision that was taken back, whatever clock asks next.
        async fn expire(session: &mut Session, record: &Record) -> Result<(), Error> {
            if record.kind != RecordKind::Revocation {
                return Ok(());
            }
            let subject_id = record.columns.subject_id.as_deref().unwrap_or("");
            let sql = "UPDATE idempotency SET expires_ms = 0 WHERE decision_id = $1";
            sqlx::query(sql).bind(subject_id).execute(session).await?;
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
            holder(session, claimed, forgotten_before_ms).await
        }

        /// Whether a request's key is that of another body. It is taken for this decision where nobody holds it, so that it is
        /// the request's own whichever of its items are recorded.
        async fn is_of_another(
            session: &mut Session,
            batch: &mut Batch,
            of_request: Claim,
            (decision, forgotten_before_ms): ((&str, i64, i64), i64),
        ) -> Result<bool, Error> {
            if batch.has_admitted(&of_request) {
                return Ok(false);
            }
            match holder(session, &of_request, forgotten_before_ms).await? {
                Standing::OtherBody => return Ok(true),
                Standing::Decision(_) => {}
                Standing::None => {
                    claim(session, &of_request, decision, forgotten_before_ms).await?;
                }
            }
            batch.admit(of_request);
            Ok(false)
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
