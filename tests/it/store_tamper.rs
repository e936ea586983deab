//! A thousand ways to falsify a log, drawn at random under fixed seeds: every one is found.

use std::path::Path;

use diffrisk::store::{Appended, Columns, Log, NewRecord, RecordKind, Store, StoreConfig};
use rand_core::{RngCore, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use sqlx::{Connection, Row, SqliteConnection};

const N_RECORDS: i64 = 20;

/// A closed log, kept as bytes so that each trial begins with the same one.
struct Original {
    files: Vec<(String, Vec<u8>)>,
    last_seq: i64,
}

fn config(dir: &Path) -> StoreConfig {
    StoreConfig::new(format!("sqlite://{}", dir.join("log.db").display()))
}

async fn original() -> Original {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&config(dir.path())).await.unwrap();
    let mut last_seq = 0;
    for n in 0..N_RECORDS {
        let kind = if n % 5 == 4 { RecordKind::Outcome } else { RecordKind::Decision };
        let mut new_record = NewRecord::new(kind, format!("{{\"n\":{n},\"decision\":\"hold\"}}"));
        new_record.columns = Columns {
            repo: Some("config".into()),
            verdict: Some("hold".into()),
            degraded: n % 3 == 0,
            commit_id: Some(format!("{n:040}")),
            change_digest: Some(format!("sha256:{n:064}")),
            expires_ms: Some(1_800_000_000_000 + n),
            ..Columns::default()
        };
        new_record.vector = Some(vec![n as f32; 4]);
        new_record.tokens = Some(vec![7; 3]);
        let Appended::New(record) = store.append_one(new_record).await.unwrap() else { panic!() };
        last_seq = record.seq;
    }
    store.close().await;
    let read = |name: &str| (name.to_owned(), std::fs::read(dir.path().join(name)).unwrap());
    Original { files: ["log.db", "log.db.key", "log.db.heads"].map(read).to_vec(), last_seq }
}

impl Original {
    /// Falsifies copies of the log; answers how many of them were found out.
    async fn check<F>(&self, seed: u64, n_trials: usize, falsify: F)
    where
        F: AsyncFn(&mut Dice, &mut SqliteConnection) -> String,
    {
        let mut dice = Dice(Xoshiro256PlusPlus::seed_from_u64(seed));
        for trial in 0..n_trials {
            let dir = tempfile::tempdir().unwrap();
            for (name, bytes) in &self.files {
                std::fs::write(dir.path().join(name), bytes).unwrap();
            }
            let url = format!("sqlite://{}", dir.path().join("log.db").display());
            let mut session = SqliteConnection::connect(&url).await.unwrap();
            let done = falsify(&mut dice, &mut session).await;
            session.close().await.unwrap();
            let report = Log::open(&config(dir.path())).await.unwrap().verify().await.unwrap();
            assert!(report.difference.is_some(), "trial {trial} was not found: {done}");
        }
    }
}

struct Dice(Xoshiro256PlusPlus);

impl Dice {
    fn below(&mut self, n: i64) -> i64 {
        (self.0.next_u64() % u64::try_from(n).unwrap()) as i64
    }
}

async fn run(session: &mut SqliteConnection, sql: String) -> String {
    let done = sqlx::raw_sql(sqlx::AssertSqlSafe(sql.clone())).execute(session).await.unwrap();
    assert!(done.rows_affected() > 0, "nothing was falsified: {sql}");
    sql
}

