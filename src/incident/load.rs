//! From a file to records: CSV for spreadsheets, JSON lines for programs.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};

use crate::incident::fields::{self, Fields};
use crate::incident::{Error, IncidentLink, OutcomeRecord};

/// What reads a file of incident links: [`load_incidents`], or a program's own function that knows more formats.
pub type IncidentReader = fn(&Path) -> Result<Vec<IncidentLink>, Error>;

/// A file of incident links and what reads it.
#[derive(Clone, Debug)]
pub struct IncidentFile {
    /// The file.
    pub path: PathBuf,
    /// Reads it.
    pub reader: IncidentReader,
}

impl IncidentFile {
    /// Reads the links.
    ///
    /// # Errors
    /// When the file cannot be read or any line is bad.
    pub fn load(&self) -> Result<Vec<IncidentLink>, Error> {
        (self.reader)(&self.path)
    }
}

/// The same file is the same links, whoever reads it.
impl PartialEq for IncidentFile {
    fn eq(&self, other: &Self) -> bool {
        self.path == other.path
    }
}

impl From<PathBuf> for IncidentFile {
    fn from(path: PathBuf) -> Self {
        Self { path, reader: load_incidents }
    }
}

/// Reads incident links from a `.csv` or `.jsonl` file.
///
/// # Errors
/// When the file cannot be read, its name ends in something else, or any line is bad.
pub fn load_incidents(path: &Path) -> Result<Vec<IncidentLink>, Error> {
    let text = read(path)?;
    let parsed = match extension(path).as_deref() {
        Some("csv") => parse_incidents_csv(&text),
        Some("jsonl" | "ndjson") => parse_incidents_jsonl(&text),
        _ => Err(Error::Format {
            path: path.to_owned(),
            what: "incidents",
            expected: ".csv, .jsonl or .parquet",
        }),
    };
    parsed.map_err(|error| error.in_file(path))
}

/// Reads reported outcomes from a `.jsonl` file, one `POST /v1/outcomes` body a line.
///
/// # Errors
/// When the file cannot be read, its name ends in something else, or any line is bad.
pub fn load_outcomes(path: &Path) -> Result<Vec<OutcomeRecord>, Error> {
    match extension(path).as_deref() {
        Some("jsonl" | "ndjson") => parse_outcomes(&read(path)?).map_err(|error| error.in_file(path)),
        _ => Err(Error::Format { path: path.to_owned(), what: "outcomes", expected: ".jsonl" }),
    }
}

/// Reads incident links from CSV with a header line.
///
/// # Errors
/// When any line is bad.
pub fn parse_incidents_csv(bytes: &[u8]) -> Result<Vec<IncidentLink>, Error> {
    let bytes = without_bom(bytes);
    if bytes.is_empty() {
        return nothing("a file without incidents has a header");
    }
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::Headers).from_reader(bytes);
    let headers = match reader.headers() {
        Ok(headers) => headers.clone(),
        Err(error) => {
            return fields::collect(
                INCIDENTS,
                [(1, Err(error.to_string()))].into_iter(),
                fields::incident_link,
            );
        }
    };
    if let Some(twice) = repeated(&headers) {
        let reason = format!("the column `{twice}` is there twice");
        return fields::collect(INCIDENTS, [(1, Err(reason))].into_iter(), fields::incident_link);
    }
    // Once, and not for every row.
    if let Err(reason) = fields::incident_header(headers.iter())
        && !headers.is_empty()
    {
        return fields::collect(INCIDENTS, [(1, Err(reason))].into_iter(), fields::incident_link);
    }
    let numbered = reader.into_records().map(|record| match record {
        Ok(record) => (line_of(bytes, record.position()), Ok(named(&headers, &record))),
        Err(error) => (line_of(bytes, error.position()), Err(reason_of(&error))),
    });
    fields::collect(INCIDENTS, numbered, fields::incident_link)
}

/// Reads incident links from JSON lines.
///
/// # Errors
/// When any line is bad.
pub fn parse_incidents_jsonl(bytes: &[u8]) -> Result<Vec<IncidentLink>, Error> {
    if without_bom(bytes).is_empty() {
        return nothing("a file without incidents has an empty line");
    }
    fields::collect(INCIDENTS, json_lines(bytes), fields::incident_link)
}

