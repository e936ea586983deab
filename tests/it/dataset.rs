//! Plain tables as other people publish them.

use std::path::{Path, PathBuf};

use diffrisk::dataset::{Table, TableOptions};

/// Where the public tables lie, beside the project; not part of it.
fn shared() -> Option<PathBuf> {
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).parent()?.join("shared/datasets/jit");
    shared.is_dir().then_some(shared)
}

/// Table, rows, training rows, features; from the tables' own README.
const TABLES: [(&str, usize, usize, usize); 14] = [
    ("apachejit_activemq", 2434, 1704, 14),
    ("apachejit_all11", 71079, 49756, 11),
    ("apachejit_camel", 6471, 4530, 14),
    ("apachejit_cassandra", 3339, 2337, 14),
    ("apachejit_flink", 3012, 2108, 14),
    ("apachejit_ignite", 4228, 2960, 14),
    ("kamei_bugzilla", 4620, 3234, 14),
    ("kamei_columba", 4455, 3118, 14),
    ("kamei_jdt", 35386, 24770, 14),
    ("kamei_platform_tw", 62673, 43871, 10),
    ("lapredict_gerrit", 14927, 10449, 14),
    ("lapredict_go", 19009, 13306, 14),
    ("lapredict_jdt", 3279, 2295, 14),
    ("lapredict_platform", 11034, 7724, 14),
];

#[test]
fn the_fourteen_public_tables_load() {
    let Some(shared) = shared() else {
        return crate::skip("the public tables (../shared/datasets/jit) are not beside the project");
    };
    let options = TableOptions {
        label: "label".to_owned(),
        time: "ts".to_owned(),
        id: "id".to_owned(),
        split_column: Some("split".to_owned()),
        ..TableOptions::default()
    };
    for (name, n_rows, n_train, n_features) in TABLES {
        let table = Table::load(&shared.join(format!("{name}.csv.gz")), &options).unwrap();
        let split = table.split(0.7).unwrap();
        assert_eq!((table.n_rows(), table.names.len()), (n_rows, n_features), "{name}");
        assert_eq!((split.train.len(), split.test.len()), (n_train, n_rows - n_train), "{name}");
        assert!(table.efforts.is_some(), "{name}");
    }
}
