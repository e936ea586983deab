//! Reports as they are printed and written: counts, metrics with their intervals, comparisons. Field names are read by
//! scripts; they are added to, never renamed. Start at [`Report`].

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};

use crate::artifact::PriorRef;
use crate::evaluation::{
    Bootstrap, Interval, Ranking, brier, capture_cap, ece_equal_mass, ece_equal_width, log_loss,
    paired_interval, predicted_over_observed,
};
use crate::train::steady::{Period, Uniformity};
use crate::train::study::Study;
use crate::train::suspects::SuspectReport;

/// Shares of changes gated at which capture is reported, in percent.
pub(super) const GATES: [u32; 4] = [5, 10, 20, 50];
/// Resamples of an interval.
const N_RESAMPLES: usize = 400;
/// Bins of the calibration error.
const N_BINS: usize = 10;

/// What a backtest found: the task's own figures, and the same rows seen otherwise beside them.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// `strict` or `raw`.
    pub task: &'static str,
    /// Whose experience the ensemble has: `both`, `local` or `pooled`; none for a table.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<&'static str>,
    /// Days between two fits; none where the model of the split stayed.
    pub refit_days: Option<u32>,
    /// Models fitted, one after the other.
    pub n_fits: usize,
    /// The task's own figures.
    #[serde(flatten)]
    pub block: Block,
    /// Seconds the training took.
    pub train_seconds: f64,
    /// Seconds the mining took; none for a table.
    pub mine_seconds: Option<f64>,
    /// The prior, where there was one.
    pub prior: Option<PriorUse>,
    /// Set where the prior was trained on the very rows it was tested on.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub leaky: bool,
    /// The same model against any revert (`raw`), and without programs' changes (`humans`).
    #[serde(serialize_with = "also")]
    pub also: BTreeMap<&'static str, Block>,
    /// Rows of other repositories that were added to training, and those dropped for being later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub with: Option<WithUse>,
    /// Calibration of the ensemble by 90 days; empty for a table, whose time may be any number.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub periods: Vec<Period>,
    /// How evenly the changes spread over the percentiles they would be shown, in time order.
    pub percentile: Uniformity,
    /// What the order of suspects found; none for a table, whose rows land nowhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suspects: Option<SuspectReport>,
    /// The ensemble beside variants of itself, where asked for: `ablation`, `learning_curve`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub studies: BTreeMap<&'static str, Study>,
    /// What could not be learned, such as members for which there are too few labelled changes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// One population and how every system did on it.
#[derive(Clone, Debug, Serialize)]
pub struct Block {
    /// The population.
    pub dataset: DatasetReport,
    /// The systems, what ships first.
    pub systems: Vec<SystemReport>,
    /// The ensemble against each baseline, by paired bootstrap.
    pub comparisons: Vec<Comparison>,
}

/// Counts of a population.
#[derive(Clone, Debug, Serialize)]
pub struct DatasetReport {
    /// Rows trained on.
    pub n_train: usize,
    /// Rows tested on.
    pub n_test: usize,
    /// Positives among the former.
    pub pos_train: usize,
    /// Positives among the latter.
    pub pos_test: usize,
    /// Share of positives in the test.
    pub base_rate: Option<f64>,
    /// First moment of the test.
    pub split_time: Option<f64>,
}

/// Metrics of one system; undefined is null.
#[derive(Clone, Debug, Serialize)]
pub struct SystemReport {
    /// `ensemble`, `boosted`, `logistic`, `prior`, `size_only` or `random`.
    pub name: String,
    /// Area under the ROC curve.
    pub roc_auc: Option<f64>,
    /// Its 95 % bootstrap interval.
    pub roc_auc_interval: Option<Interval>,
    /// Average precision.
    pub pr_auc: Option<f64>,
    /// Mean squared error of the probability.
    pub brier: Option<f64>,
    /// Mean negative log-likelihood.
    pub log_loss: Option<f64>,
    /// Expected calibration error over ten bins of equal width.
    pub ece: Option<f64>,
    /// The same over ten bins of equal mass.
    pub ece_equal_mass: Option<f64>,
    /// Sum of the probabilities over the number of positives.
    pub predicted_over_observed: Option<f64>,
    /// Share of positives among the riskiest 5, 10, 20 and 50 % of changes.
    pub capture: BTreeMap<String, Option<f64>>,
    /// The 95 % bootstrap intervals of these.
    pub capture_interval: BTreeMap<String, Option<Interval>>,
    /// What a perfect order would capture.
    pub capture_cap: BTreeMap<String, Option<f64>>,
}

/// The ensemble's lead over another system.
#[derive(Clone, Debug, Serialize)]
pub struct Comparison {
    /// The other system.
    pub against: String,
    /// `roc_auc` or `capture_10`.
    pub metric: &'static str,
    /// Difference and its 95 % interval.
    pub difference: Option<Interval>,
}

/// How the prior stood to the split.
#[derive(Clone, Debug, Serialize)]
pub struct PriorUse {
    /// Which prior.
    #[serde(flatten)]
    pub reference: PriorRef,
    /// Whether it saw data later than the split.
    pub later_than_split: bool,
}

/// Rows of other repositories; the three counts are all of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct WithUse {
    /// Rows added to training.
    pub n_added: usize,
    /// Rows dropped because they landed or were labelled after the split.
    pub n_dropped: usize,
    /// Rows from before the split that no model of this task trains on: reverts, planned changes, changes without files,
    /// those whose label their own file does not know yet, and those older than the history that was asked for.
    pub n_left_out: usize,
}

