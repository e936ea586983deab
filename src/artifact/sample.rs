//! Knows a source's history again under another root, by a sample of its changes' digests. Holds no path, no author and no
//! line. Start at [`DigestSample::has_more_than`].

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// Digests that a sample holds at most.
const MAX_LEN: usize = 4_096;
/// Hexadecimal digits of a digest that count: 48 bits, which JSON holds exactly as a number.
const N_DIGITS: usize = 12;
/// Shared digests below which a share means nothing: one alone may be two people's same first file.
const MIN_SHARED: usize = 2;
/// Standard deviations that a share of a sample must lie above a limit.
const N_DEVIATIONS: f64 = 3.0;

/// A sample of the digests of one source's changes, by which its history is known again under another
/// root: a fork that was squashed, or a directory that moved out. Kept are the digests that `one_in`
/// divides, so what two histories share is kept of both or of neither (FracMinHash: Irber et al. 2022,
/// "Lightweight compositional analysis of metagenomes with FracMinHash and minimum metagenome covers").
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DigestSample {
    /// Root commit of the source.
    pub root: String,
    /// One digest in so many is kept, a power of two.
    pub one_in: u64,
    /// The first 48 bits of the kept ones, rising.
    pub digests: Vec<u64>,
}

impl DigestSample {
    /// The sample of a source's digests, each `sha256:` and 64 hexadecimal digits; others are passed over.
    pub fn new<'a>(root: &str, digests: impl Iterator<Item = &'a str>) -> Self {
        let mut kept: BTreeSet<u64> = digests.filter_map(number).collect();
        let mut one_in = 1;
        while kept.len() > MAX_LEN {
            one_in *= 2;
            kept.retain(|number| number.is_multiple_of(one_in));
        }
        Self { root: root.to_owned(), one_in, digests: kept.into_iter().collect() }
    }

    /// Whether the source has more than this share (0 to 1) of other distinct digests, judged on those that
    /// this sample would have kept. Where it did not keep all, the count must lie three Poisson deviations
    /// above the share, so that chance makes no history of two. One shared digest alone never counts.
    pub fn has_more_than<'a>(&self, share: f64, digests: impl Iterator<Item = &'a str>) -> bool {
        let is_kept = |number: &u64| number.is_multiple_of(self.one_in);
        let asked: BTreeSet<u64> = digests.filter_map(number).filter(is_kept).collect();
        let n_shared = asked.iter().filter(|number| self.digests.binary_search(number).is_ok()).count();
        let expected = share * asked.len() as f64;
        let chance = if self.one_in == 1 { 0.0 } else { N_DEVIATIONS * expected.sqrt() };
        n_shared >= MIN_SHARED && n_shared as f64 > expected + chance
    }
}

fn number(digest: &str) -> Option<u64> {
    let digits = digest.strip_prefix("sha256:")?.get(..N_DIGITS)?;
    u64::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use sha2::{Digest, Sha256};

    use super::DigestSample;

    fn digests(range: std::ops::Range<u32>) -> Vec<String> {
        range.map(|n| format!("sha256:{}", hex::encode(Sha256::digest(n.to_le_bytes())))).collect()
    }

    fn has_more_than(sample: &DigestSample, share: f64, digests: &[String]) -> bool {
        sample.has_more_than(share, digests.iter().map(String::as_str))
    }

    #[test]
    fn a_sample_is_bounded_and_tells_a_fork_from_chance() {
        let whole = digests(0..40_000);
        let sample = DigestSample::new("root", whole.iter().map(String::as_str));
        assert!((1_024..=4_096).contains(&sample.digests.len()), "{}", sample.digests.len());
        assert!(has_more_than(&sample, 0.5, &whole[..20_000]));
        assert!(!has_more_than(&sample, 0.01, &digests(40_000..80_000)));
        assert!(has_more_than(&sample, 0.01, &digests(38_000..58_000)));
        assert!(!has_more_than(&sample, 0.01, &digests(39_900..59_900)));
    }

    #[test]
    fn a_whole_sample_counts_exactly_and_one_change_alone_is_no_shared_history() {
        let sample = DigestSample::new("root", digests(0..50).iter().map(String::as_str));
        assert_eq!(sample.one_in, 1);
        assert!(!has_more_than(&sample, 0.01, &digests(49..60)));
        assert!(has_more_than(&sample, 0.19, &digests(48..58)));
        assert!(!has_more_than(&sample, 0.2, &digests(48..58)));
        assert!(!has_more_than(&sample, 0.0, &["no digest".to_owned()]));
    }
}
