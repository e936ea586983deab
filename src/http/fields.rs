//! Typed access to the fields of a request: each refusal names its path and what was expected.

use crate::http::json::shown_key;
use crate::http::{ApiError, Json, ProblemCode};

/// An object whose fields are taken one by one; what is left at the end is unknown.
pub(super) struct Fields {
    path: String,
    rest: Vec<(String, Json)>,
}

/// A value and where it stood.
pub(super) struct Field {
    pub(super) path: String,
    pub(super) json: Json,
}

impl Fields {
    pub(super) fn of(field: Field) -> Result<Self, ApiError> {
        match field.json {
            Json::Object(rest) => Ok(Self { path: field.path, rest }),
            _ => Err(wrong_type(field.path, "an object")),
        }
    }

    /// The root of a body.
    pub(super) fn root(json: Json) -> Result<Self, ApiError> {
        Self::of(Field { path: "$".into(), json })
    }

    /// A field that may be absent or null.
    pub(super) fn optional(&mut self, name: &str) -> Option<Field> {
        let idx = self.rest.iter().position(|(key, _)| key == name)?;
        let (_, json) = self.rest.swap_remove(idx);
        (json != Json::Null).then(|| Field { path: self.path_of(name), json })
    }

    pub(super) fn required(&mut self, name: &str) -> Result<Field, ApiError> {
        let field = self.optional(name);
        field.ok_or_else(|| ApiError::at(ProblemCode::MissingField, self.path_of(name), "required"))
    }

    /// Every field with its path, in the order of the body.
    pub(super) fn all(self) -> impl Iterator<Item = (String, Field)> {
        let path = self.path;
        self.rest.into_iter().map(move |(key, json)| {
            let path = [&path, ".", shown_key(&key)].concat();
            (key, Field { path, json })
        })
    }

    /// Refuses what nobody took.
    pub(super) fn finish(self) -> Result<(), ApiError> {
        match self.rest.first() {
            None => Ok(()),
            Some((key, _)) => {
                let path = self.path_of(shown_key(key));
                Err(ApiError::at(ProblemCode::UnknownField, path, ProblemCode::UnknownField.title()))
            }
        }
    }

    fn path_of(&self, name: &str) -> String {
        [&self.path, ".", name].concat()
    }
}

impl Field {
    pub(super) fn text(self) -> Result<String, ApiError> {
        match self.json {
            Json::Text(text) => Ok(text),
            _ => Err(wrong_type(self.path, "a string")),
        }
    }

    /// A text of a bounded length without control characters: a name that may be logged and stored.
    pub(super) fn name(self, max_bytes: usize) -> Result<String, ApiError> {
        let path = self.path.clone();
        let text = self.text()?;
        if text.trim().is_empty() || text.len() > max_bytes || text.chars().any(char::is_control) {
            let expected =
                format!("expected 1 to {max_bytes} bytes that are not blank and no control characters");
            return Err(ApiError::at(ProblemCode::InvalidValue, path, expected));
        }
        Ok(text)
    }

    pub(super) fn number(self) -> Result<f64, ApiError> {
        match self.json {
            Json::Number { value, .. } => Ok(value),
            _ => Err(wrong_type(self.path, "a number")),
        }
    }

    pub(super) fn list(self) -> Result<Vec<Field>, ApiError> {
        let Json::List(list) = self.json else { return Err(wrong_type(self.path, "an array")) };
        let path = self.path;
        let fields = list.into_iter().enumerate();
        Ok(fields.map(|(idx, json)| Field { path: format!("{path}[{idx}]"), json }).collect())
    }

    /// A moment written as RFC 3339 with an offset.
    pub(super) fn moment(self) -> Result<(jiff::Timestamp, i32), ApiError> {
        let path = self.path.clone();
        let text = self.text()?;
        let expected = || {
            let expected = "expected RFC 3339, such as 2026-01-31T12:00:00Z";
            ApiError::at(ProblemCode::InvalidValue, path.clone(), expected)
        };
        let is_plain = text.len() <= 40 && !text.contains('[');
        let timestamp: jiff::Timestamp = text.parse().ok().filter(|_| is_plain).ok_or_else(expected)?;
        Ok((timestamp, offset_minutes(&text)))
    }

    /// One of a closed set of words.
    pub(super) fn word<T>(self, choose: impl Fn(&str) -> Option<T>, expected: &str) -> Result<T, ApiError> {
        let path = self.path.clone();
        let text = self.text()?;
        let refused = || ApiError::at(ProblemCode::InvalidValue, path, format!("expected one of {expected}"));
        choose(&text).ok_or_else(refused)
    }
}

pub(super) fn wrong_type(path: String, expected: &str) -> ApiError {
    ApiError::at(ProblemCode::WrongType, path, format!("expected {expected}"))
}

/// The offset of a moment that was already parsed; `Z` and `-00:00` are none.
fn offset_minutes(text: &str) -> i32 {
    let Some(at) = text.rfind(['+', '-']).filter(|at| *at > 10) else { return 0 };
    let digits: String = text[at + 1..].chars().filter(char::is_ascii_digit).take(4).collect();
    let digits = format!("{digits:0<4}");
    let (hours, minutes) = digits.split_at(2);
    let minutes = hours.parse().unwrap_or(0) * 60 + minutes.parse().unwrap_or(0);
    if text.as_bytes()[at] == b'-' { -minutes } else { minutes }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offset_is_the_authors_own() {
        for (text, minutes) in [
            ("2026-01-31T12:00:00Z", 0),
            ("2026-01-31T12:00:00+05:30", 330),
            ("2026-01-31T12:00:00-08:00", -480),
            ("2026-01-31T12:00:00.25-0330", -210),
        ] {
            assert_eq!(offset_minutes(text), minutes, "{text}");
        }
    }
}
