use std::fs;
use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::dataset::{Table, TableOptions};

fn options() -> TableOptions {
    TableOptions {
        label: "label".to_owned(),
        time: "ts".to_owned(),
        id: "id".to_owned(),
        ..TableOptions::default()
    }
}

/// A table of 60 rows, newest first, a third of them positive.
fn sample() -> String {
    let row = |idx: i32| {
        let gap = if idx % 4 == 0 { String::new() } else { idx.to_string() };
        format!(
            "{idx},p{},{},{idx}.5,{gap},why,true,{},{},x\n",
            idx % 2,
            600 - idx,
            idx * 2,
            i32::from(idx % 3 == 0)
        )
    };
    let header = "id,project,ts,la,ld,note,fix,effort,label,split_pub\n".to_owned();
    (0..60).map(row).fold(header, |table, row| table + &row)
}

fn load(text: &[u8], options: &TableOptions) -> Result<Table, String> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("sample.csv");
    fs::write(&path, text).unwrap();
    Table::load(&path, options).map_err(|error| error.to_string())
}

#[test]
fn features_are_the_numbers_that_do_not_describe_the_row() {
    let table = load(sample().as_bytes(), &options()).unwrap();
    assert_eq!(table.names, ["la", "ld", "fix"]);
    let left_out: Vec<&str> = table.left_out.iter().map(|left_out| left_out.column.as_str()).collect();
    assert_eq!(left_out, ["id", "project", "ts", "note", "effort", "label", "split_pub"]);
    assert_eq!(table.left_out[3].why, "row 1 is `why`, not a number");
    assert_eq!((table.ids[0].as_str(), table.times[0]), ("59", 541.0), "time order, oldest first");
    assert_eq!((table.columns[0][0], table.columns[2][0]), (59.5, 1.0));
    assert!(table.columns[1][3].is_nan(), "an empty cell is unknown");
    assert_eq!(table.efforts.as_ref().unwrap()[0], 118.0);
    assert_eq!(table.labeled().len(), 60);
    assert_eq!(table.split(0.7).unwrap().train.len(), 42);
}

#[test]
fn what_other_programs_write_for_nothing_is_unknown() {
    let words = ["NA", "N/A", "n/a", "<NA>", "None", "NULL", "null", "NaN", "nan", ""];
    let of = |word: &str| sample().replace("59,p1,541,59.5,59,", &format!("59,p1,541,{word},59,"));
    for word in words {
        let table = load(of(word).as_bytes(), &options()).unwrap();
        assert_eq!(table.names, ["la", "ld", "fix"], "{word}");
        assert!(table.columns[0][0].is_nan() && table.columns[0][1].is_finite(), "{word}");
    }
    for stray in ["none of it", "-", "?", "inf"] {
        let table = load(of(stray).as_bytes(), &options()).unwrap();
        assert_eq!(table.names, ["ld", "fix"], "{stray}");
        let said =
            format!("row 60 is `{stray}`, not a number, but 59 other cells are: mend it to have the column");
        assert_eq!(table.left_out[3].why, said);
    }
}

#[test]
fn a_column_of_mostly_other_things_is_left_out_with_its_first_cell_cut_short() {
    let long = "y".repeat(100_000);
    let mut table = sample();
    for idx in 0..7 {
        table = table.replacen(&format!("{idx}.5,"), &format!("{long},"), 1);
    }
    let table = load(table.as_bytes(), &options()).unwrap();
    assert_eq!(table.names, ["ld", "fix"]);
    assert_eq!(table.left_out[3].why, format!("row 1 is `{}`, not a number", "y".repeat(40)));
}

#[test]
fn gzip_is_told_by_its_bytes() {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(sample().as_bytes()).unwrap();
    let (plain, gzipped) = (load(sample().as_bytes(), &options()), load(&gzip.finish().unwrap(), &options()));
    assert_eq!(plain.unwrap().digest(), gzipped.unwrap().digest());
}

#[test]
fn columns_can_be_asked_for_and_excluded() {
    let columns = |names: &[&str]| Some(names.iter().map(|name| (*name).to_owned()).collect());
    let only = load(sample().as_bytes(), &TableOptions { columns: columns(&["effort"]), ..options() });
    assert_eq!(only.unwrap().names, ["effort"]);
    let exclude = vec!["la".to_owned()];
    let without = load(sample().as_bytes(), &TableOptions { exclude, ..options() }).unwrap();
    assert_eq!(without.names, ["ld", "fix"]);
    let cases = [
        (columns(&["note"]), "column `note` of `"),
        (columns(&["nowhere"]), "has no column `nowhere`"),
        (columns(&["label"]), "column `label` of `"),
    ];
    for (columns, expected) in cases {
        let message = load(sample().as_bytes(), &TableOptions { columns, ..options() }).unwrap_err();
        assert!(message.contains(expected) && message.contains("sample.csv"), "{message}");
    }
}

#[test]
fn groups_and_split_columns_are_kept() {
    let grouped = TableOptions { group: Some("project".to_owned()), ..options() };
    let split = load(sample().as_bytes(), &grouped).unwrap().split(0.7).unwrap();
    assert_eq!((split.train.len(), split.split_time), (42, None));
    let by_column = TableOptions { split_column: Some("split_pub".to_owned()), ..options() };
    let message = load(sample().as_bytes(), &by_column).unwrap_err();
    assert!(message.contains("column `split_pub` of `") && message.contains("row 1: `x`"), "{message}");
}

#[test]
fn tables_that_cannot_teach_are_refused_with_file_and_column() {
    let all_negative = sample().replace(",1,x\n", ",0,x\n");
    let all_positive = sample().replace(",0,x\n", ",1,x\n");
    let few = sample().replacen(",1,x\n", ",0,x\n", 1);
    let no_time = sample().replace("0,p0,600", "0,p0,");
    let bad_label = sample().replacen(",1,x\n", ",2,x\n", 1);
    let ragged = sample().replacen(",1,x\n", ",1\n", 1);
    let twice = sample().replacen("note", "la", 1);
    for (text, expected) in [
        (&all_negative, "0 positives among 60"),
        (&all_positive, "both classes are needed"),
        (&few, "19 positives among 60"),
    ] {
        let table = load(text.as_bytes(), &options()).unwrap();
        let message = table.check_labels("label").unwrap_err().to_string();
        assert!(message.contains(expected) && message.contains("sample.csv"), "{message}");
        assert!(message.contains("`label`"), "{message}");
    }
    let cases: [(&str, &str); 6] = [
        (&no_time, "column `ts`"),
        (&bad_label, "`2` is not a label of 1 or 0"),
        (&ragged, "is not a CSV table"),
        (&twice, "`la` is there twice"),
        ("", "has no column `ts`"),
        ("PAR1", "is not a Parquet file"),
    ];
    for (text, expected) in cases {
        let message = load(text.as_bytes(), &options()).unwrap_err();
        assert!(message.contains(expected) && message.contains("sample.csv"), "{message}");
    }
    let message = load(b"id,ts,label\n\xff\xfe,1,1\n", &options()).unwrap_err();
    assert!(message.contains("is not a CSV table"), "{message}");
}
