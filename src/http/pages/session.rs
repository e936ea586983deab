//! How a browser comes in: by signing in with an API key, where keys are needed.
//!
//! The cookie holds no key: it names the key's entry and an end, under a MAC of this process. It
//! opens the pages only, never `/v1`; it ends after twelve hours, with the key, or with the process.

use std::sync::{Arc, OnceLock};

use askama::Template;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::http::auth::{Caller, KeyEntry, Scope, admit, check_host, identify, is_own, shows_key, tell};
use crate::http::pages::form::Form;
use crate::http::pages::frame::{self, Frame, Here, problem, see_other};
use crate::http::service::Service;
use crate::http::{ApiError, ProblemCode};

const COOKIE: &str = "diffrisk_session";
const SESSION_SECONDS: i64 = 12 * 3600;

/// Who reads a page.
#[derive(Clone, Debug)]
pub(super) struct Reader {
    pub(super) caller: Caller,
    /// Came in by signing in, and may leave again.
    pub(super) is_signed_in: bool,
}

/// The form that asks for a key.
#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInPage {
    frame: Frame,
    /// Where to go afterwards: a path of this service.
    next: String,
    refused: bool,
}

/// Lets a reader pass: anybody on loopback without keys, a bearer key, or a browser that signed in.
pub(super) async fn enter(State(service): State<Arc<Service>>, mut request: Request, next: Next) -> Response {
    let shows_json = request.uri().path().ends_with("/json");
    if let Err(api_error) = check_host(&service, request.headers()) {
        return if shows_json { api_error.into_response() } else { problem(&api_error, None) };
    }
    let Some(reader) = reader(&service, request.headers()) else {
        return match shows_json {
            true => ApiError::standard(ProblemCode::Unauthorized).into_response(),
            false => sign_in_page(&back(&request), false),
        };
    };
    let (rate, admitted) = admit(&service, &reader.caller, Scope::Read, "the pages need");
    let mut response = match admitted {
        Err(api_error) if shows_json => api_error.into_response(),
        Err(api_error) => problem(&api_error, Some(&reader)),
        Ok(()) => {
            request.extensions_mut().insert(reader);
            next.run(request).await
        }
    };
    if let Some(rate) = rate {
        tell(&mut response, rate);
    }
    response
}

/// Where to go after signing in: what was asked for, or the page whose form was sent, for a form cannot be sent again.
fn back(request: &Request) -> String {
    let path = request.uri().path();
    match request.method().is_safe() {
        true => request.uri().path_and_query().map_or(path, |path| path.as_str()).to_owned(),
        false => path.rsplit_once('/').map_or("/", |(page, _)| page).to_owned(),
    }
}

/// Refuses a form that another site made the browser send.
pub(super) async fn same_origin(request: Request, next: Next) -> Response {
    if is_own(request.headers())
        || request.method() == axum::http::Method::GET
        || request.method() == axum::http::Method::HEAD
    {
        return next.run(request).await;
    }
    problem(&ApiError::new(ProblemCode::Forbidden, "this form was sent by another site"), None)
}

/// Takes a key, and answers with a cookie that stands for it.
pub(super) async fn sign_in(State(service): State<Arc<Service>>, headers: HeaderMap, body: Body) -> Response {
    let form = match Form::read(body, &service.config.limits).await {
        Ok(form) => form,
        Err(api_error) => return problem(&api_error, None),
    };
    let next = local_path(form.value("next"));
    let keys = service.key_ring.keys();
    let now_ms = service.now_ms();
    let Some(entry) = keys.find(form.value("key").trim(), timestamp(now_ms)) else {
        return sign_in_page(next, true);
    };
    tracing::info!(name = entry.name, "signed in to the pages");
    let expires = now_ms.div_euclid(1000) + SESSION_SECONDS;
    let cookie = format!("{}.{expires}.{}", entry.id, mac(entry, expires));
    with_cookie(see_other(next), is_tls(&service, &headers), &cookie, SESSION_SECONDS)
}

