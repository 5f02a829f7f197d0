//! The HTTP door: sign-in and everything around the routers of the doors behind it.

mod client;
mod cors;
mod health;
mod idle;
mod openapi;
mod origin;
mod places;
mod problem;
mod request_log;
mod security_headers;
mod server;
pub mod sign_in;

use std::sync::Arc;

use axum::response::IntoResponse as _;
use axum::routing::get;
use axum::{Router, middleware};
use metrics_exporter_prometheus::PrometheusHandle;
use pacs_core::clock::Clock;
use storage::Archive;
use storage::audit_log::AuditLog;
use tokio_util::sync::CancellationToken;

use crate::config::{Config, SignIn};
use client::Proxies;
use origin::OwnOrigin;
use sign_in::Gate;

pub use server::Server;

/// What the application is put together from.
pub struct Parts {
    /// Who knows the callers.
    pub gate: Arc<Gate>,
    /// The handles of DICOMweb.
    pub dicomweb: dicomweb::State,
    /// The archive behind all doors.
    pub archive: Archive,
    /// The configuration in force.
    pub config: Config,
    /// The present time.
    pub clock: Clock,
    /// Where sign-ins are recorded.
    pub audit_log: AuditLog,
    /// Renders the metrics.
    pub metrics: PrometheusHandle,
    /// Port of the DIMSE listener, which the pages show.
    pub dimse_port: u16,
    /// Whether the listener speaks TLS itself.
    pub listener_is_tls: bool,
    /// Ends long answers at a stop.
    pub shutdown: CancellationToken,
}

/// The whole application: who asks is found out first, then whether the request may come from where
/// it comes, then the door does its work.
pub fn app(parts: Parts) -> anyhow::Result<Router> {
    let Parts {
        gate,
        dicomweb,
        archive,
        config,
        clock,
        audit_log,
        metrics,
        dimse_port,
        listener_is_tls,
        shutdown,
    } = parts;
    let cors = cors::Origins::new(config.http.cors_origins);
    let own_origin = OwnOrigin {
        public_url: config.http.public_url.clone(),
        cors: cors.clone(),
        sign_in_is_off: config.sign_in == SignIn::Off,
    };
    let proxies = Proxies { trusted: config.http.trusted_proxies.clone(), listener_is_tls };
    let api = ris::router(ris::State {
        archive: archive.clone(),
        audit_log: audit_log.clone(),
        clock,
        system: ris::SystemFacts {
            version: env!("CARGO_PKG_VERSION"),
            ae_title: config.dimse.ae_title.to_string(),
            dimse_port,
        },
        shutdown: shutdown.clone(),
    });
    let dicomweb = dicomweb::router(dicomweb);
    let health = Arc::new(health::Health { archive, metrics, shutdown });
    let app = Router::new()
        .merge(viewer_web::router())
        .nest("/api/v1", api)
        .nest("/api/v1/session", sign_in::session::router(Arc::clone(&gate)))
        .route("/api/v1/openapi.json", get(openapi::show))
        .nest("/dicomweb", dicomweb)
        .layer(middleware::from_fn_with_state(own_origin, origin::check))
        .route("/healthz", get(health::live))
        .route("/readyz", get(health::ready).with_state(Arc::clone(&health)))
        .route("/metrics", get(health::metrics).with_state(health))
        .layer(middleware::from_fn_with_state(gate, sign_in::authenticate));
    // Around sign-in, so that a page can read that its token is no longer good.
    let app = if cors.is_empty() { app } else { cors.around(app) };
    Ok(app
        .layer(middleware::from_fn(request_log::log))
        .layer(middleware::from_fn(security_headers::add))
        .layer(middleware::from_fn_with_state(proxies, client::identify))
        .method_not_allowed_fallback(async || http::StatusCode::METHOD_NOT_ALLOWED.into_response()))
}
