//! Fits the logistic learner by Newton steps on standardised columns, with products of columns where they are asked for.
//! Start at [`fit`].

use crate::model::logistic::{Logistic, LogisticColumn, LogisticParams, LogisticProduct, read};
use crate::model::solve::{Symmetric, dot};
use crate::model::{Error, Matrix, Target, logit, sigmoid, softplus};

/// The optimum is reached when no weight moves more than this.
const STEP_TOLERANCE: f64 = 1e-9;
/// Most columns whose products are read: products grow with the square of the columns, and the time of a fit with the square of
/// the products for every row.
const MAX_CROSSED: usize = 20;
/// Rows whose outer products are added in one pass over the Hessian.
const BLOCK: usize = 4;

/// Rows standardised, row by row, the constant 1 last.
struct Design<'a> {
    width: usize,
    values: Vec<f64>,
    target: &'a Target,
    c: f64,
}

pub(super) fn fit(params: &LogisticParams, matrix: &Matrix, target: &Target) -> Result<Logistic, Error> {
    let mut columns: Vec<LogisticColumn> = Vec::with_capacity(matrix.n_columns());
    for (idx, values) in matrix.columns.iter().enumerate() {
        let log = params.log_columns.get(idx).copied().unwrap_or(false);
        columns.push(moments(values, &target.weight, log));
    }
    let mut products = match params.products {
        true => products(matrix, target, &columns, &crossed(params, matrix, target, &columns)?),
        false => Vec::new(),
    };
    let design = Design::new(params, matrix, target, (&columns, &products));
    let weights = design.optimum(params.max_steps)?;
    let (linear, bent) = weights.split_at(columns.len());
    for (column, &weight) in columns.iter_mut().zip(linear) {
        column.weight = weight;
    }
    for (product, &weight) in products.iter_mut().zip(bent) {
        product.weight = weight;
    }
    Ok(Logistic { intercept: bent[products.len()], clip: params.clip, columns, products })
}

/// The columns whose products are read, in order: all, or those that weigh most in a fit without products.
fn crossed(
    params: &LogisticParams,
    matrix: &Matrix,
    target: &Target,
    columns: &[LogisticColumn],
) -> Result<Vec<usize>, Error> {
    let mut idxs: Vec<usize> = (0..columns.len()).collect();
    if columns.len() > MAX_CROSSED {
        let line = Design::new(params, matrix, target, (columns, &[])).optimum(params.max_steps)?;
        idxs.sort_by(|&a, &b| line[b].abs().total_cmp(&line[a].abs()));
        idxs.truncate(MAX_CROSSED);
        idxs.sort_unstable();
    }
    Ok(idxs)
}

/// Every square and every product of two of some columns, with its moments; constant ones are left out.
fn products(
    matrix: &Matrix,
    target: &Target,
    columns: &[LogisticColumn],
    crossed: &[usize],
) -> Vec<LogisticProduct> {
    let readings = |&idx: &usize| -> (usize, Vec<f64>) {
        (idx, matrix.columns[idx].iter().map(|&value| read(value, columns[idx].log)).collect())
    };
    let values: Vec<(usize, Vec<f64>)> = crossed.iter().map(readings).collect();
    let mut products = Vec::new();
    for (n_before, (left, left_values)) in values.iter().enumerate() {
        for (right, right_values) in values.iter().take(n_before + 1) {
            let known = || {
                let products = left_values.iter().zip(right_values).map(|(left, right)| left * right);
                products.zip(&target.weight).filter(|(product, _)| !product.is_nan())
            };
            let total: f64 = known().map(|(_, weight)| weight).sum();
            let mean = known().map(|(product, weight)| weight * product).sum::<f64>() / total;
            let squares = known().map(|(product, weight)| weight * (product - mean).powi(2));
            let deviation = (squares.sum::<f64>() / total).sqrt();
            // Also false where nothing is known.
            if deviation > 1e-9 * mean.abs().max(1e-9) {
                let (left, right) = (*left as u32, *right as u32);
                products.push(LogisticProduct { left, right, mean, deviation, weight: 0.0 });
            }
        }
    }
    products
}

