//! Geometry of the drawings: whole units of a view box, so that a page is the same everywhere.

/// Width of every view box.
pub(super) const WIDTH: f64 = 1000.0;

/// One floating bar of a waterfall.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Bar {
    pub(super) x: u32,
    pub(super) width: u32,
    pub(super) is_up: bool,
    /// Where the sum stands after it.
    pub(super) end: u32,
}

/// The bars from a base through all steps, on one scale; also where the base stands.
pub(super) fn waterfall(base: f64, steps: &[f64]) -> (u32, Vec<Bar>) {
    let mut sums = vec![base];
    for step in steps {
        sums.push(sums.last().unwrap_or(&base) + step);
    }
    let scale = Scale::of(&sums);
    let bar = |pair: &[f64]| {
        let (start, end) = (scale.place(pair[0]), scale.place(pair[1]));
        let x = start.min(end);
        // A step too small to see is still there.
        Bar { x, width: start.abs_diff(end).max(3), is_up: pair[1] >= pair[0], end }
    };
    (scale.place(base), sums.windows(2).map(bar).collect())
}

/// A scale over finite values, with a little room on both sides.
struct Scale {
    low: f64,
    span: f64,
}

impl Scale {
    fn of(values: &[f64]) -> Self {
        let finite = || values.iter().copied().filter(|value| value.is_finite());
        let low = finite().fold(f64::INFINITY, f64::min);
        let high = finite().fold(f64::NEG_INFINITY, f64::max);
        let room = ((high - low) * 0.02).max(1e-9);
        Self { low: low - room, span: high - low + 2.0 * room }
    }

    fn place(&self, value: f64) -> u32 {
        // Not a number stands at 0; the rest is within the view box.
        (((value - self.low) / self.span).clamp(0.0, 1.0) * WIDTH).round() as u32
    }
}

/// A line through points of the unit square as an SVG path in a box of `size` units, y upward.
pub(super) fn path(points: &[(f64, f64)], size: f64) -> String {
    let mut path = String::new();
    let finite = points.iter().filter(|(x, y)| x.is_finite() && y.is_finite());
    for (idx, (x, y)) in finite.enumerate() {
        let letter = if idx == 0 { 'M' } else { 'L' };
        let (x, y) = (x.clamp(0.0, 1.0) * size, (1.0 - y.clamp(0.0, 1.0)) * size);
        path.push_str(&format!("{letter}{x:.0} {y:.0}"));
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_hang_together_from_base_to_margin() {
        let (base, bars) = waterfall(-4.0, &[1.5, -0.5, 1.0]);
        assert_eq!([bars[0].x, bars[1].x + bars[1].width], [base, bars[0].end]);
        assert_eq!([bars[2].x, bars[2].x + bars[2].width], [bars[1].end, bars[2].end]);
        assert_eq!(bars.iter().map(|bar| bar.is_up).collect::<Vec<_>>(), [true, false, true]);
        assert!(bars.iter().all(|bar| bar.x + bar.width <= 1000));
    }

    #[test]
    fn odd_numbers_draw_something() {
        let (base, bars) = waterfall(0.0, &[0.0, f64::NAN]);
        assert!(base <= 1000 && bars.len() == 2 && bars.iter().all(|bar| bar.width >= 3));
        assert_eq!(path(&[(0.0, 0.0), (f64::NAN, 1.0), (0.5, 2.0)], 100.0), "M0 100L50 0");
    }
}
