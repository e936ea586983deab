//! `/docs`: the routes and the closed sets of codes, for whoever writes a caller. It says nothing of this service's changes, and
//! opens without a key.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;

use crate::http::ProblemCode;
use crate::http::pages::frame::{self, Frame, Here};
use crate::http::pages::said::Said;
use crate::http::routes::docs::{RouteLine, route_lines};
use crate::policy::ReasonCode;

#[derive(Template)]
#[template(path = "api.html")]
struct ApiPage {
    frame: Frame,
    routes: &'static [RouteLine],
    reasons: Vec<Reason>,
    problems: Vec<Problem>,
}

/// A code of `reasons`.
struct Reason {
    code: &'static str,
    degrades: bool,
    meaning: Said,
}

/// A code of an error answer.
struct Problem {
    code: &'static str,
    status: u16,
    meaning: Said,
}

/// The page.
pub(super) async fn page() -> Response {
    let reason = |code: &ReasonCode| Reason {
        code: code.as_str(),
        degrades: code.degrades(),
        meaning: Said::new(code.sentence()),
    };
    let problem = |code: &ProblemCode| Problem {
        code: code.as_str(),
        status: code.status().as_u16(),
        meaning: Said::new(code.title()),
    };
    let api_page = ApiPage {
        frame: Frame::new("API", Here::Api, None),
        routes: route_lines(),
        reasons: ReasonCode::ALL.iter().map(reason).collect(),
        problems: ProblemCode::ALL.iter().map(problem).collect(),
    };
    frame::page(StatusCode::OK, &api_page)
}