/// Takes the cookie back.
pub(super) async fn sign_out(State(service): State<Arc<Service>>, headers: HeaderMap) -> Response {
    with_cookie(see_other("/"), is_tls(&service, &headers), "", 0)
}

fn sign_in_page(next: &str, refused: bool) -> Response {
    let frame = Frame::new("Sign in", Here::Elsewhere, None);
    let api_error = ApiError::standard(ProblemCode::Unauthorized);
    frame::refused(&api_error, &SignInPage { frame, next: local_path(next).to_owned(), refused })
}

impl Reader {
    pub(super) fn may(&self, scope: Scope) -> bool {
        self.caller.scopes.contains(&scope)
    }
}

fn reader(service: &Service, headers: &HeaderMap) -> Option<Reader> {
    if !service.key_ring.is_locked() || shows_key(headers) {
        return identify(service, headers).ok().map(|caller| Reader { caller, is_signed_in: false });
    }
    let now_ms = service.now_ms();
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs =
        cookies.flat_map(|cookies| cookies.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let (_, session) = pairs.find(|(name, _)| *name == COOKIE)?;
    let (id, rest) = session.split_once('.')?;
    let (expires, shown) = rest.split_once('.')?;
    let expires: i64 = expires.parse().ok().filter(|expires| *expires > now_ms.div_euclid(1000))?;
    let shown = hex::decode(shown).ok()?;
    let keys = service.key_ring.keys();
    let is_shown = |entry: &&KeyEntry| entry.id == id && mac_of(entry, expires).verify_slice(&shown).is_ok();
    let entry = keys.keys.iter().find(is_shown)?;
    let is_in_force = entry.expires_at.is_none_or(|until| timestamp(now_ms) < until);
    let caller = Caller { name: entry.name.clone(), scopes: entry.scopes.clone() };
    is_in_force.then_some(Reader { caller, is_signed_in: true })
}

fn mac(entry: &KeyEntry, expires: i64) -> String {
    hex::encode(mac_of(entry, expires).finalize().into_bytes())
}

fn mac_of(entry: &KeyEntry, expires: i64) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret()).expect("any length of key is taken");
    mac.update(format!("diffrisk session 1\n{}\n{expires}", entry.sha256).as_bytes());
    mac
}

/// Made once a process: a restart, like a revoked key, ends every session.
fn secret() -> &'static [u8; 32] {
    static SECRET: OnceLock<[u8; 32]> = OnceLock::new();
    SECRET.get_or_init(|| {
        let mut bytes = [0; 32];
        // Without randomness nobody signs in: the panic is caught and answered as an internal error.
        getrandom::fill(&mut bytes).expect("the system has randomness");
        bytes
    })
}

/// Whether the browser came over TLS: to this service, or to a proxy in front that says so.
fn is_tls(service: &Service, headers: &HeaderMap) -> bool {
    service.speaks_tls() || headers.get("x-forwarded-proto").is_some_and(|scheme| scheme == "https")
}

fn with_cookie(mut response: Response, is_tls: bool, value: &str, seconds: i64) -> Response {
    let secure = if is_tls { "; Secure" } else { "" };
    // Lax, not Strict: a link in a review or a chat must open the page for who is signed in.
    let cookie = format!("{COOKIE}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}");
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}

/// A path of this service; anything else leads to the start.
fn local_path(path: &str) -> &str {
    let is_local = path.starts_with('/') && !path.starts_with("//") && !path.contains('\\');
    if is_local && path.bytes().all(|b| b.is_ascii_graphic()) { path } else { "/" }
}

fn timestamp(unix_ms: i64) -> jiff::Timestamp {
    jiff::Timestamp::from_millisecond(unix_ms).unwrap_or(jiff::Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_this_service_are_gone_to() {
        for (path, led) in [
            ("/decisions/1?x=2", "/decisions/1?x=2"),
            ("//evil.example", "/"),
            ("/\\evil.example", "/"),
            ("https://evil.example", "/"),
            ("/a\r\nset-cookie: x", "/"),
            ("", "/"),
        ] {
            assert_eq!(local_path(path), led, "{path}");
        }
    }
}
