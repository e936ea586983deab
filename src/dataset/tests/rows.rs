use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use polars::prelude::{
    BinaryChunked, Column, DataFrame, IntoColumn, NamedFrom, NewChunkedArray, ParquetWriter, Series,
};

use crate::change::ChangeId;
use crate::dataset::parquet::ParquetFile;
use crate::dataset::{
    Error, Metadata, Row, RowOutcome, Rows, RowsBuilder, Table, TableOptions, read_records,
};
use crate::label::{ChangeKind, LabelSource};

fn row(idx: u32) -> Row {
    let reverted = idx % 3 == 1;
    Row {
        repo: "config".to_owned(),
        root: "a".repeat(40),
        unit: "commit".to_owned(),
        change_id: ChangeId(format!("{idx:040x}")),
        digest: format!("sha256:{idx:064x}"),
        committed_at: 1_700_000_000 + i64::from(idx) * 60,
        author: "2f1c".to_owned(),
        bot: idx.is_multiple_of(2),
        kind: if reverted { ChangeKind::Rollback } else { ChangeKind::Ordinary },
        planned: idx == 2,
        outcome_at: reverted.then_some(1_800_000_000),
        label_raw: (idx != 4).then_some(reverted),
        label_strict: None,
        in_strict: true,
        label_source: reverted.then_some(LabelSource::Incident),
        label_known_at: Some(5),
        severity: reverted.then(|| "high é".to_owned()),
        effort: u64::MAX - u64::from(idx),
        template: u64::from(idx) << 60,
        planned_wording: idx == 2,
        outcomes: Vec::from_iter(reverted.then_some(RowOutcome {
            source: LabelSource::Incident,
            known_at: 5,
            positive: true,
            planned: false,
            retracts: false,
        })),
        reverted_at: None,
        is_revert: idx == 1,
        n_files: idx,
    }
}

fn rows(n_rows: u32) -> Rows {
    let mut builder = RowsBuilder::new([("lines_added", 1), ("lines_added.rank", 2)]);
    for idx in 0..n_rows {
        let tokens: Vec<u32> = (0..idx % 4).map(|token| token * 7 + idx).collect();
        let value = if idx.is_multiple_of(5) { f32::NAN } else { idx as f32 / 3.0 };
        builder.push(row(idx), &tokens, &[value, -value]).unwrap();
    }
    builder.finish()
}

fn metadata() -> Metadata {
    Metadata { mined_at: 1_800_000_000, head: "b".repeat(40) }
}

#[test]
fn rows_come_back_from_disk_as_they_went() {
    for n_rows in [0, 1, 7, 8_192, 8_193] {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("rows.parquet");
        let written = rows(n_rows);
        written.write_parquet(&path, &metadata()).unwrap();
        let (read, read_metadata) = Rows::read_parquet(&path).unwrap();
        assert_eq!(read_metadata, metadata());
        assert_eq!(read.digest(), written.digest());
        assert_eq!(read.facts(), written.facts());
        assert_eq!(read.tokens(6), written.tokens(6));
        assert_eq!(format!("{:?}", read.features()), format!("{:?}", written.features()));
    }
}

#[test]
fn the_same_rows_give_the_same_bytes() {
    let directory = tempfile::tempdir().unwrap();
    let bytes = |name: &str| {
        let path = directory.path().join(name);
        rows(20_000).write_parquet(&path, &metadata()).unwrap();
        fs::read(path).unwrap()
    };
    assert!(bytes("a") == bytes("b"));
}

#[test]
fn rows_go_where_a_link_leads_and_take_the_place_of_nothing_else() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    fs::write(path("rows.parquet"), "older rows").unwrap();
    fs::write(path("rows.parquet.partial"), "somebody's own").unwrap();
    symlink("rows.parquet", path("link")).unwrap();
    rows(3).write_parquet(&path("link"), &metadata()).unwrap();
    assert!(path("link").is_symlink());
    assert_eq!(Rows::read_parquet(&path("rows.parquet")).unwrap().0.n_rows(), 3);
    assert_eq!(fs::read_to_string(path("rows.parquet.partial")).unwrap(), "somebody's own");
    let mode = |name: &str| fs::metadata(path(name)).unwrap().mode();
    assert_eq!(mode("rows.parquet"), mode("rows.parquet.partial"), "as readable as any new file");

    symlink("nowhere", path("dangling")).unwrap();
    assert!(Command::new("mkfifo").arg(path("pipe")).status().unwrap().success());
    for name in ["pipe", "dangling", "."] {
        let error = rows(3).write_parquet(&path(name), &metadata()).unwrap_err().to_string();
        assert!(error.starts_with("cannot write `"), "{name}: {error}");
    }
    assert!(fs::metadata(path("pipe")).unwrap().file_type().is_fifo());
    assert!(path("dangling").is_symlink() && !path("nowhere").exists());
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 5, "nothing is left behind");
}

