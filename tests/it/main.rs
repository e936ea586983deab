//! Every integration test is a module of this one binary.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod dataset;
mod git_walk;
mod learners;
mod postgres;
mod store;
