//! The figures of backtests and evaluations, for people and as a file of predictions.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{self, Permissions};
use std::io::Write as _;
use std::ops::Range;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use diffrisk::artifact::{Document, TABLE};
use diffrisk::evaluation::Interval;
use diffrisk::train::{
    Block, Comparison, Prediction, Report, Study, SuspectReport, SystemReport, Uniformity,
};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tempfile::NamedTempFile;

use crate::cli::exit::Exit;
use crate::cli::failure::{Failure, OrExit};
use crate::cli::inputs::refuse_replacing;
use crate::cli::output::{Table, wrapped};
use crate::cli::time::utc;

/// Times of a table that are taken for Unix seconds.
const SECONDS: Range<f64> = 1e8..1e11;

/// The whole report as text.
pub fn render(report: &Report) -> String {
    let mut text = figures(report.task, &report.block, &report.also);
    if !report.periods.is_empty() {
        let _ = writeln!(text, "\n{}", periods(report));
    }
    if let Some(suspects) = report.suspects.as_ref().filter(|suspects| suspects.n_events > 0) {
        let _ = writeln!(text, "\n{}", suspected(suspects));
    }
    for (name, study) in &report.studies {
        let _ = write!(text, "\n{}\n{}", name.replace('_', " "), variants(study));
    }
    let _ = writeln!(text, "\n{}", wrapped(&provenance(report)));
    report.notes.iter().for_each(|note| {
        let _ = writeln!(text, "{}", wrapped(&format!("note: {note}")));
    });
    text
}

/// Calibration by 90 days, and how uniform the percentiles of later changes are.
fn periods(report: &Report) -> String {
    let mut table = Table::new(&["90 days from", "changes", "expected", "went wrong", "pred/obs"]);
    for period in &report.periods {
        table.push(vec![
            utc(period.from),
            period.n.to_string(),
            format!("{:.1}", period.predicted),
            period.observed.to_string(),
            number(period.predicted_over_observed, 2),
        ]);
    }
    let Uniformity { n, ks } = report.percentile;
    format!("{}percentiles of {n} changes: distance to uniform (KS) {}", table.render(), number(ks, 3))
}

/// How high the causes stand among the suspects.
fn suspected(report: &SuspectReport) -> String {
    let n_candidates = report.median_candidates.unwrap_or(0);
    let mut table = Table::new(&["suspects", "first", "among 3", "5", "10", "mean 1/rank"]);
    for system in &report.systems {
        let mut row = vec![system.name.to_owned()];
        row.extend(["1", "3", "5", "10"].map(|most| percent(system.hit.get(most).copied().flatten())));
        row.push(number(system.mrr, 3));
        table.push(row);
    }
    let lead = report.lead_over_newest.as_ref().map_or_else(String::new, |Interval { value, low, high }| {
        format!("; mean 1/rank over the newest first {value:+.3} ({low:+.3}…{high:+.3})")
    });
    let events = format!("{} causes, each among {n_candidates} suspects (median){lead}", report.n_events);
    format!("{}{}", table.render(), wrapped(&events))
}

/// The ensemble beside variants of itself.
fn variants(study: &Study) -> String {
    let mut table = Table::new(&[
        "trained", "rows", "pos.", "ROC-AUC", "at 5 %", "10 %", "20 %", "50 %", "lead, ROC-AUC",
    ]);
    let trained_on = |name: &str| study.variants.iter().find(|variant| variant.name == name);
    for system in &study.block.systems {
        let variant = trained_on(&system.name);
        let dataset = &study.block.dataset;
        let (n, positive) =
            variant.map_or((dataset.n_train, dataset.pos_train), |v| (v.n_train, v.pos_train));
        let lead = study.block.comparisons.iter().find(|c| c.against == system.name && c.metric == "roc_auc");
        let lead = lead.and_then(|comparison| comparison.difference.as_ref());
        let mut row =
            vec![system.name.clone(), n.to_string(), positive.to_string(), number(system.roc_auc, 3)];
        row.extend(["5", "10", "20", "50"].map(|gate| percent(system.capture.get(gate).copied().flatten())));
        row.push(lead.map_or_else(String::new, |Interval { value, low, high }| {
            format!("{value:+.3} ({low:+.3}…{high:+.3})")
        }));
        table.push(row);
    }
    table.render()
}

