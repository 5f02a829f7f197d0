//! What supervisors and monitoring ask: alive, ready, measurements.

use std::sync::Arc;

use axum::extract::{Extension, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::CONTENT_TYPE;
use metrics_exporter_prometheus::PrometheusHandle;
use pacs_core::access::{self, Act, Actor};
use storage::Archive;
use tokio_util::sync::CancellationToken;

use super::client::Client;
use super::problem::Problem;
use crate::telemetry;

/// What the answers are made from.
pub struct Health {
    /// The archive, which has to answer for the process to be ready.
    pub archive: Archive,
    /// Renders the metrics.
    pub metrics: PrometheusHandle,
    /// Set once the process is stopping: then nobody should come any more.
    pub shutdown: CancellationToken,
}

/// `GET /healthz`: the process runs and answers.
pub async fn live() -> &'static str {
    "ok\n"
}

/// `GET /readyz`: the archive answers and no stop is under way.
pub async fn ready(State(health): State<Arc<Health>>) -> Response {
    if health.shutdown.is_cancelled() {
        return Problem::Unavailable.into_response();
    }
    match health.archive.database().ping().await {
        Ok(()) => "ok\n".into_response(),
        Err(error) => {
            tracing::warn!(%error, "not ready");
            Problem::Unavailable.into_response()
        }
    }
}

/// `GET /metrics`: for Prometheus on this machine, or with an administrator's token.
pub async fn metrics(
    State(health): State<Arc<Health>>,
    Extension(client): Extension<Client>,
    actor: Option<Extension<Actor>>,
) -> Result<Response, Problem> {
    let is_administrator = actor.as_ref().is_some_and(|actor| access::may(actor, Act::ManageDevices));
    if !client.address.is_loopback() && !is_administrator {
        return Err(if actor.is_some() { Problem::Forbidden } else { Problem::Unauthorized });
    }
    if let Some(bytes) = telemetry::resident_bytes(std::process::id()) {
        metrics::gauge!("sen_process_resident_memory_bytes").set(bytes as f64);
    }
    metrics::gauge!("sen_spool_bytes").set(health.archive.spool_bytes() as f64);
    health.metrics.run_upkeep();
    let text = health.metrics.render();
    Ok((StatusCode::OK, [(CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response())
}
