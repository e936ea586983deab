//! The contributions of boosted trees made elsewhere, for comparison with another implementation:
//! `cargo run --release --example contributions -- TREES.json ROWS.f32 OUT.f64`.
//!
//! `TREES.json` holds boosted trees as an artifact does, `ROWS.f32` their rows as plain numbers. Writes the
//! base and the contributions of each row, and prints the time that a row
//! took in the fastest of five rounds, and how far the sum is from the
//! margin at most. `scripts/contributions.py` makes the inputs with LightGBM and XGBoost and compares.
//!
//! `cargo run --release --example contributions -- MODEL_DIR ROWS.parquet`: how far base plus contributions
//! of a whole artifact, and base plus groups, are from the margin at most over mined rows.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, bail, ensure};
use diffrisk::artifact::Artifact;
use diffrisk::dataset::Rows;
use diffrisk::explain::Explanation;
use diffrisk::model::Boosted;
use diffrisk::policy::{AppliedBudget, Decision, Verdict};
use diffrisk::scorer::{ReferenceMargins, Scorer};

/// The fastest of so many rounds counts.
const N_ROUNDS: usize = 5;

fn main() -> anyhow::Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.as_slice() {
        [trees, rows, out] => of_trees(trees, rows, out),
        [model, rows] => of_artifact(Path::new(model), Path::new(rows)),
        _ => bail!("expected: TREES.json ROWS.f32 OUT.f64, or MODEL_DIR ROWS.parquet"),
    }
}

fn of_trees(trees: &str, rows: &str, out: &str) -> anyhow::Result<()> {
    let boosted: Boosted = serde_json::from_str(&std::fs::read_to_string(trees)?).context("no trees")?;
    boosted.check()?;
    let bytes = std::fs::read(rows)?;
    let values: Vec<f32> =
        bytes.chunks_exact(4).map(|word| f32::from_le_bytes([word[0], word[1], word[2], word[3]])).collect();
    ensure!(values.len().is_multiple_of(boosted.n_features()), "the rows have another number of columns");
    let rows: Vec<&[f32]> = values.chunks_exact(boosted.n_features()).collect();
    // The first row also plans the trees; that is done once a model, not once a row.
    boosted.explain(rows[0], &mut vec![0.0; boosted.n_features()]);
    let (mut written, mut worst) = (Vec::new(), 0.0_f64);
    let (mut fastest, mut all) = (f64::INFINITY, Vec::new());
    for _ in 0..N_ROUNDS {
        let started = Instant::now();
        all = Vec::with_capacity(rows.len());
        for row in &rows {
            let mut shares = vec![0.0; boosted.n_features()];
            let base = boosted.explain(row, &mut shares).base;
            all.push((base, shares));
        }
        fastest = fastest.min(started.elapsed().as_secs_f64());
    }
    for (row, (base, shares)) in rows.iter().zip(&all) {
        worst = worst.max((base + shares.iter().sum::<f64>() - boosted.margin(row)).abs());
        written.extend(base.to_le_bytes());
        shares.iter().for_each(|share| written.extend(share.to_le_bytes()));
    }
    std::fs::write(out, written)?;
    let ms_a_row = 1_000.0 * fastest / rows.len() as f64;
    println!(
        "{} rows, {} trees: {ms_a_row:.4} ms a row, sum off by {worst:.1e}",
        rows.len(),
        boosted.trees().len()
    );
    Ok(())
}

fn of_artifact(model: &Path, rows: &Path) -> anyhow::Result<()> {
    let scorer = Scorer::new(Arc::new(Artifact::load(model)?))?;
    let (rows, _) = Rows::read_parquet(rows)?;
    let (mut worst, mut worst_of_groups) = (0.0_f64, 0.0_f64);
    let started = Instant::now();
    for row_idx in 0..rows.n_rows() {
        let vector = rows.vector(row_idx);
        let assessment =
            scorer.assess(&vector, rows.tokens(row_idx), &ReferenceMargins::default()).assessment;
        let sum: f64 = assessment.contributions.iter().map(|it| it.contribution).sum();
        worst = worst.max((assessment.base + sum - assessment.margin).abs());
        let explanation = Explanation::of(Some(&assessment), &any_decision(), &vector, None);
        let sum: f64 = explanation.groups.iter().map(|group| group.contribution).sum();
        worst_of_groups = worst_of_groups.max((explanation.base + sum - explanation.margin).abs());
    }
    let ms_a_row = 1_000.0 * started.elapsed().as_secs_f64() / rows.n_rows().max(1) as f64;
    println!(
        "{} rows: contributions off by {worst:.1e}, groups off by {worst_of_groups:.1e}; {ms_a_row:.3} ms a row \
         to assess and group",
        rows.n_rows()
    );
    Ok(())
}

fn any_decision() -> Decision {
    Decision {
        verdict: Verdict::FastPath,
        degraded: false,
        enforced: true,
        reasons: Vec::new(),
        require: Vec::new(),
        stages: Vec::new(),
        budget: AppliedBudget { season: "normal".into(), share: 0.1, threshold_percentile: 90.0 },
        expires_at: 0,
    }
}
