//! Reading a body: bounded while it is read, unpacked under the same bound, timed.

use std::io::Read;

use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, header};

use crate::http::config::Limits;
use crate::http::{ApiError, ProblemCode};

/// Reads a JSON body whole.
pub(super) async fn read(headers: &HeaderMap, body: Body, limits: &Limits) -> Result<Vec<u8>, ApiError> {
    check_media_type(headers)?;
    let too_large = || {
        let detail = format!("larger than {} bytes", limits.body_bytes);
        ApiError::new(ProblemCode::BodyTooLarge, detail)
    };
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    if announced
        .and_then(|length| length.parse().ok())
        .is_some_and(|length: usize| length > limits.body_bytes)
    {
        return Err(too_large());
    }
    let read = tokio::time::timeout(limits.body_time, to_bytes(body, limits.body_bytes)).await;
    let bytes = read.map_err(|_| ApiError::standard(ProblemCode::BodyTooSlow))?;
    let bytes = bytes.map_err(|error| {
        if is_limit(&error) { too_large() } else { ApiError::standard(ProblemCode::BodyIncomplete) }
    })?;
    match headers.get(header::CONTENT_ENCODING).map(|encoding| encoding.as_bytes()) {
        None | Some(b"identity") => Ok(bytes.into()),
        Some(b"gzip") => unpack(&bytes, limits.body_bytes)?.ok_or_else(too_large),
        Some(_) => Err(ApiError::standard(ProblemCode::UnsupportedEncoding)),
    }
}

/// Whether a body was longer than the limit; anything else means that it ended early or cannot be understood as one.
fn is_limit(error: &axum::Error) -> bool {
    std::error::Error::source(error).is_some_and(|cause| cause.is::<http_body_util::LengthLimitError>())
}

/// Unpacks gzip, but never more than the limit: none where there is more.
fn unpack(packed: &[u8], max_bytes: usize) -> Result<Option<Vec<u8>>, ApiError> {
    let mut bytes = Vec::new();
    let mut reader = flate2::read::MultiGzDecoder::new(packed).take(max_bytes as u64 + 1);
    let unpacked = reader.read_to_end(&mut bytes);
    unpacked.map_err(|_| ApiError::new(ProblemCode::MalformedJson, "not gzip"))?;
    Ok((bytes.len() <= max_bytes).then_some(bytes))
}

/// JSON or nothing said; anything else was meant for another service.
fn check_media_type(headers: &HeaderMap) -> Result<(), ApiError> {
    let Some(media_type) = headers.get(header::CONTENT_TYPE) else { return Ok(()) };
    let essence =
        media_type.to_str().unwrap_or("").split(';').next().unwrap_or("").trim().to_ascii_lowercase();
    // What `curl -d` says when it is not told anything else.
    let is_taken = essence == "application/json" || essence == "application/x-www-form-urlencoded";
    if is_taken { Ok(()) } else { Err(ApiError::standard(ProblemCode::UnsupportedMediaType)) }
}
