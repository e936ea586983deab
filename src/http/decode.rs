//! From strict JSON to a question: every field checked where it stands.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::change::{ChangeId, ChangeRecord, DiffError, DiffLimits, Moment, parse_diff_within};
use crate::features::{CustomNameError, check_custom_name};
use crate::http::assessor::{Asked, Target};
use crate::http::config::Limits;
use crate::http::fields::{Field, Fields};
use crate::http::fingerprint::Fingerprint;
use crate::http::{ApiError, Json, ProblemCode};
use crate::policy::{Context, ContextValue};
use sha2::{Digest, Sha256};

const MAX_NAME_BYTES: usize = 200;
const MAX_MESSAGE_BYTES: usize = 1 << 20;
const MAX_CUSTOM: usize = 200;
/// Most entries of `context.more`, and bytes of a text there: rules read them again for every path and key.
const MAX_MORE: usize = 200;
const MAX_MORE_BYTES: usize = 16 << 10;

/// One question, ready to be assessed.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Question {
    pub(super) repo: String,
    pub(super) id: Option<String>,
    pub(super) asked: Asked,
    pub(super) context: Context,
    /// Digest of what the caller said.
    pub(super) said: [u8; 32],
}

/// Reads the body of `POST /v1/score`.
pub(super) fn question(json: Json, limits: &Limits, received_at: i64) -> Result<Question, ApiError> {
    question_at(Field { path: "$".into(), json }, limits, received_at)
}

/// Reads the body of `POST /v1/score/batch`: a question or a problem each, but a problem of the whole first.
pub(super) fn batch(
    json: Json,
    limits: &Limits,
    received_at: i64,
) -> Result<Vec<Result<Question, ApiError>>, ApiError> {
    let mut fields = Fields::root(json)?;
    let items = fields.required("items")?;
    fields.finish()?;
    let path = items.path.clone();
    let items = items.list()?;
    if items.len() > limits.batch_items {
        let detail = format!("more than {} items", limits.batch_items);
        return Err(ApiError::at(ProblemCode::TooManyItems, path, detail));
    }
    Ok(items.into_iter().map(|item| question_at(item, limits, received_at)).collect())
}

fn question_at(field: Field, limits: &Limits, received_at: i64) -> Result<Question, ApiError> {
    let mut fields = Fields::of(field)?;
    let change = fields.required("change")?;
    let custom = fields.optional("features").map(custom_features).transpose()?.unwrap_or_default();
    let context = fields.optional("context").map(context).transpose()?.unwrap_or_default();
    fields.finish()?;
    let Subject { repo, id, target, diff_digest } = subject(change, limits)?;
    let said = said(&target, &diff_digest, &custom, &context);
    Ok(Question { repo, id, asked: Asked { target, custom, received_at }, context, said })
}

/// What is asked about, and in which words.
struct Subject {
    repo: String,
    id: Option<String>,
    target: Target,
    /// SHA-256 of the diff as it came: rules read what stands around the changed lines, and the digest of a change does not.
    diff_digest: [u8; 32],
}

fn subject(field: Field, limits: &Limits) -> Result<Subject, ApiError> {
    let path = field.path.clone();
    let mut fields = Fields::of(field)?;
    let repo = fields.required("repo")?.name(MAX_NAME_BYTES)?;
    let id = fields.optional("id").map(|id| id.name(MAX_NAME_BYTES)).transpose()?;
    if let Some(commit) = fields.optional("commit") {
        let commit = sha(commit)?;
        let base = fields.optional("base").map(sha).transpose()?;
        if let Some(other) =
            ["diff", "author", "message", "authored_at"].into_iter().find_map(|n| fields.optional(n))
        {
            let detail = "not beside `commit`: a commit brings its own";
            return Err(ApiError::at(ProblemCode::InvalidValue, other.path, detail));
        }
        fields.finish()?;
        let target = Target::Commit { commit, base, id: id.clone() };
        return Ok(Subject { repo, id, target, diff_digest: [0; 32] });
    }
    let Some(diff) = fields.optional("diff") else {
        let detail = "needs `commit`, or `diff`";
        return Err(ApiError::at(ProblemCode::MissingField, path, detail));
    };
    let author = fields.optional("author").map(|author| bounded(author, MAX_NAME_BYTES * 5)).transpose()?;
    let message = fields.optional("message").map(|text| bounded(text, MAX_MESSAGE_BYTES)).transpose()?;
    let authored_at = fields.optional("authored_at").map(moment).transpose()?;
    fields.finish()?;
    let (record, diff_digest) = read_diff(diff, limits)?;
    let (author, message) = (author.unwrap_or_default(), message.unwrap_or_default());
    let target = Target::Diff { record: Arc::new(record), id: id.clone(), author, message, authored_at };
    Ok(Subject { repo, id, target, diff_digest })
}

