//! The explanation as one plain value, from which page, terminal, Markdown and SARIF are made. Holds finished sentences;
//! whoever renders it computes nothing new. Start at [`Explanation`].

use serde::{Deserialize, Serialize};

use crate::change::FileStatus;
use crate::explain::group::ReaderGroup;
use crate::policy::{Reason, Stage, Verdict};
use crate::risk::GateLevel;

/// Everything that a reader is told about one decision; every rendering is made from this value alone.
///
/// Texts are plain text of one line without markup. What comes from the change itself (a path, a key, a
/// value, a title) stands between backticks, has neither backtick nor control character, and is else as
/// written: whoever renders it escapes it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Explanation {
    /// What was decided, how likely trouble is, and how the change ranks.
    pub headline: Headline,
    /// Why policy decided so, the weightiest first.
    pub reasons: Vec<Reason>,
    /// Validations that must be passed.
    pub require: Vec<String>,
    /// The rollout plan; empty where nothing may roll out.
    pub stages: Vec<Stage>,
    /// Margin of an empty question, in log-odds.
    pub base: f64,
    /// `base` plus the contributions of all groups, to 1e-9.
    pub margin: f64,
    /// What moved the margin, largest magnitude first; at most eight, and one
    /// of custom features. Empty where there is no score.
    pub groups: Vec<GroupShare>,
    /// Where in the diff the risk is; none where the diff cannot be read.
    pub diff: Option<DiffExplanation>,
    /// Earlier changes like this one that went wrong; none where no history is known.
    pub similar: Option<SimilarChanges>,
    /// Real alternatives under which the decision or the gate level is another one, softest first.
    pub alternatives: Vec<Alternative>,
    /// Whom to ask: the owners of the changed paths, where they are known.
    pub owners: Vec<String>,
    /// Where the decision can be read, where it was recorded.
    pub page: Option<String>,
    /// What the reader must know to read the rest, such as which part was left out.
    pub notes: Vec<String>,
}

/// The verdict and the risk in a few short sentences.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Headline {
    /// What was decided.
    pub verdict: Verdict,
    /// Whether it could not be vouched for.
    pub degraded: bool,
    /// False in shadow mode.
    pub enforced: bool,
    /// The verdict and the next step, in one sentence.
    pub sentence: String,
    /// "about 1 in 7 goes wrong within 14 days; typical here 1 in 48"; none without a score.
    pub odds: Option<String>,
    /// "riskier than 97 of 100 changes here: among the riskiest 5 % (gate level weekend)"; the level never
    /// stands without the rank.
    pub rank: Option<String>,
    /// The probability, 0–1.
    pub score: Option<f64>,
    /// The same for an average change here.
    pub base_rate: Option<f64>,
    /// Mid-rank among the reference, 0–100.
    pub percentile: Option<f64>,
    /// The smallest gate that catches it.
    pub gate_level: Option<GateLevel>,
}

/// Whether something raises or lowers the risk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// It raises the odds by a twentieth or more.
    Raises,
    /// It lowers the odds by a twentieth or more.
    Lowers,
    /// It moves the odds by less.
    Neither,
}

/// What one group of features added, in the words of a reader.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GroupShare {
    /// The group.
    pub group: ReaderGroup,
    /// Its name in plain words.
    pub title: String,
    /// Its share of the margin, in log-odds: the sum over its features.
    pub contribution: f64,
    /// What it multiplies the odds of the probability by: `exp` of the contribution times the slope of the calibrator.
    pub factor: f64,
    /// Where it points.
    pub direction: Direction,
    /// One sentence: name, direction, strength and the leading values.
    pub text: String,
    /// The values that did most of it, largest first; only those that point where the group points.
    pub values: Vec<LeadingValue>,
}

/// One value behind a group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LeadingValue {
    /// Machine name of the feature.
    pub feature: String,
    /// The value; none where it is unknown.
    pub value: Option<f64>,
    /// Its mid-rank among the last 1,000 changes here, 0–1; none for a switch or an unknown value.
    pub rank: Option<f64>,
    /// Its share of the margin.
    pub contribution: f64,
    /// "3 changes of the worst file went wrong (more than in 98 % of changes here)".
    pub text: String,
}

/// The diff: files and edits on which a hazard rule fired before the others, of these the riskiest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DiffExplanation {
    /// Files of the change.
    pub n_files: usize,
    /// Files whose share was measured; the others stand last with none.
    pub n_rescored: usize,
    /// The files: those of a hazard first, then measured ones, the one that adds most before the others.
    pub files: Vec<FileExplanation>,
    /// The words that weigh most, at most five; empty where the model reads no words, or none weighs much.
    #[serde(default)]
    pub words: Vec<WordShare>,
}

/// One word of the change and what the model's reading of words makes of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WordShare {
    /// The word, in lower case.
    pub word: String,
    /// Its share of the margin, in log-odds.
    pub contribution: f64,
    /// What it multiplies the odds of the probability by.
    #[serde(default = "one")]
    pub factor: f64,
    /// "`mcrouter` in an added line".
    pub text: String,
}

