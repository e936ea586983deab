//! Gauss–Legendre quadrature on `[0, 1]`.

/// `M` nodes: exact for polynomials of degree `2 M - 1`.
#[derive(Clone, Debug)]
pub(super) struct Quadrature<const M: usize> {
    pub(super) nodes: [f64; M],
    pub(super) weights: [f64; M],
    /// `1 / (1 - node)`.
    pub(super) inverse_rest: [f64; M],
}

impl<const M: usize> Quadrature<M> {
    /// Nodes by Newton's method on the Legendre polynomial, weights `2 / ((1 - x²) P'(x)²)` (Abramowitz
    /// and Stegun 25.4.29), both moved from `[-1, 1]` to `[0, 1]`.
    pub(super) fn new() -> Self {
        let mut quadrature = Self { nodes: [0.0; M], weights: [0.0; M], inverse_rest: [0.0; M] };
        for idx in 0..M {
            let mut x = (std::f64::consts::PI * (idx as f64 + 0.75) / (M as f64 + 0.5)).cos();
            for _ in 0..50 {
                let (value, slope) = legendre(M, x);
                x -= value / slope;
            }
            let (_, slope) = legendre(M, x);
            quadrature.nodes[idx] = 0.5 * (1.0 + x);
            quadrature.weights[idx] = 1.0 / ((1.0 - x * x) * slope * slope);
            quadrature.inverse_rest[idx] = 2.0 / (1.0 - x);
        }
        quadrature
    }
}

/// Value and slope of the Legendre polynomial of degree `n`.
fn legendre(n: usize, x: f64) -> (f64, f64) {
    let (mut before, mut value) = (1.0, x);
    for k in 2..=n {
        let k = k as f64;
        (before, value) = (value, ((2.0 * k - 1.0) * x * value - (k - 1.0) * before) / k);
    }
    (value, n as f64 * (x * value - before) / (x * x - 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check<const M: usize>() {
        let quadrature = Quadrature::<M>::new();
        for degree in 0..2 * M {
            let terms = quadrature.nodes.iter().zip(&quadrature.weights);
            let sum: f64 = terms.map(|(x, w)| w * x.powi(degree as i32)).sum();
            assert!((sum - 1.0 / (degree + 1) as f64).abs() < 1e-13, "{M} nodes, degree {degree}");
        }
    }

    #[test]
    fn it_is_exact_for_its_degree() {
        check::<2>();
        check::<4>();
        check::<8>();
        check::<16>();
        check::<32>();
    }
}
