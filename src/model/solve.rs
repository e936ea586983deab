//! Symmetric positive definite systems.

/// A dense symmetric matrix, of which the lower triangle is kept row by row.
#[derive(Clone, Debug)]
pub(crate) struct Symmetric {
    size: usize,
    rows: Vec<f64>,
}

impl Symmetric {
    pub(crate) fn zeros(size: usize) -> Self {
        Self { size, rows: vec![0.0; size * size] }
    }

    /// The first `idx + 1` entries of row `idx`.
    pub(crate) fn row_mut(&mut self, idx: usize) -> &mut [f64] {
        &mut self.rows[idx * self.size..idx * self.size + idx + 1]
    }

    fn row(&self, idx: usize) -> &[f64] {
        &self.rows[idx * self.size..idx * self.size + idx + 1]
    }

    /// Solves `self x = right` in place by Cholesky's decomposition (Golub and Van Loan, 4.2).
    ///
    /// Returns `None` where the matrix is not positive definite.
    pub(crate) fn solve(mut self, mut right: Vec<f64>) -> Option<Vec<f64>> {
        self.factor()?;
        for i in 0..self.size {
            let row = self.row(i);
            let known: f64 = dot(&row[..i], &right[..i]);
            right[i] = (right[i] - known) / row[i];
        }
        for i in (0..self.size).rev() {
            let row = self.row(i);
            right[i] /= row[i];
            let solved = right[i];
            for (entry, factor) in right[..i].iter_mut().zip(row) {
                *entry -= solved * factor;
            }
        }
        Some(right)
    }

    fn factor(&mut self) -> Option<()> {
        for i in 0..self.size {
            for j in 0..=i {
                let known = dot(&self.row(i)[..j], &self.row(j)[..j]);
                let rest = self.row(i)[j] - known;
                let entry = if i == j { positive_root(rest)? } else { rest / self.row(j)[j] };
                self.row_mut(i)[j] = entry;
            }
        }
        Some(())
    }
}

pub(crate) fn dot(left: &[f64], right: &[f64]) -> f64 {
    let mut sums = [0.0; 4];
    let (left_blocks, right_blocks) = (left.chunks_exact(4), right.chunks_exact(4));
    let rest: f64 = left_blocks.remainder().iter().zip(right_blocks.remainder()).map(|(a, b)| a * b).sum();
    for (a, b) in left_blocks.zip(right_blocks) {
        for lane in 0..4 {
            sums[lane] += a[lane] * b[lane];
        }
    }
    (sums[0] + sums[1]) + (sums[2] + sums[3]) + rest
}

fn positive_root(value: f64) -> Option<f64> {
    (value.is_finite() && value > 0.0).then(|| value.sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hand_worked_system_is_solved() {
        // [4 2; 2 3] x = [10; 8] has x = [1.75; 1.5].
        let mut matrix = Symmetric::zeros(2);
        matrix.row_mut(0).copy_from_slice(&[4.0]);
        matrix.row_mut(1).copy_from_slice(&[2.0, 3.0]);
        let x = matrix.solve(vec![10.0, 8.0]).unwrap();
        assert!((x[0] - 1.75).abs() < 1e-12 && (x[1] - 1.5).abs() < 1e-12);
    }

    #[test]
    fn an_indefinite_matrix_is_refused() {
        let mut matrix = Symmetric::zeros(2);
        matrix.row_mut(0).copy_from_slice(&[1.0]);
        matrix.row_mut(1).copy_from_slice(&[2.0, 1.0]);
        assert!(matrix.solve(vec![1.0, 1.0]).is_none());
    }
}