/// Weighted mean and deviation of the known values; a constant column gets deviation 1.
fn moments(values: &[f32], weights: &[f64], log: bool) -> LogisticColumn {
    let known = || values.iter().zip(weights).filter(|(value, _)| !value.is_nan());
    let total: f64 = known().map(|(_, weight)| weight).sum();
    let mut column = LogisticColumn { log, mean: 0.0, deviation: 1.0, weight: 0.0 };
    if total > 0.0 {
        column.mean = known().map(|(&value, weight)| weight * read(value, log)).sum::<f64>() / total;
        let squares = known().map(|(&value, weight)| weight * (read(value, log) - column.mean).powi(2));
        let deviation = (squares.sum::<f64>() / total).sqrt();
        // Rounding leaves a trace of deviation on a constant column.
        if deviation > 1e-9 * column.mean.abs().max(1e-9) {
            column.deviation = deviation;
        }
    }
    column
}

impl<'a> Design<'a> {
    fn new(
        params: &LogisticParams,
        matrix: &Matrix,
        target: &'a Target,
        (columns, products): (&[LogisticColumn], &[LogisticProduct]),
    ) -> Self {
        let width = columns.len() + products.len() + 1;
        let mut values = vec![1.0; matrix.n_rows * width];
        for (idx, (column, raw)) in columns.iter().zip(&matrix.columns).enumerate() {
            for (row, &value) in raw.iter().enumerate() {
                values[row * width + idx] = column.standardise(value, params.clip);
            }
        }
        let mut readings = vec![0.0; columns.len()];
        for (idx, row) in values.chunks_exact_mut(width).enumerate().filter(|_| !products.is_empty()) {
            for ((reading, column), raw) in readings.iter_mut().zip(columns).zip(&matrix.columns) {
                *reading = read(raw[idx], column.log);
            }
            for (slot, product) in row[columns.len()..].iter_mut().zip(products) {
                *slot = product.standardise(&readings, params.clip);
            }
        }
        Self { width, values, target, c: params.c }
    }

    /// Newton's method with step halving from the base rate.
    fn optimum(&self, max_steps: usize) -> Result<Vec<f64>, Error> {
        let mut weights = vec![0.0; self.width];
        weights[self.width - 1] = logit(self.target.base_rate());
        let mut objective = self.objective(&weights);
        for _ in 0..max_steps {
            let step = self.newton_step(&weights).ok_or(Error::Diverged("logistic"))?;
            let largest = step.iter().fold(0.0_f64, |largest, entry| largest.max(entry.abs()));
            let Some((next, next_objective)) = self.descend(&weights, &step, objective) else { break };
            (weights, objective) = (next, next_objective);
            if largest < STEP_TOLERANCE {
                break;
            }
        }
        let finite = weights.iter().all(|weight| weight.is_finite());
        if finite { Ok(weights) } else { Err(Error::Diverged("logistic")) }
    }

    fn descend(&self, weights: &[f64], step: &[f64], objective: f64) -> Option<(Vec<f64>, f64)> {
        let mut length = 1.0;
        for _ in 0..20 {
            let next: Vec<f64> =
                weights.iter().zip(step).map(|(weight, step)| weight + length * step).collect();
            let next_objective = self.objective(&next);
            if next_objective <= objective {
                return Some((next, next_objective));
            }
            length *= 0.5;
        }
        None
    }

    fn rows(&self) -> impl Iterator<Item = (&[f64], bool, f64)> {
        let labels = self.target.y.iter().zip(&self.target.weight);
        self.values.chunks_exact(self.width).zip(labels).map(|(row, (&y, &weight))| (row, y, weight))
    }

