//! Random text of a class, the same at every run.

use rand_core::{RngCore, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

pub(super) struct Dice(Xoshiro256PlusPlus);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(Xoshiro256PlusPlus::seed_from_u64(seed))
    }

    pub(super) fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.0.next_u64() % (n as u64)).expect("below a usize")
    }

    /// So many bytes of a class: `a`, `u`, `l`, `h`, `b`, `w` or `n`.
    pub(super) fn text(&mut self, class: char, len: usize) -> String {
        const UPPER: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
        const LOWER: &str = "abcdefghijklmnopqrstuvwxyz";
        const DIGITS: &str = "0123456789";
        let bytes = match class {
            'a' => [UPPER, LOWER, DIGITS].concat(),
            'u' => [UPPER, DIGITS].concat(),
            'l' => [LOWER, DIGITS].concat(),
            'h' => "0123456789abcdef".to_owned(),
            'b' => [UPPER, LOWER, DIGITS, "+/"].concat(),
            'w' => [UPPER, LOWER, DIGITS, "-_"].concat(),
            'n' => DIGITS.to_owned(),
            other => panic!("no class `{other}`"),
        };
        (0..len).map(|_| char::from(bytes.as_bytes()[self.below(bytes.len())])).collect()
    }
}
