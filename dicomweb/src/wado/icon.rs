//! Compressed pictures inside sequences, such as the icon of an image: bulk data with a path that leads to them.

use super::frames::{self, Part};
use super::pixels::{self, Source};
use super::{Request, stored};
use crate::content::Content;
use crate::error::Error;
use crate::representation::{BulkChoice, Encoding};
use crate::state::State;
use axum::response::Response;
use pacs_core::dataset::{DataSet, Fragment};
use pacs_core::pixels::Layout;
use storage::{Archive, InstancePlace};

/// Longest picture that is sent. Those that stand beside an image are small.
const PICTURE_MAX_BYTES: u64 = 8 << 20;

/// Answers with the picture that `set`, an item of a sequence, holds in these fragments of the stored data set; the
/// first is the offset table. `path` leads to it.
pub async fn respond(
    request: &Request,
    place: &InstancePlace,
    set: &DataSet,
    fragments: &[Fragment],
    path: &str,
) -> Result<Response, Error> {
    let choice = frames::choose(request, place, true)?;
    let validators = frames::validators(place, path, &choice);
    if let Some(held) = request.held(&validators)? {
        return Ok(held);
    }
    let picture = read(&request.state, place, (set, fragments), path, &choice).await?;
    frames::one(request, picture, &choice, validators).await
}

/// The same picture, to be sent beside others.
pub async fn read(
    state: &State,
    place: &InstancePlace,
    (set, fragments): (&DataSet, &[Fragment]),
    path: &str,
    choice: &BulkChoice,
) -> Result<Part, Error> {
    let archive = &state.archive;
    let content = fragments.get(1..).unwrap_or_default();
    if content.iter().fold(0u64, |sum, fragment| sum.saturating_add(fragment.length)) > PICTURE_MAX_BYTES {
        return Err(Error::TooLarge("the picture is too large".into()));
    }
    let codec = match choice.encoding {
        Encoding::AsStored => {
            let content = as_it_lies(archive, place, content).await?;
            return Ok(Part { content, content_type: choice.content_type() });
        }
        Encoding::Uncompressed => None,
        Encoding::Encoded(codec) => Some(codec),
    };
    let source = Source::Nested { layout: Layout::from(set)?, fragments: content };
    let made = pixels::sendable(state, place, source, path, codec).await;
    frames::made_or_stored(made, choice, &place.transfer_syntax, async || {
        as_it_lies(archive, place, content).await
    })
    .await
}

async fn as_it_lies(
    archive: &Archive,
    place: &InstancePlace,
    fragments: &[Fragment],
) -> Result<Content, Error> {
    let reader = stored::open(archive, place).await?;
    let range = |fragment: &Fragment| {
        let start = reader.head_bytes().saturating_add(fragment.offset);
        start..start.saturating_add(fragment.length)
    };
    frames::lying(&reader, fragments.iter().map(range).collect()).await
}
