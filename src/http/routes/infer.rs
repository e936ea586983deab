//! The Open Inference Protocol in plain JSON: ready vectors in, scores out, no change, no decision.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::assessor::{Assessor, ModelRef};
use crate::http::fields::{Field, Fields, wrong_type};
use crate::http::routes::health::LiveAnswer;
use crate::http::routes::json as answer_json;
use crate::http::service::Service;
use crate::http::{ApiError, Json, ProblemCode, parse_json};

const MAX_ROWS: usize = 100_000;
/// Longest body that is answered on the thread that read it: some ten rows.
const SMALL_BYTES: usize = 32 << 10;

/// Whether the process answers.
#[utoipa::path(get, path = "/v2/health/live", tag = "inference", operation_id = "get_server_live", security(()), responses((status = 200, description = "It does", body = LiveAnswer)))]
pub(in crate::http) async fn live() -> Response {
    answer_json(StatusCode::OK, &LiveAnswer { live: true })
}

/// Whether a model is ready.
#[utoipa::path(
    get, path = "/v2/health/ready", tag = "inference", operation_id = "get_server_ready", security(()),
    responses(
        (status = 200, description = "It is", body = InferenceReady),
        (status = 503, description = "It is not", body = crate::http::ProblemBody, content_type = "application/problem+json")
    )
)]
pub(in crate::http) async fn ready(State(service): State<Arc<Service>>) -> Result<Response, ApiError> {
    let serving = service.serving.load();
    serving.assessor.model().map_err(|reason| ApiError::new(ProblemCode::ModelUnavailable, reason.text))?;
    Ok(answer_json(StatusCode::OK, &InferenceReady { name: None, ready: true }))
}

/// What a model takes and gives.
#[utoipa::path(
    get, path = "/v2/models/{model}", tag = "inference", operation_id = "get_model_metadata",
    params(("model" = String, Path, description = "The model's name")),
    responses(
        (status = 200, description = "Names, shapes and types of its tensors", body = MetadataAnswer),
        (status = 404, description = "No such model", body = crate::http::ProblemBody, content_type = "application/problem+json")
    )
)]
pub(in crate::http) async fn metadata(
    State(service): State<Arc<Service>>,
    Path(name): Path<String>,
) -> Result<Response, ApiError> {
    let serving = service.serving.load_full();
    let model = named(serving.assessor.as_ref(), &name)?;
    let inputs = serving.assessor.inputs();
    let width = i64::try_from(inputs.len()).unwrap_or(i64::MAX);
    let answer = MetadataAnswer {
        name: model.name.clone(),
        versions: vec![model.version.clone()],
        platform: "diffrisk",
        inputs: vec![TensorKind { name: "vector", datatype: "FP32", shape: vec![-1, width] }],
        outputs: vec![TensorKind { name: "score", datatype: "FP64", shape: vec![-1] }],
        parameters: MetadataParameters { features: inputs.to_vec() },
    };
    Ok(answer_json(StatusCode::OK, &answer))
}

/// Whether this model is the one in use.
#[utoipa::path(
    get, path = "/v2/models/{model}/ready", tag = "inference", operation_id = "get_model_ready",
    params(("model" = String, Path, description = "The model's name")),
    responses(
        (status = 200, description = "It is", body = InferenceReady),
        (status = 404, description = "No such model", body = crate::http::ProblemBody, content_type = "application/problem+json")
    )
)]
pub(in crate::http) async fn model_ready(
    State(service): State<Arc<Service>>,
    Path(name): Path<String>,
) -> Result<Response, ApiError> {
    let serving = service.serving.load_full();
    let model = named(serving.assessor.as_ref(), &name)?;
    Ok(answer_json(StatusCode::OK, &InferenceReady { name: Some(model.name.clone()), ready: true }))
}

/// Scores vectors: one FP32 tensor of shape `[n, features]`; null is unknown.
#[utoipa::path(
    post, path = "/v2/models/{model}/infer", tag = "inference", operation_id = "infer",
    params(("model" = String, Path, description = "The model's name")),
    request_body = Object,
    responses(
        (status = 200, description = "One probability a row", body = Inferred),
        (status = 400, description = "Binary tensors are not taken", body = crate::http::ProblemBody, content_type = "application/problem+json")
    )
)]
pub(in crate::http) async fn infer(
    State(service): State<Arc<Service>>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    refuse_binary(&headers)?;
    let bytes = service.bodies.read(&headers, body).await?;
    // A small body is one row or a few: answered sooner than handed over.
    let is_small = bytes.len() <= SMALL_BYTES;
    let turn = match is_small {
        true => service.gate.enter(service.config.patience()).await?,
        false => service.gate.enter_long(service.config.patience()).await?,
    };
    let serving = service.serving.load_full();
    let model = named(serving.assessor.as_ref(), &name)?;
    let assessor = Arc::clone(&serving.assessor);
    let score = move || {
        let (id, vectors) = tensors(Fields::root(parse_json(&bytes)?)?, assessor.inputs().len())?;
        let scores = assessor.infer(&vectors);
        drop(turn);
        scores
            .map(|scores| (id, scores))
            .map_err(|reason| ApiError::new(ProblemCode::ModelUnavailable, reason.text))
    };
    let (id, scores) = match is_small {
        true => score()?,
        false => service
            .workers
            .run(true, score)
            .await
            .ok_or_else(|| ApiError::standard(ProblemCode::Internal))??,
    };
    let answer = Inferred {
        model_name: &model.name,
        model_version: &model.version,
        id,
        outputs: [Output { name: "score", datatype: "FP64", shape: [scores.len()], data: &scores }],
    };
    Ok(answer_json(StatusCode::OK, &answer))
}

