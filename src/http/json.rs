//! A strict JSON reader: duplicate keys, depth and everything that is not JSON are refused by path.

use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::http::{ApiError, ProblemCode};

/// Fields of an object up to which looking through them is cheaper than a set of them.
const FEW: usize = 16;

/// Levels of nesting that a request may have.
pub const MAX_DEPTH: usize = 64;

/// Values that a request may hold, one within the other counted as well: each takes some 50 bytes here, and two in the body.
pub const MAX_VALUES: usize = 1 << 20;

/// A JSON value whose objects have every key once.
#[derive(Clone, Debug, PartialEq)]
pub enum Json {
    /// `null`.
    Null,
    /// `true` or `false`.
    Flag(bool),
    /// A finite number; `whole` where it was written without fraction and fits.
    Number {
        /// Its value.
        value: f64,
        /// The same as a whole number.
        whole: Option<i64>,
    },
    /// A text.
    Text(String),
    /// An array.
    List(Vec<Json>),
    /// An object in the order of the body.
    Object(Vec<(String, Json)>),
}

/// Reads a whole body.
///
/// ```
/// let error = diffrisk::http::parse_json(br#"{"change": {"repo": "a", "repo": "b"}}"#).unwrap_err();
/// assert_eq!((error.code.as_str(), error.path.as_deref()), ("duplicate_field", Some("$.change.repo")));
/// ```
///
/// # Errors
/// When it is not JSON, has a key twice, or is nested too deeply; the problem names the path.
pub fn parse_json(body: &[u8]) -> Result<Json, ApiError> {
    let trace = Trace::default();
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let parsed = Reader { trace: &trace, depth: 0 }.deserialize(&mut deserializer);
    let parsed = parsed.and_then(|json| deserializer.end().map(|()| json));
    parsed.map_err(|error| trace.problem(&error))
}

/// A key as it may stand in a path of an answer: an ordinary word, or `?` for anything that might be content.
pub(crate) fn shown_key(key: &str) -> &str {
    let n_digits = key.bytes().filter(u8::is_ascii_digit).count();
    let is_word = key.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'));
    // A token may come without digits, but not without capitals.
    let n_capitals = key.bytes().filter(u8::is_ascii_uppercase).count();
    let max_digits = if key.starts_with("x.") { 3 } else { 0 };
    if is_word
        && 2 * n_capitals < key.len().max(1)
        && !key.is_empty()
        && key.len() <= 32
        && n_digits <= max_digits
    {
        key
    } else {
        "?"
    }
}

/// Where the reader is, and what it refused itself. The path is only put into words where something is wrong.
#[derive(Default)]
struct Trace {
    path: RefCell<Vec<Step>>,
    n_values: Cell<usize>,
    refused: RefCell<Option<ProblemCode>>,
}

enum Step {
    Key(String),
    Index(usize),
}

impl fmt::Display for Step {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(key) => write!(formatter, ".{}", shown_key(key)),
            Self::Index(idx) => write!(formatter, "[{idx}]"),
        }
    }
}

impl Trace {
    fn problem(&self, error: &serde_json::Error) -> ApiError {
        let steps: String = self.path.borrow().iter().map(ToString::to_string).collect();
        let path = format!("${steps}");
        match *self.refused.borrow() {
            Some(ProblemCode::TooDeep) => {
                ApiError::at(ProblemCode::TooDeep, "$", format!("more than {MAX_DEPTH} levels"))
            }
            Some(code) => ApiError::at(code, path, code.title()),
            None => {
                let place = format!("not JSON at line {}, column {}", error.line(), error.column());
                ApiError::at(ProblemCode::MalformedJson, path, place)
            }
        }
    }

    fn refuse<E: serde::de::Error>(&self, code: ProblemCode) -> E {
        self.refused.replace(Some(code));
        E::custom(code.as_str())
    }

    fn push(&self, step: Step) {
        self.path.borrow_mut().push(step);
    }

    fn pop(&self) -> Option<Step> {
        self.path.borrow_mut().pop()
    }
}

#[derive(Clone, Copy)]
struct Reader<'t> {
    trace: &'t Trace,
    depth: usize,
}

impl Reader<'_> {
    fn deeper<E: serde::de::Error>(self) -> Result<Self, E> {
        if self.depth == MAX_DEPTH {
            return Err(self.trace.refuse(ProblemCode::TooDeep));
        }
        Ok(Self { depth: self.depth + 1, ..self })
    }
}

