//! Everything that must hold of a document before it may score: layout, lengths, bounds, golden rows recomputed.
//! Every refusal says what is wrong; nothing is mended. Start at `Document::check`.

use crate::artifact::directory::Error;
use crate::artifact::document::{Document, FORMAT, Golden, Scoring, Twins};

impl Document {
    /// Refuses a document that does not hold together: layout, schema hash, structure of every member,
    /// quantiles, and golden rows whose answers this build does not reproduce to the last bit.
    ///
    /// # Errors
    /// [`Error::Refused`] says what is wrong.
    pub fn check(&self) -> Result<(), Error> {
        if self.format != FORMAT {
            return refuse(format!("its format is `{}`, this build reads `{FORMAT}`", self.format));
        }
        if self.schema_hash != schema_hash(self.schema.iter().map(|f| (f.name.as_str(), f.revision))) {
            return refuse("its schema hash does not belong to its schema".to_owned());
        }
        if self.schema.len() != self.scoring.ensemble.n_features {
            return refuse("its schema and its model have different lengths".to_owned());
        }
        if !self.guard.ranges.is_empty() && self.guard.ranges.len() != self.schema.len() {
            return refuse("its guard and its schema have different lengths".to_owned());
        }
        self.scoring.check()?;
        if self.golden.is_empty() {
            return refuse("it has no golden rows".to_owned());
        }
        self.golden.iter().enumerate().try_for_each(|(idx, golden)| self.check_golden(idx, golden))
    }

    fn check_golden(&self, idx: usize, golden: &Golden) -> Result<(), Error> {
        if golden.vector.len() != self.schema.len() {
            return refuse(format!("golden row {idx} has another length than its schema"));
        }
        let (margin, score) = self.scoring.score(&golden.row(), &golden.tokens);
        let same = margin.to_bits() == golden.margin.to_bits() && score.to_bits() == golden.score.to_bits();
        if same {
            Ok(())
        } else {
            refuse(format!("golden row {idx} scores `{score}` instead of `{}`", golden.score))
        }
    }
}

impl Scoring {
    pub(super) fn check(&self) -> Result<(), Error> {
        self.ensemble.check().map_err(|err| Error::Refused(err.to_string()))?;
        self.calibrator.check().map_err(|err| Error::Refused(err.to_string()))?;
        let rising = self.quantiles.windows(2).all(|pair| pair[0] <= pair[1]);
        if self.quantiles.len() < 2 || !rising || self.quantiles.iter().any(|quantile| !quantile.is_finite())
        {
            return refuse("its quantiles are not rising numbers".to_owned());
        }
        if !(self.base_rate > 0.0 && self.base_rate < 1.0) {
            return refuse(format!("its base rate is `{}`", self.base_rate));
        }
        Ok(())
    }
}

impl Twins {
    /// Refuses twins that do not hold together with their document.
    ///
    /// # Errors
    /// [`Error::Refused`] says what is wrong.
    pub fn check(&self, document: &Document) -> Result<(), Error> {
        for twin in &self.twins {
            twin.scoring.check()?;
            if twin.scoring.ensemble.n_features != document.schema.len() {
                return refuse(format!("the twin without `{}` has another schema", twin.root));
            }
        }
        for sample in &self.samples {
            if sample.one_in == 0 || !sample.digests.is_sorted() {
                return refuse(format!("the sample of the source `{}` is no rising sample", sample.root));
            }
        }
        Ok(())
    }
}

/// SHA-256 over names and revisions, in hex.
pub(super) fn schema_hash<'a>(features: impl Iterator<Item = (&'a str, u32)>) -> String {
    use sha2::{Digest, Sha256};
    let mut hasher = Sha256::new();
    for (name, revision) in features {
        hasher.update(format!("{name}@{revision}\n"));
    }
    hex::encode(hasher.finalize())
}

fn refuse(why: String) -> Result<(), Error> {
    Err(Error::Refused(why))
}
