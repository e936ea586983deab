//! The evaluation module.
