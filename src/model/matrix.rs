//! What learners take: columns of numbers in which NaN is unknown, and labels with weights. Nothing here knows what a column
//! means.

use crate::model::Error;

/// Feature values, column by column; NaN is an unknown value.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Matrix {
    /// Number of rows of every column.
    pub n_rows: usize,
    /// One vector of `n_rows` values per feature.
    pub columns: Vec<Vec<f32>>,
}

/// What is to be predicted: a label and a weight per row.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Target {
    /// The labels.
    pub y: Vec<bool>,
    /// The weights, finite and at least 0.
    pub weight: Vec<f64>,
}

impl Matrix {
    /// Checks that all columns are of one length.
    ///
    /// # Errors
    /// [`Error::Empty`] without a column, [`Error::RowMismatch`] for unequal lengths.
    pub fn new(columns: Vec<Vec<f32>>) -> Result<Self, Error> {
        let n_rows = columns.first().ok_or(Error::Empty("columns"))?.len();
        let matrix = Self { n_rows, columns };
        matrix.check()?;
        Ok(matrix)
    }

    /// Number of features.
    pub fn n_columns(&self) -> usize {
        self.columns.len()
    }

    /// Copies one row.
    pub fn row(&self, row: usize) -> Vec<f32> {
        self.columns.iter().map(|column| column[row]).collect()
    }

    /// The given rows, in the given order.
    pub fn select_rows(&self, rows: &[usize]) -> Self {
        let pick = |column: &Vec<f32>| rows.iter().map(|&row| column[row]).collect();
        Self { n_rows: rows.len(), columns: self.columns.iter().map(pick).collect() }
    }

    /// The given columns, in the given order.
    pub fn select_columns(&self, columns: &[usize]) -> Self {
        let columns = columns.iter().map(|&column| self.columns[column].clone()).collect();
        Self { n_rows: self.n_rows, columns }
    }

    /// Refuses unequal columns and infinite values.
    pub(crate) fn check(&self) -> Result<(), Error> {
        if self.columns.is_empty() {
            return Err(Error::Empty("columns"));
        }
        for (idx, column) in self.columns.iter().enumerate() {
            same_rows(|| format!("column {idx}"), column.len(), self.n_rows)?;
            if let Some(row) = column.iter().position(|value| value.is_infinite()) {
                return Err(Error::Infinite { column: idx, row });
            }
        }
        Ok(())
    }
}

impl Target {
    /// Labels of equal weight.
    pub fn unweighted(y: Vec<bool>) -> Self {
        Self { weight: vec![1.0; y.len()], y }
    }

    /// Labels from numbers, of equal weight.
    ///
    /// # Errors
    /// [`Error::Label`] for anything but 0 and 1, NaN included.
    pub fn from_numbers(labels: &[f64]) -> Result<Self, Error> {
        let mut y = Vec::with_capacity(labels.len());
        for (row, &value) in labels.iter().enumerate() {
            match value {
                0.0 => y.push(false),
                1.0 => y.push(true),
                _ => return Err(Error::Label { row, value }),
            }
        }
        Ok(Self::unweighted(y))
    }

    /// The given rows, in the given order.
    pub fn select_rows(&self, rows: &[usize]) -> Self {
        Self {
            y: rows.iter().map(|&row| self.y[row]).collect(),
            weight: rows.iter().map(|&row| self.weight[row]).collect(),
        }
    }

    /// Number of positives that carry a weight.
    pub fn n_positive(&self) -> usize {
        self.y.iter().zip(&self.weight).filter(|&(&y, &weight)| y && weight > 0.0).count()
    }

    /// Weighted share of positives, kept away from 0 and 1 by half a row.
    pub fn base_rate(&self) -> f64 {
        let (positive, total) = self.weight_sums();
        (positive + 0.5) / (total + 1.0)
    }

    /// Weight of the positives, and of all rows.
    pub(crate) fn weight_sums(&self) -> (f64, f64) {
        let mut sums = (0.0, 0.0);
        for (&y, &weight) in self.y.iter().zip(&self.weight) {
            sums.0 += if y { weight } else { 0.0 };
            sums.1 += weight;
        }
        sums
    }

    /// Refuses rows that do not fit `n_rows`, bad weights and a single class.
    pub(crate) fn check(&self, n_rows: usize) -> Result<(), Error> {
        same_rows(|| "target".to_owned(), self.y.len(), n_rows)?;
        same_rows(|| "weight".to_owned(), self.weight.len(), n_rows)?;
        if n_rows == 0 {
            return Err(Error::Empty("rows"));
        }
        for (row, &value) in self.weight.iter().enumerate() {
            if !(value.is_finite() && value >= 0.0) {
                return Err(Error::Weight { row, value });
            }
        }
        let (positive, total) = self.weight_sums();
        match (positive > 0.0, total > positive) {
            (true, true) => Ok(()),
            (false, false) => Err(Error::Empty("weight")),
            (is_positive, _) => Err(Error::OneClass(is_positive)),
        }
    }
}

fn same_rows(what: impl Fn() -> String, found: usize, expected: usize) -> Result<(), Error> {
    if found == expected { Ok(()) } else { Err(Error::RowMismatch { what: what(), found, expected }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unequal_columns_are_refused_by_name() {
        let error = Matrix::new(vec![vec![1.0, 2.0], vec![1.0]]).unwrap_err();
        assert_eq!(error.to_string(), "column 1 has 1 rows, expected 2");
        assert_eq!(Matrix::new(vec![]).unwrap_err(), Error::Empty("columns"));
        let error = Matrix::new(vec![vec![1.0, f32::INFINITY]]).unwrap_err();
        assert_eq!(error, Error::Infinite { column: 0, row: 1 });
    }

    #[test]
    fn labels_that_are_not_numbers_are_refused() {
        assert!(matches!(Target::from_numbers(&[0.0, f64::NAN]), Err(Error::Label { row: 1, .. })));
        assert!(matches!(Target::from_numbers(&[0.5]), Err(Error::Label { row: 0, .. })));
        assert_eq!(Target::from_numbers(&[0.0, 1.0]).unwrap().y, [false, true]);
    }

    #[test]
    fn targets_name_what_is_wrong() {
        let check =
            |y: &[bool], weight: &[f64], n| Target { y: y.to_vec(), weight: weight.to_vec() }.check(n);
        assert_eq!(check(&[true, false], &[1.0, 1.0], 2), Ok(()));
        assert_eq!(check(&[true, true], &[1.0, 1.0], 2), Err(Error::OneClass(true)));
        assert_eq!(check(&[true, false], &[0.0, 1.0], 2), Err(Error::OneClass(false)));
        assert_eq!(check(&[], &[], 0), Err(Error::Empty("rows")));
        assert!(matches!(check(&[true], &[1.0], 2), Err(Error::RowMismatch { .. })));
        assert!(matches!(check(&[true, false], &[1.0, f64::NAN], 2), Err(Error::Weight { row: 1, .. })));
    }
}
