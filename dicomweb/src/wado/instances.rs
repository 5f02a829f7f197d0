//! Whole instances: as stored, byte for byte, or in Explicit VR Little Endian. One is read after the other while they
//! are sent, so that memory does not grow with the study.

use super::{CACHE, Request, inflated, uncompressed};
use crate::accept::InstanceWish;
use crate::conditional;
use crate::error::Error;
use crate::multipart::Boundary;
use crate::outgoing::{self, Outgoing, Stopped};
use crate::representation::{self, Encoding};
use crate::state::State;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use futures::TryStreamExt;
use http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, ETAG, VARY};
use http::{HeaderValue, StatusCode};
use pacs_core::transfer_syntax;
use pacs_core::uids;
use std::pin::pin;
use storage::InstancePlace;

/// An instance and how it is to leave.
struct Planned {
    place: InstancePlace,
    encoding: Encoding,
}

impl Planned {
    fn content_type(&self) -> String {
        let syntax = match self.encoding {
            Encoding::AsStored => self.place.transfer_syntax.as_str(),
            Encoding::Uncompressed => uids::EXPLICIT_VR_LITTLE_ENDIAN,
        };
        format!("application/dicom; transfer-syntax={syntax}")
    }

    /// The length in bytes, where it is known before the instance is read.
    fn length(&self) -> Option<u64> {
        (self.encoding == Encoding::AsStored).then_some(self.place.place.length_bytes)
    }
}

/// Answers with several instances as `multipart/related`.
pub async fn several(request: &Request, places: Vec<InstancePlace>) -> Result<Response, Error> {
    let wish = request.accept()?.instances(false)?;
    let planned = plan(places, &wish)?;
    Ok(multipart(request.state.0.clone(), planned))
}

/// Answers with one instance.
pub async fn one(request: &Request, place: InstancePlace) -> Result<Response, Error> {
    let wish = request.accept()?.instances(true)?;
    let mut planned = plan(vec![place], &wish)?;
    if wish.multipart {
        return Ok(multipart(request.state.0.clone(), planned));
    }
    let Some(planned) = planned.pop() else { return Err(Error::NotFound("the instance")) };
    let etag = etag(&planned);
    if conditional::holds(&request.headers, &etag) {
        return Ok((StatusCode::NOT_MODIFIED, [(ETAG, etag)], [(CACHE_CONTROL, CACHE)]).into_response());
    }
    let (content_type, length) = (planned.content_type(), planned.length());
    let state = request.state.0.clone();
    let body = outgoing::body(move |out| async move { send(&state, &planned, &out).await });
    Ok(answer(content_type, length, Some(etag), body))
}

/// A strong entity tag: the content's hash, and how it is encoded.
fn etag(planned: &Planned) -> String {
    let hash = planned.place.hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect::<String>();
    let encoding = match planned.encoding {
        Encoding::AsStored => "s",
        Encoding::Uncompressed => "u",
    };
    format!("\"{hash}-{encoding}\"")
}

/// Chooses the encoding of each. One that cannot be sent as wished makes the whole unacceptable: a study with a hole
/// in it would look like the study.
fn plan(places: Vec<InstancePlace>, wish: &InstanceWish) -> Result<Vec<Planned>, Error> {
    places
        .into_iter()
        .map(|place| match representation::of_instance(&wish.syntaxes, &place.transfer_syntax) {
            Some(encoding) => Ok(Planned { place, encoding }),
            None => {
                let stored = &place.transfer_syntax;
                let why =
                    format!("an instance stored in {stored} cannot be sent in an accepted transfer syntax");
                Err(Error::NotAcceptable(why.into()))
            }
        })
        .collect()
}

fn multipart(state: State, planned: Vec<Planned>) -> Response {
    let boundary = Boundary::new();
    let length = multipart_length(&planned, &boundary);
    let content_type = boundary.content_type("application/dicom");
    let body = outgoing::body(move |out| async move {
        for planned in &planned {
            out.send(boundary.part_head(&planned.content_type(), None)).await?;
            send(&state, planned, &out).await?;
        }
        out.send(boundary.close()).await?;
        Ok(())
    });
    answer(content_type, length, None, body)
}

/// The length of the whole body, when every instance leaves as stored: the client then sees how far it is, and finds
/// out when something is missing.
fn multipart_length(planned: &[Planned], boundary: &Boundary) -> Option<u64> {
    let parts = planned.iter().try_fold(0u64, |sum, planned| {
        let head = boundary.part_head(&planned.content_type(), None).len() as u64;
        Some(sum + head + planned.length()?)
    })?;
    Some(parts + boundary.close().len() as u64)
}

fn answer(content_type: String, length: Option<u64>, etag: Option<String>, body: Body) -> Response {
    let mut response = ([(CONTENT_TYPE, content_type)], body).into_response();
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, CACHE);
    headers.insert(VARY, HeaderValue::from_static("accept"));
    if let Some(length) = length {
        headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
    if let Some(etag) = etag.and_then(|etag| HeaderValue::try_from(etag).ok()) {
        headers.insert(ETAG, etag);
    }
    response
}

/// Sends the Part 10 file of an instance.
async fn send(state: &State, planned: &Planned, out: &Outgoing) -> Result<(), Stopped> {
    let Planned { place, encoding } = planned;
    match encoding {
        Encoding::AsStored => {
            let reader = state.archive.open_instance(place).await?;
            let mut pieces = pin!(reader.stream(0..reader.length_bytes()));
            while let Some(piece) = pieces.try_next().await? {
                out.send(piece).await?;
            }
            Ok(())
        }
        Encoding::Uncompressed if transfer_syntax::of(&place.transfer_syntax).deflated => {
            inflated::send(state, place, out).await
        }
        Encoding::Uncompressed => uncompressed::send(state, place, out).await,
    }
}