/// Reads reported outcomes from JSON lines.
///
/// # Errors
/// When any line is bad.
pub fn parse_outcomes(bytes: &[u8]) -> Result<Vec<OutcomeRecord>, Error> {
    fields::collect("outcomes", json_lines(bytes), fields::outcome_record)
}

const INCIDENTS: &str = "incident links";

/// A file that was cut to nothing, as by a full disk or a failed export, does not say that there were no incidents.
fn nothing(expected: &str) -> Result<Vec<IncidentLink>, Error> {
    let reason = format!("the file has no byte; {expected}");
    fields::collect(INCIDENTS, [(1, Err(reason))].into_iter(), fields::incident_link)
}

fn read(path: &Path) -> Result<Vec<u8>, Error> {
    fs::read(path).map_err(|source| Error::Read { path: path.to_owned(), source })
}

fn extension(path: &Path) -> Option<String> {
    path.extension().and_then(|extension| extension.to_str()).map(str::to_ascii_lowercase)
}

fn without_bom(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes)
}

fn repeated(headers: &csv::StringRecord) -> Option<&str> {
    headers
        .iter()
        .enumerate()
        .find(|(idx, name)| headers.iter().take(*idx).any(|n| n == *name))
        .map(|found| found.1)
}

/// The line that a position stands on. After the first half of a line's end in the manner of Windows, the reader has
/// not counted it yet.
fn line_of(bytes: &[u8], position: Option<&csv::Position>) -> u64 {
    let of = |position: &csv::Position| {
        let byte = usize::try_from(position.byte()).ok().and_then(|at| bytes.get(at));
        position.line() + u64::from(byte == Some(&b'\n'))
    };
    position.map_or(0, of)
}

fn reason_of(error: &csv::Error) -> String {
    match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("has {len} fields, the header has {expected_len}")
        }
        csv::ErrorKind::Utf8 { .. } => "is not UTF-8".to_owned(),
        _ => error.to_string(),
    }
}

fn named(headers: &csv::StringRecord, record: &csv::StringRecord) -> Fields {
    headers.iter().zip(record).map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// Lines that are not blank, with their numbers from 1, each read as one flat object.
fn json_lines(bytes: &[u8]) -> impl Iterator<Item = (u64, Result<Fields, String>)> {
    let lines = without_bom(bytes).split(|&byte| byte == b'\n').zip(1_u64..);
    lines.filter(|(line, _)| !line.trim_ascii().is_empty()).map(|(line, number)| (number, flat_object(line)))
}

fn flat_object(line: &[u8]) -> Result<Fields, String> {
    match serde_json::from_slice::<FlatObject>(line) {
        Ok(object) => Ok(object.0),
        // The position inside one line is its column; the line itself is named by the caller.
        Err(error) => {
            let text = error.to_string();
            let reason = text.split(" at line ").next().unwrap_or(&text);
            Err(format!("{reason} (column {})", error.column()))
        }
    }
}

/// One JSON object of strings, integers and nulls, no key twice.
struct FlatObject(Fields);

/// A value of a flat object.
#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a string, a whole number or null")]
enum FlatValue {
    Text(String),
    Whole(i64),
    Null(()),
}

impl<'de> Deserialize<'de> for FlatObject {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(FlatVisitor)
    }
}

struct FlatVisitor;

impl<'de> Visitor<'de> for FlatVisitor {
    type Value = FlatObject;

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("an object of strings, whole numbers and nulls")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<FlatObject, A::Error> {
        let mut fields = Fields::new();
        while let Some(name) = map.next_key::<String>()? {
            let value = match map.next_value::<FlatValue>()? {
                FlatValue::Text(text) => text,
                FlatValue::Whole(number) => number.to_string(),
                FlatValue::Null(()) => String::new(),
            };
            if fields.contains_key(&name) {
                return Err(serde::de::Error::custom(format!("the key `{name}` is there twice")));
            }
            fields.insert(name, value);
        }
        Ok(FlatObject(fields))
    }
}
