//! The sample: a small configuration repository with two years of invented history, so that the
//! whole main job can be tried without any repository at hand.
//!
//! The same bytes every time: fixed dates, fixed seed, no clock. What goes wrong in it follows from
//! kinds of edits, services, newness, hours and earlier trouble, with much noise; `datasets/README.md`
//! is its data sheet. Start reading at [`write_sample`]; `story` is the plot.

mod dice;
mod people;
mod proposals;
mod start;
mod story;
mod tree;
mod work;
mod write;

pub use proposals::Proposal;
pub use write::{Sample, SampleError, write_sample};

#[cfg(test)]
mod tests;
