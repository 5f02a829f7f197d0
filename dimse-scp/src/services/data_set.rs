//! The data set of a request that is small enough to be at hand, and of the response to one.

use pacs_core::dataset::{self, DataSet, Limits, Until};
use pacs_core::text::CharacterSet;
use pacs_core::transfer_syntax;
use pacs_core::uid::Uid;

use crate::association::{Context, End};
use crate::dimse::{CommandSet, Status};
use crate::error::Failure;
use crate::session::Session;

/// What a data set may take in memory, for each byte that it may have: elements and items are charged too.
const RETAINED_FACTOR: usize = 8;

/// Why there is no data set to work with.
#[derive(Debug)]
pub enum Unread {
    /// The request has none.
    None,
    /// It is longer than it may be.
    TooLong,
    /// It cannot be read in the transfer syntax of the context.
    Unreadable(String),
}

impl Unread {
    /// As a normalized service tells it.
    pub fn normalized(self) -> Failure {
        match self {
            Self::None => Failure::new(Status::INVALID_ARGUMENT, "the request has no data set"),
            Self::TooLong => Failure::new(Status::RESOURCE_LIMITATION, "the data set is too long"),
            Self::Unreadable(why) => Failure::new(Status::PROCESSING_FAILURE, why),
        }
    }
}

/// The instance that a request is about, or is to make.
pub fn instance(request: &CommandSet, element: u16) -> Result<Uid, Failure> {
    Uid::parse(&request.text(element).unwrap_or_default())
        .map_err(|why| Failure::new(Status::INVALID_INSTANCE, format!("SOP Instance UID: {why}")))
}

/// The data set of the request that has just begun, of at most that many bytes. The inner error is for the
/// peer, and leaves the rest of the data set to be skipped.
pub async fn read(
    session: &mut Session,
    context: &Context,
    request: &CommandSet,
    most_bytes: usize,
) -> Result<Result<DataSet, Unread>, End> {
    if !request.has_data_set() {
        return Ok(Err(Unread::None));
    }
    let mut encoded = Vec::new();
    while let Some(piece) = session.association.reader.data().await? {
        if encoded.len() + piece.len() > most_bytes {
            return Ok(Err(Unread::TooLong));
        }
        encoded.extend_from_slice(&piece);
    }
    let limits =
        Limits { value_bytes: most_bytes, retained_bytes: most_bytes * RETAINED_FACTOR, ..Limits::default() };
    let syntax = transfer_syntax::of(&context.transfer_syntax);
    Ok(match dataset::read_slice(&encoded, &syntax, &limits, Until::End) {
        Ok(reading) => Ok(reading.data_set),
        Err(error) => Err(Unread::Unreadable(error.to_string())),
    })
}

/// A data set as the caller of a context can read it.
pub fn encode(session: &Session, context: &Context, set: &DataSet) -> Result<Vec<u8>, Failure> {
    let letters = session.caller.character_set.unwrap_or(CharacterSet::UTF_8);
    let mut encoded = Vec::new();
    let syntax = transfer_syntax::of(&context.transfer_syntax);
    match dataset::write(&set.encode_text_in(letters), &syntax, &mut encoded) {
        Ok(()) => Ok(encoded),
        Err(error) => Err(Failure::new(Status::PROCESSING_FAILURE, error.to_string())),
    }
}
