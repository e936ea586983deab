use polars::prelude::{Column, DataFrame, ParquetWriter};

use crate::dataset::CustomValues;

#[test]
fn custom_values_of_a_parquet_file_are_read_with_their_types() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("values.parquet");
    let id = "c".repeat(40);
    let columns = vec![
        Column::new("repo".into(), ["r", "r"]),
        Column::new("change_id".into(), [id.as_str(), id.as_str()]),
        Column::new("known_at".into(), [10_i64, 20]),
        Column::new("x.flag".into(), [Some(true), None]),
        Column::new("x.load".into(), [0.5_f64, f64::NAN]),
    ];
    let mut frame = DataFrame::new(2, columns).unwrap();
    ParquetWriter::new(std::fs::File::create(&path).unwrap()).finish(&mut frame).unwrap();
    let custom = CustomValues::load(&path).unwrap();
    assert_eq!(custom.names(), ["x.flag", "x.load"]);
    assert_eq!(custom.of("r", &id, 30).values, [1.0, 0.5]);
    assert_eq!(custom.of("r", &id, 9).n_later, 2);
}
