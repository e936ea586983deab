//! The artifact that the binary carries, so that it scores with no file beside it. Checked once, at first use, as any other.

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

use crate::artifact::directory::{Artifact, Error};

/// The embedded texts: those of the artifact that `models/default` names, held to it by a test.
const MODEL: &str = include_str!("../../models/diffrisk-config/dab05c9d5bfb/model.json");
const CARD: &str = include_str!("../../models/diffrisk-config/dab05c9d5bfb/MODEL_CARD.md");
const TWINS: &str = include_str!("../../models/diffrisk-config/dab05c9d5bfb/twins.json");

/// The published artifact, embedded so that the binary scores with nothing beside it.
///
/// # Errors
/// [`Error::Refused`] where this build cannot use it.
pub fn published() -> Result<Arc<Artifact>, Error> {
    static PUBLISHED: OnceLock<Result<Arc<Artifact>, String>> = OnceLock::new();
    let read = || Artifact::from_parts(MODEL, CARD.to_owned(), Some(Cow::Borrowed(TWINS))).map(Arc::new);
    PUBLISHED.get_or_init(|| read().map_err(|err| err.to_string())).clone().map_err(Error::Refused)
}
