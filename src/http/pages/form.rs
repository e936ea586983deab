//! Names and values of a query string or of a form.

use axum::body::{Body, to_bytes};

use crate::http::config::Limits;
use crate::http::percent::{escape, unescape};
use crate::http::{ApiError, ProblemCode};

/// A form has a few short fields.
const MAX_BYTES: usize = 16 << 10;

/// What a person filled in; a name that is not there has the empty value.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    /// Reads the body of a form.
    pub(super) async fn read(body: Body, limits: &Limits) -> Result<Self, ApiError> {
        let read = tokio::time::timeout(limits.body_time, to_bytes(body, MAX_BYTES)).await;
        let bytes = read.map_err(|_| ApiError::standard(ProblemCode::BodyTooSlow))?;
        let bytes = bytes.map_err(|_| ApiError::standard(ProblemCode::BodyTooLarge))?;
        Self::parse(&String::from_utf8_lossy(&bytes))
    }

    /// Reads `a=1&b=2`, percent-encoded.
    pub(super) fn parse(text: &str) -> Result<Self, ApiError> {
        let mut fields = Vec::new();
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let decoded = unescape(name).zip(unescape(value));
            let refused = || ApiError::new(ProblemCode::BadQuery, "a value is not percent-encoded UTF-8");
            fields.push(decoded.ok_or_else(refused)?);
        }
        Ok(Self(fields))
    }

    /// The first value of a name.
    pub(super) fn value(&self, name: &str) -> &str {
        self.0.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.trim())
    }

    /// The value of a name, where it is not empty.
    pub(super) fn given(&self, name: &str) -> Option<String> {
        Some(self.value(name)).filter(|value| !value.is_empty()).map(ToOwned::to_owned)
    }
}

/// Writes a query string of the values that are not empty.
pub(super) fn query(pairs: &[(&str, &str)]) -> String {
    let given = pairs.iter().filter(|(_, value)| !value.is_empty());
    given.map(|(name, value)| format!("{name}={}", escape(value))).collect::<Vec<_>>().join("&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_reads_back() {
        let odd = "a&b=c d/é%\"";
        let text = query(&[("q", odd), ("repo", ""), ("page", "2")]);
        let form = Form::parse(&text).unwrap();
        assert_eq!([form.value("q"), form.value("repo"), form.value("page")], [odd, "", "2"]);
        assert_eq!(form.given("repo"), None);
        assert!(!text.contains(' ') && !text.contains('"') && !text.contains("repo"));
        for refused in ["a=%2", "a=%zz", "a=%ff", "a=%00"] {
            assert!(Form::parse(refused).is_err(), "{refused}");
        }
    }
}