    fn objective(&self, weights: &[f64]) -> f64 {
        let loss = |(row, y, weight): (&[f64], bool, f64)| {
            let margin = dot(row, weights);
            weight * softplus(if y { -margin } else { margin })
        };
        let slopes = &weights[..self.width - 1];
        0.5 * dot(slopes, slopes) + self.c * self.rows().map(loss).sum::<f64>()
    }

    /// Solves `Hessian · step = -gradient`.
    fn newton_step(&self, weights: &[f64]) -> Option<Vec<f64>> {
        let mut hessian = Symmetric::zeros(self.width);
        let mut descent = vec![0.0; self.width];
        let mut curvatures = Vec::with_capacity(self.target.y.len());
        for (row, y, weight) in self.rows() {
            let probability = sigmoid(dot(row, weights));
            let residual = self.c * weight * (f64::from(u8::from(y)) - probability);
            descent.iter_mut().zip(row).for_each(|(entry, value)| *entry += residual * value);
            curvatures.push(self.c * weight * probability * (1.0 - probability));
        }
        self.add_curvature(&mut hessian, &curvatures);
        for (idx, weight) in weights[..self.width - 1].iter().enumerate() {
            hessian.row_mut(idx)[idx] += 1.0;
            descent[idx] -= weight;
        }
        // A constant far from the data keeps the intercept's curvature above 0.
        hessian.row_mut(self.width - 1)[self.width - 1] += 1e-12;
        hessian.solve(descent)
    }

    fn add_curvature(&self, hessian: &mut Symmetric, curvatures: &[f64]) {
        let blocks = self.values.chunks(BLOCK * self.width).zip(curvatures.chunks(BLOCK));
        for (rows, curvatures) in blocks {
            if curvatures.len() == BLOCK {
                self.add_block(hessian, rows, curvatures);
            } else {
                for (row, &curvature) in rows.chunks_exact(self.width).zip(curvatures) {
                    for i in 0..self.width {
                        let scale = curvature * row[i];
                        hessian
                            .row_mut(i)
                            .iter_mut()
                            .zip(row)
                            .for_each(|(entry, value)| *entry += scale * value);
                    }
                }
            }
        }
    }

