//! The versioned, self-describing model file and the registry of them.
//!
//! Owns the [`Document`] (everything a score depends on), its directory on disk with checksums, and
//! the [`Registry`]. A directory that differs in any way from what was written is refused; nothing
//! in it is ever executed. Start reading at [`Artifact::load`].

mod check;
mod directory;
mod document;
mod published;
mod registry;
mod sample;

pub use directory::{Artifact, Error};
pub use document::{
    Document, FORMAT, FeatureRef, Golden, Guard, MIXED, PriorRef, Scoring, Source, TABLE, Twin, TwinKind,
    Twins,
};
pub use published::published;
pub use registry::{ModelName, Registry};
pub use sample::DigestSample;
