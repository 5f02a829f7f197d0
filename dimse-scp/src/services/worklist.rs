//! C-FIND of the modality worklist (PS3.4 K): the scheduled procedure steps a modality is to do.

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
    let pending = if storage::schedule::worklist::supports(&query) {
        Status::PENDING
    } else {
        Status::PENDING_KEYS_UNSUPPORTED
    };
    let asker = storage::schedule::Asker {
        ae_title: Some(session.association.calling_ae.clone()),
        scope: session.caller.scope.clone(),
        now_ms: session.shared.archive.config().clock.now_ms(),
    };
    let found = storage::schedule::worklist(session.shared.archive.database(), &query, asker);
    answer::stream(session, context, request, &form, pending, found).await
}
