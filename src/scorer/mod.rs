//! The scorer module.
