//! Rows and labels on disk, tables of other people's numbers, and splits over time.
//!
//! Owns the Parquet form of mined [`Rows`], the reader for plain [`Table`]s (CSV, gzipped CSV,
//! Parquet), the values of custom features ([`CustomValues`]), time-ordered [`Split`]s and the digest of a dataset. The only home of polars: no frame
//! leaves this module, its callers see plain vectors. Never fits anything and never decides what a
//! label means. Start reading at [`Row`], then [`Rows::read_parquet`].

mod custom;
mod digest;
mod error;
mod frame;
mod known;
mod parquet;
mod read;
mod records;
mod row;
mod split;
mod table;
mod write;

#[cfg(test)]
mod tests;

pub use custom::{BadLine, CustomValues, CustomVector};
pub use digest::Digest;
pub use error::Error;
pub use known::{LabelTask, Standing, standings};
#[cfg(test)]
pub(crate) use read::empty_row;
pub use records::{Record, read_records};
pub use row::{FeatureColumn, Metadata, Row, RowOutcome, Rows, RowsBuilder};
pub use split::{Split, SplitError};
pub use table::{LeftOut, MIN_POSITIVES, Table, TableOptions};
