//! C-FIND of the patient root and study root models (PS3.7 9.3.2, PS3.4 C.4.1).

use pacs_core::access::{Act, may};

use super::{answer, identifier, keys};
use crate::association::{Context, End};
use crate::dimse::{CommandSet, Status};
use crate::error::Failure;
use crate::session::Session;
use crate::sop_class::Root;

/// Answers with the matching entities the caller may see, newest first.
pub async fn serve(
    session: &mut Session,
    context: &Context,
    request: &CommandSet,
    root: Root,
) -> Result<(), End> {
    let identifier = match identifier::read(session, context, request).await? {
        Ok(identifier) => identifier,
        Err(failure) => return session.refuse(context, request, failure).await,
    };
    if !may(&session.caller.actor, Act::ReadImages) {
        let failure = Failure::new(Status::NOT_AUTHORIZED, "this application may not query");
        return session.refuse(context, request, failure).await;
    }
    let query = match keys::of_find(&identifier, root, context.options) {
        Ok(query) => query,
        Err(failure) => return session.refuse(context, request, failure).await,
    };
    let form = answer::Form::new(session, context, &identifier, Some(query.level));
    let pending =
        if storage::query::supports(&query) { Status::PENDING } else { Status::PENDING_KEYS_UNSUPPORTED };
    let found = storage::query::find(session.shared.archive.database(), &query, &session.caller.scope);
    answer::stream(session, context, request, &form, pending, found).await
}