#[test]
fn selecting_and_appending_keep_rows_whole() {
    let all = rows(12);
    let mut back = all.select(&[0, 1, 2, 3, 4]);
    back.append(&all.select(&(5..12).collect::<Vec<_>>())).unwrap();
    assert_eq!(back.digest(), all.digest());
    assert_ne!(all.select(&[1, 0]).digest(), all.select(&[0, 1]).digest());
    assert_eq!(all.select(&[11, 99]).tokens(0), all.tokens(11));
}

#[test]
fn rows_of_other_features_are_refused_by_name() {
    let mut ours = rows(2);
    let theirs = RowsBuilder::new([("lines_added", 2), ("lines_added.rank", 2)]).finish();
    let message = ours.append(&theirs).unwrap_err().to_string();
    assert!(message.contains("`lines_added (revision 1)`"), "{message}");
    let short = RowsBuilder::new([("a", 1)]).push(row(0), &[], &[]).unwrap_err();
    assert!(matches!(short, Error::VectorLength { expected: 1, found: 0 }));
}

/// Writes columns of our making as if `mine` had.
fn foreign(columns: Vec<Column>, entry: Option<&str>) -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("foreign.parquet");
    let entries = entry.map(|entry| vec![("diffrisk.rows".to_owned(), entry.to_owned())]);
    let entries = entries.map(polars::prelude::KeyValueMetadata::from_static);
    let mut frame = DataFrame::new_infer_height(columns).unwrap();
    let file = fs::File::create(&path).unwrap();
    ParquetWriter::new(file).with_key_value_metadata(entries).finish(&mut frame).unwrap();
    (directory, path)
}

#[test]
fn files_that_hold_no_rows_are_refused_by_name() {
    let repo = || Column::from(Series::new("repo".into(), ["config"]));
    let entry = r#"{"format":1,"mined_at":0,"head":"","features":[]}"#;
    let cases: [(Vec<Column>, Option<&str>, &str); 5] = [
        (vec![repo()], None, "no entry `diffrisk.rows`"),
        (vec![repo()], Some("{}"), "missing field"),
        (vec![repo()], Some(r#"{"format":9,"mined_at":0,"head":"","features":[]}"#), "format 9"),
        (vec![repo()], Some(entry), "no column `root`"),
        (vec![Column::from(Series::new("repo".into(), [1.5]))], Some(entry), "holds f64, expected text"),
    ];
    for (columns, entry, expected) in cases {
        let (_directory, path) = foreign(columns, entry);
        let message = Rows::read_parquet(&path).unwrap_err().to_string();
        assert!(message.contains(expected) && message.contains("foreign.parquet"), "{message}");
    }
}

#[test]
fn cut_files_are_errors_never_panics() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("rows.parquet");
    rows(50).write_parquet(&path, &metadata()).unwrap();
    let bytes = fs::read(&path).unwrap();
    for cut in [0, 3, 4, 100, bytes.len() / 2, bytes.len() - 1] {
        fs::write(&path, &bytes[..cut]).unwrap();
        assert!(Rows::read_parquet(&path).is_err(), "cut at {cut}");
    }
    assert!(Rows::read_parquet(&directory.path().join("none")).is_err());
}

#[test]
fn records_are_text_by_column_without_nulls() {
    let columns = vec![
        Column::from(Series::new("incident_id".into(), ["I1", "I2"])),
        Column::from(Series::new("known_at".into(), [Some(1_700_000_000_i64), None])),
    ];
    let (_directory, path) = foreign(columns, None);
    let records = read_records(&path).unwrap();
    assert_eq!(records[0]["known_at"], "1700000000");
    assert_eq!(records[1].get("known_at"), None);
    assert_eq!(records[1]["incident_id"], "I2");
}

/// Files that pyarrow 26 wrote: moments in three units and two zones beside a dictionary of text, and a wall clock alone.
fn of_pyarrow(bytes: &[u8]) -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("pyarrow.parquet");
    fs::write(&path, bytes).unwrap();
    (directory, path)
}

#[test]
fn moments_with_a_time_zone_are_unix_seconds() {
    let (_directory, path) = of_pyarrow(include_bytes!("moments.parquet"));
    let records = read_records(&path).unwrap();
    let cells = |idx: usize| {
        let names = ["incident_id", "started_at", "known_at", "resolved_at"];
        names.map(|name| records[idx].get(name).map(String::as_str))
    };
    assert_eq!(cells(0), [Some("I-1"), Some("1767610800"), Some("1767618000"), Some("1767614400")]);
    assert_eq!(cells(1), [Some("I-2"), None, Some("-2"), None]);
    let (_directory, path) = of_pyarrow(include_bytes!("wall_clock.parquet"));
    let message = read_records(&path).unwrap_err().to_string();
    assert!(message.contains("column `seen_at`") && message.contains("with a time zone"), "{message}");
}

