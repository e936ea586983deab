//! The history module.
