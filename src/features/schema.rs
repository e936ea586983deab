//! The ordered list of all features, with their families, units and revisions: what an artifact is held to. A feature that
//! changes its meaning raises its revision. Start at [`schema`].

use std::sync::OnceLock;

use rustc_hash::FxHashMap;
use sha2::{Digest, Sha256};

use crate::features::facts::Facts;
use crate::features::{
    author, context, file, key_history, keys, kind, line, message, outcome, partner, size, time, tokens,
};

/// The family a feature belongs to; explanations are summed by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Group {
    /// How large the change is.
    Size,
    /// What kind of files it touches, and where they stand.
    Kind,
    /// Which settings it edits, and how.
    KeyEdits,
    /// How experienced its author is here.
    Author,
    /// Who owns what it touches.
    Ownership,
    /// The past of its files and directories.
    File,
    /// The past of its keys.
    Key,
    /// What else happens in the repository.
    Context,
    /// When it was written.
    Time,
    /// How it is described.
    Message,
    /// How often the like went wrong before.
    Outcomes,
    /// What usually changes with it and is absent.
    Partner,
    /// What others compute and send along, named `x.…`.
    Custom,
}

/// What a feature counts in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A number of things.
    Count,
    /// A share between 0 and 1.
    Share,
    /// 1 or 0.
    Flag,
    /// Days.
    Days,
    /// Hours.
    Hours,
    /// Natural logarithm of a ratio.
    LogRatio,
    /// Log-odds over the base rate, the same scale in every repository.
    LogOdds,
    /// Bits.
    Bits,
    /// Position within the last 1,000 changes, 0 to 1.
    Rank,
}

/// The direction in which a feature may move the risk, where only one makes sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trend {
    /// Either.
    Free,
    /// More never lowers the risk.
    Rising,
    /// More never raises the risk.
    Falling,
}

/// One feature: its stable name, what it means, and how it is computed.
#[derive(Clone, Copy)]
pub struct FeatureSpec {
    /// Stable machine name.
    pub name: &'static str,
    /// Raised when the meaning changes.
    pub revision: u32,
    /// Family.
    pub group: Group,
    /// Unit.
    pub unit: Unit,
    /// Direction.
    pub trend: Trend,
    /// One sentence for the reader.
    pub sentence: &'static str,
    /// The computation; none where the value is unknown.
    pub value: fn(&Facts<'_>) -> Option<f64>,
}

/// The ordered list of all features. A vector holds the values in this order, then, for each feature
/// that is no flag, its rank within the last 1,000 changes.
pub struct Schema {
    /// The features that are computed.
    pub features: Vec<FeatureSpec>,
    /// Positions in `features` of those that are ranked, ascending.
    pub ranked: Vec<usize>,
    names: Vec<String>,
    positions: FxHashMap<&'static str, usize>,
    rank_positions: Vec<Option<usize>>,
}

impl FeatureSpec {
    pub(super) const fn new(
        name: &'static str,
        unit: Unit,
        sentence: &'static str,
        value: fn(&Facts<'_>) -> Option<f64>,
    ) -> Self {
        Self { name, revision: 1, group: Group::Size, unit, trend: Trend::Free, sentence, value }
    }

    pub(super) const fn revised(self, revision: u32) -> Self {
        Self { revision, ..self }
    }

    pub(super) const fn rising(self) -> Self {
        Self { trend: Trend::Rising, ..self }
    }

    pub(super) const fn falling(self) -> Self {
        Self { trend: Trend::Falling, ..self }
    }
}

impl Schema {
    /// Number of values in a vector.
    pub fn n_values(&self) -> usize {
        self.names.len()
    }

    /// Names of the values of a vector, in order; ranks end in `.rank`.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Position in `features`, and so in a vector, of the feature with a name.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.positions.get(name).copied()
    }

    /// Position in a vector of the rank of the feature with a name; none where it is not ranked.
    pub fn rank_position(&self, name: &str) -> Option<usize> {
        self.rank_positions[self.position(name)?]
    }

    /// The feature with a name.
    pub fn spec(&self, name: &str) -> Option<&FeatureSpec> {
        self.position(name).map(|idx| &self.features[idx])
    }

    /// The feature behind a position of the vector: itself, or the one that is ranked there.
    pub fn feature_at(&self, idx: usize) -> &FeatureSpec {
        &self.features[self.feature_idx(idx)]
    }

