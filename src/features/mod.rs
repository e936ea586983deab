//! The features module.
