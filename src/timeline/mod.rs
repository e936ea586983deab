//! The timeline module.