    /// The position in `features` of that feature.
    pub fn feature_idx(&self, idx: usize) -> usize {
        idx.checked_sub(self.features.len()).map_or(idx, |rank_idx| self.ranked[rank_idx])
    }

    /// Whether a position of the vector holds a rank.
    pub fn is_rank(&self, idx: usize) -> bool {
        idx >= self.features.len()
    }

    /// Name and revision of every value, in order.
    pub fn revisions(&self) -> impl Iterator<Item = (&str, u32)> {
        self.names.iter().enumerate().map(|(idx, name)| (name.as_str(), self.feature_at(idx).revision))
    }

    /// SHA-256 over the names and revisions, in hex.
    pub fn hash(&self) -> String {
        let mut hasher = Sha256::new();
        for (name, revision) in self.revisions() {
            hasher.update(format!("{name}@{revision}\n"));
        }
        hex::encode(hasher.finalize())
    }

    fn build() -> Self {
        let families: [(Group, &[FeatureSpec]); 16] = [
            (Group::Size, size::FEATURES),
            (Group::Kind, kind::FEATURES),
            (Group::KeyEdits, keys::FEATURES),
            (Group::Author, author::FEATURES),
            (Group::Ownership, author::OWNERSHIP),
            (Group::File, file::FEATURES),
            (Group::File, line::FEATURES),
            (Group::Key, key_history::FEATURES),
            (Group::Context, context::FEATURES),
            (Group::Time, time::FEATURES),
            (Group::Message, message::FEATURES),
            (Group::Outcomes, outcome::FEATURES),
            (Group::Outcomes, outcome::AGES),
            (Group::Outcomes, outcome::LEARNED),
            (Group::Outcomes, tokens::FEATURES),
            (Group::Partner, partner::FEATURES),
        ];
        let features: Vec<FeatureSpec> = families
            .into_iter()
            .flat_map(|(group, specs)| specs.iter().map(move |spec| FeatureSpec { group, ..*spec }))
            .collect();
        let ranked: Vec<usize> =
            (0..features.len()).filter(|&idx| features[idx].unit != Unit::Flag).collect();
        let raw_names = features.iter().map(|spec| spec.name.to_owned());
        let names =
            raw_names.chain(ranked.iter().map(|&idx| format!("{}.rank", features[idx].name))).collect();
        let positions = features.iter().enumerate().map(|(idx, spec)| (spec.name, idx)).collect();
        let mut rank_positions = vec![None; features.len()];
        for (rank_idx, &idx) in ranked.iter().enumerate() {
            rank_positions[idx] = Some(features.len() + rank_idx);
        }
        Self { features, ranked, names, positions, rank_positions }
    }
}

/// The schema of this version.
pub fn schema() -> &'static Schema {
    static SCHEMA: OnceLock<Schema> = OnceLock::new();
    SCHEMA.get_or_init(Schema::build)
}

impl Group {
    /// The group with a machine name, if there is one.
    pub fn of_name(name: &str) -> Option<Self> {
        Some(match name {
            "size" => Self::Size,
            "kind" => Self::Kind,
            "key_edits" => Self::KeyEdits,
            "author" => Self::Author,
            "ownership" => Self::Ownership,
            "file" => Self::File,
            "key" => Self::Key,
            "context" => Self::Context,
            "time" => Self::Time,
            "message" => Self::Message,
            "outcomes" => Self::Outcomes,
            "partner" => Self::Partner,
            "custom" => Self::Custom,
            _ => return None,
        })
    }

    /// Stable machine name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Size => "size",
            Self::Kind => "kind",
            Self::KeyEdits => "key_edits",
            Self::Author => "author",
            Self::Ownership => "ownership",
            Self::File => "file",
            Self::Key => "key",
            Self::Context => "context",
            Self::Time => "time",
            Self::Message => "message",
            Self::Outcomes => "outcomes",
            Self::Partner => "partner",
            Self::Custom => "custom",
        }
    }
}

impl Unit {
    /// Whether a value means the same in every repository and year; the others do by their ranks alone.
    pub(crate) fn is_comparable(self) -> bool {
        matches!(self, Self::Share | Self::LogRatio | Self::LogOdds)
    }

    /// Stable machine name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Count => "count",
            Self::Share => "share",
            Self::Flag => "flag",
            Self::Days => "days",
            Self::Hours => "hours",
            Self::LogRatio => "log ratio",
            Self::LogOdds => "log-odds",
            Self::Bits => "bits",
            Self::Rank => "rank",
        }
    }
}
