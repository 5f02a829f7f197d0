//! Whole instances: as stored, byte for byte, or in Explicit VR Little Endian. One is read after the other while they
//! are sent, so that memory does not grow with the study.

use super::uncompressed::{self, Prepared};
use super::{CACHE, Request, inflated, stored};
use crate::accept::{InstanceWish, SyntaxWish};
use crate::conditional;
use crate::error::Error;
use crate::multipart::Boundary;
use crate::outgoing::{self, Outgoing, Stopped};
use crate::representation::{self, Encoding};
use crate::state::State;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, ETAG, VARY};
use http::{HeaderValue, StatusCode};
use pacs_core::transfer_syntax;
use pacs_core::uids;
use storage::{InstancePlace, InstanceReader};

/// An instance that is longer is read while it is sent.
const HELD_MAX_BYTES: u64 = 1 << 20;

/// An instance and how it is to leave.
struct Planned {
    place: InstancePlace,
    encoding: Encoding,
    /// Whether it may leave as stored when it cannot be uncompressed: nobody named a transfer syntax, and an archive
    /// that has an image only in a form it cannot decode sends that form (PS3.18 8.7.3.4).
    stored_will_do: bool,
}

/// An instance ready to be sent: its bytes are known to be there.
enum Ready {
    /// As stored, and read.
    Held(Bytes),
    /// As stored, to be read while it is sent.
    Stored(InstanceReader),
    Inflated(InstanceReader),
    Uncompressed(Prepared),
}

impl Ready {
    async fn stored(state: &State, place: &InstancePlace) -> Result<Self, Error> {
        if place.place.length_bytes <= HELD_MAX_BYTES {
            return Ok(Self::Held(stored::whole(&state.archive, place).await?));
        }
        Ok(Self::Stored(stored::open(&state.archive, place).await?))
    }

    fn content_type(&self, place: &InstancePlace) -> String {
        content_type(match self {
            Self::Held(_) | Self::Stored(_) => place.transfer_syntax.as_str(),
            Self::Inflated(_) | Self::Uncompressed(_) => uids::EXPLICIT_VR_LITTLE_ENDIAN,
        })
    }

    /// The length of the Part 10 file, where it is known before it is made.
    fn length_bytes(&self) -> Option<u64> {
        match self {
            Self::Held(bytes) => Some(bytes.len() as u64),
            Self::Stored(reader) => Some(reader.length_bytes()),
            Self::Inflated(_) | Self::Uncompressed(_) => None,
        }
    }

    /// Sends the Part 10 file.
    async fn send(self, state: &State, place: &InstancePlace, out: &Outgoing) -> Result<(), Stopped> {
        match self {
            Self::Held(bytes) => Ok(out.send(bytes).await?),
            Self::Stored(reader) => out.send_all(reader.stream(0..reader.length_bytes())).await,
            Self::Inflated(reader) => inflated::send(&reader, place, out).await,
            Self::Uncompressed(prepared) => uncompressed::send(state, place, prepared, out).await,
        }
    }
}

fn content_type(syntax: &str) -> String {
    format!("application/dicom; transfer-syntax={syntax}")
}

impl Planned {
    /// Chooses the encoding. One that cannot be sent as wished makes the whole unacceptable: a study with a hole in it
    /// would look like the study.
    fn new(place: InstancePlace, wish: &InstanceWish) -> Result<Self, Error> {
        let stored_will_do = wish.syntaxes.contains(&SyntaxWish::Default);
        match representation::of_instance(&wish.syntaxes, &place.transfer_syntax) {
            Some(encoding) => Ok(Self { place, encoding, stored_will_do }),
            None => Err(not_acceptable(&place)),
        }
    }

    /// Does what may fail before anything is sent of this instance.
    async fn ready(&self, state: &State) -> Result<Ready, Error> {
        if self.encoding == Encoding::AsStored {
            return Ready::stored(state, &self.place).await;
        }
        if transfer_syntax::of(&self.place.transfer_syntax).deflated {
            return Ok(Ready::Inflated(stored::open(&state.archive, &self.place).await?));
        }
        match uncompressed::prepare(state, &self.place).await {
            Ok(prepared) => Ok(Ready::Uncompressed(prepared)),
            Err(Error::Undecodable(_)) if self.stored_will_do => Ready::stored(state, &self.place).await,
            Err(error) => Err(error),
        }
    }
}

fn not_acceptable(place: &InstancePlace) -> Error {
    let stored = &place.transfer_syntax;
    let why = format!("an instance stored in {stored} cannot be sent in an accepted transfer syntax");
    Error::NotAcceptable(why.into())
}

/// Answers with several instances as `multipart/related`.
pub async fn several(request: &Request, places: Vec<InstancePlace>) -> Result<Response, Error> {
    let wish = request.accept()?.instances(false)?;
    multipart(request.state.0.clone(), places, &wish).await
}

/// Answers with one instance.
pub async fn one(request: &Request, place: InstancePlace) -> Result<Response, Error> {
    let wish = request.accept()?.instances(true)?;
    let state = request.state.0.clone();
    if wish.multipart {
        return multipart(state, vec![place], &wish).await;
    }
    let planned = Planned::new(place, &wish)?;
    let etag = etag(&planned);
    if conditional::holds(&request.headers, &etag) {
        return Ok((StatusCode::NOT_MODIFIED, [(ETAG, etag)], [(CACHE_CONTROL, CACHE)]).into_response());
    }
    let ready = planned.ready(&state).await?;
    let (content_type, length) = (ready.content_type(&planned.place), ready.length_bytes());
    let sending = move |out| async move { ready.send(&state, &planned.place, &out).await };
    let body = outgoing::body(Bytes::new(), sending).await?;
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

async fn multipart(state: State, places: Vec<InstancePlace>, wish: &InstanceWish) -> Result<Response, Error> {
    let planned = places.into_iter().map(|place| Planned::new(place, wish));
    let planned = planned.collect::<Result<Vec<Planned>, Error>>()?;
    let boundary = Boundary::new();
    let length = multipart_length(&planned, &boundary);
    let content_type = boundary.content_type("application/dicom");
    // The first is made ready before the answer begins: what is wrong with it can still be said with a status.
    let mut planned = planned.into_iter();
    let Some(mut current) = planned.next() else { return Err(Error::NotFound("the instance")) };
    let mut ready = current.ready(&state).await?;
    let head = boundary.part_head(&ready.content_type(&current.place), None);
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
    Ok(answer(content_type, length, None, body.await?))
}

/// The length of the whole body, when every instance leaves as stored: the client then sees how far it is, and finds
/// out when something is missing.
fn multipart_length(planned: &[Planned], boundary: &Boundary) -> Option<u64> {
    let parts = planned.iter().try_fold(0u64, |sum, planned| {
        let stored = (planned.encoding == Encoding::AsStored).then_some(&planned.place)?;
        let head = boundary.part_head(&content_type(stored.transfer_syntax.as_str()), None).len() as u64;
        Some(sum + head + stored.place.length_bytes)
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
