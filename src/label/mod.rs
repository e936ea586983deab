//! The label module.
