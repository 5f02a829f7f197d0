//! Values of many instances as parts of one body: their pixels, or all of their bulk data. One instance is read after
//! the other while they are sent, so that memory does not grow with the study.

use super::value::{Parts, Value};
use super::walk::Walk;
use super::{Request, value};
use crate::answer::Head;
use crate::error::Error;
use crate::multipart::Boundary;
use crate::outgoing;
use crate::state::State;
use crate::validators::Validators;
use crate::wish::BulkWish;
use axum::response::Response;
use bytes::Bytes;
use std::hash::{DefaultHasher, Hash, Hasher};
use storage::InstancePlace;

/// Instances at the beginning whose values are remembered until they are sent; those of others are listed again.
const REMEMBERED: usize = 32;
/// So many values of an instance are remembered.
const REMEMBERED_MAX: usize = 4;

/// Which values are sent.
#[derive(Debug, Clone, Copy)]
pub enum Which {
    /// The pixels.
    Pixels,
    /// Every value that has a BulkDataURI, and the pixels.
    All,
}

impl Which {
    /// Those of an instance, in the order of its elements. One that cannot be sent as wished makes the whole
    /// unacceptable: a series with a hole in it would look like the series.
    async fn of(
        self,
        state: &State,
        place: &InstancePlace,
        wishes: &[BulkWish],
    ) -> Result<Vec<Value>, Error> {
        match self {
            Self::Pixels => Ok(value::pixels(state, place, wishes).await?.into_iter().collect()),
            Self::All => value::all(state, place, wishes).await,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Pixels => "pixel data of it",
            Self::All => "bulk data of it",
        }
    }
}

/// Answers with values of these instances, in their order. What can be refused is refused before anything is sent.
pub async fn respond(request: &Request, places: Vec<InstancePlace>, which: Which) -> Result<Response, Error> {
    let mut wishes = request.accept()?.bulk(false)?;
    wishes.retain(|wish| wish.multipart);
    let parts =
        Parts { state: request.state.0.clone(), base: request.base.clone(), boundary: Boundary::new() };
    let mut walk = Walk::along(places);
    let mut planning = walk.clone();
    let mut remembered = Vec::new();
    let mut count = 0usize;
    let mut media = None;
    let mut length = Some(parts.boundary.close().len() as u64);
    let mut hasher = DefaultHasher::new();
    while let Some(place) = planning.next(&parts.state).await? {
        let values = which.of(&parts.state, &place, &wishes).await?;
        count += usize::from(!values.is_empty());
        if let Some(first) = values.first() {
            media.get_or_insert_with(|| first.media());
            place.hash.hash(&mut hasher);
        }
        for value in &values {
            value.mark(&mut hasher);
            if let Some(sum) = length {
                length = value.length_bytes(&parts, &place).await?.map(|bytes| sum + bytes);
            }
        }
        if remembered.len() < REMEMBERED {
            remembered.push((values.len() <= REMEMBERED_MAX).then_some(values));
        }
    }
    drop(planning);
    let Some(media) = media else { return Err(Error::NotFound(which.name())) };
    let validators = Validators::weak(&format!("\"{:016x}-{count}\"", hasher.finish()));
    if let Some(held) = request.held(&validators)? {
        return Ok(held);
    }
    let content_type = parts.boundary.content_type(&media);
    let body = outgoing::body(Bytes::new(), move |out| async move {
        let mut remembered = remembered.into_iter();
        while let Some(place) = walk.next(&parts.state).await? {
            let values = match remembered.next().flatten() {
                Some(values) => values,
                None => which.of(&parts.state, &place, &wishes).await?,
            };
            for value in values {
                value.send(&parts, &place, &out).await?;
            }
        }
        out.send(parts.boundary.close()).await?;
        Ok(())
    });
    Ok(Head::of_pixels(content_type, validators).with(body.await?, length))
}