fn read_diff(field: Field, limits: &Limits) -> Result<(ChangeRecord, [u8; 32]), ApiError> {
    let path = field.path.clone();
    let text = field.text()?;
    let within = DiffLimits { max_files: limits.diff_files, max_lines: limits.diff_lines };
    let record = parse_diff_within(text.as_bytes(), within).map_err(|error| {
        let is_too_large = matches!(error, DiffError::TooManyFiles { .. } | DiffError::TooManyLines { .. });
        let code = if is_too_large { ProblemCode::TooManyItems } else { ProblemCode::MalformedDiff };
        ApiError::at(code, path, error.to_string())
    })?;
    Ok((record, Sha256::digest(text.as_bytes()).into()))
}

fn custom_features(field: Field) -> Result<BTreeMap<String, f64>, ApiError> {
    let path = field.path.clone();
    let mut custom = BTreeMap::new();
    for (name, field) in Fields::of(field)?.all() {
        let at = field.path.clone();
        check_custom_name(&name).map_err(|error| {
            let code = match error {
                CustomNameError::BuiltIn => ProblemCode::BuiltInFeature,
                CustomNameError::Malformed => ProblemCode::InvalidValue,
            };
            ApiError::at(code, at.clone(), error.to_string())
        })?;
        let value = field.number()?;
        if value.abs() > f64::from(f32::MAX) {
            return Err(ApiError::at(ProblemCode::InvalidValue, at, "expected a number of single precision"));
        }
        custom.insert(name, value);
    }
    if custom.len() > MAX_CUSTOM {
        return Err(ApiError::at(
            ProblemCode::TooManyItems,
            path,
            format!("more than {MAX_CUSTOM} features"),
        ));
    }
    Ok(custom)
}

fn context(field: Field) -> Result<Context, ApiError> {
    let mut fields = Fields::of(field)?;
    let context = Context {
        environment: fields.optional("environment").map(|f| f.name(MAX_NAME_BYTES)).transpose()?,
        service: fields.optional("service").map(|f| f.name(MAX_NAME_BYTES)).transpose()?,
        rollout_at: fields.optional("rollout_at").map(moment).transpose()?.map(|m| m.unix_seconds),
        more: fields.optional("more").map(more).transpose()?.unwrap_or_default(),
    };
    fields.finish()?;
    Ok(context)
}

fn more(field: Field) -> Result<BTreeMap<String, ContextValue>, ApiError> {
    let path = field.path.clone();
    let mut values = BTreeMap::new();
    for (name, field) in Fields::of(field)?.all() {
        if matches!(name.as_str(), "environment" | "service" | "rollout_at") {
            let detail = "stands in `context` itself, beside `more`";
            return Err(ApiError::at(ProblemCode::InvalidValue, field.path, detail));
        }
        let value = match field.json {
            Json::Flag(flag) => ContextValue::Flag(flag),
            Json::Number { value, .. } => ContextValue::Number(value),
            Json::Text(_) => ContextValue::Text(bounded(field, MAX_MORE_BYTES)?),
            _ => {
                return Err(ApiError::at(
                    ProblemCode::WrongType,
                    field.path,
                    "expected a flag, a number or a text",
                ));
            }
        };
        values.insert(name, value);
    }
    if values.len() > MAX_MORE {
        return Err(ApiError::at(ProblemCode::TooManyItems, path, format!("more than {MAX_MORE} entries")));
    }
    Ok(values)
}

/// A commit id, whole or abbreviated. Never a name that git would look up.
pub(super) fn sha(field: Field) -> Result<String, ApiError> {
    let path = field.path.clone();
    let text = field.text()?;
    let refused = || ApiError::at(ProblemCode::InvalidValue, path, "expected 7 to 64 hex digits");
    ChangeId::of_commit(&text).map(|id| id.0).ok_or_else(refused)
}

fn bounded(field: Field, max_bytes: usize) -> Result<String, ApiError> {
    let path = field.path.clone();
    let text = field.text()?;
    if text.len() > max_bytes {
        return Err(ApiError::at(ProblemCode::InvalidValue, path, format!("longer than {max_bytes} bytes")));
    }
    Ok(text)
}

fn moment(field: Field) -> Result<Moment, ApiError> {
    let (timestamp, offset_minutes) = field.moment()?;
    Ok(Moment { unix_seconds: timestamp.as_second(), offset_minutes })
}

/// What a decision rests on beside the history, the model and the policy.
fn said(
    target: &Target,
    diff_digest: &[u8; 32],
    custom: &BTreeMap<String, f64>,
    context: &Context,
) -> [u8; 32] {
    let mut fingerprint = Fingerprint::new();
    fingerprint.add(diff_digest);
    let mut add = |part: &[u8]| fingerprint.add(part);
    match target {
        Target::Commit { commit, base, id } => {
            add(b"commit");
            add(commit.as_bytes());
            add(base.as_deref().unwrap_or("").as_bytes());
            add(id.as_deref().unwrap_or("").as_bytes());
        }
        Target::Diff { id, author, message, authored_at, .. } => {
            add(b"diff");
            add(id.as_deref().unwrap_or("").as_bytes());
            add(author.as_bytes());
            add(message.as_bytes());
            add(format!("{authored_at:?}").as_bytes());
        }
    }
    for (name, value) in custom {
        add(name.as_bytes());
        add(&value.to_bits().to_le_bytes());
    }
    add(format!("{context:?}").as_bytes());
    fingerprint.finish()
}
