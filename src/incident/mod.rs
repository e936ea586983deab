//! What went wrong, who said so, and who owns what: incident links, reported outcomes, owners.
//!
//! Owns the records and their loaders (CSV, JSON lines; Parquet comes in through
//! [`from_records`]). A file is taken whole or not at all. Never decides what is positive: that is
//! the label module's. Start reading at [`IncidentLink`].

mod codeowners;
mod error;
mod fields;
mod load;
mod owners;
mod record;

pub use error::{BadRecord, Error};
pub use fields::{OUTCOME_KEYS, from_records};
pub use load::{
    IncidentFile, IncidentReader, load_incidents, load_outcomes, parse_incidents_csv, parse_incidents_jsonl,
    parse_outcomes,
};
pub use owners::Owners;
pub use record::{IncidentLink, LinkKind, OutcomeKind, OutcomeRecord, OutcomeTarget};
