//! Metrics of order: ROC-AUC, average precision, capture at a share.

/// Rows sorted by falling score, in groups of equal scores.
///
/// Sorting once serves every metric and every bootstrap resample; a resample is a count per row.
#[derive(Clone, Debug)]
pub struct Ranking {
    order: Vec<u32>,
    /// End of each group of equal scores, as a position in `order`.
    group_ends: Vec<u32>,
    labels: Vec<bool>,
}

/// Rows and positives of one group of equal scores, and what stands before it.
#[derive(Clone, Copy, Debug, Default)]
struct Group {
    n: f64,
    n_pos: f64,
    n_before: f64,
    n_pos_before: f64,
}

impl Ranking {
    /// Sorts rows by falling score; `None` for no rows, unequal lengths or a score that is not a number.
    pub fn new(scores: &[f64], labels: &[bool]) -> Option<Self> {
        let n_rows = u32::try_from(scores.len()).ok()?;
        if n_rows == 0 || scores.len() != labels.len() || scores.iter().any(|s| s.is_nan()) {
            return None;
        }
        let mut order: Vec<u32> = (0..n_rows).collect();
        let score = |row: u32| scores[row as usize];
        order.sort_unstable_by(|&a, &b| score(b).total_cmp(&score(a)).then(a.cmp(&b)));
        let mut group_ends = Vec::new();
        for position in 1..=order.len() {
            // `==` and not `total_cmp`: -0.0 and 0.0 are one score.
            if position == order.len() || score(order[position]) != score(order[position - 1]) {
                group_ends.push(position as u32);
            }
        }
        Some(Self { order, group_ends, labels: labels.to_vec() })
    }

    /// Number of rows.
    pub fn n_rows(&self) -> usize {
        self.order.len()
    }

    /// Area under the ROC curve: the chance that a positive stands above a negative, ties half
    /// (Hanley and McNeil 1982).
    pub fn roc_auc(&self) -> Option<f64> {
        self.roc_auc_of(&mut self.groups(|_| 1.0))
    }

    /// [`Ranking::roc_auc`] of a resample that holds row `i` `counts[i]` times.
    pub fn roc_auc_resampled(&self, counts: &[u32]) -> Option<f64> {
        self.roc_auc_of(&mut self.groups(|row| f64::from(counts[row])))
    }

    /// Average precision: the sum of precision times the step in recall, groups of ties taken whole.
    pub fn pr_auc(&self) -> Option<f64> {
        pr_auc_of(&mut self.groups(|_| 1.0))
    }

    /// [`Ranking::pr_auc`] of a resample that holds row `i` `counts[i]` times.
    pub fn pr_auc_resampled(&self, counts: &[u32]) -> Option<f64> {
        pr_auc_of(&mut self.groups(|row| f64::from(counts[row])))
    }

    /// Share of all positives inside the riskiest `share` (0–1) of rows; ties and a broken row
    /// pro rata.
    pub fn capture(&self, share: f64) -> Option<f64> {
        capture_of(&mut self.groups(|_| 1.0), share * self.n_rows() as f64)
    }

    /// [`Ranking::capture`] of a resample that holds row `i` `counts[i]` times.
    pub fn capture_resampled(&self, share: f64, counts: &[u32]) -> Option<f64> {
        let n_rows: f64 = counts.iter().map(|&count| f64::from(count)).sum();
        capture_of(&mut self.groups(|row| f64::from(counts[row])), share * n_rows)
    }

    /// Mid-rank of every row among all, 0 (lowest score) to 1 (highest).
    pub fn mid_ranks(&self) -> Vec<f64> {
        let n_rows = self.n_rows() as f64;
        let mut ranks = vec![0.0; self.n_rows()];
        let mut start = 0;
        for &end in &self.group_ends {
            let end = end as usize;
            let rank = 1.0 - (start + end) as f64 / (2.0 * n_rows);
            for &row in &self.order[start..end] {
                ranks[row as usize] = rank;
            }
            start = end;
        }
        ranks
    }

    fn roc_auc_of(&self, groups: &mut dyn Iterator<Item = Group>) -> Option<f64> {
        let (mut area, mut n_pos, mut n_neg) = (0.0, 0.0, 0.0);
        for group in groups {
            let group_neg = group.n - group.n_pos;
            area += group_neg * (group.n_pos_before + 0.5 * group.n_pos);
            n_pos += group.n_pos;
            n_neg += group_neg;
        }
        (n_pos > 0.0 && n_neg > 0.0).then(|| area / (n_pos * n_neg))
    }

    fn groups<'a>(&'a self, count: impl Fn(usize) -> f64 + 'a) -> impl Iterator<Item = Group> + 'a {
        let (mut start, mut n_before, mut n_pos_before) = (0, 0.0, 0.0);
        self.group_ends.iter().map(move |&end| {
            let mut group = Group { n_before, n_pos_before, ..Group::default() };
            for &row in &self.order[start..end as usize] {
                let n = count(row as usize);
                group.n += n;
                group.n_pos += if self.labels[row as usize] { n } else { 0.0 };
            }
            start = end as usize;
            n_before += group.n;
            n_pos_before += group.n_pos;
            group
        })
    }
}