#[test]
fn a_table_is_ordered_by_moments_but_learns_from_none() {
    let (_directory, path) = of_pyarrow(include_bytes!("moments.parquet"));
    let mut file = ParquetFile::read(&path).unwrap();
    assert_eq!(file.times("known_at").unwrap(), [1_767_618_000.0, -2.0]);
    let mut file = ParquetFile::read(&path).unwrap();
    assert!(matches!(file.floats("known_at"), Err(Error::ColumnType { .. })));
}

#[test]
fn narrow_integers_are_numbers_like_any() {
    let label: Vec<i8> = (0..60).map(|idx| idx % 2).collect();
    let la: Vec<u8> = (0..60).map(|idx| 4 * idx).collect();
    let ld: Vec<i16> = (0..60).map(|idx| -500 * idx).collect();
    let ts: Vec<u16> = (0..60).map(|idx| 1_000 * idx).collect();
    let columns = [
        Series::new("label".into(), label),
        Series::new("la".into(), la),
        Series::new("ld".into(), ld),
        Series::new("id".into(), ts.clone()),
        Series::new("ts".into(), ts),
    ];
    let (_directory, path) = foreign(columns.into_iter().map(Column::from).collect(), None);
    let [label, time, id] = ["label", "ts", "id"].map(str::to_owned);
    let table = Table::load(&path, &TableOptions { label, time, id, ..TableOptions::default() }).unwrap();
    assert_eq!(table.names, ["la", "ld"]);
    let last = (table.times[59], table.labels[59], table.columns[0][59], table.columns[1][59]);
    assert_eq!(last, (59_000.0, Some(true), 236.0, -29_500.0));
    assert_eq!(table.ids[59], "59000");
}

#[test]
fn columns_of_other_types_are_left_out_of_tables_and_refused_in_records() {
    let numbers = |name: &str| Column::from(Series::new(name.into(), (0..60_i64).collect::<Vec<_>>()));
    let label = Column::from(Series::new("label".into(), (0..60_i64).map(|idx| idx % 2).collect::<Vec<_>>()));
    let blobs =
        BinaryChunked::from_iter_values("blob".into(), (0..60).map(|_| b"x".as_slice())).into_column();
    let (_directory, path) = foreign(vec![blobs, numbers("id"), numbers("ts"), numbers("la"), label], None);
    let [label, time, id] = ["label", "ts", "id"].map(str::to_owned);
    let table = Table::load(&path, &TableOptions { label, time, id, ..TableOptions::default() }).unwrap();
    assert_eq!((table.names, table.ids[7].as_str()), (vec!["la".to_owned()], "7"));
    assert!(table.left_out.iter().any(|left_out| left_out.column == "blob"));
    let message = read_records(&path).unwrap_err().to_string();
    assert!(message.contains("column `blob`") && message.contains("foreign.parquet"), "{message}");
}

#[test]
fn an_infinite_value_of_mined_rows_is_named_with_its_column_and_row() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("rows.parquet");
    let mut written = rows(7);
    written.features[1].values[2] = f32::INFINITY;
    let name = written.features[1].name.clone();
    written.write_parquet(&path, &metadata()).unwrap();
    let message = Rows::read_parquet(&path).unwrap_err().to_string();
    assert!(message.contains(&format!("column `{name}`")) && message.contains("rows.parquet"), "{message}");
    assert!(message.contains("row 3: `inf` is not a finite number"), "{message}");
}

#[test]
fn a_column_of_another_type_is_told_by_its_type() {
    let load = |path: &Path, label: &str, time: &str| {
        let [label, time, id] = [label, time, "incident_id"].map(str::to_owned);
        Table::load(path, &TableOptions { label, time, id, ..TableOptions::default() })
            .unwrap_err()
            .to_string()
    };
    let ids = || Column::from(Series::new("incident_id".into(), ["a", "b"]));
    let (_directory, path) = foreign(
        vec![
            ids(),
            Column::from(Series::new("bad".into(), ["1", "0"])),
            Column::from(Series::new("ts".into(), [1, 2])),
        ],
        None,
    );
    let message = load(&path, "bad", "ts");
    assert!(
        message.contains("column `bad` of") && message.contains("holds str, expected a label of 1 or 0"),
        "{message}"
    );
    let (_directory, path) = of_pyarrow(include_bytes!("wall_clock.parquet"));
    let message = load(&path, "incident_id_2", "seen_at");
    assert!(
        message.contains("column `seen_at` of") && message.contains("moments with a time zone"),
        "{message}"
    );
}
