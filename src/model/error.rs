//! Why a learner does not fit or a fitted one is refused, naming the parameter, column or row and what was expected.

/// Why a learner does not fit, or a fitted one is refused.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Error {
    /// A column, the labels or the weights have another number of rows than the matrix.
    #[error("{what} has {found} rows, expected {expected}")]
    RowMismatch {
        /// What was counted.
        what: String,
        /// Its rows.
        found: usize,
        /// Rows of the matrix.
        expected: usize,
    },
    /// There is nothing to learn from.
    #[error("no {0} to learn from")]
    Empty(&'static str),
    /// Fewer rows than the parameters can use.
    #[error("{found} rows are too few to learn from, expected at least {expected}")]
    TooFewRows {
        /// Rows given.
        found: usize,
        /// Rows needed.
        expected: usize,
    },
    /// More rows or columns than the format can hold.
    #[error("{found} {what} are too many, at most {limit}")]
    TooMany {
        /// Rows or columns.
        what: &'static str,
        /// Number given.
        found: usize,
        /// Number allowed.
        limit: usize,
    },
    /// All labels are equal (among rows with a weight).
    #[error("every label that one fit learns from is `{0}`, expected both classes")]
    OneClass(bool),
    /// A label that is neither 0 nor 1.
    #[error("label `{value}` of row {row} is neither 0 nor 1")]
    Label {
        /// The row.
        row: usize,
        /// What was found.
        value: f64,
    },
    /// A weight that is negative or not finite.
    #[error("weight `{value}` of row {row} is not a finite number of at least 0")]
    Weight {
        /// The row.
        row: usize,
        /// What was found.
        value: f64,
    },
    /// An infinite feature; unknown values are NaN.
    #[error("column {column} is infinite in row {row}")]
    Infinite {
        /// The column.
        column: usize,
        /// The row.
        row: usize,
    },
    /// A parameter outside its range.
    #[error("parameter `{name}` is `{value}`, expected {expected}")]
    Parameter {
        /// Its name.
        name: &'static str,
        /// What was given.
        value: String,
        /// What is allowed.
        expected: &'static str,
    },
    /// A margin that is not finite, given to a calibrator or to start from.
    #[error("margin `{value}` of row {row} is not finite")]
    Margin {
        /// The row.
        row: usize,
        /// What was found.
        value: f64,
    },
    /// A fitted learner whose structure is damaged.
    #[error("malformed {what}: {problem}")]
    Malformed {
        /// Which learner and where.
        what: String,
        /// What is wrong.
        problem: String,
    },
    /// The optimisation met numbers it cannot go on with.
    #[error("{0} did not converge to finite numbers")]
    Diverged(&'static str),
}

impl Error {
    pub(crate) fn malformed(what: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Malformed { what: what.into(), problem: problem.into() }
    }

    pub(crate) fn parameter(name: &'static str, value: impl ToString, expected: &'static str) -> Self {
        Self::Parameter { name, value: value.to_string(), expected }
    }
}

/// Refuses a parameter unless `holds`.
pub(crate) fn require(
    holds: bool,
    name: &'static str,
    value: impl ToString,
    expected: &'static str,
) -> Result<(), Error> {
    if holds { Ok(()) } else { Err(Error::parameter(name, value, expected)) }
}
