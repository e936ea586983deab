//! The train module.
