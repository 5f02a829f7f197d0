//! `GET /subscribers/{subscriber}` (PS3.18 8.10.4): the WebSocket on which a subscriber is told.

use super::Request;
use super::subscriber::Subscriber;
use crate::error::Error;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::response::Response;
use bytes::Bytes;
use std::time::Duration;
use storage::Archive;
use storage::ups::Follower;
use tokio::sync::OwnedSemaphorePermit;
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

/// Opens the channel. What the subscriber has not been told yet is told first. Whoever opens it takes the subscriber's
/// messages, so it is for those that do steps.
pub async fn open(
    subscriber: Subscriber,
    request: Request,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Error> {
    request.following()?;
    let scope = request.seeing()?;
    let upgrade = upgrade.map_err(|_| Error::bad_request("this resource is opened as a WebSocket"))?;
    let places = request.state.channels.clone();
    let place =
        places.try_acquire_owned().map_err(|_| Error::Busy("too many event channels are open".into()))?;
    let follower = Follower::open(request.database(), scope, subscriber.0).await?;
    let archive = request.state.archive.clone();
    let upgrade = upgrade.max_message_size(MOST_RECEIVED_BYTES).max_frame_size(MOST_RECEIVED_BYTES);
    Ok(upgrade.on_upgrade(move |socket| serve(socket, follower, archive, place)))
}

async fn serve(mut socket: WebSocket, mut follower: Follower, archive: Archive, place: OwnedSemaphorePermit) {
    let ended = tokio::select! {
        ended = tell(&mut socket, &mut follower) => ended,
        () = archive.closing() => Ok(()),
        () = tokio::time::sleep(LIFETIME) => Ok(()),
    };
    if let Err(error) = ended {
        tracing::warn!(%error, "an event channel ended");
    }
    // Whoever is gone needs no farewell.
    let _ = timeout(SEND_WITHIN, socket.send(Message::Close(None))).await;
    drop(place);
}

/// Tells the subscriber until it goes away.
async fn tell(socket: &mut WebSocket, follower: &mut Follower) -> Result<(), storage::Error> {
    let mut pings = interval(PING_EVERY);
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let message = tokio::select! {
            report = follower.next() => Message::Text(report?.into()),
            _ = pings.tick() => Message::Ping(Bytes::new()),
            received = socket.recv() => match received {
                None | Some(Err(_) | Ok(Message::Close(_))) => return Ok(()),
                Some(Ok(_)) => continue,
            },
        };
        let is_report = matches!(message, Message::Text(_));
        if !matches!(timeout(SEND_WITHIN, socket.send(message)).await, Ok(Ok(()))) {
            return Ok(());
        }
        if is_report {
            follower.sent().await?;
        }
    }
}
