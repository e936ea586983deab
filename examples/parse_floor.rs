//! The floor that the service is measured against: an axum handler that parses the same JSON and answers a number.
//!
//! `cargo run --release --example parse_floor -- 127.0.0.1:8090`

use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

/// A request of the Open Inference Protocol.
#[derive(Deserialize)]
struct Request {
    inputs: Vec<Tensor>,
}

/// One tensor of it.
#[derive(Deserialize)]
struct Tensor {
    data: Vec<f64>,
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let listen = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8090".to_owned());
    let infer = |Json(request): Json<Request>| async move {
        let sum: f64 = request.inputs.iter().flat_map(|tensor| &tensor.data).sum();
        Json::<Value>(json!({ "outputs": [{ "name": "score", "data": [sum] }] }))
    };
    let router = Router::new().route("/livez", get(|| async { "" })).route("/infer", post(infer));
    let listener = tokio::net::TcpListener::bind(listen).await?;
    axum::serve(listener, router).await
}
