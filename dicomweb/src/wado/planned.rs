//! How an instance is to leave, and whether it can.

use super::reencoded::{self, Prepared};
use super::{inflated, stored};
use crate::content::Content;
use crate::error::Error;
use crate::outgoing::{self, Outgoing, Stopped};
use crate::representation::{self, Encoding};
use crate::state::State;
use crate::wish::{InstanceWish, SyntaxWish};
use bytes::Bytes;
use futures::stream::BoxStream;
use pacs_core::transfer_syntax;
use pacs_core::uids;
use storage::{InstancePlace, InstanceReader};

/// An instance that is longer is read while it is sent.
const HELD_MAX_BYTES: u64 = 16 << 10;

/// An instance and how it is to leave.
pub struct Planned {
    /// Where it lies.
    pub place: InstancePlace,
    how: How,
}

/// How an instance is to leave.
#[derive(Clone, Copy)]
pub struct How {
    encoding: Encoding,
    /// Whether it may leave as stored when it cannot be decoded: nobody named a transfer syntax, and an archive
    /// that has an image only in a form it cannot decode sends that form (PS3.18 8.7.3.4).
    stored_will_do: bool,
}

/// An instance ready to be sent: its bytes are known to be there.
pub enum Ready {
    /// As it is stored, but for a header that was corrected.
    AsStored(Content),
    /// Inflated while it is sent.
    Inflated(InstanceReader),
    /// Laid out anew.
    Reencoded(Prepared),
}

impl Ready {
    async fn stored(state: &State, place: &InstancePlace) -> Result<Self, Error> {
        if place.place.length_bytes <= HELD_MAX_BYTES {
            return Ok(Self::AsStored(Content::Held(stored::whole(&state.archive, place).await?)));
        }
        let reader = stored::leaving(&state.archive, place).await?;
        Ok(Self::AsStored(Content::read(reader.length_bytes(), move |part| reader.stream(part))))
    }

    /// The Content-Type of the Part 10 file.
    pub fn content_type(&self, place: &InstancePlace) -> String {
        content_type(match self {
            Self::AsStored(_) => place.transfer_syntax.as_str(),
            Self::Inflated(_) => uids::EXPLICIT_VR_LITTLE_ENDIAN,
            Self::Reencoded(prepared) => prepared.transfer_syntax(),
        })
    }

    /// Sends the Part 10 file.
    pub async fn send(self, state: &State, place: &InstancePlace, out: &Outgoing) -> Result<(), Stopped> {
        match self {
            Self::AsStored(content) => out.send_all(content.all()).await,
            Self::Inflated(reader) => inflated::send(&reader, place, out).await,
            Self::Reencoded(prepared) => reencoded::send(state, place, prepared, out).await,
        }
    }

    /// The pieces of the Part 10 file.
    pub fn pieces(self, state: &State, place: &InstancePlace) -> BoxStream<'static, Result<Bytes, Error>> {
        match self {
            Self::AsStored(content) => content.all(),
            made => {
                let (state, place) = (state.clone(), place.clone());
                outgoing::pieces(move |out| async move { made.send(&state, &place, &out).await })
            }
        }
    }
}

/// The Content-Type of a Part 10 file in this transfer syntax.
pub fn content_type(syntax: &str) -> String {
    format!("application/dicom; transfer-syntax={syntax}")
}

impl How {
    /// Chooses the encoding. One that cannot be sent as wished makes the whole unacceptable: a study with a hole in it
    /// would look like the study.
    pub fn of(place: &InstancePlace, wish: &InstanceWish) -> Result<Self, Error> {
        let unnamed = [SyntaxWish::Default, SyntaxWish::Any];
        let stored_will_do = unnamed.iter().any(|wish_of| wish.syntaxes.contains(wish_of));
        match representation::of_instance(&wish.syntaxes, &place.transfer_syntax) {
            Some(encoding) => Ok(Self { encoding, stored_will_do }),
            None => Err(not_acceptable(place)),
        }
    }

    /// The length of the Part 10 file, when it leaves as stored. How long a corrected header is, only who reads it
    /// knows.
    pub fn stored_bytes(self, place: &InstancePlace) -> Option<u64> {
        let is_stored = self.encoding == Encoding::AsStored && place.overlay.is_none();
        is_stored.then_some(place.place.length_bytes)
    }

    /// A strong entity tag: the content's hash, what is laid over it, and how it is encoded.
    pub fn etag(self, place: &InstancePlace) -> String {
        let hash = place.hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect::<String>();
        let encoding = match self.encoding {
            Encoding::AsStored => "s".to_owned(),
            Encoding::Uncompressed => "u".to_owned(),
            Encoding::Encoded(codec) => format!("{codec:?}"),
        };
        match &place.overlay {
            Some(overlay) => format!("\"{hash}-{overlay}-{encoding}\""),
            None => format!("\"{hash}-{encoding}\""),
        }
    }
}

impl Planned {
    /// An instance as it is wished for.
    pub fn new(place: InstancePlace, wish: &InstanceWish) -> Result<Self, Error> {
        let how = How::of(&place, wish)?;
        Ok(Self { place, how })
    }

    /// Does what may fail before anything is sent of this instance.
    pub async fn ready(&self, state: &State) -> Result<Ready, Error> {
        let codec = match self.how.encoding {
            Encoding::AsStored => return Ready::stored(state, &self.place).await,
            Encoding::Uncompressed if transfer_syntax::of(&self.place.transfer_syntax).deflated => {
                return Ok(Ready::Inflated(stored::leaving(&state.archive, &self.place).await?));
            }
            Encoding::Uncompressed => None,
            Encoding::Encoded(codec) => Some(codec),
        };
        match reencoded::prepare(state, &self.place, codec).await {
            Ok(prepared) => Ok(Ready::Reencoded(prepared)),
            Err(Error::Undecodable(_) | Error::TooLarge(_)) if self.how.stored_will_do => {
                Ready::stored(state, &self.place).await
            }
            Err(error) => Err(error),
        }
    }

    /// The length of the Part 10 file, when it leaves as stored.
    pub fn stored_bytes(&self) -> Option<u64> {
        self.how.stored_bytes(&self.place)
    }

    /// Since when it is what it is. When it last changed is not known of one that was corrected.
    pub fn since_ms(&self) -> Option<i64> {
        self.place.served_since_ms().filter(|_| self.place.overlay.is_none())
    }

    /// A strong entity tag.
    pub fn etag(&self) -> String {
        self.how.etag(&self.place)
    }
}

fn not_acceptable(place: &InstancePlace) -> Error {
    let stored = &place.transfer_syntax;
    let why = format!("an instance stored in {stored} cannot be sent in an accepted transfer syntax");
    Error::NotAcceptable(why.into())
}
