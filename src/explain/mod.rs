//! What a reviewer is told about one decision: why, where in the diff, what went wrong before, what
//! would lower the risk.
//!
//! Owns the [`Explanation`], one plain value from which the page, the terminal, Markdown and SARIF are
//! all made, and the sentences in it. Adds nothing that the score did not say: groups are sums of the
//! model's own contributions, and every "without this" and "instead" is the same model asked again.
//! No I/O, no clock. Start reading at [`Explanation::of`], then
//! [`Explanation::with_grounds`].

mod alternative;
mod assemble;
mod diff;
mod edit;
mod grounds;
mod group;
mod hazards;
mod leading;
mod numbers;
mod odds;
mod partner;
mod phrase;
mod phrasebook;
mod render;
mod require;
mod rescore;
mod similar;
mod step;
mod value;
mod words;

pub use grounds::Grounds;
pub use group::ReaderGroup;
pub use numbers::{share_percent, span_hours, stage_said};
pub use odds::starting_point;
pub use phrase::{is_of_a_person, sentence};
pub use render::{Style, hazards_said, markdown, sarif, terminal};
pub use require::requirement;
pub use value::{
    Alternative, AlternativeKind, DiffExplanation, Direction, EditExplanation, Explanation, FileExplanation,
    GroupShare, HazardSpot, Headline, HunkExplanation, LeadingValue, PastOutcome, SimilarChange,
    SimilarChanges, WordShare,
};
