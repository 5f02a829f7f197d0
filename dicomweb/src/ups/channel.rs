//! `GET /subscribers/{subscriber}` (PS3.18 8.10.4): the WebSocket on which a subscriber is told.

use super::Request;
use super::channels::Place;
use super::subscriber::Subscriber;
use crate::error::Error;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::response::Response;
use bytes::Bytes;
use std::pin::pin;
use std::time::Duration;
use storage::Archive;
use storage::ups::{Bookmark, Follower, Read};
use tokio::time::{MissedTickBehavior, interval, timeout};

/// A subscriber says nothing that matters.
const MOST_RECEIVED_BYTES: usize = 4 << 10;
/// So often a ping shows that both sides are there.
const PING_EVERY: Duration = Duration::from_secs(30);
/// A subscriber that takes longer for a message is given up; it hears the rest when it comes back.
const SEND_WITHIN: Duration = Duration::from_secs(30);
/// A channel ends after so long and its subscriber comes back: who asks is found out anew, so a token that was taken
/// back hears no more.
const LIFETIME: Duration = Duration::from_secs(3600);

/// What the audit log calls it.
const CHANNEL: &str = "event channel";

/// Opens the channel. What the subscriber has not been told yet is told first. Whoever opens it takes the subscriber's
/// messages, so it is for the account that the AE title belongs to.
pub async fn open(
    subscriber: Subscriber,
    request: Request,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Error> {
    let title = format!("subscriber:{}", subscriber.0);
    request.doing(title.clone(), CHANNEL).await?;
    let upgrade = upgrade.map_err(|_| Error::bad_request("this resource is opened as a WebSocket"))?;
    let place = request.state.channels.take(&request.caller.actor.id)?;
    let follower = Follower::open(request.database(), &request.asker(), subscriber.0).await;
    let follower = request.followed(follower, title, CHANNEL).await?;
    let archive = request.state.archive.clone();
    let upgrade = upgrade.max_message_size(MOST_RECEIVED_BYTES).max_frame_size(MOST_RECEIVED_BYTES);
    Ok(upgrade.on_upgrade(move |socket| serve(socket, follower, archive, place)))
}

async fn serve(
    mut socket: WebSocket,
    (mut follower, mut bookmark): (Follower, Bookmark),
    archive: Archive,
    place: Place,
) {
    let ended = tokio::select! {
        ended = tell(&mut socket, &mut follower, &mut bookmark) => ended,
        () = archive.closing() => Ok(()),
        () = tokio::time::sleep(LIFETIME) => Ok(()),
    };
    if let Err(error) = ended.and(bookmark.keep().await) {
        tracing::warn!(%error, "an event channel ended");
    }
    // Whoever is gone needs no farewell.
    let _ = timeout(SEND_WITHIN, socket.send(Message::Close(None))).await;
    drop(place);
}

/// Tells the subscriber until it goes away, or its AE title goes to another account. A ping follows each report with
/// its place, and the pong, which comes when all before it has been read, brings that back.
async fn tell(
    socket: &mut WebSocket,
    follower: &mut Follower,
    bookmark: &mut Bookmark,
) -> Result<(), storage::Error> {
    let mut pings = interval(PING_EVERY);
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let read = {
            // Waits on whatever else passes: what a subscriber sends makes nobody look for reports anew.
            let mut next = pin!(follower.next());
            loop {
                tokio::select! {
                    read = &mut next => break read?,
                    _ = pings.tick() => if !sent(socket, Message::Ping(Bytes::new())).await {
                        return Ok(());
                    },
                    received = socket.recv() => match received {
                        None | Some(Err(_) | Ok(Message::Close(_))) => return Ok(()),
                        Some(Ok(Message::Pong(place))) => if let Ok(place) = place[..].try_into() {
                            bookmark.received(i64::from_be_bytes(place)).await?;
                        },
                        Some(Ok(_)) => {}
                    },
                }
            }
        };
        match read {
            None => return Ok(()),
            Some(Read { at, report: None }) => bookmark.passed(at).await?,
            Some(Read { at, report: Some(report) }) => {
                bookmark.sent(at);
                let place = Bytes::copy_from_slice(&at.to_be_bytes());
                let is_sent = sent(socket, Message::Text(report.into())).await
                    && sent(socket, Message::Ping(place)).await;
                if !is_sent {
                    return Ok(());
                }
            }
        }
    }
}

/// Sends a message; says whether it is on its way.
async fn sent(socket: &mut WebSocket, message: Message) -> bool {
    matches!(timeout(SEND_WITHIN, socket.send(message)).await, Ok(Ok(())))
}
