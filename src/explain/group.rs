//! Which features are told together. A feature is in one group and every share counts once, so groups add up as features
//! do. Start at [`ReaderGroup::of_contribution`].

use std::sync::LazyLock;

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use crate::features::{FeatureSpec, Group, is_custom, schema};
use crate::risk::Contribution;

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

    /// Whether its name is of several things, for the verb behind it.
    pub(super) fn is_plural(self) -> bool {
        matches!(self, Self::Size | Self::Place)
    }

    /// The group of a feature that has a share. Most families belong to one group as a whole.
    pub(super) fn of_contribution(contribution: &Contribution) -> Self {
        let of_family = Group::of_name(&contribution.group).and_then(Self::of_family);
        of_family.unwrap_or_else(|| Self::of_feature(&contribution.feature))
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
            features.map(|spec| (spec.name, ReaderGroup::of(spec))).collect()
        });
        BY_FEATURE.get(name).copied().unwrap_or(Self::Wording)
    }

    fn of(spec: &FeatureSpec) -> Self {
        let of_outcome = || match OutcomeOf::of(spec) {
            Some(OutcomeOf::Author | OutcomeOf::Domain) => Self::Experience,
            Some(OutcomeOf::Description | OutcomeOf::Words) => Self::Wording,
            Some(OutcomeOf::Edit | OutcomeOf::Rest) | None => Self::PastTrouble,
        };
        Self::of_family(spec.group).unwrap_or_else(of_outcome)
    }

    /// The group of a whole family; none of the outcomes, whose features are told with what they are outcomes of.
    fn of_family(group: Group) -> Option<Self> {
        match group {
            Group::Size => Some(Self::Size),
            Group::Kind => Some(Self::Place),
            Group::KeyEdits | Group::Key => Some(Self::Settings),
            Group::Author | Group::Ownership => Some(Self::Experience),
            Group::File | Group::Partner => Some(Self::FilePast),
            Group::Context | Group::Time => Some(Self::Moment),
            Group::Message => Some(Self::Wording),
            Group::Custom => Some(Self::Custom),
            Group::Outcomes => None,
        }
    }
}

/// What a feature of the outcomes counts the outcomes of. The schema has one family for all of them: here, and nowhere
/// else, the first word of their names tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OutcomeOf {
    /// Changes of the author.
    Author,
    /// Changes from the author's mail domain.
    Domain,
    /// Changes that are described alike: by template, first words or title.
    Description,
    /// The very same edit.
    Edit,
    /// Changes that use these words.
    Words,
    /// Files, directories, keys and tickets, and what was learned of everything.
    Rest,
}

impl OutcomeOf {
    /// None for a feature of another family.
    pub(super) fn of(spec: &FeatureSpec) -> Option<Self> {
        let first_word = spec.name.split('_').next().filter(|_| spec.group == Group::Outcomes)?;
        Some(match first_word {
            "author" => Self::Author,
            "domain" => Self::Domain,
            "template" | "first" | "title" => Self::Description,
            "edit" => Self::Edit,
            "token" => Self::Words,
            _ => Self::Rest,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_outcome_is_one_of_something() {
        let n_of = |wanted: OutcomeOf| {
            schema().features.iter().filter(|spec| OutcomeOf::of(spec) == Some(wanted)).count()
        };
        let all =
            [OutcomeOf::Author, OutcomeOf::Domain, OutcomeOf::Description, OutcomeOf::Edit, OutcomeOf::Words];
        assert_eq!(all.map(n_of), [6, 1, 8, 1, 10], "a new feature belongs to one of them, or to the rest");
        let is_of_the_rest = |spec: &FeatureSpec| OutcomeOf::of(spec) == Some(OutcomeOf::Rest);
        assert!(
            schema().spec("file_bad").is_some_and(is_of_the_rest)
                && !schema().spec("size_files").is_some_and(is_of_the_rest)
        );
    }

    #[test]
    fn a_family_and_its_features_are_in_the_same_group() {
        for spec in &schema().features {
            assert_eq!(Group::of_name(spec.group.as_str()), Some(spec.group));
            let contribution = Contribution {
                feature: spec.name.into(),
                group: spec.group.as_str().into(),
                value: None,
                contribution: 1.0,
            };
            let group = ReaderGroup::of_contribution(&contribution);
            assert_eq!(group, ReaderGroup::of_feature(spec.name), "{}", spec.name);
        }
        assert_eq!(Group::of_name(Group::Custom.as_str()), Some(Group::Custom));
    }
}
