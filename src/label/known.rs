//! When a label may be known: the as-of rules.

/// How long after landing an unplanned revert still counts: 14 days.
pub const STRICT_HORIZON_SECONDS: i64 = 14 * 86_400;

/// The moment from which a change without outcome counts as a strict negative.
pub fn strict_negative_known_at(committed_at: i64) -> i64 {
    committed_at.saturating_add(STRICT_HORIZON_SECONDS)
}

/// The moment from which a change without outcome counts as no incident's cause: the larger of 14
/// days and the time that nine of ten links took.
pub fn incident_negative_known_at(committed_at: i64, link_delay_p90: Option<i64>) -> i64 {
    committed_at.saturating_add(STRICT_HORIZON_SECONDS.max(link_delay_p90.unwrap_or(0)))
}

/// The 90th percentile (nearest rank: the smallest value that at least 90 % do not exceed) of the
/// seconds from landing to link; none without links.
pub fn link_delay_p90(mut delays: Vec<i64>) -> Option<i64> {
    delays.sort_unstable();
    let rank = (delays.len() * 9).div_ceil(10);
    delays.get(rank.checked_sub(1)?).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 86_400;

    #[test]
    fn a_strict_negative_is_known_after_fourteen_days() {
        assert_eq!(strict_negative_known_at(1000), 1000 + 14 * DAY);
    }

    #[test]
    fn an_incident_negative_waits_as_long_as_nine_of_ten_links_took() {
        assert_eq!(incident_negative_known_at(0, None), 14 * DAY);
        assert_eq!(incident_negative_known_at(0, Some(3 * DAY)), 14 * DAY);
        assert_eq!(incident_negative_known_at(0, Some(30 * DAY)), 30 * DAY);
    }

    #[test]
    fn the_p90_is_the_nearest_rank() {
        assert_eq!(link_delay_p90(vec![]), None);
        assert_eq!(link_delay_p90(vec![5]), Some(5));
        assert_eq!(link_delay_p90((1..=10).rev().collect()), Some(9));
        assert_eq!(link_delay_p90((1..=11).collect()), Some(10));
    }
}
