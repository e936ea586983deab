//! The artifact module.
