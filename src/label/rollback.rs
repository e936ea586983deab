//! Proof by diff that a change is the exact inverse of one that landed recently.

use serde::{Deserialize, Serialize};

/// The changes landed recently, as far as proving a rollback needs them.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Recent {}
