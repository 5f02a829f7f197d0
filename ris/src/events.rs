//! `GET /api/v1/events`: what happened, as it happens (server-sent events).

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State as Has;
use axum::response::Sse;
use axum::response::sse::{Event as Message, KeepAlive};
use futures::stream::{self, Stream, StreamExt as _};
use http::{HeaderMap, HeaderName};
use pacs_core::access::{Act, Scope};
use serde::Serialize;
use storage::database::Database;
use storage::events::{self, Event, EventKind};
use tokio::sync::watch;
use utoipa::ToSchema;

use crate::Result;
use crate::caller::Caller;
use crate::state::State;

static LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// Events read at once.
const BATCH: u32 = 200;
/// Other processes write events without a hint to this one, so it looks by itself now and then.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// A comment so often keeps proxies from closing a quiet stream.
const KEEP_ALIVE: Duration = Duration::from_secs(20);
/// A stream ends after so long and its page comes back with its cursor: who follows is asked anew, so
/// a session that has ended hears no more.
const LIFETIME: Duration = Duration::from_secs(600);
/// How long a page waits before it comes back.
const COME_BACK_AFTER: Duration = Duration::from_millis(500);

/// What a page hears: enough to know what to fetch again.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    /// The cursor after this event.
    id: i64,
    /// `study.changed`, `series.settled`, `exam.changed`, `order.created`, `unmatched.changed` or
    /// `instance.damaged`.
    kind: &'static str,
    /// The study it is about.
    study_uid: Option<String>,
    /// The exam it is about.
    exam_id: Option<i64>,
}

/// Follows what happens, from now or from after `Last-Event-ID`.
#[utoipa::path(
    get,
    path = "/api/v1/events",
    tag = "events",
    params(("Last-Event-ID" = Option<String>, Header, description = "The id of the last event that was heard")),
    responses((status = 200, description = "A stream of `change` events, each with this data", body = Change, content_type = "text/event-stream"))
)]
pub async fn follow(
    Has(state): Has<State>,
    caller: Caller,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = std::result::Result<Message, Infallible>>>> {
    caller.needs(Act::ReadImages)?;
    let database = state.archive.database().clone();
    let heard = headers
        .get(&LAST_EVENT_ID)
        .and_then(|value| value.to_str().ok())
        .and_then(|text| text.trim().parse().ok());
    // A cursor from beyond the end is another archive's, such as one from before a restore.
    let newest = events::newest(&database).await?;
    let cursor = heard.map_or(newest, |heard: i64| heard.min(newest));
    // Subscribed before the first look, so that nothing falls between the two.
    let hints = database.event_hints();
    let follower =
        Follower { database, hints, cursor, scope: caller.scope(), waiting: Vec::new().into_iter() };
    let stopping = state.shutdown.clone();
    let ending = async move {
        tokio::select! {
            () = stopping.cancelled_owned() => {}
            () = tokio::time::sleep(LIFETIME) => {}
        }
    };
    // With its cursor, so that a page that has heard nothing yet comes back to this place too.
    let first = Message::default().retry(COME_BACK_AFTER).id(cursor.to_string());
    let first = stream::iter([Ok(first)]);
    let changes = stream::unfold(follower, |mut follower| async move {
        let message = message(follower.next().await?)?;
        Some((Ok(message), follower))
    });
    let messages = first.chain(changes).take_until(ending);
    Ok(Sse::new(messages).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
}

struct Follower {
    database: Database,
    hints: watch::Receiver<u64>,
    cursor: i64,
    scope: Scope,
    waiting: std::vec::IntoIter<Event>,
}

impl Follower {
    /// The next event the caller may hear of; `None` ends the stream, and the page comes back with
    /// its cursor.
    async fn next(&mut self) -> Option<Event> {
        loop {
            for event in self.waiting.by_ref() {
                self.cursor = event.id;
                if is_within(&self.scope, &event) {
                    return Some(event);
                }
            }
            self.hints.mark_unchanged();
            match events::since(&self.database, self.cursor, BATCH).await {
                Ok(found) if found.is_empty() => {
                    // Elapsed or hinted, the next look tells.
                    let _ = tokio::time::timeout(LOOK_EVERY, self.hints.changed()).await;
                }
                Ok(found) => self.waiting = found.into_iter(),
                Err(error) => {
                    tracing::warn!(%error, "events cannot be read");
                    return None;
                }
            }
        }
    }
}

/// Reports of unified procedure steps go to their subscribers, through DICOMweb; that images were corrected is told
/// of their study.
fn is_within(scope: &Scope, event: &Event) -> bool {
    match scope {
        _ if matches!(event.kind, EventKind::WorkitemReport | EventKind::ImagesCorrected) => false,
        Scope::All => true,
        Scope::Facilities(codes) => event.facility.as_ref().is_some_and(|facility| codes.contains(facility)),
    }
}

fn message(event: Event) -> Option<Message> {
    let change = Change {
        id: event.id,
        kind: event.kind.as_str(),
        study_uid: event.study_uid,
        exam_id: event.exam_id,
    };
    Message::default().event("change").id(change.id.to_string()).json_data(&change).ok()
}
