//! Gradient boosting from the first margin to the last tree: sampling, gradients, bags, early stopping. The same seed gives the
//! same trees with any number of threads. Start at [`fit`].

use rand_core::{RngCore, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::model::boosted::bins::{BinnedColumn, bin_columns};
use crate::model::boosted::grow::{Grower, Grown, Sample};
use crate::model::boosted::histogram::{Cell, Scale};
use crate::model::boosted::params::{Start, Validation};
use crate::model::boosted::tree::Tree;
use crate::model::boosted::{Boosted, BoostedParams};
use crate::model::{Error, Matrix, Target, logit, sigmoid, softplus};

/// Samples in a row that may bear no split before a bag ends.
const MAX_BARREN: usize = 20;

/// What all bags share.
struct Shared<'a> {
    params: &'a BoostedParams,
    columns: Vec<BinnedColumn>,
    /// Columns with more than one bin.
    features: Vec<usize>,
    /// Rows that carry a weight.
    rows: Vec<u32>,
    target: &'a Target,
    base: f64,
    /// Margins to start from instead of the base.
    offsets: Option<&'a [f64]>,
    watch: Option<Watch<'a>>,
}

/// Validation rows, row by row.
struct Watch<'a> {
    rows: Vec<Vec<f32>>,
    target: &'a Target,
}

/// The state of one bag.
struct Bag<'a> {
    shared: &'a Shared<'a>,
    rng: Xoshiro256PlusPlus,
    margins: Vec<f64>,
    cells: Vec<Cell>,
    trees: Vec<Tree>,
}

pub(super) fn fit(
    params: &BoostedParams,
    matrix: &Matrix,
    target: &Target,
    start: Start<'_>,
) -> Result<Boosted, Error> {
    let columns = bin_columns(matrix, params.max_bins);
    let has_split = |&idx: &usize| columns[idx].n_cells() > 1;
    let shared = Shared {
        params,
        features: (0..columns.len()).filter(has_split).collect(),
        rows: (0..matrix.n_rows as u32).filter(|&row| target.weight[row as usize] > 0.0).collect(),
        columns,
        target,
        base: if let Start::Offsets(_) = start { 0.0 } else { logit(target.base_rate()) },
        offsets: if let Start::Offsets(offsets) = start { Some(offsets) } else { None },
        watch: if let Start::Watched(validation) = start { Some(Watch::new(validation)) } else { None },
    };
    let mut trees = shared.all_bags();
    let share = 1.0 / params.n_bags as f32;
    if params.n_bags > 1 {
        trees.iter_mut().flat_map(|tree| &mut tree.leaves).for_each(|leaf| leaf.value *= share);
    }
    Ok(Boosted::of(matrix.n_columns(), shared.base, trees))
}