/// [`Ranking::roc_auc`] of one set of scores.
pub fn roc_auc(scores: &[f64], labels: &[bool]) -> Option<f64> {
    Ranking::new(scores, labels)?.roc_auc()
}

/// [`Ranking::pr_auc`] of one set of scores.
pub fn pr_auc(scores: &[f64], labels: &[bool]) -> Option<f64> {
    Ranking::new(scores, labels)?.pr_auc()
}

/// [`Ranking::capture`] of one set of scores.
pub fn capture(scores: &[f64], labels: &[bool], share: f64) -> Option<f64> {
    Ranking::new(scores, labels)?.capture(share)
}

/// The most that any order can capture: `share / base rate`, at most 1.
pub fn capture_cap(labels: &[bool], share: f64) -> Option<f64> {
    let n_pos = labels.iter().filter(|&&label| label).count() as f64;
    (n_pos > 0.0).then(|| (share * labels.len() as f64 / n_pos).min(1.0))
}

fn pr_auc_of(groups: &mut dyn Iterator<Item = Group>) -> Option<f64> {
    let (mut area, mut n_pos) = (0.0, 0.0);
    for group in groups.filter(|group| group.n > 0.0) {
        let precision = (group.n_pos_before + group.n_pos) / (group.n_before + group.n);
        area += precision * group.n_pos;
        n_pos += group.n_pos;
    }
    (n_pos > 0.0).then(|| area / n_pos)
}

fn capture_of(groups: &mut dyn Iterator<Item = Group>, n_gated: f64) -> Option<f64> {
    let (mut caught, mut n_pos) = (0.0, 0.0);
    for group in groups.filter(|group| group.n > 0.0) {
        let inside = ((n_gated - group.n_before) / group.n).clamp(0.0, 1.0);
        caught += inside * group.n_pos;
        n_pos += group.n_pos;
    }
    (n_pos > 0.0).then(|| caught / n_pos)
}

#[cfg(test)]
mod tests {
    use super::*;

    // Scores 4 3 3 2 1, labels 1 0 1 0 0: pairs (pos, neg) won 3 + .5 + 2 of 6.
    const SCORES: [f64; 5] = [4.0, 3.0, 3.0, 2.0, 1.0];
    const LABELS: [bool; 5] = [true, false, true, false, false];

    #[test]
    fn a_hand_worked_ranking_has_its_metrics() {
        assert_eq!(roc_auc(&SCORES, &LABELS), Some(5.5 / 6.0));
        // Steps: recall 0 → .5 at precision 1, .5 → 1 at precision 2/3.
        assert!((pr_auc(&SCORES, &LABELS).unwrap() - (0.5 + 0.5 * 2.0 / 3.0)).abs() < 1e-12);
        // 40 % of 5 = 2 rows: the first, and half of the tied pair that holds one positive.
        assert!((capture(&SCORES, &LABELS, 0.4).unwrap() - 0.75).abs() < 1e-12);
        assert_eq!(capture_cap(&LABELS, 0.2), Some(0.5));
    }

    #[test]
    fn ties_do_not_depend_on_the_order_of_rows() {
        let scores = [1.0, 1.0, 1.0, 1.0];
        for labels in [[true, false, false, false], [false, false, false, true]] {
            assert_eq!(roc_auc(&scores, &labels), Some(0.5));
            assert_eq!(pr_auc(&scores, &labels), Some(0.25));
            assert_eq!(capture(&scores, &labels, 0.1), Some(0.1));
        }
    }

    #[test]
    fn the_undefined_is_none() {
        assert_eq!(roc_auc(&[], &[]), None);
        assert_eq!(roc_auc(&[1.0, 2.0], &[true, true]), None);
        assert_eq!(roc_auc(&[1.0, f64::NAN], &[true, false]), None);
        assert_eq!(roc_auc(&[1.0], &[true, false]), None);
        assert_eq!(pr_auc(&[1.0, 2.0], &[false, false]), None);
        assert_eq!(capture(&[1.0, 2.0], &[false, false], 0.5), None);
        assert_eq!(capture_cap(&[false], 0.5), None);
    }

    #[test]
    fn a_resample_equals_the_rows_written_out() {
        let ranking = Ranking::new(&SCORES, &LABELS).unwrap();
        let counts = [2, 0, 1, 1, 3];
        let scores = [4.0, 4.0, 3.0, 2.0, 1.0, 1.0, 1.0];
        let labels = [true, true, true, false, false, false, false];
        assert_eq!(ranking.roc_auc_resampled(&counts), roc_auc(&scores, &labels));
        assert_eq!(ranking.pr_auc_resampled(&counts), pr_auc(&scores, &labels));
        assert_eq!(ranking.capture_resampled(0.2, &counts), capture(&scores, &labels, 0.2));
    }

    #[test]
    fn mid_ranks_share_ties() {
        let ranking = Ranking::new(&SCORES, &LABELS).unwrap();
        let expected = [0.9, 0.6, 0.6, 0.3, 0.1];
        for (rank, expected) in ranking.mid_ranks().iter().zip(expected) {
            assert!((rank - expected).abs() < 1e-12);
        }
    }
}
