//! Who may ask for what: bearer keys, their file, and the layer that checks them.
//!
//! A key is 256 random bits; the file holds only its SHA-256. All hashes are compared in constant
//! time. Revoking a key takes effect within a second, because the file is watched.

mod bearer;
mod file;
mod rate;
mod watch;

pub use bearer::Caller;
pub(super) use bearer::{authenticate, identify, scope};
pub use file::{KeyEntry, KeyError, KeyFile, Scope};
pub(super) use rate::Rates;
pub(super) use watch::KeyRing;