impl<'de> DeserializeSeed<'de> for Reader<'_> {
    type Value = Json;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Json, D::Error> {
        self.trace.n_values.set(self.trace.n_values.get() + 1);
        if self.trace.n_values.get() > MAX_VALUES {
            return Err(self.trace.refuse(ProblemCode::TooManyItems));
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Reader<'_> {
    type Value = Json;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Flag(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Json, E> {
        Ok(Json::Number { value: value as f64, whole: Some(value) })
    }

    fn visit_u64<E>(self, value: u64) -> Result<Json, E> {
        Ok(Json::Number { value: value as f64, whole: i64::try_from(value).ok() })
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Json, E> {
        if value.is_finite() { Ok(Json::Number { value, whole: None }) } else { Err(E::custom("not finite")) }
    }

    fn visit_str<E>(self, value: &str) -> Result<Json, E> {
        Ok(Json::Text(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Json, E> {
        Ok(Json::Text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Json, A::Error> {
        let inner = self.deeper()?;
        let mut list = Vec::new();
        loop {
            self.trace.push(Step::Index(list.len()));
            let next = access.next_element_seed(inner)?;
            self.trace.pop();
            match next {
                Some(json) => push(&mut list, json),
                None => return Ok(Json::List(list)),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Json, A::Error> {
        let inner = self.deeper()?;
        let mut fields: Vec<(String, Json)> = Vec::new();
        let mut seen = HashSet::new();
        while let Some(key) = access.next_key::<String>()? {
            let is_known = match fields.len() {
                0..FEW => fields.iter().any(|(known, _)| *known == key),
                FEW => {
                    seen.extend(fields.iter().map(|(known, _)| known.clone()));
                    !seen.insert(key.clone())
                }
                _ => !seen.insert(key.clone()),
            };
            self.trace.push(Step::Key(key));
            if is_known {
                return Err(self.trace.refuse(ProblemCode::DuplicateField));
            }
            let json = access.next_value_seed(inner)?;
            if let Some(Step::Key(key)) = self.trace.pop() {
                push(&mut fields, (key, json));
            }
        }
        Ok(Json::Object(fields))
    }
}

/// Adds a value without room for more behind the first: of many lists and objects nearly all hold one.
fn push<T>(values: &mut Vec<T>, value: T) {
    if values.is_empty() {
        values.reserve_exact(1);
    }
    values.push(value);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(body: &str) -> (ProblemCode, String) {
        let error = parse_json(body.as_bytes()).unwrap_err();
        (error.code, error.path.unwrap())
    }

    #[test]
    fn what_is_not_strict_json_is_refused_by_path() {
        use ProblemCode::{DuplicateField, MalformedJson, TooDeep, TooManyItems};
        let many = format!(r#"{{"a":[{}0]}}"#, "0,".repeat(MAX_VALUES - 2));
        let deep = format!("{}{}", "[".repeat(65), "]".repeat(65));
        for (body, code, path) in [
            (r#"{"a":1,"a":2}"#, DuplicateField, "$.a"),
            (r#"{"a":1,"\u0061":2}"#, DuplicateField, "$.a"),
            (r#"{"items":[{}, {"x":{"y":1,"y":1}}]}"#, DuplicateField, "$.items[1].x.y"),
            (r#"{"features":{"x.load":NaN}}"#, MalformedJson, "$.features.x.load"),
            (r#"{"features":{"x.load":Infinity}}"#, MalformedJson, "$.features.x.load"),
            (r#"{"features":{"x.load":-Infinity}}"#, MalformedJson, "$.features.x.load"),
            (r#"{"features":{"x.load":1e999}}"#, MalformedJson, "$.features.x.load"),
            (r#"{"a":"\ud800"}"#, MalformedJson, "$.a"),
            ("", MalformedJson, "$"),
            ("{} {}", MalformedJson, "$"),
            ("{'a':1}", MalformedJson, "$"),
            (&deep, TooDeep, "$"),
            (&many, TooManyItems, &format!("$.a[{}]", MAX_VALUES - 2)),
        ] {
            assert_eq!(refused(body), (code, path.to_owned()), "{body}");
        }
        assert!(parse_json(many.replacen("0,", "", 1).as_bytes()).is_ok());
        assert!(parse_json(&deep.as_bytes()[1..deep.len() - 1]).is_ok());
    }

    #[test]
    fn a_key_that_may_be_content_is_not_shown() {
        assert_eq!(refused(r#"{"AKIA1234567890ABCDEF":1,"AKIA1234567890ABCDEF":1}"#).1, "$.?");
        assert_eq!(shown_key("authored_at"), "authored_at");
        assert_eq!(shown_key("a b"), "?");
        assert_eq!(shown_key("rolloutAt"), "rolloutAt");
        assert_eq!(shown_key("ABCDEFGHIJKLMNOPQRST"), "?");
    }
}
