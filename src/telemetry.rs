//! Logs and metrics of the process.

use std::io::IsTerminal;
use std::time::Duration;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

/// Variable with a filter such as `debug` or `sen=debug,dimse_scp=trace`.
const FILTER_VARIABLE: &str = "SEN_LOG";

/// Seconds; from a cached answer to a large retrieve.
const LATENCY_BUCKETS_S: &[f64] =
    &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0];

/// How often measured times are gathered into their buckets.
const UPKEEP_EVERY: Duration = Duration::from_secs(5);

/// Sends logs to standard error: lines for a person on a terminal, JSON for everything else.
///
/// Standard output stays free for what a command answers.
pub fn start_logging(default_filter: &str) {
    let asked = std::env::var(FILTER_VARIABLE).ok().filter(|text| !text.is_empty());
    let (filter, wrong) = match asked.map(EnvFilter::try_new) {
        Some(Ok(filter)) => (filter, None),
        Some(Err(wrong)) => (EnvFilter::new(default_filter), Some(wrong)),
        None => (EnvFilter::new(default_filter), None),
    };
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // Fails only where a subscriber is there already.
    let _ = if std::io::stderr().is_terminal() {
        lines.with_target(false).compact().try_init()
    } else {
        lines.json().flatten_event(true).with_current_span(false).with_span_list(false).try_init()
    };
    if let Some(wrong) = wrong {
        tracing::warn!("{FILTER_VARIABLE} does nothing: {wrong}");
    }
}

/// Installs the recorder that every `metrics` macro of the process writes to; the handle renders it
/// in Prometheus' text format.
pub fn start_metrics() -> anyhow::Result<PrometheusHandle> {
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), LATENCY_BUCKETS_S)?
        .install_recorder()?;
    metrics::gauge!("sen_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
    Ok(handle)
}

/// Gathers measured times into their buckets until `shutdown`. Until then each of them is kept as it
/// was measured, so that without this a server that nobody scrapes would grow with every request.
pub async fn keep_metrics(metrics: PrometheusHandle, shutdown: CancellationToken) {
    let mut turn = tokio::time::interval(UPKEEP_EVERY);
    while shutdown.run_until_cancelled(turn.tick()).await.is_some() {
        metrics.run_upkeep();
    }
}

/// Resident memory of a process in bytes, as Linux counts it; `None` elsewhere.
pub fn resident_bytes(process_id: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process_id}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}
