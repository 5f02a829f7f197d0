//! Claiming, completing and cancelling a step by its performer.

use pacs_core::uid::Uid;
use pacs_core::ups::state::{Effect, Event, Failure, Key, State, decide};
use pacs_core::ups::{finish, report};

use super::{Asker, Result, WorkError, date_time, lock, reports};
use crate::database::{Database, Durability};

/// Changes the state of a step; `Some` is the state that it is in already, so that nothing happened.
pub async fn change_state(
    database: &Database,
    asker: &Asker<'_>,
    uid: &Uid,
    to: State,
    transaction_uid: Option<&Uid>,
) -> Result<Option<State>> {
    let mut tx = database.begin(Durability::Synced).await?;
    let mut step = lock(&mut tx, &asker.scope(), uid).await?;
    if to == State::Canceled {
        finish::fill_cancellation(&mut step.set, None, &date_time(asker.now_ms, &step.zone));
    }
    let lacking = finish::lacking(&step.set, to);
    let key = Key::of(step.state, step.transaction_uid.as_deref(), transaction_uid.map(Uid::as_str));
    let event = Event::Change { to, key, is_ready: lacking.is_none() };
    match (decide(step.state, event), lacking) {
        (Ok(Effect::Already(state)), _) => return Ok(Some(state)),
        (Err(Failure::NotReady), Some(tag)) => return Err(WorkError::Lacks(tag)),
        (Err(failure), _) => return Err(failure.into()),
        (Ok(_), _) => {}
    }
    if to == State::InProgress {
        step.transaction_uid = transaction_uid.map(Uid::to_string);
    }
    step.write(&mut tx, to, asker.now_ms).await?;
    reports::tell(&mut tx, &step, [report::state(&step.set, uid)], asker.now_ms).await?;
    tx.commit().await?;
    Ok(None)
}
