//! The dataset module.
