//! W3C trace context: a request belongs to its caller's trace, and says so in the logs and to a collector.

use axum::http::HeaderMap;

/// Where a request stands in a trace, in lower-case hex as on the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TraceContext {
    /// The id under which the request is found in the logs: the caller's, where it is an ordinary one.
    pub(super) request_id: String,
    /// The caller's trace, or one of its own.
    pub(super) trace_id: String,
    /// The caller's span; none where the caller named none.
    pub(super) parent_id: Option<String>,
    /// The span of this request.
    pub(super) span_id: String,
}

impl TraceContext {
    /// Reads `traceparent`; one that is malformed is as good as none, as the recommendation says.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let mut given = headers.get_all("traceparent").iter();
        let header = given.next().filter(|_| given.next().is_none()).and_then(|value| value.to_str().ok());
        let request_id = request_id(headers);
        // The first span of a trace may be called like a part of it.
        let own = fresh_id();
        let span_id = own[16..].to_owned();
        match header.and_then(parse) {
            Some((trace_id, parent_id)) => Self { request_id, trace_id, parent_id: Some(parent_id), span_id },
            None => Self { request_id, trace_id: own, parent_id: None, span_id },
        }
    }
}

fn request_id(headers: &HeaderMap) -> String {
    let given = headers.get("x-request-id").and_then(|value| value.to_str().ok());
    let is_ordinary = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b':' | b'/');
    let given = given.filter(|id| (1..=128).contains(&id.len()) && id.bytes().all(is_ordinary));
    given.map_or_else(crate::store::new_id, ToOwned::to_owned)
}

/// Trace and parent of a `traceparent` of version 00, or of a later one that begins like it.
fn parse(header: &str) -> Option<(String, String)> {
    let mut parts = header.trim().splitn(5, '-');
    let (version, trace_id, parent_id, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let is_whole = parts.next().is_none() || version != "00";
    let is_sound = is_hex(version, 2)
        && version != "ff"
        && is_hex(trace_id, 32)
        && is_hex(parent_id, 16)
        && is_hex(flags, 2)
        && is_whole;
    let is_some = |id: &str| id.bytes().any(|b| b != b'0');
    (is_sound && is_some(trace_id) && is_some(parent_id)).then(|| (trace_id.to_owned(), parent_id.to_owned()))
}

fn is_hex(text: &str, n_digits: usize) -> bool {
    text.len() == n_digits && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

/// 32 hex digits that nobody else has; the last 16 alone hold 62 random bits.
fn fresh_id() -> String {
    crate::store::new_id().replace('-', "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_sound_traceparent_is_followed() {
        let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
        let parent = "00f067aa0ba902b7";
        for (header, is_followed) in [
            (format!("00-{trace}-{parent}-01"), true),
            (format!("01-{trace}-{parent}-01-more"), true),
            (format!("00-{trace}-{parent}-01-more"), false),
            (format!("ff-{trace}-{parent}-01"), false),
            (format!("00-{}-{parent}-01", trace.to_uppercase()), false),
            (format!("00-{}-{parent}-01", "0".repeat(32)), false),
            (format!("00-{trace}-{}-01", "0".repeat(16)), false),
            (format!("00-{trace}-{parent}"), false),
            (String::new(), false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert("traceparent", header.parse().unwrap());
            let context = TraceContext::of(&headers);
            assert_eq!(context.trace_id == trace, is_followed, "{header}");
            assert_eq!(context.parent_id.is_some(), is_followed, "{header}");
            assert!(is_hex(&context.trace_id, 32) && is_hex(&context.span_id, 16));
        }
    }
}