/// The figures of a task, and the same model on other populations.
pub fn figures(task: &str, block: &Block, also: &BTreeMap<&'static str, Block>) -> String {
    let of_others =
        |(name, block): (&&str, &Block)| format!("also {name}\n{}\n{}", dataset(block), systems(block));
    // Figures on the raw label flatter, and come after those on the strict one.
    let strict = also.get_key_value("strict").map(|strict| of_others(strict) + "\n").unwrap_or_default();
    let mut text = format!("{strict}task {task}\n{}", dataset(block));
    let _ = write!(text, "\n{}\n{}", systems(block), capture(block));
    for comparison in &block.comparisons {
        let _ = writeln!(text, "{}", compared(comparison));
    }
    for other in also.iter().filter(|(name, _)| **name != "strict") {
        let _ = write!(text, "\n{}", of_others(other));
    }
    text
}

fn dataset(block: &Block) -> String {
    let dataset = &block.dataset;
    let split =
        dataset.split_time.map(|time| format!(", test from {}", split_time(time))).unwrap_or_default();
    let line = format!(
        "train {} rows, {} positive; test {} rows, {} positive, base rate {}{split}",
        dataset.n_train,
        dataset.pos_train,
        dataset.n_test,
        dataset.pos_test,
        percent(dataset.base_rate),
    );
    wrapped(&line) + "\n"
}

