//! Instances sent as metadata and bulk data (PS3.18 10.5.1): DICOM JSON in one part, and in the others the values that
//! it names.

use super::assembled::assemble;
use super::bulk::Bulk;
use super::content_of;
use super::intake::{Finishing, Intake};
use super::outcome::{Failure, Reason};
use super::references::References;
use crate::error::Error;
use crate::media::MediaType;
use crate::multipart::{PartReader, ReadError};
use bytes::Bytes;
use futures::{Stream, TryStreamExt};
use pacs_core::dataset::DataSet;
use pacs_core::json::{self, JsonError, JsonLimits};
use std::ops::Range;
use std::pin::pin;
use std::sync::Arc;
use tokio::task::spawn_blocking;

/// Longest metadata of one request. What is longer is pixels in base64, which belong into parts of their own.
const METADATA_MAX_BYTES: u64 = 16 << 20;
/// Most bytes of values that are kept beyond those that came, because several elements name the same value: a profile
/// of colours may be that of all images, but nobody makes a terabyte of one frame.
const SHARED_MAX_BYTES: u64 = 64 << 20;
/// Most memory that the instances of one document take once they are read.
const RETAINED_MAX_BYTES: usize = 24 << 20;

/// Whether the media type is that of metadata.
pub fn is_json(media: &MediaType) -> bool {
    media.is("application", "dicom+json") || media.is("application", "json")
}

/// Takes instances in whose metadata and values are parts of a body. The first part without a media type of its own is
/// metadata.
pub async fn take_parts<S>(
    intake: &Intake,
    parts: &mut PartReader<S>,
    finishing: &mut Finishing,
) -> Result<(), Error>
where
    S: Stream<Item = Result<Bytes, ReadError>> + Unpin + Send,
{
    let mut gathered = Gathered::nothing(intake).await?;
    while let Some(headers) = parts.next_part().await? {
        let media = headers.content_type;
        if media.as_ref().map_or(gathered.documents.is_empty(), is_json) {
            gathered.add_document(content_of(parts)).await?;
            continue;
        }
        let location = headers.content_location;
        let location = location.ok_or(Error::bad_request("a part with a value has no Content-Location"))?;
        gathered.bulk.take(location, media, content_of(parts)).await?;
    }
    take(intake, gathered, finishing).await
}

/// Takes instances in whose metadata is the body and holds all values.
pub async fn take_one<S>(intake: &Intake, body: S, finishing: &mut Finishing) -> Result<(), Error>
where
    S: Stream<Item = Result<Bytes, ReadError>> + Send,
{
    let mut gathered = Gathered::nothing(intake).await?;
    gathered.add_document(body).await?;
    take(intake, gathered, finishing).await
}

/// What came. It lies on disk: a sender may take long, and shall hold no memory meanwhile.
struct Gathered {
    documents: Vec<Range<u64>>,
    bulk: Bulk,
}

impl Gathered {
    async fn nothing(intake: &Intake) -> Result<Self, Error> {
        Ok(Self { documents: Vec::new(), bulk: Bulk::new(intake.room()).await? })
    }

    async fn add_document(
        &mut self,
        content: impl Stream<Item = Result<Bytes, ReadError>> + Send,
    ) -> Result<(), Error> {
        const DOCUMENTS_MAX: usize = 10_000;
        let came: u64 = self.documents.iter().map(|range| range.end.saturating_sub(range.start)).sum();
        let document = self.bulk.append(content, METADATA_MAX_BYTES.saturating_sub(came)).await;
        let document = document.map_err(|error| match error {
            Error::TooLarge(_) => too_long(),
            other => other,
        })?;
        self.documents.push(document);
        if self.documents.len() > DOCUMENTS_MAX { Err(too_long()) } else { Ok(()) }
    }
}

/// Reads one of the documents, with the values that it names.
async fn instances(
    bulk: &Bulk,
    document: Range<u64>,
    mut references: References,
) -> Result<(Vec<DataSet>, References), Error> {
    let mut text = Vec::new();
    let mut pieces = pin!(bulk.stream(document));
    while let Some(piece) = pieces.try_next().await? {
        text.extend_from_slice(&piece);
    }
    let limits = JsonLimits { document_bytes: text.len(), retained_bytes: RETAINED_MAX_BYTES };
    let read = spawn_blocking(move || {
        let sets = json::parse_with(&text, &limits, &mut |of| references.value(of));
        (sets, references)
    });
    let (sets, references) =
        read.await.map_err(|_| Error::Internal("reading metadata was interrupted".into()))?;
    match sets {
        Ok(sets) => Ok((sets, references)),
        Err(error @ (JsonError::TooLarge(_) | JsonError::TooMany)) => {
            Err(Error::TooLarge(error.to_string().into()))
        }
        Err(error @ JsonError::Malformed(_)) => Err(Error::BadRequest(error.to_string().into())),
    }
}

fn too_long() -> Error {
    Error::TooLarge(format!("the metadata of one request is longer than {METADATA_MAX_BYTES} bytes").into())
}

/// Takes the instances in, one after another.
async fn take(intake: &Intake, gathered: Gathered, finishing: &mut Finishing) -> Result<(), Error> {
    let _place = intake.place_for_metadata().await?;
    let Gathered { documents, bulk } = gathered;
    let bulk = Arc::new(bulk);
    let mut references = References::new(Arc::clone(&bulk));
    let most_bytes = bulk.length_bytes().saturating_add(SHARED_MAX_BYTES);
    let mut copied_bytes = 0u64;
    for document in documents {
        let instances;
        (instances, references) = self::instances(&bulk, document, references).await?;
        for (number, data_set) in instances.into_iter().enumerate() {
            let taken = match assemble(data_set, references.of_set(number), &bulk).await {
                Ok(assembled) => {
                    copied_bytes = copied_bytes.saturating_add(assembled.copied_bytes());
                    if copied_bytes > most_bytes {
                        return Err(Error::bad_request("the metadata names the same values too often"));
                    }
                    intake.take_assembled(assembled, &bulk).await
                }
                Err(failure) => Err(failure),
            };
            finishing.push(taken).await;
        }
    }
    // Nothing that came is lost without a word.
    for _ in 0..references.unnamed() {
        let why = "a value came that no metadata names";
        finishing.push(Err(Failure::new(Reason::CannotUnderstand, why))).await;
    }
    Ok(())
}
