//! Two services on one database, each with its own chain, key file and heads: what one of them decided or was told, and what
//! the other makes of it.

use std::path::Path;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use diffrisk::http::ServerConfig;
use diffrisk::store::{RecordKind, Search, StoreConfig};
use serde_json::Value;

use crate::http_fake::{Bench, COMMIT, Setup};

const OPEN: &str = "[budget]\nnormal = 0.10\n";
const HELD: &str = "[budget]\nnormal = 0.10\n[[rule]]\nname = \"all\"\nwhen = 'true'\nthen = \"hold\"\n";

/// Where a replica keeps its files; the signing key is the one that the first replica made.
fn stem(dir: &Path, name: &str) -> std::path::PathBuf {
    let (first, stem) = (dir.join("log.db.key"), dir.join(name));
    let own = dir.join(format!("{name}.key"));
    if first.exists() && !own.exists() {
        std::fs::copy(first, own).unwrap();
    }
    stem
}

/// A replica that reads its policy from a file of its name, in a database that others write as well.
async fn replica(dir: &Path, name: &str, policy: &str) -> Bench {
    let mut store_config = StoreConfig::new(format!("sqlite://{}", dir.join("log.db").display()));
    store_config.stem = Some(stem(dir, name));
    let policies = dir.join(format!("{name}.toml"));
    std::fs::write(&policies, policy).unwrap();
    let config = ServerConfig { poll: Duration::from_millis(50), listen: "127.0.0.1:0".into(), ..slow() };
    let (policy, policies) = (Some(policy.to_owned()), Some(policies));
    let setup = Setup { config, store_config: Some(store_config), policy, policies, ..Setup::default() };
    setup.start().await
}

fn slow() -> ServerConfig {
    ServerConfig { deadline: Duration::from_secs(5), ..ServerConfig::default() }
}

async fn keyed(bench: &Bench, key: &str) -> Value {
    let request = Request::post("/v1/score").header("idempotency-key", key);
    bench.send(request.body(Body::from(COMMIT)).unwrap()).await.1
}

async fn n_activations(bench: &Bench) -> usize {
    let store = bench.store.as_ref().unwrap();
    let search = Search { kind: Some(RecordKind::Activation), limit: 99, ..Search::default() };
    let records = store.log().page(&search).await.unwrap().records;
    records.iter().filter(|record| record.chain == store.chain()).count()
}

#[tokio::test]
async fn a_key_never_brings_a_decision_of_another_policy() {
    let dir = tempfile::tempdir().unwrap();
    let here = replica(dir.path(), "log.db", OPEN).await;
    let there = replica(dir.path(), "there", HELD).await;
    let of_here = keyed(&here, "k").await;
    assert_eq!(of_here["decision"], "fast_path");
    assert_eq!(keyed(&here, "k").await["decision_id"], of_here["decision_id"]);
    let of_there = keyed(&there, "k").await;
    assert_eq!(of_there["decision"], "hold", "{of_there}");
    assert_eq!(keyed(&there, "k").await["decision_id"], of_there["decision_id"]);
    assert_eq!(keyed(&here, "k").await["decision"], "fast_path");
}

#[tokio::test]
async fn each_replica_notes_its_own_swaps_and_goes_on_with_its_keys() {
    let dir = tempfile::tempdir().unwrap();
    let here = replica(dir.path(), "log.db", OPEN).await;
    let there = replica(dir.path(), "there", HELD).await;
    let before = keyed(&here, "k").await;
    let reload =
        async |bench: &Bench| assert_eq!(bench.post("/v1/policy/reload", "").await.0, StatusCode::OK);
    reload(&there).await;
    assert_eq!(keyed(&here, "k").await["decision_id"], before["decision_id"], "its keys stand");
    // The newest activation of any chain says the same; that of this chain does not.
    std::fs::write(dir.path().join("log.db.toml"), HELD).unwrap();
    reload(&here).await;
    reload(&here).await;
    assert_eq!((n_activations(&here).await, n_activations(&there).await), (1, 1));
    let after = keyed(&here, "k").await;
    assert_eq!(after["decision"], "hold", "{after}");
    assert_eq!(keyed(&here, "k").await["decision_id"], after["decision_id"]);
}
