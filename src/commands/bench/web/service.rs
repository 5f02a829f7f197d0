//! A DICOMweb service, or files beside it, and several clients asking at the same time.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use bytes::Bytes;
use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderMap, HeaderValue, LINK};
use serde_json::Value;
use tokio::io::AsyncWriteExt as _;
use url::Url;

use super::super::measure::{Measurement, timed};

/// DICOM JSON (PS3.18 F).
pub const DICOM_JSON: &str = "application/dicom+json";

/// JSON of our own.
pub const JSON: &str = "application/json";
/// Where paths begin that lie beside DICOMweb, of the pages' own service.
pub const PAGES: &str = "/api/v1/";

/// Something that answers GET.
#[derive(Debug, Clone)]
pub struct Service {
    client: reqwest::Client,
    root: String,
    /// Scheme, host and port.
    origin: String,
}

impl Service {
    /// What lies below `root`, asked with the token if there is one.
    pub fn new(root: &Url, token: Option<&str>) -> anyhow::Result<Self> {
        let mut headers = HeaderMap::new();
        if let Some(token) = token {
            let mut value =
                HeaderValue::from_str(&format!("Bearer {token}")).context("the token is not text")?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        let client =
            reqwest::Client::builder().default_headers(headers).timeout(Duration::from_secs(60)).build()?;
        let origin = root.origin().ascii_serialization();
        Ok(Self { client, root: root.as_str().trim_end_matches('/').to_owned(), origin })
    }

    /// An array of DICOM JSON.
    pub async fn list(&self, path: &str) -> anyhow::Result<Vec<Value>> {
        let answer = self.ask(path, DICOM_JSON).await?;
        if answer.status() == reqwest::StatusCode::NO_CONTENT {
            return Ok(Vec::new());
        }
        answer.json().await.context("the answer is no DICOM JSON")
    }

    /// An object of JSON.
    pub async fn object(&self, path: &str) -> anyhow::Result<Value> {
        self.ask(path, JSON).await?.json().await.context("the answer is no JSON")
    }

    /// A whole answer.
    pub async fn bytes(&self, path: &str, accept: &str) -> anyhow::Result<Bytes> {
        self.ask(path, accept).await?.bytes().await.map_err(|error| error.without_url().into())
    }

    /// Where the answer to a search among studies goes on, by its link to the next page (RFC 8288).
    pub async fn next(&self, path: &str) -> anyhow::Result<Option<String>> {
        let answer = self.ask(path, DICOM_JSON).await?;
        let link = answer.headers().get(LINK).and_then(|link| link.to_str().ok());
        let target = link.and_then(|link| Some(link.split_once('<')?.1.split_once(">; rel=\"next\"")?.0));
        Ok(target.and_then(|url| Some(format!("/studies?{}", url.split_once("/studies?")?.1))))
    }

    /// Writes an answer to a file.
    pub async fn copy(&self, path: &str, accept: &str, to: &std::path::Path) -> anyhow::Result<()> {
        let mut answer = self.ask(path, accept).await?;
        let mut file = tokio::fs::File::create(to).await?;
        while let Some(chunk) = answer.chunk().await.map_err(reqwest::Error::without_url)? {
            file.write_all(&chunk).await?;
        }
        Ok(file.flush().await?)
    }

    /// Fetches an answer to its last byte and counts them. One without content is a failure: only what is there is
    /// asked for; an empty array is what some answer instead of nothing.
    pub async fn fetch(&self, path: &str, accept: &str) -> anyhow::Result<u64> {
        let mut answer = self.ask(path, accept).await?;
        let mut bytes = 0;
        while let Some(chunk) = answer.chunk().await.map_err(reqwest::Error::without_url)? {
            bytes += chunk.len() as u64;
        }
        match bytes {
            0..=2 => bail!("the answer has no content"),
            bytes => Ok(bytes),
        }
    }

    /// An answer that says that all is well. Errors leave the URL out, which may name a patient.
    async fn ask(&self, path: &str, accept: &str) -> anyhow::Result<reqwest::Response> {
        let root = if path.starts_with(PAGES) { &self.origin } else { &self.root };
        let request = self.client.get(format!("{root}{path}")).header(ACCEPT, accept);
        let answer = request.send().await.and_then(reqwest::Response::error_for_status);
        answer.map_err(|error| error.without_url().into())
    }
}

/// Clients that ask for these paths in turns until the time is over, each at least once. `next` goes on where the turn
/// before left off.
pub async fn turn(
    service: &Service,
    (paths, accept): (&Arc<Vec<String>>, &'static str),
    clients: usize,
    lasts: Duration,
    next: &Arc<AtomicUsize>,
) -> anyhow::Result<(Measurement, Duration)> {
    let started = Instant::now();
    let mut workers = tokio::task::JoinSet::new();
    for _ in 0..clients.max(1) {
        let (service, paths, next) = (service.clone(), Arc::clone(paths), Arc::clone(next));
        workers.spawn(async move {
            let mut measured = Measurement::default();
            // Each asks at least once, however short the turn.
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed) % paths.len().max(1);
                let Some(path) = paths.get(number) else { break };
                match timed(service.fetch(path, accept)).await {
                    (Ok(bytes), took) => measured.done(took, bytes),
                    (Err(error), _) => {
                        if measured.failures() == 0 {
                            tracing::warn!("{error:#}");
                        }
                        measured.failed();
                        if measured.failures() >= FAILURES_MAX {
                            break;
                        }
                    }
                }
                if started.elapsed() >= lasts {
                    break;
                }
            }
            measured
        });
    }
    let mut whole = Measurement::default();
    while let Some(measured) = workers.join_next().await {
        whole.merge(measured?);
    }
    Ok((whole, started.elapsed()))
}

/// A client that has failed so often in its turn gives up; only its first failure is told.
const FAILURES_MAX: u64 = 5;
