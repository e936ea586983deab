//! What training the boosted member costs on rows made elsewhere, for comparison with another trainer:
//! `cargo run --release --example training_cost -- COLUMNS.f32 LABELS.f32`.
//!
//! `COLUMNS.f32` holds the values of column after column, `LABELS.f32` a 1 or a 0 a row, both as plain numbers.
//! Fits the trees of the default recipe, directions aside, on one thread, and prints CPU seconds of the fit,
//! peak memory in MB, and the mean log-loss on the rows. `scripts/training_cost.py` makes the inputs from
//! mined rows and compares with LightGBM. Reads `/proc`, so it needs Linux.

use std::fs;

use anyhow::{Context, bail, ensure};
use diffrisk::model::{BoostedParams, Matrix, Target};
use diffrisk::train::Recipe;

/// Clock ticks a second in `/proc/self/stat`, on every Linux in use.
const TICKS_A_SECOND: f64 = 100.0;

fn main() -> anyhow::Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [columns, labels] = args.as_slice() else {
        bail!("expected: COLUMNS.f32 LABELS.f32");
    };
    let (values, labels) = (numbers(columns)?, numbers(labels)?);
    ensure!(!labels.is_empty() && values.len().is_multiple_of(labels.len()), "columns and labels do not fit");
    let matrix = Matrix::new(values.chunks_exact(labels.len()).map(<[f32]>::to_vec).collect())?;
    drop(values);
    let y: Vec<bool> = labels.iter().map(|&label| label == 1.0).collect();
    let target = Target { weight: vec![1.0; y.len()], y };
    let params = BoostedParams { n_threads: 1, ..Recipe::default().boosted(Vec::new(), 1) };
    let started = cpu_seconds()?;
    let boosted = params.check()?.fit(&matrix, &target)?;
    let seconds = cpu_seconds()? - started;
    let loss: f64 = (0..target.y.len())
        .map(|row| {
            let margin = boosted.margin(&matrix.row(row));
            (1.0 + (if target.y[row] { -margin } else { margin }).exp()).ln()
        })
        .sum();
    println!("{seconds} {} {}", peak_mb()?, loss / target.y.len() as f64);
    Ok(())
}

fn numbers(path: &str) -> anyhow::Result<Vec<f32>> {
    let bytes = fs::read(path).with_context(|| format!("cannot read `{path}`"))?;
    Ok(bytes.chunks_exact(4).map(|word| f32::from_le_bytes([word[0], word[1], word[2], word[3]])).collect())
}

/// CPU seconds of all threads of this process.
fn cpu_seconds() -> anyhow::Result<f64> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    let after_name = stat.rsplit(')').next().context("no fields")?;
    let ticks = after_name.split_whitespace().skip(11).take(2).map(str::parse::<f64>);
    Ok(ticks.sum::<Result<f64, _>>()? / TICKS_A_SECOND)
}

fn peak_mb() -> anyhow::Result<f64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with("VmHWM")).context("no peak")?;
    let kb: f64 = line.split_whitespace().nth(1).context("no number")?.parse()?;
    Ok(kb / 1024.0)
}
