use crate::label::{ChangeKind, LabelSource};

/// Every kind, for reading.
const KINDS: [ChangeKind; 4] =
    [ChangeKind::Ordinary, ChangeKind::PlannedRoundTrip, ChangeKind::Revert, ChangeKind::Rollback];

/// Every source, for reading.
const SOURCES: [LabelSource; 3] = [LabelSource::Incident, LabelSource::Revert, LabelSource::Outcome];

/// The word of a kind on disk.
pub(super) fn kind_word(kind: ChangeKind) -> &'static str {
    match kind {
        ChangeKind::Ordinary => "ordinary",
        ChangeKind::PlannedRoundTrip => "planned_round_trip",
        ChangeKind::Revert => "revert",
        ChangeKind::Rollback => "rollback",
    }
}

/// The kind of a word; none for a word that is not known.
pub(super) fn kind_of(word: &str) -> Option<ChangeKind> {
    KINDS.into_iter().find(|kind| kind_word(*kind) == word)
}

/// The word of a source on disk.
pub(super) fn source_word(source: LabelSource) -> &'static str {
    match source {
        LabelSource::Incident => "incident",
        LabelSource::Revert => "revert",
        LabelSource::Outcome => "outcome",
    }
}

/// The source of a word; none for a word that is not known.
pub(super) fn source_of(word: &str) -> Option<LabelSource> {
    SOURCES.into_iter().find(|source| source_word(*source) == word)
}
