//! Reading a body: bounded while it is read, alone and together with all others, unpacked under the same bounds, timed.
//! Start at [`Bodies`].

use std::io::Read;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, header};
use http_body_util::BodyExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::http::config::Limits;
use crate::http::{ApiError, ProblemCode};

/// Bodies of the largest size that there is room for at once, and the least room that there is, in bytes.
const N_LARGEST: usize = 32;
const LEAST_ROOM: usize = 64 << 20;

/// Bytes of each body that take no room, so that large ones keep no small one out.
const FREE: usize = 16 << 10;

/// Most bytes of a body that says a few things: it is parsed where it was read.
const SMALL: usize = 64 << 10;

/// As many times the bytes that a body may have are read of a larger one before it is refused, and for no longer than this.
const N_DISCARDED: usize = 4;
const DISCARD_TIME: Duration = Duration::from_secs(2);

/// Bytes that one permit stands for.
const PIECE: usize = 1 << 10;

/// Room for the bodies that are in memory at once: there may be thousands of connections.
pub(super) struct Bodies {
    room: Arc<Semaphore>,
    /// Bytes of one, and the time for it to arrive.
    max_bytes: usize,
    max_time: Duration,
}

/// A body, and the room that it takes until it is dropped.
pub(super) struct Whole {
    bytes: Vec<u8>,
    _room: OwnedSemaphorePermit,
}

impl Deref for Whole {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Bodies {
    pub(super) fn new(limits: &Limits) -> Self {
        let n_bytes = limits.body_bytes.saturating_mul(N_LARGEST).max(LEAST_ROOM);
        let room = Semaphore::new((n_bytes / PIECE).min(Semaphore::MAX_PERMITS));
        Self { room: Arc::new(room), max_bytes: limits.body_bytes, max_time: limits.body_time }
    }

    /// Reads a JSON body whole. Where there is no room for what has come, the caller is told to come back.
    pub(super) async fn read(&self, headers: &HeaderMap, body: Body) -> Result<Whole, ApiError> {
        self.read_within(self.max_bytes, headers, body).await
    }

    /// The same of a body that never is a large one.
    pub(super) async fn read_small(&self, headers: &HeaderMap, body: Body) -> Result<Whole, ApiError> {
        self.read_within(self.max_bytes.min(SMALL), headers, body).await
    }

    async fn read_within(
        &self,
        max_bytes: usize,
        headers: &HeaderMap,
        body: Body,
    ) -> Result<Whole, ApiError> {
        check_media_type(headers)?;
        let announced = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok());
        let announced = announced.and_then(|length| length.parse().ok());
        let mut body = body;
        let reading = async {
            let is_announced = announced.is_some_and(|length: usize| length > max_bytes);
            let read = if is_announced {
                Err(too_large(max_bytes))
            } else {
                self.collect(max_bytes, &mut body).await
            };
            let is_too_large = read.as_ref().is_err_and(|error| error.code == ProblemCode::BodyTooLarge);
            if is_too_large && !headers.contains_key(header::EXPECT) {
                let discarding = discard(&mut body, N_DISCARDED * max_bytes);
                let _ = tokio::time::timeout(DISCARD_TIME, discarding).await;
            }
            read
        };
        let read = tokio::time::timeout(self.max_time, reading).await;
        let whole = read.map_err(|_| ApiError::standard(ProblemCode::BodyTooSlow))??;
        match headers.get(header::CONTENT_ENCODING).map(|encoding| encoding.as_bytes()) {
            None | Some(b"identity") => Ok(whole),
            Some(b"gzip") => {
                let bytes = unpack(&whole, max_bytes)?.ok_or_else(|| too_large(max_bytes))?;
                Ok(Whole { _room: self.take(0, bytes.len())?, bytes })
            }
            Some(_) => Err(ApiError::standard(ProblemCode::UnsupportedEncoding)),
        }
    }

    async fn collect(&self, max_bytes: usize, body: &mut Body) -> Result<Whole, ApiError> {
        let (mut bytes, mut room) = (Vec::new(), self.take(0, 0)?);
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|_| ApiError::standard(ProblemCode::BodyIncomplete))?;
            let Ok(data) = frame.into_data() else { continue };
            let n_bytes = bytes.len() + data.len();
            if n_bytes > max_bytes {
                return Err(too_large(max_bytes));
            }
            room.merge(self.take(bytes.len(), n_bytes)?);
            bytes.extend_from_slice(&data);
        }
        Ok(Whole { bytes, _room: room })
    }

    /// The room by which a body grows, in however small steps.
    fn take(&self, n_before: usize, n_bytes: usize) -> Result<OwnedSemaphorePermit, ApiError> {
        let pieces = |n_bytes: usize| n_bytes.saturating_sub(FREE).div_ceil(PIECE);
        let n_pieces = u32::try_from(pieces(n_bytes) - pieces(n_before)).unwrap_or(u32::MAX);
        let taken = Arc::clone(&self.room).try_acquire_many_owned(n_pieces);
        taken.map_err(|_| ApiError::standard(ProblemCode::Overloaded).retry_after(1))
    }
}

fn too_large(max_bytes: usize) -> ApiError {
    ApiError::new(ProblemCode::BodyTooLarge, format!("larger than {max_bytes} bytes"))
}

/// Takes what comes, at most so much of it: many clients listen only when they have sent everything.
async fn discard(body: &mut Body, max_bytes: usize) {
    let mut n_bytes = 0;
    while n_bytes < max_bytes
        && let Some(Ok(frame)) = body.frame().await
    {
        n_bytes += frame.data_ref().map_or(0, |data| data.len());
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn bodies_take_no_more_room_together_than_there_is() {
        let limits = Limits { body_bytes: 4 << 20, ..Limits::default() };
        let bodies = Bodies::new(&limits);
        let headers = HeaderMap::new();
        let read = |n_bytes: usize| bodies.read(&headers, Body::from(vec![b' '; n_bytes]));
        let mut held = Vec::new();
        while let Ok(whole) = read(4 << 20).await {
            assert_eq!(whole.len(), 4 << 20);
            held.push(whole);
        }
        assert_eq!(held.len(), N_LARGEST);
        let refused = |n_bytes: usize| async move { read(n_bytes).await.err().map(|error| error.code) };
        assert_eq!(refused(4 << 20).await, Some(ProblemCode::Overloaded));
        assert_eq!(refused(FREE).await, None, "a small one finds its way");
        held.pop();
        assert!(read(4 << 20).await.is_ok());
        assert_eq!(
            refused((4 << 20) + 1).await,
            Some(ProblemCode::BodyTooLarge),
            "its own bound is another matter"
        );
        assert!(read(4 << 20).await.is_ok(), "what was refused left its room");
    }

    #[tokio::test]
    async fn a_body_in_small_steps_takes_no_more_room_than_at_once() {
        let limits = Limits { body_bytes: 1 << 20, ..Limits::default() };
        let bodies = Bodies::new(&limits);
        let n_free = || bodies.room.available_permits();
        let n_before = n_free();
        let steps = (0..20_000).map(|_| Ok::<_, std::io::Error>(" "));
        let body = Body::from_stream(futures_util::stream::iter(steps));
        let whole = bodies.read(&HeaderMap::new(), body).await.map_err(|error| error.code).unwrap();
        assert_eq!((whole.len(), n_before - n_free()), (20_000, 4));
        drop(whole);
        assert_eq!(n_free(), n_before);
    }
}
