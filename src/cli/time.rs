use jiff::Timestamp;

/// A moment for people and programs: RFC 3339 in UTC.
pub fn utc(unix_seconds: i64) -> String {
    Timestamp::from_second(unix_seconds).map_or_else(|_| unix_seconds.to_string(), |t| t.to_string())
}
