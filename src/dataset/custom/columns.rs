//! Joins the custom columns of two sets of rows: a feature that one side lacks is unknown there, never 0.

use crate::dataset::{FeatureColumn, Rows};
use crate::features::is_custom;

impl Rows {
    /// Adds every custom feature that other rows have and these do not; its values are unknown here.
    pub fn add_custom_features(&mut self, other: &Self) {
        for feature in other.features.iter().filter(|feature| is_custom(&feature.name)) {
            if self.feature(&feature.name).is_none() {
                let values = vec![f32::NAN; self.n_rows()];
                let (name, revision) = (feature.name.clone(), feature.revision);
                self.features.push(FeatureColumn { name, revision, values });
            }
        }
    }
}
