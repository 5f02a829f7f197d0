//! A deflated data set (PS3.5 A.5) becomes Explicit VR Little Endian by inflating it: nothing else differs.

use crate::error::Error;
use crate::outgoing::{Outgoing, Stopped};
use bytes::Bytes;
use futures::TryStreamExt;
use pacs_core::part10;
use pacs_core::uid::Uid;
use pacs_core::uids;
use std::pin::pin;
use storage::{InstancePlace, InstanceReader};

/// Sends the instance as a Part 10 file in Explicit VR Little Endian. Nothing is sent before something is inflated.
pub async fn send(reader: &InstanceReader, place: &InstancePlace, out: &Outgoing) -> Result<(), Stopped> {
    let head = part10_head(place, uids::EXPLICIT_VR_LITTLE_ENDIAN)?;
    let mut inflated = pin!(reader.stream_inflated().map_err(Error::Storage));
    let first = inflated.try_next().await?;
    out.send(head).await?;
    out.send(first.unwrap_or_default()).await?;
    out.send_all(inflated).await
}

/// The head of a file of the instance in a transfer syntax of the standard.
pub fn part10_head(place: &InstancePlace, syntax: &'static str) -> Result<Bytes, Error> {
    let syntax = Uid::parse(syntax)
        .map_err(|_| Error::Internal("a transfer syntax of the standard is no UID".into()))?;
    Ok(part10::write_head(&place.class, &place.uid, &syntax, None).into())
}
