//! C-FIND of steps (PS3.4 CC.2.8).

use pacs_core::access::Act;
use pacs_core::dataset::DataSet;
use storage::ups;

use super::asker;
use crate::association::{Context, End};
use crate::dimse::{CommandSet, Status};
use crate::error::Failure;
use crate::services::{answer, identifier, keys};
use crate::session::Session;

/// Answers with the matching steps that the caller sees, the newest first.
pub async fn serve(session: &mut Session, context: &Context, request: &CommandSet) -> Result<(), End> {
    let asked = (Act::SeeWorklist, "see steps");
    let meant = |identifier: &DataSet| keys::of_steps(identifier, context.options);
    let (identifier, query) = match identifier::query(session, context, request, asked, meant).await? {
        Ok(query) => query,
        Err(failure) => return session.refuse(context, request, failure).await,
    };
    let form = answer::Form::new(session, context, &identifier, None);
    let pending = if ups::supports(&query) { Status::PENDING } else { Status::PENDING_KEYS_UNSUPPORTED };
    let asker = asker(session, &session.caller.actor);
    match ups::search(session.shared.archive.database(), &asker, query, None).await {
        Ok(found) => answer::stream(session, context, request, &form, pending, found.steps).await,
        Err(error) => session.refuse(context, request, Failure::of_find(&error)).await,
    }
}
