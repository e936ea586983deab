//! The explain module.