/// Puts the same moment in UTC, as `…_utc`, beside every moment of a document in Unix seconds. `split_time` stays
/// a number: that of a table may be any, and one key has one type.
pub fn add_utc(document: &mut Value) {
    match document {
        Value::Object(fields) => {
            fields.values_mut().for_each(add_utc);
            for key in ["split_time", "trained_until"] {
                if let Some(moment) = fields.get(key).and_then(Value::as_f64).and_then(moment) {
                    fields.insert(format!("{key}_utc"), Value::from(moment));
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(add_utc),
        _ => {}
    }
}

fn moment(seconds: f64) -> Option<String> {
    let since = SignedDuration::try_from_secs_f64(seconds).ok()?;
    Timestamp::from_duration(since).ok().map(|moment| moment.to_string())
}

/// A table's time may be any number; seconds of this century are shown as a moment.
#[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
fn split_time(time: f64) -> String {
    if SECONDS.contains(&time) { utc(time as i64) } else { format!("{time}") }
}

/// The moment of the newest fact that an artifact learned from; none where the time of its table is only a position.
pub fn trained_until(document: &Document) -> Option<String> {
    let is_moment = document.unit != TABLE || SECONDS.contains(&(document.trained_until as f64));
    is_moment.then(|| utc(document.trained_until))
}

fn systems(block: &Block) -> String {
    let mut table = Table::new(&[
        "system", "ROC-AUC", "95 %", "PR-AUC", "Brier", "log-loss", "ECE", "ECE mass", "pred/obs",
    ]);
    for system in &block.systems {
        table.push(vec![
            system.name.clone(),
            number(system.roc_auc, 3),
            interval(system.roc_auc_interval.as_ref()),
            number(system.pr_auc, 3),
            number(system.brier, 4),
            number(system.log_loss, 4),
            number(system.ece, 3),
            number(system.ece_equal_mass, 3),
            number(system.predicted_over_observed, 2),
        ]);
    }
    table.render()
}

/// Share of positives caught when the riskiest so many percent are gated.
fn capture(block: &Block) -> String {
    let mut table = Table::new(&["caught, gating", "5 %", "10 %", "20 %", "50 %"]);
    for system in &block.systems {
        table.push(captured(&system.name, |gate| system.capture.get(gate).copied().flatten()));
    }
    if let Some(SystemReport { capture_cap, .. }) = block.systems.first() {
        table.push(captured("(a perfect order)", |gate| capture_cap.get(gate).copied().flatten()));
    }
    table.render()
}

fn captured(name: &str, share: impl Fn(&str) -> Option<f64>) -> Vec<String> {
    let shares = ["5", "10", "20", "50"].iter().map(|gate| percent(share(gate)));
    std::iter::once(name.to_owned()).chain(shares).collect()
}

fn compared(comparison: &Comparison) -> String {
    let metric = if comparison.metric == "roc_auc" { "ROC-AUC" } else { "caught at 10 %" };
    match &comparison.difference {
        None => format!("ensemble against {}, {metric}: not defined", comparison.against),
        Some(Interval { value, low, high }) => format!(
            "ensemble against {}, {metric}: {value:+.3} (95 %: {low:+.3} to {high:+.3})",
            comparison.against
        ),
    }
}

/// Where the model came from, and how long it took.
fn provenance(report: &Report) -> String {
    let mut parts = vec![format!("trained in {:.1} s", report.train_seconds)];
    parts.extend(report.mine_seconds.map(|seconds| format!("mined in {seconds:.1} s")));
    if report.n_fits > 1 {
        parts.push(format!("{} models, one every {} days", report.n_fits, report.refit_days.unwrap_or(0)));
    }
    match &report.prior {
        None => parts.push("no prior".to_owned()),
        Some(prior) => {
            let later = if prior.later_than_split { ", which saw data later than the split" } else { "" };
            let without = prior.reference.excluded_sources.join(", ");
            let without = if without.is_empty() { without } else { format!(" without {without}") };
            parts.push(format!("prior {}{without}{later}", prior.reference.name));
        }
    }
    if let Some(with) = report.with {
        parts.push(format!(
            "{} rows of other repositories, {} dropped as later",
            with.n_added, with.n_dropped
        ));
    }
    if report.leaky {
        parts.push("LEAKY: the prior was trained on this repository".to_owned());
    }
    parts.join("; ")
}

fn number(value: Option<f64>, n_digits: usize) -> String {
    value.map_or_else(|| "–".to_owned(), |value| format!("{value:.n_digits$}"))
}

fn percent(value: Option<f64>) -> String {
    value.map_or_else(|| "–".to_owned(), |value| format!("{:.1} %", 100.0 * value))
}

fn interval(interval: Option<&Interval>) -> String {
    interval.map_or_else(|| "–".to_owned(), |Interval { low, high, .. }| format!("{low:.3}–{high:.3}"))
}

/// The file that predictions go to, looked at before the work of hours and written after it.
pub struct PredictionsFile {
    path: PathBuf,
    /// What becomes the file; none where the path is a pipe or a device.
    partial: Option<NamedTempFile>,
}

impl PredictionsFile {
    /// The file asked for, if one is.
    pub fn open(path: Option<&Path>, inputs: &[&Path]) -> Result<Option<Self>, Failure> {
        let Some(path) = path else { return Ok(None) };
        refuse_replacing("--predictions", path, inputs)?;
        let target = path.canonicalize().ok();
        let cannot = || format!("cannot write `{}`", path.display());
        if target.as_deref().is_some_and(Path::is_dir) {
            return Err(Failure::bad_input(format!("{}: it is a directory", cannot())));
        }
        let is_device = target.as_deref().is_some_and(|target| !target.is_file());
        let path = target.unwrap_or_else(|| path.to_owned());
        let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
        // The mode that any new file has here: the umask takes its part.
        let mode = Permissions::from_mode(0o666);
        let partial = (!is_device)
            .then(|| tempfile::Builder::new().suffix(".partial").permissions(mode).tempfile_in(dir))
            .transpose()
            .or_exit(Exit::BadInput, cannot())?;
        Ok(Some(Self { path, partial }))
    }

    /// Writes `id,label,score,effort`, every number at full precision.
    pub fn write(self, predictions: &[Prediction]) -> Result<(), Failure> {
        let mut text = String::from("id,label,score,effort\n");
        for Prediction { id, label, score, effort } in predictions {
            let label = label.map_or("", |label| if label { "1" } else { "0" });
            let effort = if effort.is_finite() { effort.to_string() } else { String::new() };
            let _ = writeln!(text, "{},{label},{score},{effort}", quoted(id));
        }
        let written = match self.partial {
            None => fs::write(&self.path, text),
            Some(mut partial) => partial
                .write_all(text.as_bytes())
                .and_then(|()| partial.persist(&self.path).map(drop).map_err(|error| error.error)),
        };
        written.or_exit(Exit::BadInput, format!("cannot write `{}`", self.path.display()))
    }
}

/// A cell of CSV (RFC 4180); ids of tables may be anything.
fn quoted(cell: &str) -> String {
    if cell.contains(['"', ',', '\n', '\r']) {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_moment_in_seconds_stands_in_utc_beside_itself() {
        let mut document = json!({
            "dataset": { "split_time": 1_769_860_800.0 },
            "also": [{ "split_time": null, "prior": { "trained_until": 0 } }],
            "model": { "trained_until": "2026-01-31T12:00:00Z" },
            "beyond": { "split_time": 1e300 },
        });
        add_utc(&mut document);
        let expected = json!({
            "dataset": { "split_time": 1_769_860_800.0, "split_time_utc": "2026-01-31T12:00:00Z" },
            "also": [{
                "split_time": null,
                "prior": { "trained_until": 0, "trained_until_utc": "1970-01-01T00:00:00Z" },
            }],
            "model": { "trained_until": "2026-01-31T12:00:00Z" },
            "beyond": { "split_time": 1e300 },
        });
        assert_eq!(document, expected);
    }
}