#[tokio::test]
async fn every_flipped_value_is_found() {
    let original = original().await;
    let texts = ["kind", "id", "repo", "verdict", "commit_id", "change_digest", "body"];
    let bytes = ["vector", "tokens", "prev", "digest", "mac"];
    let numbers = ["at_ms", "degraded", "expires_ms"];
    let flip = async |dice: &mut Dice, session: &mut SqliteConnection| {
        let seq = dice.below(original.last_seq + 1);
        let pick = usize::try_from(dice.below(15)).unwrap();
        let column = texts.iter().chain(&bytes).chain(&numbers).nth(pick).unwrap();
        let value = format!("SELECT CAST({column} AS BLOB) FROM record WHERE seq = {seq}");
        let old: Option<Vec<u8>> =
            sqlx::query(sqlx::AssertSqlSafe(value)).fetch_one(&mut *session).await.unwrap().get(0);
        let sql = match old.filter(|old| !old.is_empty()) {
            // A value that is not there may be put there.
            None if numbers.contains(column) => format!("UPDATE record SET {column} = 1 WHERE seq = {seq}"),
            None if bytes.contains(column) => format!("UPDATE record SET {column} = x'00' WHERE seq = {seq}"),
            None => format!("UPDATE record SET {column} = 'x' WHERE seq = {seq}"),
            Some(_) if numbers.contains(column) => {
                let by = 1_i64 << dice.below(20);
                format!("UPDATE record SET {column} = {column} + {by} WHERE seq = {seq}")
            }
            Some(mut old) => {
                let at = usize::try_from(dice.below(old.len() as i64)).unwrap();
                let mask = if texts.contains(column) { 1 } else { 1 << dice.below(8) };
                old[at] ^= mask;
                let cast = if texts.contains(column) { "TEXT" } else { "BLOB" };
                let new = hex::encode(old);
                format!("UPDATE record SET {column} = CAST(x'{new}' AS {cast}) WHERE seq = {seq}")
            }
        };
        run(session, sql).await
    };
    original.check(1, 400, flip).await;
}

#[tokio::test]
async fn every_deleted_swapped_or_cut_record_is_found() {
    let original = original().await;
    let last_seq = original.last_seq;
    let delete = async |dice: &mut Dice, session: &mut SqliteConnection| {
        run(session, format!("DELETE FROM record WHERE seq = {}", dice.below(last_seq + 1))).await
    };
    original.check(2, 150, delete).await;
    let swap = async |dice: &mut Dice, session: &mut SqliteConnection| {
        let a = dice.below(last_seq + 1);
        let b = (a + 1 + dice.below(last_seq)) % (last_seq + 1);
        let (to, from, back) = (format!("{b} WHERE seq = -9"), format!("{a} WHERE seq = {b}"), a);
        let sql = format!("UPDATE record SET seq = -9 WHERE seq = {back}; UPDATE record SET seq = {from}; ");
        run(session, format!("{sql} UPDATE record SET seq = {to}")).await
    };
    original.check(3, 150, swap).await;
    let cut = async |dice: &mut Dice, session: &mut SqliteConnection| {
        run(session, format!("DELETE FROM record WHERE seq >= {}", dice.below(last_seq + 1))).await
    };
    original.check(4, 100, cut).await;
}

#[tokio::test]
async fn every_replayed_record_is_found() {
    let original = original().await;
    let last_seq = original.last_seq;
    let columns = "at_ms, repo, verdict, degraded, commit_id, change_id, change_digest, subject_id, expires_ms, \
                   question, claim, body, vector, tokens, prev, digest, mac";
    let replay = async |dice: &mut Dice, session: &mut SqliteConnection| {
        let from = dice.below(last_seq + 1);
        let place = match dice.below(3) {
            // At the end, below the beginning, or as a chain of its own.
            0 => format!("chain, {}", last_seq + 1 + dice.below(3)),
            1 => format!("chain, {}", [-1, -2, i64::MIN][usize::try_from(dice.below(3)).unwrap()]),
            _ => format!("'another', {from}"),
        };
        let sql = format!(
            "INSERT INTO record (chain, seq, kind, id, {columns}) \
             SELECT {place}, kind, 'again-' || id, {columns} FROM record WHERE seq = {from}"
        );
        run(session, sql).await
    };
    original.check(5, 200, replay).await;
}
