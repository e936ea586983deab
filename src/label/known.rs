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

/// The 90th percentile (nearest rank) of the seconds from landing to link; none without links.
pub fn link_delay_p90(mut delays: Vec<i64>) -> Option<i64> {
    delays.sort_unstable();
    let rank = (delays.len() * 9).div_ceil(10);
    delays.get(rank.checked_sub(1)?).copied()
}
