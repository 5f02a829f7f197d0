//! Whole instances: as stored, byte for byte, or in another transfer syntax. One is read after the other while they
//! are sent, so that memory does not grow with the study.

use super::planned::{Planned, Ready, etag_of_all, plan};
use super::{Request, zip};
use crate::answer::Head;
use crate::error::Error;
use crate::multipart::Boundary;
use crate::outgoing;
use crate::validators::Validators;
use crate::wish::{Form, InstanceWish};
use axum::response::Response;
use bytes::Bytes;
use pacs_core::uid::Uid;
use storage::InstancePlace;

/// Answers with the instances of `whole`, a study or a series.
pub async fn several(request: &Request, whole: &Uid, places: Vec<InstancePlace>) -> Result<Response, Error> {
    match plan(&places, &request.accept()?.instances(false)?)? {
        (Form::Zip, planned) => zip::respond(request, whole, planned).await,
        (_, planned) => multipart(request, planned).await,
    }
}

/// Answers with one instance, as it is wished for.
pub async fn one(
    request: &Request,
    place: InstancePlace,
    wishes: &[InstanceWish],
) -> Result<Response, Error> {
    let uid = place.uid.clone();
    let (form, mut planned) = plan(&[place], wishes)?;
    match form {
        Form::Zip => return zip::respond(request, &uid, planned).await,
        Form::Multipart => return multipart(request, planned).await,
        Form::Single => {}
    }
    let Some(planned) = planned.pop() else { return Err(Error::NotFound("the instance")) };
    let validators = Validators::strong(planned.etag()).since(planned.since_ms());
    if let Some(held) = request.held(&validators)? {
        return Ok(held);
    }
    let state = request.state.0.clone();
    let ready = planned.ready(&state).await?;
    let head = Head::of_pixels(ready.content_type(&planned.place), validators);
    match ready {
        Ready::AsStored(content) => request.ranged(head, content).await,
        made => {
            let sending = move |out| async move { made.send(&state, &planned.place, &out).await };
            Ok(head.with(outgoing::body(Bytes::new(), sending).await?, None))
        }
    }
}

async fn multipart(request: &Request, planned: Vec<Planned>) -> Result<Response, Error> {
    let validators = Validators::weak(&etag_of_all(&planned));
    if let Some(held) = request.held(&validators)? {
        return Ok(held);
    }
    let state = request.state.0.clone();
    let boundary = Boundary::new();
    let length = multipart_length(&planned, &boundary);
    let content_type = boundary.content_type("application/dicom");
    // The first is made ready before the answer begins: what is wrong with it can still be said with a status.
    let mut planned = planned.into_iter();
    let Some(mut current) = planned.next() else { return Err(Error::NotFound("the instance")) };
    let ready = current.ready(&state).await?;
    let head = boundary.part_head(&ready.content_type(&current.place), None);
    let mut ready = match ready {
        // Nothing has to be made beside the sending of one that leaves as it lies.
        Ready::AsStored(content) if planned.len() == 0 => {
            let body = content.framed(head, boundary.close()).await?;
            return Ok(Head::of_pixels(content_type, validators).with(body, length));
        }
        ready => ready,
    };
    let body = outgoing::body(head, move |out| async move {
        loop {
            ready.send(&state, &current.place, &out).await?;
            let Some(following) = planned.next() else { break };
            current = following;
            ready = current.ready(&state).await?;
            out.send(boundary.part_head(&ready.content_type(&current.place), None)).await?;
        }
        out.send(boundary.close()).await?;
        Ok(())
    });
    Ok(Head::of_pixels(content_type, validators).with(body.await?, length))
}

/// The length of the whole body, when every instance leaves as stored: the client then sees how far it is, and finds
/// out when something is missing.
fn multipart_length(planned: &[Planned], boundary: &Boundary) -> Option<u64> {
    let parts = planned.iter().try_fold(0u64, |sum, planned| {
        let (length, content_type) = planned.as_stored()?;
        Some(sum + boundary.part_head(&content_type, None).len() as u64 + length)
    })?;
    Some(parts + boundary.close().len() as u64)
}
