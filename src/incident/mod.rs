//! The incident module.
