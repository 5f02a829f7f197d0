//! C-ECHO (PS3.7 9.3.5, PS3.4 A).

use crate::association::{Context, End};
use crate::dimse::{CommandSet, Status};
use crate::session::Session;

/// Answers that somebody is there.
pub async fn serve(session: &mut Session, context: &Context, request: &CommandSet) -> Result<(), End> {
    session.association.reader.skip_data().await?;
    session.answer(context, request, Status::SUCCESS).await
}
