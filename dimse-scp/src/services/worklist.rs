//! C-FIND of the modality worklist (PS3.4 K): the scheduled procedure steps a modality is to do.

use pacs_core::access::Act;
use pacs_core::dataset::DataSet;

use super::{answer, identifier, keys};
use crate::association::{Context, End};
use crate::dimse::{CommandSet, Status};
use crate::session::Session;

/// Answers with the matching scheduled procedure steps of the caller's facilities.
pub async fn serve(session: &mut Session, context: &Context, request: &CommandSet) -> Result<(), End> {
    let asked = (Act::SeeWorklist, "see the worklist");
    let meant = |identifier: &DataSet| keys::of_worklist(identifier, context.options);
    let (identifier, query) = match identifier::query(session, context, request, asked, meant).await? {
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
        own: session.caller.rules.worklist_own,
        days_ahead: session.caller.rules.worklist_days,
    };
    let found = storage::schedule::worklist(session.shared.archive.database(), &query, asker);
    answer::stream(session, context, request, &form, pending, found).await
}
