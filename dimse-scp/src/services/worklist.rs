//! C-FIND of the modality worklist (PS3.4 K): the scheduled procedure steps a modality is to do.

use futures::stream;
use pacs_core::access::{Act, may};

use super::{answer, identifier, keys};
use crate::association::{Context, End};
use crate::dimse::{CommandSet, Status};
use crate::error::Failure;
use crate::session::Session;

/// Answers with the matching scheduled procedure steps of the caller's facilities.
pub async fn serve(session: &mut Session, context: &Context, request: &CommandSet) -> Result<(), End> {
    let identifier = match identifier::read(session, context, request).await? {
        Ok(identifier) => identifier,
        Err(failure) => return session.refuse(context, request, failure).await,
    };
    if !may(&session.caller.actor, Act::SeeWorklist) {
        let failure = Failure::new(Status::NOT_AUTHORIZED, "this application may not see the worklist");
        return session.refuse(context, request, failure).await;
    }
    let query = match keys::of_worklist(&identifier, context.options) {
        Ok(query) => query,
        Err(failure) => return session.refuse(context, request, failure).await,
    };
    let form = answer::Form::new(session, context, &identifier, None);
    let database = session.shared.archive.database();
    let asker = Some(&session.association.calling_ae);
    let found = storage::schedule::worklist(database, &query, &session.caller.scope, asker).await;
    match found {
        Ok(steps) => {
            let found = stream::iter(steps.into_iter().map(Ok));
            answer::stream(session, context, request, &form, Status::PENDING, found).await
        }
        Err(error) => session.refuse(context, request, Failure::of_find(&error)).await,
    }
}
