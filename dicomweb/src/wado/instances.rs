//! Whole instances: as stored, byte for byte, or in Explicit VR Little Endian. One is read after the other while they
//! are sent, so that memory does not grow with the study.

use super::uncompressed::{self, Prepared};
use super::{Request, inflated, stored};
use crate::accept::{InstanceWish, SyntaxWish};
use crate::answer::Head;
use crate::content::Content;
use crate::error::Error;
use crate::multipart::Boundary;
use crate::outgoing::{self, Outgoing, Stopped};
use crate::representation::{self, Encoding};
use crate::state::State;
use crate::validators::Validators;
use axum::response::Response;
use bytes::Bytes;
use pacs_core::transfer_syntax;
use pacs_core::uids;
use std::hash::{DefaultHasher, Hash, Hasher};
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
    AsStored(Content),
    Inflated(InstanceReader),
    Uncompressed(Prepared),
}

impl Ready {
    async fn stored(state: &State, place: &InstancePlace) -> Result<Self, Error> {
        if place.place.length_bytes <= HELD_MAX_BYTES {
            return Ok(Self::AsStored(Content::Held(stored::whole(&state.archive, place).await?)));
        }
        let reader = stored::open(&state.archive, place).await?;
        Ok(Self::AsStored(Content::read(reader.length_bytes(), move |part| reader.stream(part))))
    }

    fn content_type(&self, place: &InstancePlace) -> String {
        content_type(match self {
            Self::AsStored(_) => place.transfer_syntax.as_str(),
            Self::Inflated(_) | Self::Uncompressed(_) => uids::EXPLICIT_VR_LITTLE_ENDIAN,
        })
    }

    /// Sends the Part 10 file.
    async fn send(self, state: &State, place: &InstancePlace, out: &Outgoing) -> Result<(), Stopped> {
        match self {
            Self::AsStored(content) => out.send_all(content.all()).await,
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
        let unnamed = [SyntaxWish::Default, SyntaxWish::Any];
        let stored_will_do = unnamed.iter().any(|wish_of| wish.syntaxes.contains(wish_of));
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
            Err(Error::Undecodable(_) | Error::TooLarge(_)) if self.stored_will_do => {
                Ready::stored(state, &self.place).await
            }
            Err(error) => Err(error),
        }
    }

    /// A strong entity tag: the content's hash, and how it is encoded.
    fn etag(&self) -> String {
        let hash = self.place.hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect::<String>();
        let encoding = match self.encoding {
            Encoding::AsStored => "s",
            Encoding::Uncompressed => "u",
        };
        format!("\"{hash}-{encoding}\"")
    }
}

fn not_acceptable(place: &InstancePlace) -> Error {
    let stored = &place.transfer_syntax;
    let why = format!("an instance stored in {stored} cannot be sent in an accepted transfer syntax");
    Error::NotAcceptable(why.into())
}

/// Plans all instances by the first wish that all of them can fulfil.
fn plan(places: &[InstancePlace], wishes: &[InstanceWish]) -> Result<(bool, Vec<Planned>), Error> {
    let mut unfulfilled = Error::NotFound("the instance");
    for wish in wishes {
        match places.iter().map(|place| Planned::new(place.clone(), wish)).collect() {
            Ok(planned) => return Ok((wish.multipart, planned)),
            Err(error) => unfulfilled = error,
        }
    }
    Err(unfulfilled)
}

/// Answers with several instances as `multipart/related`.
pub async fn several(request: &Request, places: Vec<InstancePlace>) -> Result<Response, Error> {
    let (_, planned) = plan(&places, &request.accept()?.instances(false)?)?;
    multipart(request, planned).await
}

/// Answers with one instance.
pub async fn one(request: &Request, place: InstancePlace) -> Result<Response, Error> {
    let (is_multipart, mut planned) = plan(&[place], &request.accept()?.instances(true)?)?;
    if is_multipart {
        return multipart(request, planned).await;
    }
    let Some(planned) = planned.pop() else { return Err(Error::NotFound("the instance")) };
    let validators = Validators::strong(planned.etag()).since(planned.place.received_ms);
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
    Ok(Head::of_pixels(content_type, validators).with(body.await?, length))
}

/// The tag of all of them together, in their order.
fn etag_of_all(planned: &[Planned]) -> String {
    let mut hasher = DefaultHasher::new();
    planned.iter().for_each(|planned| planned.etag().hash(&mut hasher));
    format!("\"{:016x}-{}\"", hasher.finish(), planned.len())
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