/// That a model is ready.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct InferenceReady {
    /// The model, where one was asked about.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    ready: bool,
}

/// What a model takes and gives.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct MetadataAnswer {
    name: String,
    versions: Vec<String>,
    platform: &'static str,
    inputs: Vec<TensorKind>,
    outputs: Vec<TensorKind>,
    parameters: MetadataParameters,
}

/// Name, type and shape of a tensor; -1 stands for any number of rows.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct TensorKind {
    name: &'static str,
    datatype: &'static str,
    shape: Vec<i64>,
}

/// What the protocol has no place for.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct MetadataParameters {
    /// Names of the values of a row, in order.
    features: Vec<String>,
}

/// An answer of the protocol.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct Inferred<'a> {
    model_name: &'a str,
    model_version: &'a str,
    id: Option<String>,
    outputs: [Output<'a>; 1],
}

/// Its one output tensor.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct Output<'a> {
    name: &'static str,
    datatype: &'static str,
    shape: [usize; 1],
    /// One probability a row.
    data: &'a [f64],
}

fn named<'a>(assessor: &'a dyn Assessor, name: &str) -> Result<&'a ModelRef, ApiError> {
    let model =
        assessor.model().map_err(|reason| ApiError::new(ProblemCode::ModelUnavailable, reason.text))?;
    if model.name == name {
        return Ok(model);
    }
    Err(ApiError::new(ProblemCode::NotFound, "the model in use has another name; see `GET /v1/model`"))
}

fn refuse_binary(headers: &HeaderMap) -> Result<(), ApiError> {
    if !headers.contains_key("inference-header-content-length") {
        return Ok(());
    }
    let detail =
        "binary tensors are not taken; send plain JSON `data` (in tritonclient: `binary_data=False`)";
    Err(ApiError::new(ProblemCode::BinaryTensors, detail))
}

/// Reads the request's one input tensor.
fn tensors(mut fields: Fields, n_inputs: usize) -> Result<(Option<String>, Vec<Vec<f32>>), ApiError> {
    let id = fields.optional("id").map(Field::text).transpose()?.filter(|id| !id.is_empty());
    // What outputs and parameters ask for changes nothing: there is one output, in plain JSON.
    fields.optional("outputs");
    fields.optional("parameters");
    let inputs = fields.required("inputs")?;
    fields.finish()?;
    let path = inputs.path.clone();
    let mut inputs = inputs.list()?;
    let (Some(input), true) = (inputs.pop(), inputs.is_empty()) else {
        return Err(ApiError::at(ProblemCode::InvalidValue, path, "expected one input tensor"));
    };
    Ok((id, tensor(input, n_inputs)?))
}

fn tensor(input: Field, n_inputs: usize) -> Result<Vec<Vec<f32>>, ApiError> {
    let path = input.path.clone();
    let mut fields = Fields::of(input)?;
    fields.required("name")?.text()?;
    let datatype = fields.required("datatype")?;
    let data_path = format!("{path}.data");
    datatype.word(|word| ["FP32", "FP64"].contains(&word).then_some(()), "`FP32` and `FP64`")?;
    fields.optional("parameters");
    let shape = fields.required("shape")?.list()?.into_iter().map(Field::number);
    let shape = shape.collect::<Result<Vec<f64>, ApiError>>()?;
    let data = fields.required("data")?;
    fields.finish()?;
    let mut values = Vec::new();
    flatten(data.json, &mut values).map_err(|place| no_number(&data_path, &place))?;
    let is_right = n_inputs > 0
        && values.len() % n_inputs == 0
        && shape == [(values.len() / n_inputs) as f64, n_inputs as f64]
        && values.len() / n_inputs <= MAX_ROWS;
    if !is_right {
        let detail = format!("expected the shape [n, {n_inputs}] and as many numbers");
        return Err(ApiError::at(ProblemCode::InvalidValue, data_path, detail));
    }
    Ok(values.chunks(n_inputs).map(<[f32]>::to_vec).collect())
}

/// Tensors may be flat or nested, as the protocol allows. A refusal says where, innermost place first: the path is
/// only put into words where something is wrong.
fn flatten(json: Json, values: &mut Vec<f32>) -> Result<(), Vec<usize>> {
    match json {
        // A whole tensor's width is checked before; single precision is what the model takes.
        Json::Number { value, .. } if value.abs() <= f64::from(f32::MAX) => values.push(value as f32),
        Json::Null => values.push(f32::NAN),
        Json::List(list) => {
            for (idx, json) in list.into_iter().enumerate() {
                flatten(json, values).map_err(|mut place| {
                    place.push(idx);
                    place
                })?;
            }
        }
        _ => return Err(Vec::new()),
    }
    Ok(())
}

fn no_number(data_path: &str, place: &[usize]) -> ApiError {
    let steps: String = place.iter().rev().map(|idx| format!("[{idx}]")).collect();
    wrong_type(format!("{data_path}{steps}"), "a number of single precision or null")
}
