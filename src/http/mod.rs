//! The scoring service: routes, wire types, keys, limits.
//!
//! A question is read strictly ([`parse_json`]), assessed by whatever stands behind [`Assessor`],
//! decided on by the policy, and recorded before it is answered. Whatever is in doubt on the way is
//! a degraded answer and at least extra validation; a decision is never carried by an error status.
//! Start reading at [`router()`], then follow `score`.

mod asking;
mod assess;
mod assessor;
mod auth;
mod body;
mod check;
mod compose;
mod config;
mod decode;
mod error;
mod explain;
mod fields;
mod fingerprint;
mod gate;
mod joins;
mod json;
mod listen;
pub mod live;
mod local;
mod metrics;
mod models;
mod otlp;
mod pages;
mod percent;
mod refusal;
mod replay;
mod reported;
mod revoke;
mod router;
mod routes;
mod score;
mod serve;
mod service;
mod settings;
mod stamp;
mod start;
mod suspects;
mod swap;
mod tls;
mod trace;
pub mod wire;
mod workers;

pub use assessor::{
    Asked, Assessed, Assessor, Broken, Decided, HistoryMode, HistoryRef, Landed, ModelRef, Suspect, Suspects,
    Target,
};
pub use auth::{Caller, KeyEntry, KeyError, KeyFile, Scope};
pub use check::{check, refusals};
pub use config::{Limits, ServerConfig};
pub use error::{ApiError, ProblemBody, ProblemCode};
pub use explain::explanation_of;
pub use json::{Json, MAX_DEPTH, parse_json};
pub use local::{Local, LocalSources};
pub use models::{Comparison, ModelSource, Models, PolicySource};
pub use refusal::Refusal;
pub use replay::{Replay, ReplayDifference, ReplayError, replay, scored_by};
pub use router::router;
pub use routes::docs::openapi_json;
pub use serve::{ServeError, bind, serve};
pub use service::{Clock, Parts, PolicyInUse, Service};
pub use settings::{Settings, SettingsError};
pub use start::{StartError, start, start_at};
pub use suspects::{DecidedAnswer, KnownBadAnswer, SuspectsAnswer};
pub use tls::{TlsConfig, TlsError, trusting};
