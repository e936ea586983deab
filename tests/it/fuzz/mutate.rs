//! Inputs made of other inputs: bits flipped, pieces moved, doubled, cut or spliced, words of the format put in.

use rand_core::{RngCore, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

/// Longest input, beside the longest seed.
const MAX_BYTES: usize = 64 << 10;
/// Inputs that are kept to be changed further.
const MAX_KEPT: usize = 64;

/// Numbers and bytes that parsers stumble over, whatever the format.
const ODD: &[&str] = &[
    "0", "-1", "1e999", "-0.0", "NaN", "2147483648", "18446744073709551616", "0.1e-400", "\0", "\u{feff}",
    "\u{202e}", "é", "😀", "\r\n", "\t", "\"", "'", "\\", "\\u0000", "\\ud800", "{", "}", "[", "]", "{}",
    "[[[[[[[[", "]]]]]]]]", "(((((((((", ",,", "::", "null", "true", " ", "\n\n", "%", "$", "#",
];

/// Draws inputs from a few seeds; the same at every run with the same number.
pub(super) struct Mutator {
    dice: Xoshiro256PlusPlus,
    kept: Vec<Vec<u8>>,
    words: Vec<&'static str>,
    max_bytes: usize,
}

impl Mutator {
    pub(super) fn new(seeds: &[&'static [u8]], words: &[&'static str], number: u64) -> Self {
        let kept = seeds.iter().map(|seed| seed.to_vec()).collect();
        let words = words.iter().chain(ODD).copied().collect();
        let max_bytes =
            seeds.iter().map(|seed| seed.len() + seed.len() / 4).max().unwrap_or(0).max(MAX_BYTES);
        Self { max_bytes, dice: Xoshiro256PlusPlus::seed_from_u64(number), kept, words }
    }

    fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.dice.next_u64() % n.max(1) as u64).unwrap()
    }

    /// The next input: one of the kept ones, changed one to eight times.
    pub(super) fn draw(&mut self) -> Vec<u8> {
        let pick = self.below(self.kept.len());
        let mut input = self.kept[pick].clone();
        for _ in 0..=self.below(8) {
            self.change(&mut input);
        }
        input.truncate(self.max_bytes);
        input
    }

    /// Keeps an input that got further than most, in the place of an older one; seeds stay.
    pub(super) fn keep(&mut self, input: Vec<u8>, n_seeds: usize) {
        if self.kept.len() < MAX_KEPT {
            self.kept.push(input);
        } else {
            let place = n_seeds + self.below(MAX_KEPT - n_seeds);
            self.kept[place] = input;
        }
    }

    fn change(&mut self, input: &mut Vec<u8>) {
        let at = self.below(input.len());
        let end = (at + 1 + self.below(40)).min(input.len());
        match self.below(11) {
            0 | 1 if !input.is_empty() => input[at] ^= 1 << self.below(8),
            2 if !input.is_empty() => input[at] = self.below(256) as u8,
            3 => drop(input.drain(at..end)),
            4 => {
                let piece = input[at..end].to_vec();
                let times = 1 + self.below(50);
                let to = self.below(input.len());
                input.splice(to..to, piece.repeat(times));
            }
            5 => input.truncate(at),
            6 => {
                let pick = self.below(self.kept.len());
                let other = self.kept[pick].clone();
                let from = self.below(other.len());
                input.splice(at..end, other[from..].iter().copied());
            }
            7 => {
                let lines: Vec<Vec<u8>> = input.split(|b| *b == b'\n').map(<[u8]>::to_vec).collect();
                let (one, two) = (self.below(lines.len()), self.below(lines.len()));
                let mut lines = lines;
                lines.swap(one, two);
                *input = lines.join(&b'\n');
            }
            8 => {
                let pick = self.below(self.words.len());
                input.splice(at..end, self.words[pick].bytes());
            }
            _ => {
                let pick = self.below(self.words.len());
                let times = if self.below(20) == 0 { 1 + self.below(3_000) } else { 1 };
                input.splice(at..at, self.words[pick].repeat(times).into_bytes());
            }
        }
    }
}