/// One file of the change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FileExplanation {
    /// Its position in the record of the change.
    pub file_idx: usize,
    /// The path after the change, else the one before.
    pub path: String,
    /// The path before, where it was renamed.
    pub old_path: Option<String>,
    /// What happened to it.
    pub status: FileStatus,
    /// Lines added.
    pub n_added: usize,
    /// Lines deleted.
    pub n_deleted: usize,
    /// The margin with this file minus the margin without it, in log-odds; none where not measured.
    pub share: Option<f64>,
    /// What it multiplies the odds of the probability by; none where not measured.
    #[serde(default)]
    pub factor: Option<f64>,
    /// Its past in one sentence: "changed 41 times, last 412 days ago; 3 went wrong".
    pub past: String,
    /// Who owns it, where that is known.
    pub owners: Vec<String>,
    /// Where hazard rules fired in it, by rule.
    #[serde(default)]
    pub hazards: Vec<HazardSpot>,
    /// The hunks, in the order of the file.
    pub hunks: Vec<HunkExplanation>,
    /// The typed edits: those of a hazard first, then measured ones, the one that adds most before the others; at most 200.
    pub edits: Vec<EditExplanation>,
    /// How many it has in all.
    #[serde(default)]
    pub n_edits: usize,
}

/// A place of a file where a hazard rule fired.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HazardSpot {
    /// Name of the rule.
    pub rule: String,
    /// What it means: "All copies of something go".
    pub text: String,
    /// Position of the hunk in the file; none where it is about the whole file.
    pub hunk_idx: Option<usize>,
    /// Position of the line in the hunk.
    pub line_idx: Option<usize>,
    /// Line of the new file, else of the old one; of a line that went, that which stands in its place now.
    pub line: Option<u32>,
    /// Line of the old file, where the line went and the file did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line_before: Option<u32>,
}

/// One hunk of a file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HunkExplanation {
    /// Its position in the file.
    pub hunk_idx: usize,
    /// First line in the new file.
    pub new_start: u32,
    /// The margin with this hunk minus the margin without it; none where not measured.
    pub share: Option<f64>,
    /// What it multiplies the odds of the probability by; none where not measured.
    #[serde(default)]
    pub factor: Option<f64>,
}

/// One typed edit of a key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EditExplanation {
    /// The dotted key path; empty where a line has no key.
    pub key: String,
    /// Position of the hunk in the file.
    pub hunk_idx: usize,
    /// Position of the line in the hunk.
    pub line_idx: usize,
    /// Line of the new file, else of the old one.
    pub line: u32,
    /// The margin with this edit minus the margin without it; none where not measured.
    pub share: Option<f64>,
    /// What it multiplies the odds of the probability by; none where not measured.
    #[serde(default)]
    pub factor: Option<f64>,
    /// "`timeout` 30 s → 3 s, ten times shorter; last edited 412 days ago; of 6 edits of it, 2 were in changes that went wrong".
    pub text: String,
}

/// Earlier changes like this one that went wrong.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SimilarChanges {
    /// Changes that went wrong and were looked through.
    pub n_searched: usize,
    /// The nearest, nearest first; at most five.
    pub changes: Vec<SimilarChange>,
    /// What was found, or that nothing is similar enough, in one sentence.
    pub text: String,
}

/// What became of an earlier change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PastOutcome {
    /// It was reverted, and that was not the plan.
    Reverted,
    /// It was named in an incident.
    Incident,
    /// Somebody reported that it went wrong.
    Reported,
}

/// One earlier change that went wrong.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SimilarChange {
    /// Its position in the history, from 0.
    pub ordinal: u32,
    /// Its commit, where the caller could tell.
    pub change_id: Option<String>,
    /// Its title, where the repository could be read.
    pub title: Option<String>,
    /// When it landed, in Unix seconds.
    pub landed_at: i64,
    /// What happened.
    pub outcome: PastOutcome,
    /// When that happened, in Unix seconds.
    pub occurred_at: i64,
    /// How alike the two are, 0–1.
    pub similarity: f64,
    /// Why they are alike: "the same key", "2 of 3 files".
    pub why: Vec<String>,
    /// All of it in one sentence, without commit and title.
    pub text: String,
}

/// What is done instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlternativeKind {
    /// One file lands on its own.
    SplitFile,
    /// One edit lands on its own.
    SplitEdit,
    /// A number, a percentage, a duration or a size moves in smaller steps.
    SmallerStep,
    /// The file that usually comes along changes as well.
    IncludePartner,
    /// The rollout waits for another hour or season.
    AnotherTime,
}

/// A real alternative, scored and decided on like any change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Alternative {
    /// What is done instead.
    pub kind: AlternativeKind,
    /// One sentence: what to do, and what then is decided.
    pub text: String,
    /// The decision then; none where the policy was not asked.
    pub verdict: Option<Verdict>,
    /// The probability then.
    pub score: Option<f64>,
    /// The rank then, 0–100.
    pub percentile: Option<f64>,
    /// The gate level then.
    pub gate_level: Option<GateLevel>,
}

impl DiffExplanation {
    /// "Of its words these weigh most: `mcrouter` in an added line (× 1.3)"; none where no word does.
    pub fn words_said(&self) -> Option<String> {
        crate::explain::render::words_said(self)
    }
}

/// A group that moves the odds by less than this is not told of one by one.
const TELLING: f64 = 1.15;

impl GroupShare {
    /// Whether it moves the odds so far that its values are worth reading: a change has eight groups, and
    /// most of them would say "1.1 times".
    pub fn is_telling(&self) -> bool {
        self.factor.max(1.0 / self.factor) >= TELLING
    }
}

/// A factor that moves nothing, for what an earlier build wrote.
fn one() -> f64 {
    1.0
}

impl Direction {
    /// Where the logarithm of a factor on the odds points.
    pub fn of(log_factor: f64) -> Self {
        // Less than a twentieth of the odds would be shown as "1.0 times".
        match log_factor {
            c if c >= 0.05 => Self::Raises,
            c if c <= -0.05 => Self::Lowers,
            _ => Self::Neither,
        }
    }
}
