//! Whole instances: as stored, byte for byte, or in another transfer syntax. One is read after the other while they
//! are sent, so that memory does not grow with the study.

use super::plan::Plan;
use super::planned::Ready;
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
    let plan = Plan::of(places, &request.accept()?.instances(false)?)?;
    match plan.form {
        Form::Zip => zip::respond(request, whole, plan).await,
        _ => multipart(request, plan).await,
    }
}

/// Answers with one instance, as it is wished for.
pub async fn one(
    request: &Request,
    place: InstancePlace,
    wishes: &[InstanceWish],
) -> Result<Response, Error> {
    let uid = place.uid.clone();
    let mut plan = Plan::of(vec![place], wishes)?;
    match plan.form {
        Form::Zip => return zip::respond(request, &uid, plan).await,
        Form::Multipart => return multipart(request, plan).await,
        Form::Single => {}
    }
    let Some(planned) = plan.next(&request.state).await? else { return Err(Error::NotFound("the instance")) };
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

async fn multipart(request: &Request, mut plan: Plan) -> Result<Response, Error> {
    let validators = Validators::weak(&plan.etag);
    if let Some(held) = request.held(&validators)? {
        return Ok(held);
    }
    let state = request.state.0.clone();
    let boundary = Boundary::new();
    let length = plan.multipart_length(&boundary);
    let content_type = boundary.content_type("application/dicom");
    // The first is made ready before the answer begins: what is wrong with it can still be said with a status.
    let Some(mut current) = plan.next(&state).await? else { return Err(Error::NotFound("the instance")) };
    let ready = current.ready(&state).await?;
    let head = boundary.part_head(&ready.content_type(&current.place), None);
    let mut ready = match ready {
        // Nothing has to be made beside the sending of one that leaves as it lies.
        Ready::AsStored(content) if plan.is_over() => {
            let body = content.framed(head, boundary.close()).await?;
            return Ok(Head::of_pixels(content_type, validators).with(body, length));
        }
        ready => ready,
    };
    let body = outgoing::body(head, move |out| async move {
        loop {
            ready.send(&state, &current.place, &out).await?;
            let Some(following) = plan.next(&state).await? else { break };
            current = following;
            ready = current.ready(&state).await?;
            out.send(boundary.part_head(&ready.content_type(&current.place), None)).await?;
        }
        out.send(boundary.close()).await?;
        Ok(())
    });
    Ok(Head::of_pixels(content_type, validators).with(body.await?, length))
}