impl Shared<'_> {
    /// Trees of all bags, in the order of bags whatever the number of threads.
    fn all_bags(&self) -> Vec<Tree> {
        let n_threads = self.params.n_threads.min(self.params.n_bags);
        let mut bags: Vec<Vec<Tree>> = vec![Vec::new(); self.params.n_bags];
        if n_threads == 1 {
            bags.iter_mut().enumerate().for_each(|(idx, trees)| *trees = self.bag(idx));
        } else {
            std::thread::scope(|scope| {
                let per_thread = self.params.n_bags.div_ceil(n_threads);
                for (thread_idx, slots) in bags.chunks_mut(per_thread).enumerate() {
                    scope.spawn(move || {
                        for (idx, trees) in slots.iter_mut().enumerate() {
                            *trees = self.bag(thread_idx * per_thread + idx);
                        }
                    });
                }
            });
        }
        bags.into_iter().flatten().collect()
    }

    fn bag(&self, bag_idx: usize) -> Vec<Tree> {
        let n_rows = self.target.y.len();
        let seed = self.params.seed.wrapping_add((bag_idx as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let bag = Bag {
            shared: self,
            rng: Xoshiro256PlusPlus::seed_from_u64(seed),
            margins: self.offsets.map_or_else(|| vec![self.base; n_rows], <[f64]>::to_vec),
            cells: vec![Cell::default(); n_rows],
            trees: Vec::with_capacity(self.params.n_trees),
        };
        bag.run()
    }

    fn is_sampling(&self) -> bool {
        self.params.row_fraction < 1.0 || self.params.feature_fraction < 1.0
    }
}

impl Bag<'_> {
    fn run(mut self) -> Vec<Tree> {
        let mut grower = Grower::new(self.shared.params, &self.shared.columns);
        let mut stopping = self.shared.watch.as_ref().map(|watch| Stopping::new(watch, self.shared.base));
        let mut n_barren = 0;
        for _ in 0..self.shared.params.n_trees {
            let grown = self.grow_one(&mut grower);
            if grown.tree.nodes.is_empty() {
                n_barren += 1;
                if !self.shared.is_sampling() || n_barren > MAX_BARREN {
                    break;
                }
                continue;
            }
            n_barren = 0;
            self.trees.push(grown.tree);
            if let (Some(stopping), Some(tree)) = (&mut stopping, self.trees.last()) {
                stopping.watch(tree);
                if self.trees.len() >= stopping.best_n_trees + self.shared.params.early_stopping_rounds {
                    break;
                }
            }
        }
        if let Some(stopping) = stopping {
            self.trees.truncate(stopping.best_n_trees);
        }
        self.trees
    }

    fn grow_one(&mut self, grower: &mut Grower<'_>) -> Grown {
        let scale = self.differentiate();
        let features = self.sample_features();
        let mut rows = self.sample_rows();
        let mut sample = Sample { features: &features, rows: &mut rows, cells: &self.cells, scale };
        let grown = grower.grow(&mut sample);
        if rows.len() == self.shared.rows.len() {
            for (leaf, positions) in grown.tree.leaves.iter().zip(&grown.leaf_rows) {
                let value = f64::from(leaf.value);
                rows[positions.clone()].iter().for_each(|&row| self.margins[row as usize] += value);
            }
        } else {
            for &row in &self.shared.rows {
                self.margins[row as usize] += grown.predict_binned(&self.shared.columns, row as usize);
            }
        }
        grown
    }

    /// First and second derivative of the weighted log-loss by each margin.
    fn differentiate(&mut self) -> Scale {
        let target = self.shared.target;
        let rows = self.margins.iter().zip(&target.y).zip(&target.weight);
        let derivatives: Vec<(f64, f64)> = rows
            .map(|((&margin, &y), &weight)| {
                let probability = sigmoid(margin);
                let gradient = weight * (probability - f64::from(u8::from(y)));
                (gradient, weight * probability * (1.0 - probability))
            })
            .collect();
        let gradients: f64 = derivatives.iter().map(|(gradient, _)| gradient.abs()).sum();
        let hessians: f64 = derivatives.iter().map(|(_, hessian)| hessian).sum();
        let scale = Scale::new(gradients, hessians);
        for (cell, (gradient, hessian)) in self.cells.iter_mut().zip(derivatives) {
            *cell = scale.cell(gradient, hessian);
        }
        scale
    }

    fn sample_features(&mut self) -> Vec<usize> {
        let features = &self.shared.features;
        let n_wanted = (self.shared.params.feature_fraction * features.len() as f64).ceil() as usize;
        self.draw(features, n_wanted)
    }

    fn sample_rows(&mut self) -> Vec<u32> {
        let rows = &self.shared.rows;
        let n_wanted = (self.shared.params.row_fraction * rows.len() as f64).round() as usize;
        self.draw(rows, n_wanted.max(1))
    }

    /// Draws without replacement, keeping the order (Knuth, selection sampling).
    fn draw<T: Copy>(&mut self, items: &[T], n_wanted: usize) -> Vec<T> {
        if n_wanted >= items.len() {
            return items.to_vec();
        }
        let mut drawn = Vec::with_capacity(n_wanted);
        for (idx, &item) in items.iter().enumerate() {
            let (n_left, n_missing) = ((items.len() - idx) as u64, (n_wanted - drawn.len()) as u64);
            let ticket = (u128::from(self.rng.next_u64()) * u128::from(n_left)) >> 64;
            if (ticket as u64) < n_missing {
                drawn.push(item);
            }
        }
        drawn
    }
}

impl<'a> Watch<'a> {
    fn new(validation: Validation<'a>) -> Self {
        let rows = (0..validation.matrix.n_rows).map(|row| validation.matrix.row(row)).collect();
        Self { rows, target: validation.target }
    }
}

/// Log-loss of the validation rows, tree by tree.
struct Stopping<'a> {
    watch: &'a Watch<'a>,
    margins: Vec<f64>,
    best_loss: f64,
    best_n_trees: usize,
    n_trees: usize,
}

impl<'a> Stopping<'a> {
    fn new(watch: &'a Watch<'a>, base: f64) -> Self {
        let margins = vec![base; watch.rows.len()];
        let mut stopping = Self { watch, margins, best_loss: f64::INFINITY, best_n_trees: 0, n_trees: 0 };
        stopping.best_loss = stopping.loss();
        stopping
    }

    fn watch(&mut self, tree: &Tree) {
        for (margin, row) in self.margins.iter_mut().zip(&self.watch.rows) {
            *margin += tree.predict(row);
        }
        self.n_trees += 1;
        let loss = self.loss();
        if loss < self.best_loss {
            (self.best_loss, self.best_n_trees) = (loss, self.n_trees);
        }
    }

    fn loss(&self) -> f64 {
        let rows = self.margins.iter().zip(&self.watch.target.y).zip(&self.watch.target.weight);
        rows.map(|((&margin, &y), &weight)| weight * softplus(if y { -margin } else { margin })).sum()
    }
}
