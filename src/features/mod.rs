//! What the model sees of a change: one small definition a feature, grouped in families.
//!
//! Owns the [`Schema`] and the [`Extractor`]. A feature reads the change and the history *before*
//! it, through [`Facts`]; it never sees a label, a clock or a file. Unknown is NaN, never zero.
//! Custom features
//! (`x.…`) are computed by others; only the rule for their names is here. Start reading at [`Extractor::vector`]; the families are the files `size`, `keys`, `author`, ….

mod author;
mod context;
mod custom;
mod extract;
mod facts;
mod file;
mod key_history;
mod keys;
mod kind;
mod line;
mod message;
mod outcome;
mod partner;
mod schema;
mod size;
mod spread;
mod time;
mod tokens;

pub use custom::{CUSTOM_PREFIX, CUSTOM_REVISION, CustomNameError, check_custom_name, is_custom};
pub use extract::{Extracted, Extractor};
pub use facts::Facts;
pub use schema::{FeatureSpec, Group, Schema, Trend, Unit, schema};