/// Probabilities and the order of one system on the test rows.
pub(super) struct Scored {
    pub name: String,
    /// What orders the rows.
    pub margins: Vec<f64>,
    pub probabilities: Vec<f64>,
    /// Whether the probabilities say anything about a single row.
    pub is_model: bool,
}

impl Scored {
    /// What orders rows without a model: every row has the base rate.
    pub(super) fn flat(name: &str, margins: Vec<f64>, base_rate: f64) -> Self {
        let probabilities = vec![base_rate; margins.len()];
        Self { name: name.to_owned(), margins, probabilities, is_model: false }
    }

    /// Orders by probability instead of by margin.
    pub(super) fn order_by_probability(&mut self) {
        self.margins = self.probabilities.iter().map(|p| (p / (1.0 - p)).ln()).collect();
    }

    /// Puts the same system's scores of later rows behind these.
    pub(super) fn append(&mut self, more: Self) {
        self.margins.extend(more.margins);
        self.probabilities.extend(more.probabilities);
    }

    /// The scores at these positions.
    pub(super) fn select(&self, idxs: &[usize]) -> Self {
        let pick = |values: &[f64]| idxs.iter().map(|&idx| values[idx]).collect();
        Self {
            name: self.name.clone(),
            margins: pick(&self.margins),
            probabilities: pick(&self.probabilities),
            is_model: self.is_model,
        }
    }

    /// The same under another name.
    pub(super) fn renamed(self, name: String) -> Self {
        Self { name, ..self }
    }
}

/// Writes the other populations; those that a table cannot have are null.
pub(super) fn also<S: Serializer>(
    blocks: &BTreeMap<&'static str, Block>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let mut all: BTreeMap<&str, Option<&Block>> = BTreeMap::from([("raw", None), ("humans", None)]);
    all.extend(blocks.iter().map(|(name, block)| (*name, Some(block))));
    all.serialize(serializer)
}

impl SystemReport {
    /// What was not trained, for there was too little to learn from: nothing of it is defined.
    fn untrained(name: &str) -> Self {
        let none =
            Scored { name: name.to_owned(), margins: Vec::new(), probabilities: Vec::new(), is_model: true };
        system(&none, &[], &Bootstrap::default())
    }
}

impl Block {
    /// Names the members that have no scores behind the first system.
    pub(super) fn with_members(mut self) -> Self {
        for (place, name) in (1..).zip(["boosted", "logistic"]) {
            if self.systems.iter().all(|system| system.name != name) {
                self.systems.insert(place.min(self.systems.len()), SystemReport::untrained(name));
            }
        }
        self
    }

    /// Measures every system on one population; the first is compared with the others.
    pub(super) fn measure(dataset: DatasetReport, labels: &[bool], scored: &[Scored], seed: u64) -> Self {
        let bootstrap = Bootstrap { seed, n_resamples: N_RESAMPLES, ..Bootstrap::default() };
        let systems = scored.iter().map(|scored| system(scored, labels, &bootstrap)).collect();
        let comparisons = match scored.split_first() {
            Some((first, others)) => {
                others.iter().flat_map(|other| compare(first, other, labels, &bootstrap)).collect()
            }
            None => Vec::new(),
        };
        Self { dataset, systems, comparisons }
    }
}

fn system(scored: &Scored, labels: &[bool], bootstrap: &Bootstrap) -> SystemReport {
    let ranking = Ranking::new(&scored.margins, labels);
    let by_gate = |value: &dyn Fn(f64) -> Option<f64>| {
        GATES.iter().map(|gate| (gate.to_string(), value(f64::from(*gate) / 100.0))).collect()
    };
    let interval = |share: f64| {
        bootstrap.interval(labels.len(), |counts| ranking.as_ref()?.capture_resampled(share, counts))
    };
    let probabilities = &scored.probabilities;
    SystemReport {
        name: scored.name.clone(),
        roc_auc: ranking.as_ref().and_then(Ranking::roc_auc),
        roc_auc_interval: bootstrap
            .interval(labels.len(), |counts| ranking.as_ref()?.roc_auc_resampled(counts)),
        pr_auc: ranking.as_ref().and_then(Ranking::pr_auc),
        brier: brier(probabilities, labels),
        log_loss: log_loss(probabilities, labels),
        ece: ece_equal_width(probabilities, labels, N_BINS),
        ece_equal_mass: ece_equal_mass(probabilities, labels, N_BINS),
        predicted_over_observed: predicted_over_observed(probabilities, labels),
        capture: by_gate(&|share| ranking.as_ref()?.capture(share)),
        capture_interval: GATES
            .iter()
            .map(|gate| (gate.to_string(), interval(f64::from(*gate) / 100.0)))
            .collect(),
        capture_cap: by_gate(&|share| capture_cap(labels, share)),
    }
}

fn compare(first: &Scored, other: &Scored, labels: &[bool], bootstrap: &Bootstrap) -> Vec<Comparison> {
    let (Some(a), Some(b)) = (Ranking::new(&first.margins, labels), Ranking::new(&other.margins, labels))
    else {
        return Vec::new();
    };
    let auc = paired_interval(&a, &b, *bootstrap, Ranking::roc_auc_resampled);
    let capture =
        paired_interval(&a, &b, *bootstrap, |ranking, counts| ranking.capture_resampled(0.1, counts));
    vec![
        Comparison { against: other.name.clone(), metric: "roc_auc", difference: auc },
        Comparison { against: other.name.clone(), metric: "capture_10", difference: capture },
    ]
}
