use std::sync::LazyLock;

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use crate::features::{Group, is_custom, schema};

/// What the tokens' shares are summed under.
const TOKENS: &str = "tokens";

/// The groups that a reader sees. Features that tell the same story are in one group, whatever their
/// family: a reader never meets "the file's past raises" beside "the directory's past lowers".
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReaderGroup {
    /// What went wrong here before: files, directories, keys.
    PastTrouble,
    /// How often, and how lately, these files change, and what changes with them.
    FilePast,
    /// Which settings are edited, how far, and their past.
    Settings,
    /// How large it is, and how far it is spread.
    Size,
    /// What kind of files, and where they apply.
    Place,
    /// How well the author knows these files.
    Experience,
    /// The words of the change and of its message.
    Wording,
    /// When it comes, and what else happens just now.
    Moment,
    /// What the caller computes and sends along; only of a model that takes custom features.
    Custom,
}

impl ReaderGroup {
    /// All groups.
    pub const ALL: [Self; 9] = [
        Self::PastTrouble,
        Self::FilePast,
        Self::Settings,
        Self::Size,
        Self::Place,
        Self::Experience,
        Self::Wording,
        Self::Moment,
        Self::Custom,
    ];

    /// Its name in plain words.
    pub fn title(self) -> &'static str {
        match self {
            Self::PastTrouble => "the record of these files and keys",
            Self::FilePast => "the past of these files",
            Self::Settings => "the choice of settings",
            Self::Size => "the size and spread",
            Self::Place => "the kind of files and their place",
            Self::Experience => "the author's experience with these files",
            Self::Wording => "the wording",
            Self::Moment => "the moment",
            Self::Custom => "what the caller knows",
        }
    }

    /// The group of a feature; one that this build does not know is about the words.
    pub fn of_feature(name: &str) -> Self {
        if name == TOKENS {
            return Self::Wording;
        }
        if is_custom(name) {
            return Self::Custom;
        }
        static BY_FEATURE: LazyLock<FxHashMap<&str, ReaderGroup>> = LazyLock::new(|| {
            let features = schema().features.iter();
            features.map(|spec| (spec.name, ReaderGroup::of(spec.group, spec.name))).collect()
        });
        BY_FEATURE.get(name).copied().unwrap_or(Self::Wording)
    }

    fn of(group: Group, name: &str) -> Self {
        let starts = |prefixes: &[&str]| prefixes.iter().any(|prefix| name.starts_with(prefix));
        match group {
            Group::Size => Self::Size,
            Group::Kind => Self::Place,
            Group::KeyEdits | Group::Key => Self::Settings,
            Group::Author | Group::Ownership => Self::Experience,
            Group::File | Group::Partner => Self::FilePast,
            Group::Context | Group::Time => Self::Moment,
            Group::Message => Self::Wording,
            Group::Outcomes if starts(&["author_", "domain_"]) => Self::Experience,
            Group::Outcomes if starts(&["template_", "first_words_", "title_", "token_"]) => Self::Wording,
            Group::Outcomes => Self::PastTrouble,
            Group::Custom => Self::Custom,
        }
    }
}
