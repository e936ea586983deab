//! Who sends a request, and whether their key may do what they ask: the one gate in front of every route that needs a scope.
//! Start at [`authorize`].

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::http::auth::Scope;
use crate::http::auth::origin::check_local;
use crate::http::auth::rate::Rate;
use crate::http::service::Service;
use crate::http::{ApiError, ProblemCode};

/// Who sent a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Name of the key; `local` where no keys are needed.
    pub name: String,
    /// What the caller may do.
    pub scopes: Vec<Scope>,
}

/// What a route asks of a caller's key.
#[derive(Clone)]
pub(in crate::http) struct Guard {
    pub(in crate::http) service: Arc<Service>,
    pub(in crate::http) needed: Scope,
}

/// Finds out who sent a request, whether more may be sent, and whether the key has the scope.
pub(in crate::http) async fn authorize(
    State(Guard { service, needed }): State<Guard>,
    mut request: Request,
    next: Next,
) -> Response {
    if let Err(api_error) = check_local(&service, request.headers()) {
        return api_error.into_response();
    }
    let caller = match identify(&service, request.headers()) {
        Ok(caller) => caller,
        Err(api_error) => return api_error.into_response(),
    };
    let (rate, admitted) = admit(&service, &caller, needed, "this needs");
    let mut response = match admitted {
        Err(api_error) => api_error.into_response(),
        Ok(()) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
    };
    if let Some(rate) = rate {
        tell(&mut response, rate);
    }
    response
}

/// Whether a caller may send more now, and has the scope that something needs; and what is left of the rate.
pub(in crate::http) fn admit(
    service: &Service,
    caller: &Caller,
    needed: Scope,
    what_needs: &str,
) -> (Option<Rate>, Result<(), ApiError>) {
    let rate = service.rates.take(&caller.name, Instant::now());
    let admitted = if rate.is_some_and(|rate| !rate.is_allowed) {
        Err(ApiError::standard(ProblemCode::RateLimited).retry_after(1))
    } else if caller.scopes.contains(&needed) {
        Ok(())
    } else {
        let detail = format!("{what_needs} a key with the scope `{}`", needed.as_str());
        Err(ApiError::new(ProblemCode::Forbidden, detail))
    };
    (rate, admitted)
}

/// Who shows a key, or anybody where no keys are needed.
pub(in crate::http) fn identify(service: &Service, headers: &HeaderMap) -> Result<Caller, ApiError> {
    if !service.key_ring.is_locked() {
        return Ok(Caller { name: "local".into(), scopes: Scope::ALL.to_vec() });
    }
    let keys = service.key_ring.keys();
    let entry = key_of(headers).and_then(|key| keys.find(key, jiff::Timestamp::now()));
    let entry = entry.ok_or_else(|| ApiError::standard(ProblemCode::Unauthorized))?;
    Ok(Caller { name: entry.name.clone(), scopes: entry.scopes.clone() })
}

/// Whether a request shows a key at all, be it none of ours. A proxy in front may ask for a password of its own and hand it on.
pub(in crate::http) fn shows_key(headers: &HeaderMap) -> bool {
    key_of(headers).is_some()
}

fn key_of(headers: &HeaderMap) -> Option<&str> {
    let shown = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, key) = shown.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
}

/// Says in an answer what is left of the caller's rate.
pub(in crate::http) fn tell(response: &mut Response, rate: Rate) {
    let headers = response.headers_mut();
    let policy = HeaderValue::from_str(&format!("\"default\";q={};w=1", rate.per_second));
    let state = HeaderValue::from_str(&format!("\"default\";r={};t=1", rate.remaining));
    if let (Ok(policy), Ok(state)) = (policy, state) {
        headers.insert("ratelimit-policy", policy);
        headers.insert("ratelimit", state);
    }
}
