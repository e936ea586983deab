//! The layout of the tables, brought up to date when a log is opened.

/// The newest layout; each file of `migrations/` raises it by one.
pub(super) const MIGRATIONS: [&str; 4] = [
    include_str!("../../../migrations/0001_records.sql"),
    include_str!("../../../migrations/0002_sealed_records.sql"),
    include_str!("../../../migrations/0003_questions_unindexed.sql"),
    include_str!("../../../migrations/0004_idempotency_decision.sql"),
];

/// Number of the newest layout.
pub(in crate::store) const NEWEST_LAYOUT: i64 = MIGRATIONS.len() as i64;

macro_rules! layout_statements {
    ($bytes:literal, $lock:literal, $unlock:literal) => {
        /// The layout of the tables.
        pub(in crate::store) async fn layout(session: &mut Session) -> Result<i64, Error> {
            let sql = "SELECT COALESCE(MAX(version), 0) FROM layout";
            Ok(sqlx::query_scalar(sql).fetch_one(session).await?)
        }

        /// Brings the layout up to the newest, one process at a time, however long another one is at it.
        pub(in crate::store) async fn migrate(session: &mut Session) -> Result<(), Error> {
            sqlx::raw_sql($lock).execute(&mut *session).await?;
            let migrated = migrate_locked(session).await;
            sqlx::raw_sql($unlock).execute(&mut *session).await?;
            migrated
        }

        async fn migrate_locked(session: &mut Session) -> Result<(), Error> {
            let sql = "CREATE TABLE IF NOT EXISTS layout (version BIGINT PRIMARY KEY)";
            sqlx::query(sql).execute(&mut *session).await?;
            let known = NEWEST_LAYOUT;
            let found = layout(session).await?;
            if found > known {
                return Err(Error::Layout { found, known });
            }
            for (version, sql) in (1_i64..).zip(MIGRATIONS).filter(|(version, _)| *version > found) {
                let mut transaction = session.begin().await?;
                sqlx::raw_sql(owned(sql.replace("BYTES", $bytes))).execute(&mut *transaction).await?;
                let noted = sqlx::query("INSERT INTO layout (version) VALUES ($1)").bind(version);
                noted.execute(&mut *transaction).await?;
                transaction.commit().await?;
            }
            Ok(())
        }
    };
}

pub(super) use layout_statements;
