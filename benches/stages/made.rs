//! Made-up diffs: the same bytes for the same size.

use std::fmt::Write;

use diffrisk::model::{Matrix, Target};

/// Lines of a hunk beside the edited one.
const CONTEXT: [&str; 6] = [
    "  # raised after the last review",
    "  region: eu-west",
    "  owner: team-search",
    "  health_check: /livez",
    "  log_level: info",
    "  retries: 3",
];

/// A unified diff of about so many bytes: YAML files of services, hunks of six lines of context around
/// an edited number, duration, host or flag.
pub fn diff(n_bytes: usize) -> String {
    let (mut text, mut seed) = (String::new(), 7_u64);
    for file in 0_u64.. {
        if text.len() >= n_bytes {
            break;
        }
        let path = format!("services/service-{file}/values.yaml");
        write_to(&mut text, &format!("diff --git a/{path} b/{path}\n--- a/{path}\n+++ b/{path}\n"));
        for hunk in 0..8 {
            if text.len() >= n_bytes {
                break;
            }
            let (old, new) = edit(&mut seed);
            let line = 1 + hunk * 40;
            write_to(&mut text, &format!("@@ -{line},7 +{line},7 @@ service:\n"));
            CONTEXT[..3].iter().for_each(|line| write_to(&mut text, &format!(" {line}\n")));
            write_to(&mut text, &format!("-  {old}\n+  {new}\n"));
            CONTEXT[3..].iter().for_each(|line| write_to(&mut text, &format!(" {line}\n")));
        }
    }
    text
}

/// A unified diff of about so many bytes: a file of JSON that a program wrote on one line, with every value edited.
pub fn one_line(n_bytes: usize) -> String {
    let line = |path: &str| {
        let entry = |n: usize| format!("\"wiki:{n}\":\"https://wiki{n}.example.org/{path}?user=$1\"");
        (0..n_bytes.div_ceil(2 * entry(0).len())).map(entry).collect::<Vec<_>>().join(",")
    };
    let header = "diff --git a/wikis.json b/wikis.json\n--- a/wikis.json\n+++ b/wikis.json\n@@ -1 +1 @@\n";
    format!("{header}-{{{}}}\n+{{{}}}\n", line("w"), line("wiki"))
}

/// The edited line before and after.
fn edit(seed: &mut u64) -> (String, String) {
    let (before, after) = (next(seed) % 900 + 10, next(seed) % 900 + 10);
    match next(seed) % 5 {
        0 => (format!("timeout: {before}ms"), format!("timeout: {after}ms")),
        1 => (format!("replicas: {before}"), format!("replicas: {after}")),
        2 => (format!("host: db-{before}.example.org"), format!("host: db-{after}.example.org")),
        3 => ("enabled: false".to_owned(), "enabled: true".to_owned()),
        _ => (format!("rollout_percent: {}", before % 100), format!("rollout_percent: {}", after % 100)),
    }
}

/// Columns of numbers from -1 to 1 without pattern, and of each row whether the first three add up to more than another.
pub fn table(n_rows: usize, n_columns: usize) -> (Matrix, Target) {
    let mut seed = 11;
    let mut number = || (next(&mut seed) >> 40) as f32 / (1 << 23) as f32 - 1.0;
    let columns: Vec<Vec<f32>> = (0..n_columns).map(|_| (0..n_rows).map(|_| number()).collect()).collect();
    let sum = |row: usize| columns[..3].iter().map(|column| column[row]).sum::<f32>();
    let labels: Vec<f64> = (0..n_rows).map(|row| f64::from(u8::from(sum(row) > number()))).collect();
    let target = Target::from_numbers(&labels).expect("zeros and ones");
    (Matrix::new(columns).expect("columns of one length"), target)
}

/// A number without pattern (splitmix64).
fn next(seed: &mut u64) -> u64 {
    *seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *seed;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn write_to(text: &mut String, piece: &str) {
    text.write_str(piece).expect("writing to a string cannot fail");
}
