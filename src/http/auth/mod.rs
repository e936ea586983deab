//! Who may ask for what: bearer keys, their file, and the layer that checks them.
//!
//! A key is 256 random bits; the file holds only its SHA-256. All hashes are compared in constant
//! time. Revoking a key takes effect within a second, because the file is watched. Where no key is
//! needed, other people's sites are kept out by what a browser says of a request.

mod bearer;
mod file;
mod origin;
mod rate;
mod watch;

pub use bearer::Caller;
pub(super) use bearer::{Guard, admit, authorize, identify, shows_key, tell};
pub use file::{KeyEntry, KeyError, KeyFile, Scope};
pub(super) use file::{line_of, without_values};
pub(super) use origin::{check_host, is_own};
pub(super) use rate::Rates;
pub(super) use watch::KeyRing;
