//! Answers at the instance level that are asked for more than rows hold: the rest is read from the headers of the
//! instances, as they are served, a few at a time.

use std::collections::HashMap;
use std::sync::Arc;

use futures::stream::{self, Stream, StreamExt as _, TryStreamExt as _};
use pacs_core::Tag;
use pacs_core::dataset::DataSet;
use pacs_core::query::Query;
use tokio::sync::Semaphore;

use super::answer::Answer;
use super::shape;
use crate::archive::Archive;
use crate::error::{Error, Result};
use crate::index::InstanceId;
use crate::index::instances::{self, InstancePlace};

/// Headers that one search reads at a time, and that all do: one takes up to 16 MiB while it is read.
const AT_ONCE: usize = 8;
static TURNS: Semaphore = Semaphore::const_new(AT_ONCE);

/// The answers of these pages with what their query asks of headers.
pub(super) fn laid_out<P: Stream<Item = Result<Vec<Answer>>> + Send>(
    archive: &Archive,
    query: &Query,
    pages: P,
) -> impl Stream<Item = Result<Vec<Answer>>> + Send + use<P> {
    let wanted: Arc<[Tag]> = shape::of_header(query).into();
    if wanted.is_empty() {
        return pages.left_stream();
    }
    let archive = archive.clone();
    let few = pages.map_ok(|page| stream::iter(few_of(page).map(Ok::<_, Error>))).try_flatten();
    few.and_then(move |few| described(archive.clone(), Arc::clone(&wanted), few)).right_stream()
}

/// A page in parts.
fn few_of(page: Vec<Answer>) -> impl Iterator<Item = Vec<Answer>> {
    let mut rest = page.into_iter();
    std::iter::from_fn(move || {
        let few: Vec<Answer> = rest.by_ref().take(AT_ONCE).collect();
        (!few.is_empty()).then_some(few)
    })
}

async fn described(archive: Archive, wanted: Arc<[Tag]>, few: Vec<Answer>) -> Result<Vec<Answer>> {
    let ids = few.iter().map(Answer::instance).collect::<Result<Vec<_>>>()?;
    let places = instances::by_ids(archive.database(), &ids).await?;
    // Each on a task of its own: who stops asking, or reads slowly, must not keep the turn of others.
    let reading = places.into_iter().map(|place| {
        let id = place.id;
        (id, tokio::spawn(said(archive.clone(), place, Arc::clone(&wanted))))
    });
    let reading: Vec<_> = reading.collect();
    let mut headers = HashMap::new();
    for (id, task) in reading {
        headers.insert(id, task.await.map_err(Error::thread)??);
    }
    let with_header = |(answer, id): (Answer, InstanceId)| match headers.remove(&id) {
        Some(header) => answer.with_header(header),
        None => answer,
    };
    Ok(few.into_iter().zip(ids).map(with_header).collect())
}

/// What a header says; nothing when it cannot be read any more, as one damaged instance must not hide the others.
async fn said(archive: Archive, place: InstancePlace, wanted: Arc<[Tag]>) -> Result<DataSet> {
    // The semaphore is never closed.
    let _turn = TURNS.acquire().await.ok();
    match archive.said(&place, wanted).await {
        Ok(said) => Ok(said),
        Err(error) => {
            if let Some(why) = archive.unread(&place, error).await? {
                tracing::warn!(instance = %place.uid, why, "a damaged instance is found without its header");
            }
            Ok(DataSet::new())
        }
    }
}
