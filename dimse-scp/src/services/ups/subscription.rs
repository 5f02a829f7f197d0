//! Who is told of steps (PS3.4 CC.2.3). The receiver is a device that associations can be opened to; a caller speaks
//! for itself and for devices that see no more than it does. Subscriptions are the receiver's own: what it is told of
//! is what it sees itself.

use pacs_core::access::{Actor, scope};
use pacs_core::audit::AuditAct;
use pacs_core::dataset::DataSet;
use pacs_core::tags;
use pacs_core::uid::{AeTitle, Uid};
use pacs_core::ups::state;
use storage::devices::{self, Device};
use storage::ups::{self, Filter, Subject, WorkError};

use super::{asker, did};
use crate::association::Context;
use crate::dimse::Status;
use crate::error::Failure;
use crate::services::keys;
use crate::session::Session;

/// What becomes of a subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It begins, or gets or loses its deletion lock.
    Subscribe,
    /// It ends; that to many steps takes the ones to single steps along.
    Unsubscribe,
    /// It takes in no further steps.
    Suspend,
}

/// Changes a subscription to a step, to all or to those that fit a filter.
pub async fn serve(
    session: &Session,
    context: &Context,
    (change, step): (Change, Uid),
    set: &DataSet,
) -> Result<Status, Failure> {
    let (title, receiver) = receiver(session, change, set).await?;
    let subject = Subject::from(step.clone());
    let (database, asker) = (session.shared.archive.database(), asker(session, &receiver));
    let (changed, what) = match change {
        Change::Subscribe => {
            let (lock, filter) = (deletion_lock(set)?, filter(context, &subject, set)?);
            let subscribed = ups::subscribe(database, &asker, &subject, &filter, &title, lock).await;
            (subscribed, "subscribe")
        }
        Change::Unsubscribe => (ups::unsubscribe(database, &asker, &subject, &title).await, "unsubscribe"),
        Change::Suspend => (ups::suspend(database, &asker, &subject, &title).await, "suspend"),
    };
    match changed {
        Ok(()) => {}
        // It is as it was asked to be (PS3.4 table CC.2.3-2).
        Err(WorkError::Failed(state::Failure::NotSubscribed)) => return Ok(Status::SUCCESS),
        Err(error) => return Err(Failure::of_step(&error)),
    }
    did(session, AuditAct::Step, &step, Some(&format!("{what} {title}"))).await;
    Ok(Status::SUCCESS)
}

/// The device that is to be told, as whom it acts itself. One that has lost its address may still be unsubscribed.
async fn receiver(session: &Session, change: Change, set: &DataSet) -> Result<(AeTitle, Actor), Failure> {
    let title = set.text(tags::RECEIVING_AE).ok_or_else(|| invalid("ReceivingAE is missing"))?;
    let title = AeTitle::parse(title.trim()).map_err(|why| invalid(format!("ReceivingAE: {why}")))?;
    let device = devices::by_ae(session.shared.archive.database(), &title).await;
    let device = device.map_err(|error| Failure::of_action(&error))?;
    let is_told = |device: &Device| device.host.is_some() && device.port.is_some();
    let device = device.filter(|device| change != Change::Subscribe || is_told(device));
    let unknown = || Failure::new(Status::UPS_RECEIVER_UNKNOWN, "not a device with an address");
    let receiver = Actor::device(&title, device.ok_or_else(unknown)?.facility.as_deref());
    if !session.caller.scope.covers(&scope(&receiver)) {
        let why = "this application may not speak for that device";
        return Err(Failure::new(Status::NOT_AUTHORIZED, why));
    }
    Ok((title, receiver))
}

/// Deletion Lock (0074,1230). Who says nothing wants none.
fn deletion_lock(set: &DataSet) -> Result<bool, Failure> {
    match set.text(tags::DELETION_LOCK).as_deref().map(str::trim) {
        Some("TRUE") => Ok(true),
        Some("FALSE") | None => Ok(false),
        Some(_) => Err(invalid("DeletionLock is TRUE or FALSE")),
    }
}

/// The matching keys of a filtered subscription. One that is not matched is refused: a subscription that left it out
/// would tell of more than was asked for.
fn filter(context: &Context, subject: &Subject, set: &DataSet) -> Result<Filter, Failure> {
    if *subject != Subject::Filtered {
        return Ok(Filter::default());
    }
    let filter = keys::of_filter(set, context.options)?;
    if let Some((path, _)) = filter.keys.iter().find(|(path, _)| !ups::is_matched(path)) {
        let attribute = path.last().copied();
        return Err(Failure { attribute, ..invalid("an attribute that is not matched") });
    }
    filter.query().map_err(|error| invalid(error.to_string()))?;
    Ok(filter)
}

fn invalid(why: impl Into<String>) -> Failure {
    Failure::new(Status::INVALID_ARGUMENT, why)
}
