//! C-FIND of objects that are of no patient (PS3.4 U.4.1, X.4.1, BB.4.1, HH.4.1, II.4.1).

use pacs_core::access::Act;
use pacs_core::non_patient::Kind;

use super::{answer, identifier, keys};
use crate::association::{Context, End};
use crate::dimse::{CommandSet, Status};
use crate::session::Session;

/// Answers with the objects of that kind that match, those that came first before the others.
pub async fn find(
    session: &mut Session,
    context: &Context,
    request: &CommandSet,
    kind: Kind,
) -> Result<(), End> {
    let asked = (Act::ReadImages, "query");
    let read = identifier::query(session, context, request, asked, keys::of_non_patient).await?;
    let (identifier, query) = match read {
        Ok(read) => read,
        Err(failure) => return session.refuse(context, request, failure).await,
    };
    let form = answer::Form::new(session, context, &identifier, None);
    let database = session.shared.archive.database();
    let found = storage::non_patient::find(database, kind, &query, &session.caller.scope);
    answer::stream(session, context, request, &form, Status::PENDING, found).await
}
