//! The identifier of a C-FIND, C-MOVE or C-GET request: a small data set of keys.

use pacs_core::access::{Act, may};
use pacs_core::dataset::DataSet;

use super::data_set::{self, Unread};
use crate::association::{Context, End};
use crate::dimse::{CommandSet, Status};
use crate::error::Failure;
use crate::session::Session;

/// The longest identifier that is taken: ten thousand UIDs in one list stay below it.
const MAX_IDENTIFIER_BYTES: usize = 1024 * 1024;

/// The identifier of the request that has just begun and what `meant` makes of it, when the
/// caller may do this; `what` completes "this application may not …". The inner failure is for the peer.
pub async fn query<T>(
    session: &mut Session,
    context: &Context,
    request: &CommandSet,
    (act, what): (Act, &str),
    meant: impl FnOnce(&DataSet) -> Result<T, Failure>,
) -> Result<Result<(DataSet, T), Failure>, End> {
    let identifier = match read(session, context, request).await? {
        Ok(identifier) => identifier,
        Err(failure) => return Ok(Err(failure)),
    };
    if !may(&session.caller.actor, act) {
        let why = format!("this application may not {what}");
        return Ok(Err(Failure::new(Status::NOT_AUTHORIZED, why)));
    }
    Ok(meant(&identifier).map(|query| (identifier, query)))
}

async fn read(
    session: &mut Session,
    context: &Context,
    request: &CommandSet,
) -> Result<Result<DataSet, Failure>, End> {
    let read = data_set::read(session, context, request, MAX_IDENTIFIER_BYTES).await?;
    Ok(read.map_err(|unread| match unread {
        Unread::None => Failure::new(Status::CANNOT_UNDERSTAND, "the request has no identifier"),
        Unread::TooLong => Failure::new(Status::OUT_OF_RESOURCES, "the identifier is too long"),
        Unread::Unreadable(why) => Failure::new(Status::CANNOT_UNDERSTAND, why),
    }))
}
