//! Unified procedure steps (PS3.4 CC): work that programs give each other, over the rows of [`storage::ups`] and the
//! rules of `pacs_core::ups`, which UPS-RS shares.
//!
//! Which operations there are depends on the SOP class that was negotiated; what they are about are always instances of
//! UPS Push (PS3.4 CC.3.1).

mod action;
mod create;
mod find;
mod get;
mod set;
mod subscription;

use pacs_core::access::{Act, Actor, may};
use pacs_core::audit::{AuditAct, AuditRecord};
use pacs_core::dataset::DataSet;
use pacs_core::tags;
use pacs_core::text::CharacterSet;
use pacs_core::uid::Uid;
use pacs_core::uids;
use storage::ups::Asker;

use super::data_set::{self, Unread};
use crate::association::{Context, End};
use crate::dimse::{CommandField, CommandSet, Status};
use crate::error::Failure;
use crate::session::Session;
use crate::sop_class::Steps;

/// The longest data set of a step that is taken: as much as rows keep of one.
const MAX_STEP_BYTES: usize = 1 << 20;

/// Whether an operation is one of that part of the service (PS3.4 tables CC.2-1 to CC.2-5).
pub fn is_of(operation: CommandField, part: Steps) -> bool {
    match operation {
        CommandField::Find => part != Steps::Push,
        CommandField::NCreate => part == Steps::Push,
        CommandField::NSet => part == Steps::Pull,
        CommandField::NGet | CommandField::NAction => part != Steps::Query,
        _ => false,
    }
}

/// Serves an operation that [`is_of`] the part.
pub async fn serve(
    session: &mut Session,
    context: &Context,
    request: &CommandSet,
    (operation, part): (CommandField, Steps),
) -> Result<(), End> {
    match operation {
        CommandField::Find => find::serve(session, context, request).await,
        CommandField::NCreate => create::serve(session, context, request).await,
        CommandField::NSet => set::serve(session, context, request).await,
        CommandField::NGet => get::serve(session, context, request).await,
        _ => action::serve(session, context, request, part).await,
    }
}

/// Refuses a caller without the right, and a request about another SOP class than the one that all steps are of.
fn check(
    session: &Session,
    context: &Context,
    request: &CommandSet,
    (act, what): (Act, &str),
    class: u16,
) -> Result<(), Failure> {
    if !may(&session.caller.actor, act) {
        return Err(Failure::new(Status::NOT_AUTHORIZED, format!("this application may not {what}")));
    }
    // Some name the class that they have negotiated.
    let is_known =
        |class: &Uid| class == uids::UNIFIED_PROCEDURE_STEP_PUSH || *class == context.abstract_syntax;
    if request.uid(class).is_some_and(|class| !is_known(&class)) {
        return Err(Failure::new(Status::CLASS_INSTANCE_CONFLICT, "steps are instances of UPS Push"));
    }
    Ok(())
}

/// The data set that is left of a request, its text in UTF-8 as rows have it; `None` when there is none.
async fn sent(
    session: &mut Session,
    context: &Context,
    request: &CommandSet,
) -> Result<Result<Option<DataSet>, Failure>, End> {
    Ok(match data_set::read(session, context, request, MAX_STEP_BYTES).await? {
        Ok(set) => Ok(Some(set.encode_text_in(CharacterSet::UTF_8))),
        Err(Unread::None) => Ok(None),
        Err(unread) => Err(unread.normalized()),
    })
}

/// The data set of a request that has to have one.
async fn needed(
    session: &mut Session,
    context: &Context,
    request: &CommandSet,
) -> Result<Result<DataSet, Failure>, End> {
    let sent = sent(session, context, request).await?;
    Ok(sent.and_then(|set| set.ok_or_else(|| Unread::None.normalized())))
}

/// The Transaction UID of a data set.
fn transaction(set: &DataSet) -> Result<Option<Uid>, Failure> {
    set.uid(tags::TRANSACTION_UID)
        .transpose()
        .map_err(|why| Failure::new(Status::INVALID_ARGUMENT, format!("Transaction UID: {why}")))
}

/// The caller, or another device in its place, as storage knows who asks.
fn asker<'a>(session: &'a Session, actor: &'a Actor) -> Asker<'a> {
    let archive = session.shared.archive.config();
    let facility = session.caller.facility.as_deref();
    Asker {
        actor,
        default_facility: facility.unwrap_or(&archive.default_facility),
        now_ms: archive.clock.now_ms(),
    }
}

/// Records what the caller did with a step, or with a subscription.
async fn did(session: &Session, act: AuditAct, step: &Uid, what: Option<&str>) {
    let caller = &session.caller;
    let record = AuditRecord::done(&caller.actor, act, format!("workitem:{step}"), Some(caller.peer));
    session.shared.audit_log.record(record.because(what).named(caller.user.as_deref())).await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use Steps::*;

    #[test]
    fn each_part_has_the_operations_of_the_standard() {
        for (operation, parts) in [
            (CommandField::NCreate, [true, false, false, false]),
            (CommandField::NSet, [false, false, true, false]),
            (CommandField::NGet, [true, true, true, false]),
            (CommandField::NAction, [true, true, true, false]),
            (CommandField::Find, [false, true, true, true]),
            (CommandField::NEventReport, [false; 4]),
            (CommandField::Cancel, [false; 4]),
        ] {
            assert_eq!([Push, Watch, Pull, Query].map(|part| is_of(operation, part)), parts, "{operation:?}");
        }
    }
}
