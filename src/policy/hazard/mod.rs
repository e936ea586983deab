//! Built-in hazard rules: edits that are dangerous however small the score, because a change may be too
//! rare for any model to have learned.
//!
//! A rule looks at one typed key edit at a time, or at one file, and answers yes or no; where the edit
//! stands (production, a test environment) is told from the key, the path and the request. Rules raise
//! a decision and never lower it; each can be switched off by name. Values, no I/O, linear in the size
//! of the change. Start reading at [`find_hazards`]; the rules lie in the files by subject.

mod access;
mod around;
mod bytes;
mod capacity;
mod command;
mod edit;
mod exposure;
mod found;
mod guards;
mod holding;
mod hosts;
mod layout;
mod line;
mod order;
mod owners;
mod pipeline;
mod place;
mod reading;
mod rollout;
mod rule;
mod safety;
mod schedule;
mod secrecy;
mod shown;
mod sought;
mod sql;
mod statement;
mod target;
mod template;
mod text_around;
mod turn;
mod unread;
mod values;
mod warned;
mod watching;
mod weakened;
mod words;

pub use found::{Hazard, Spot, find_hazards};
pub use rule::{HazardRule, Sphere, hazard_rules};

#[cfg(test)]
mod tests;
