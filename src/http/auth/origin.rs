//! Where a request comes from, as a browser says it: what stands for a key where no key is needed.
//!
//! Without a key file anybody on this machine may ask. A browser on it visits other people's sites, though:
//! one may post here ("simple" requests ask nobody first), or let its own name lead to 127.0.0.1 and then
//! read as well. Both say so themselves: the first by `Sec-Fetch-Site` or `Origin`, the second by `Host`.

use axum::http::uri::Authority;
use axum::http::{HeaderMap, Uri, header};

use crate::http::service::Service;
use crate::http::{ApiError, ProblemCode};

/// Refuses what another site made a browser send to a service without keys.
///
/// # Errors
/// [`ProblemCode::CrossSite`] where it is under a name of elsewhere, or sent by another site.
pub(in crate::http) fn check_local(service: &Service, headers: &HeaderMap) -> Result<(), ApiError> {
    check_host(service, headers)?;
    if service.key_ring.is_locked() || is_own(headers) {
        return Ok(());
    }
    let detail = "without a key file nothing is taken from another site's page";
    Err(ApiError::new(ProblemCode::CrossSite, detail))
}

/// Without keys, only this machine may ask: a name of elsewhere that leads here is a rebound one.
///
/// # Errors
/// [`ProblemCode::CrossSite`] under any name but `localhost` and loopback addresses.
pub(in crate::http) fn check_host(service: &Service, headers: &HeaderMap) -> Result<(), ApiError> {
    if service.key_ring.is_locked() || headers.get_all(header::HOST).iter().all(is_loopback) {
        return Ok(());
    }
    let detail = "without a key file the service answers to `localhost` and `127.0.0.1` only";
    Err(ApiError::new(ProblemCode::CrossSite, detail))
}

/// Whether the browser says that the request comes from this service's own pages, or that nobody's page sent it.
///
/// Browsers say where a request comes from: `Sec-Fetch-Site` on trustworthy addresses, `Origin` on all but
/// plain reads. A client that says neither is no browser, and carries nobody's cookie.
pub(in crate::http) fn is_own(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    match (text("sec-fetch-site"), text("origin")) {
        (Some(site), _) => site == "same-origin" || site == "none",
        (None, Some(origin)) => text("host").is_some_and(|host| has_host(origin, host)),
        (None, None) => true,
    }
}

fn is_loopback(host: &axum::http::HeaderValue) -> bool {
    let authority = host.to_str().unwrap_or("?").parse::<Authority>();
    authority.is_ok_and(|authority| {
        let name = authority.host();
        let address: Option<std::net::IpAddr> = name.trim_matches(['[', ']']).parse().ok();
        name.eq_ignore_ascii_case("localhost") || address.is_some_and(|address| address.is_loopback())
    })
}

fn has_host(origin: &str, host: &str) -> bool {
    let authority = origin.parse::<Uri>().ok().and_then(|uri| uri.authority().cloned());
    authority.is_some_and(|authority| authority.as_str().eq_ignore_ascii_case(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_compared_with_its_port() {
        assert!(has_host("http://127.0.0.1:8080", "127.0.0.1:8080"));
        assert!(!has_host("http://127.0.0.1:9090", "127.0.0.1:8080"));
        assert!(!has_host("null", "127.0.0.1:8080") && !has_host("http://evil.example", "127.0.0.1:8080"));
    }

    #[test]
    fn only_loopback_has_a_loopback_name() {
        for (host, is_here) in [
            ("localhost", true),
            ("LOCALHOST:8080", true),
            ("127.0.0.1:8080", true),
            ("127.8.8.8", true),
            ("[::1]:8080", true),
            ("evil.example", false),
            ("localhost.evil.example", false),
            ("127.0.0.1.evil.example:8080", false),
            ("127.0.0.1@evil.example", false),
            ("192.168.1.1", false),
            ("0.0.0.0:8080", false),
            ("[::ffff:10.0.0.1]", false),
            ("", false),
        ] {
            let value = axum::http::HeaderValue::from_static(host);
            assert_eq!(is_loopback(&value), is_here, "{host}");
        }
    }
}