    fn add_block(&self, hessian: &mut Symmetric, rows: &[f64], curvatures: &[f64]) {
        let (a, rest) = rows.split_at(self.width);
        let (b, rest) = rest.split_at(self.width);
        let (c, d) = rest.split_at(self.width);
        for i in 0..self.width {
            let scales =
                [curvatures[0] * a[i], curvatures[1] * b[i], curvatures[2] * c[i], curvatures[3] * d[i]];
            let entries = hessian.row_mut(i).iter_mut();
            for ((((entry, a), b), c), d) in entries.zip(a).zip(b).zip(c).zip(d) {
                *entry += (scales[0] * a + scales[1] * b) + (scales[2] * c + scales[3] * d);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data() -> (Matrix, Target) {
        let x = vec![0.0, 1.0, 2.0, 3.0, f32::NAN, 5.0];
        let y = [0.0, 0.0, 1.0, 0.0, 1.0, 1.0];
        (Matrix::new(vec![x, vec![7.0; 6]]).unwrap(), Target::from_numbers(&y).unwrap())
    }

    #[test]
    fn the_gradient_vanishes_at_the_optimum() {
        let (matrix, target) = data();
        let params = LogisticParams { c: 0.7, ..LogisticParams::default() };
        let model = params.check().unwrap().fit(&matrix, &target).unwrap();
        let mut gradient = [model.columns[0].weight, 0.0];
        for row in 0..6 {
            let z = model.columns[0].standardise(matrix.columns[0][row], 6.0);
            let residual = sigmoid(model.margin(&matrix.row(row))) - f64::from(u8::from(target.y[row]));
            gradient[0] += 0.7 * residual * z;
            gradient[1] += 0.7 * residual;
        }
        assert!(gradient[0].abs() < 1e-9 && gradient[1].abs() < 1e-9, "{gradient:?}");
        assert_eq!(model.columns[1].weight, 0.0, "a constant says nothing");
    }

    #[test]
    fn weights_count_as_repeated_rows() {
        let (matrix, mut target) = data();
        target.weight[2] = 3.0;
        let params = LogisticParams::default().check().unwrap();
        let weighted = params.fit(&matrix, &target).unwrap();
        let rows = [0, 1, 2, 2, 2, 3, 4, 5];
        let repeated = Target { weight: vec![1.0; 8], ..target.select_rows(&rows) };
        let repeated = params.fit(&matrix.select_rows(&rows), &repeated).unwrap();
        let row = [2.5, 7.0];
        assert!((weighted.margin(&row) - repeated.margin(&row)).abs() < 1e-9);
    }

    #[test]
    fn contributions_and_base_are_the_margin() {
        let (matrix, target) = data();
        let model = LogisticParams::default().check().unwrap().fit(&matrix, &target).unwrap();
        let row = [1.5, f32::NAN];
        let mut out = [0.0; 2];
        let base = model.contributions(&row, &mut out);
        assert!((base + out[0] + out[1] - model.margin(&row)).abs() < 1e-12);
        assert_eq!(out[1], 0.0, "an unknown value adds nothing");
    }

    #[test]
    fn of_many_columns_only_those_that_weigh_most_work_together() {
        let label = |row: usize| row.is_multiple_of(2);
        let noise = |column: usize, row: usize| ((row * (column + 3)) % 7) as f32;
        let column = |column: usize| -> Vec<f32> {
            let telling = |row: usize| if column == 24 && label(row) { 9.0 } else { 0.0 };
            (0..210).map(|row| noise(column, row) + telling(row)).collect()
        };
        let labels: Vec<f64> = (0..210).map(|row| f64::from(u8::from(label(row)))).collect();
        let matrix = Matrix::new((0..25).map(column).collect()).unwrap();
        let target = Target::from_numbers(&labels).unwrap();
        let params = LogisticParams { products: true, ..LogisticParams::default() };
        let model = params.check().unwrap().fit(&matrix, &target).unwrap();
        assert_eq!(model.products.len(), MAX_CROSSED * (MAX_CROSSED + 1) / 2);
        assert!(model.products.iter().any(|product| (product.left, product.right) == (24, 24)));
        model.check().unwrap();
    }

    #[test]
    fn products_see_what_no_line_can_and_add_up() {
        let corners = [(-1.0, -1.0), (-1.0, 1.0), (1.0, -1.0), (1.0, 1.0)];
        let row = |n: usize| corners[n % 4];
        let (x, y): (Vec<f32>, Vec<f32>) = (0..40).map(row).unzip();
        let labels: Vec<f64> = (0..40).map(|n| f64::from(u8::from(row(n).0 * row(n).1 > 0.0))).collect();
        let (matrix, target) = (Matrix::new(vec![x, y]).unwrap(), Target::from_numbers(&labels).unwrap());
        let fit = |products| {
            let params = LogisticParams { products, ..LogisticParams::default() };
            params.check().unwrap().fit(&matrix, &target).unwrap()
        };
        let (line, bent) = (fit(false), fit(true));
        assert!(line.margin(&[1.0, 1.0]).abs() < 1e-9 && line.products.is_empty());
        assert!(bent.margin(&[1.0, 1.0]) > 1.0 && bent.margin(&[1.0, -1.0]) < -1.0);
        assert_eq!(bent.products.len(), 1, "squares of corners are constant");
        let mut out = [0.0; 2];
        let base = bent.contributions(&[1.0, -1.0], &mut out);
        assert!((base + out[0] + out[1] - bent.margin(&[1.0, -1.0])).abs() < 1e-12);
        bent.check().unwrap();
    }
}
