//! What the DICOMweb measurements share: a client and several workers taking turns.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use clap::Args as ClapArgs;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use url::Url;

use super::measure::{Measurement, timed};
use crate::commands;

/// A DICOMweb service to reach.
#[derive(Debug, Clone, ClapArgs)]
pub struct Service {
    /// Where its DICOMweb begins, such as http://127.0.0.1:8080/dicomweb
    #[arg(long)]
    url: Url,

    /// Bearer token; better in the variable than on the command line
    #[arg(long, env = "SEN_BENCH_TOKEN", hide_env_values = true)]
    token: Option<String>,

    /// Requests at the same time
    #[arg(long, default_value_t = 4)]
    parallel: u32,

    /// Process whose memory is shown, when the PACS runs on this machine
    #[arg(long)]
    pub pid: Option<u32>,
}

impl Service {
    /// A client that signs in with the token.
    pub fn client(&self) -> anyhow::Result<reqwest::Client> {
        let mut headers = HeaderMap::new();
        if let Some(token) = &self.token {
            let mut value =
                HeaderValue::from_str(&format!("Bearer {token}")).context("the token is not text")?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        let client =
            reqwest::Client::builder().default_headers(headers).timeout(Duration::from_secs(60)).build()?;
        Ok(client)
    }

    /// The URL of a path below the service.
    pub fn at(&self, path: &str) -> String {
        format!("{}{path}", self.url.as_str().trim_end_matches('/'))
    }

    /// Does `count` things with so many workers; `work` gets the number of the thing and answers the
    /// bytes it moved.
    pub async fn measure<F, Fut>(&self, count: u64, work: F) -> anyhow::Result<(Measurement, Duration)>
    where
        F: Fn(u64) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = anyhow::Result<u64>> + Send,
    {
        let (work, next) = (Arc::new(work), Arc::new(AtomicU64::new(0)));
        let bar = commands::progress_bar(count, "requests");
        let started = Instant::now();
        let mut workers = tokio::task::JoinSet::new();
        for _ in 0..self.parallel.max(1) {
            let (work, next, bar) = (Arc::clone(&work), Arc::clone(&next), bar.clone());
            workers.spawn(async move {
                let mut measured = Measurement::default();
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= count {
                        return measured;
                    }
                    match timed(work(number)).await {
                        (Ok(bytes), took) => measured.done(took, bytes),
                        (Err(error), _) => {
                            tracing::warn!("{error:#}");
                            measured.failed();
                        }
                    }
                    bar.inc(1);
                }
            });
        }
        let mut whole = Measurement::default();
        while let Some(measured) = workers.join_next().await {
            whole.merge(measured?);
        }
        let elapsed = started.elapsed();
        bar.finish_and_clear();
        Ok((whole, elapsed))
    }
}

/// Fetches a URL to its last byte and counts them. An answer without content is a failure: only what is there is
/// asked for. Errors leave the URL out, which may name a patient.
pub async fn fetch(client: &reqwest::Client, url: &str, accept: &str) -> anyhow::Result<u64> {
    let count = async {
        let mut answer =
            client.get(url).header(reqwest::header::ACCEPT, accept).send().await?.error_for_status()?;
        let mut bytes = 0;
        while let Some(chunk) = answer.chunk().await? {
            bytes += chunk.len() as u64;
        }
        Ok::<u64, reqwest::Error>(bytes)
    };
    match count.await.map_err(reqwest::Error::without_url)? {
        0 => bail!("the answer has no content"),
        bytes => Ok(bytes),
    }
}

/// DICOM JSON (PS3.18 F).
pub const DICOM_JSON: &str = "application/dicom+json";
