//! `…/metadata`: everything but the bulk data as DICOM JSON (PS3.18 10.4.1.1.2), from the renditions of the series.

use super::{Request, stored};
use crate::accept::JsonName;
use crate::answer::{BY_ACCEPT_AND_CODING, Head};
use crate::coding::{self, Coding};
use crate::content::Content;
use crate::error::Error;
use crate::outgoing::{self, Outgoing};
use crate::resource::{InstancePath, SeriesPath, StudyPath};
use crate::validators::Validators;
use axum::response::Response;
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use pacs_core::json;
use std::hash::{DefaultHasher, Hash, Hasher};
use storage::bulkdata_path;
use storage::{Encoding, SeriesMetadata};

/// `/studies/{study}/metadata`: the arrays of its series made one.
pub async fn of_study(path: StudyPath, request: Request) -> Result<Response, Error> {
    let scope = request.scope()?;
    let name = request.accept()?.json()?;
    let archive = &request.state.archive;
    let mut every: Vec<SeriesMetadata> = Vec::new();
    for series in request.locate_series_of(&path.study).await? {
        let metadata = archive.series_metadata(&scope, &path.study, &series, request.base.as_str()).await;
        every.push(metadata.map_err(|error| Error::or_not_found(error, "the study"))?);
    }
    let coding = coding_of(&request);
    let mut hasher = DefaultHasher::new();
    for series in &every {
        series.etag(Encoding::Identity).hash(&mut hasher);
    }
    let etag = format!("\"{:016x}{}\"", hasher.finish(), coding.suffix());
    let head = head(name, coding, etag);
    if let Some(held) = held(&request, &head)? {
        return Ok(held);
    }
    let body = outgoing::body(Bytes::new(), move |out| async move {
        let array = stream::iter(every).enumerate().then(|(at, series)| inner(series, at == 0)).flatten();
        let whole = array.chain(stream::iter([Ok(Bytes::from_static(b"]"))]));
        out.send_all(coding::packed(whole, coding)).await
    });
    Ok(head.with(body.await?, None))
}

/// `/studies/{study}/series/{series}/metadata`
pub async fn of_series(path: SeriesPath, request: Request) -> Result<Response, Error> {
    let scope = request.scope()?;
    let name = request.accept()?.json()?;
    let metadata =
        request.state.archive.series_metadata(&scope, &path.study, &path.series, request.base.as_str());
    let metadata = metadata.await.map_err(|error| Error::or_not_found(error, "the series"))?;
    request.viewed(&path.study).await;
    let coding = coding_of(&request);
    // Plain and gzip are kept ready.
    let kept = if coding == Coding::Gzip { Encoding::Gzip } else { Encoding::Identity };
    let mut etag = metadata.etag(kept);
    if coding == Coding::Zstd {
        etag = format!("{}{}\"", etag.trim_end_matches('"'), coding.suffix());
    }
    let head = head(name, coding, etag);
    if let Some(held) = held(&request, &head)? {
        return Ok(held);
    }
    let file = metadata.open(kept).await.map_err(lost)?;
    if coding == Coding::Zstd {
        let packing =
            move |out: Outgoing| async move { out.send_all(coding::packed(file.stream(), coding)).await };
        return Ok(head.with(outgoing::body(Bytes::new(), packing).await?, None));
    }
    request.ranged(head, Content::rendition(file)).await
}

/// `…/instances/{instance}/metadata`: an array of one.
pub async fn of_instance(path: InstancePath, request: Request) -> Result<Response, Error> {
    let place = request.locate(&path).await?;
    let name = request.accept()?.json()?;
    let coding = coding_of(&request);
    let variant = format!("metadata{} {}", coding.suffix(), request.base);
    let etag = storage::RenditionKey::of_instance(&place, &variant).etag();
    let head = head(name, coding, etag);
    if let Some(held) = held(&request, &head)? {
        return Ok(held);
    }
    let header = stored::header(&request.state.archive, &place).await?;
    let instance = request.base.instance(&place.study_uid, &place.series_uid, &place.uid);
    let mut document = vec![b'['];
    json::write(&header, &mut document, &|path, tag, _| {
        Some(format!("{instance}/bulkdata/{}", bulkdata_path(path, tag)))
    });
    document.push(b']');
    let (document, coding) = coding::whole(document.into(), coding).await?;
    request.ranged(Head { coding, ..head }, Content::Held(document)).await
}

fn coding_of(request: &Request) -> Coding {
    Coding::choose(&request.headers, &[Coding::Gzip, Coding::Zstd])
}

fn head(name: JsonName, coding: Coding, etag: String) -> Head {
    Head {
        content_type: name.content_type().to_owned(),
        validators: Validators::strong(etag),
        vary: BY_ACCEPT_AND_CODING,
        coding,
    }
}

fn held(request: &Request, head: &Head) -> Result<Option<Response>, Error> {
    head.validators.held(&request.headers, head.vary)
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
            let content = file.part(1..file.length_bytes().saturating_sub(1)).map_err(Error::from);
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
