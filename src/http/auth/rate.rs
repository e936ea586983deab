//! How many requests a key may send a second. Nothing is counted where no limit is configured.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// A token bucket a key: full at one second's worth.
pub struct Rates {
    per_second: Option<u32>,
    buckets: Mutex<HashMap<String, Bucket>>,
}

struct Bucket {
    tokens: f64,
    at: Instant,
}

/// What a caller is told about its rate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::http) struct Rate {
    pub(in crate::http) per_second: u32,
    pub(in crate::http) remaining: u32,
    pub(in crate::http) is_allowed: bool,
}

impl Rates {
    pub(in crate::http) fn new(per_second: Option<u32>) -> Self {
        Self { per_second, buckets: Mutex::default() }
    }

    /// Takes one token of a key; none where there is no limit.
    pub(in crate::http) fn take(&self, name: &str, now: Instant) -> Option<Rate> {
        let per_second = self.per_second?;
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let full = f64::from(per_second);
        let bucket = buckets.entry(name.to_owned()).or_insert(Bucket { tokens: full, at: now });
        let elapsed = now.saturating_duration_since(bucket.at).as_secs_f64();
        bucket.tokens = (bucket.tokens + elapsed * full).min(full);
        bucket.at = now;
        let is_allowed = bucket.tokens >= 1.0;
        if is_allowed {
            bucket.tokens -= 1.0;
        }
        // A bucket holds at most `per_second` tokens, so its whole part fits.
        Some(Rate { per_second, remaining: bucket.tokens.floor() as u32, is_allowed })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_bucket_refills_with_time_and_belongs_to_one_key() {
        let rates = Rates::new(Some(2));
        let start = Instant::now();
        let allowed =
            |name, after| rates.take(name, start + Duration::from_millis(after)).unwrap().is_allowed;
        assert!(allowed("a", 0) && allowed("a", 0) && !allowed("a", 0));
        assert!(allowed("b", 0));
        assert!(!allowed("a", 400) && allowed("a", 500) && !allowed("a", 501));
        // Who has waited long may not send more at once for it.
        assert!(allowed("a", 60_000) && allowed("a", 60_000) && !allowed("a", 60_000));
        assert!(Rates::new(None).take("a", start).is_none());
    }
}
