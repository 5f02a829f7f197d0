//! C-FIND of the patient root and study root models (PS3.7 9.3.2, PS3.4 C.4.1).

use pacs_core::access::Act;
use pacs_core::dataset::DataSet;

use super::{answer, identifier, keys};
use crate::association::{Context, End};
use crate::dimse::{CommandSet, Status};
use crate::session::Session;
use crate::sop_class::Root;

/// Answers with the matching entities the caller may see, newest first.
pub async fn serve(
    session: &mut Session,
    context: &Context,
    request: &CommandSet,
    root: Root,
) -> Result<(), End> {
    let asked = (Act::ReadImages, "query");
    let meant = |identifier: &DataSet| keys::of_find(identifier, root, context.options);
    let (identifier, query) = match identifier::query(session, context, request, asked, meant).await? {
        Ok(query) => query,
        Err(failure) => return session.refuse(context, request, failure).await,
    };
    let form = answer::Form::new(session, context, &identifier, Some(query.level));
    let pending =
        if storage::query::supports(&query) { Status::PENDING } else { Status::PENDING_KEYS_UNSUPPORTED };
    let found = storage::query::find_with_headers(&session.shared.archive, &query, &session.caller.scope);
    answer::stream(session, context, request, &form, pending, found).await
}
