//! `…/metadata`: everything but the bulk data as DICOM JSON (PS3.18 10.4.1.1.2), from the renditions of the series.

use super::{CACHE, Request, stored};
use crate::accept::{JsonName, gzip_is_accepted};
use crate::conditional;
use crate::error::Error;
use crate::outgoing::{self, Outgoing};
use crate::pieces;
use crate::resource::{InstancePath, SeriesPath, StudyPath};
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, ETAG, VARY};
use http::{HeaderValue, StatusCode};
use pacs_core::json;
use pacs_core::uid::Uid;
use std::hash::{DefaultHasher, Hash, Hasher};
use storage::bulkdata_path;
use storage::{Encoding, SeriesMetadata};

/// Instances whose JSON is shorter are sent as they are.
const GZIP_MIN_BYTES: usize = 2 << 10;

/// `/studies/{study}/metadata`: the arrays of its series made one.
pub async fn of_study(path: StudyPath, request: Request) -> Result<Response, Error> {
    let scope = request.scope()?;
    let name = request.accept()?.json()?;
    let archive = &request.state.archive;
    let mut every: Vec<SeriesMetadata> = Vec::new();
    for series in series_of(&request.locate_study(&path.study).await?) {
        let metadata = archive.series_metadata(&scope, &path.study, &series, request.base.as_str()).await;
        every.push(metadata.map_err(|error| Error::or_not_found(error, "the study"))?);
    }
    let gzip = gzip_is_accepted(&request.headers);
    let mut hasher = DefaultHasher::new();
    for series in &every {
        series.etag(Encoding::Identity).hash(&mut hasher);
    }
    let etag = format!("\"{:016x}{}\"", hasher.finish(), if gzip { "-gzip" } else { "" });
    if let Some(answer) = not_modified(&request, &etag) {
        return Ok(answer);
    }
    let body = outgoing::body(Bytes::new(), move |out| async move {
        let array = stream::iter(every).enumerate().then(|(at, series)| inner(series, at == 0)).flatten();
        let whole = array.chain(stream::iter([Ok(Bytes::from_static(b"]"))]));
        if gzip { out.send_all(pieces::gzip(whole)).await } else { out.send_all(whole).await }
    });
    Ok(answer(body.await?, name, &etag, gzip, None))
}

/// `/studies/{study}/series/{series}/metadata`
pub async fn of_series(path: SeriesPath, request: Request) -> Result<Response, Error> {
    let scope = request.scope()?;
    let name = request.accept()?.json()?;
    let metadata =
        request.state.archive.series_metadata(&scope, &path.study, &path.series, request.base.as_str());
    let metadata = metadata.await.map_err(|error| Error::or_not_found(error, "the series"))?;
    request.viewed(&path.study).await;
    let gzip = gzip_is_accepted(&request.headers);
    let encoding = if gzip { Encoding::Gzip } else { Encoding::Identity };
    let etag = metadata.etag(encoding);
    if let Some(answer) = not_modified(&request, &etag) {
        return Ok(answer);
    }
    let file = metadata.open(encoding).await.map_err(lost)?;
    let length = file.length_bytes();
    Ok(answer(Body::from_stream(file.stream()), name, &etag, gzip, Some(length)))
}

/// `…/instances/{instance}/metadata`: an array of one.
pub async fn of_instance(path: InstancePath, request: Request) -> Result<Response, Error> {
    let place = request.locate(&path).await?;
    let name = request.accept()?.json()?;
    let gzip = gzip_is_accepted(&request.headers);
    let key = storage::RenditionKey::of_instance(&place, &format!("metadata {gzip} {}", request.base));
    let etag = key.etag();
    if let Some(answer) = not_modified(&request, &etag) {
        return Ok(answer);
    }
    let header = stored::header(&request.state.archive, &place).await?;
    let instance = request.base.instance(&place.study_uid, &place.series_uid, &place.uid);
    let mut document = vec![b'['];
    json::write(&header, &mut document, &|path, tag, _| {
        Some(format!("{instance}/bulkdata/{}", bulkdata_path(path, tag)))
    });
    document.push(b']');
    if gzip && document.len() >= GZIP_MIN_BYTES {
        let document = stream::iter([Ok::<_, storage::Error>(Bytes::from(document))]);
        let packing = move |out: Outgoing| async move { out.send_all(pieces::gzip(document)).await };
        let body = outgoing::body(Bytes::new(), packing).await?;
        return Ok(answer(body, name, &etag, true, None));
    }
    let length = document.len() as u64;
    Ok(answer(document.into(), name, &etag, false, Some(length)))
}

/// The series of a study, each once, in order.
fn series_of(places: &[storage::InstancePlace]) -> Vec<Uid> {
    places
        .chunk_by(|one, next| one.series_id == next.series_id)
        .filter_map(|series| series.first().map(|place| place.series_uid.clone()))
        .collect()
}

/// The array of a series without its closing bracket; that of the first opens the whole, those of the others become
/// commas.
async fn inner(
    series: SeriesMetadata,
    first: bool,
) -> impl futures::Stream<Item = Result<Bytes, Error>> + Send {
    let opening = Bytes::from_static(if first { b"[" } else { b"," });
    match series.open(Encoding::Identity).await {
        Ok(file) => {
            let length = file.length_bytes().saturating_sub(2);
            let content = pieces::slice(file.stream(), 1, length).map_err(Error::from);
            stream::iter([Ok(opening)]).chain(content).left_stream()
        }
        Err(error) => stream::iter([Err(lost(error))]).right_stream(),
    }
}

/// The series is there, or there would be nothing to open: what is not found are bytes of its instances.
fn lost(error: storage::Error) -> Error {
    match error {
        storage::Error::NotFound => storage::Error::Corrupt("the bytes of a series are gone".into()).into(),
        other => other.into(),
    }
}

fn not_modified(request: &Request, etag: &str) -> Option<Response> {
    let held = conditional::holds(&request.headers, etag);
    held.then(|| {
        let headers = [(ETAG, HeaderValue::try_from(etag).ok())];
        let mut response = StatusCode::NOT_MODIFIED.into_response();
        for (name, value) in headers {
            if let Some(value) = value {
                response.headers_mut().insert(name, value);
            }
        }
        response.headers_mut().insert(CACHE_CONTROL, CACHE);
        response.headers_mut().insert(VARY, HeaderValue::from_static("accept, accept-encoding"));
        response
    })
}

fn answer(body: Body, name: JsonName, etag: &str, gzip: bool, length: Option<u64>) -> Response {
    let mut response = ([(CONTENT_TYPE, name.content_type())], body).into_response();
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, CACHE);
    headers.insert(VARY, HeaderValue::from_static("accept, accept-encoding"));
    if gzip {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    if let Some(length) = length {
        headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
    if let Ok(etag) = HeaderValue::try_from(etag) {
        headers.insert(ETAG, etag);
    }
    response
}
