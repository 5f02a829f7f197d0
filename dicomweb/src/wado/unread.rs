//! What was made for a client that has not read it yet: in memory while there is room for such, else in a file. Whoever
//! reads slowly holds up nobody who asks for something else.

use crate::content::Content;
use crate::error::Error;
use crate::pixel_pool::Share;
use crate::state::State;
use futures::TryStreamExt;
use std::time::Duration;
use tokio::time::timeout;

/// How long what cannot be written to a file waits for clients to read what is in memory.
const CLIENTS_WITHIN: Duration = Duration::from_secs(10);

/// Room for something that is to be made.
pub enum Room {
    /// In memory.
    Memory(Share),
    /// In a file.
    File {
        /// Its part of what such files take.
        aside: Share,
        /// Room in memory until it is written.
        writing: Share,
    },
}

impl Room {
    /// Room for so many bytes. It is waited for as long as others write to the disk; for clients only when there is
    /// none left there either, or no file can be written.
    pub async fn of(state: &State, bytes: u64) -> Result<Self, Error> {
        if let Some(share) = state.pixels.sending_share_now(bytes) {
            return Ok(Self::Memory(share));
        }
        let aside = state.pixels.aside_share(bytes).await?;
        let writing = state.pixels.writing_share(bytes).await?;
        Ok(Self::File { aside, writing })
    }

    /// Puts there what was made. Where no file can be written, as on a full disk, it stays in memory when there is room
    /// within some seconds: a slow answer rather than none.
    pub async fn put(self, state: &State, bytes: Vec<u8>) -> Result<Content, Error> {
        let (aside, writing) = match self {
            Self::Memory(share) => return Ok(Content::Held(share.hold(bytes))),
            Self::File { aside, writing } => (aside, writing),
        };
        let bytes = writing.hold(bytes);
        let file = match state.archive.aside(bytes.clone()).await {
            Ok(file) => file,
            Err(error) => {
                tracing::warn!(%error, "what a client has not read yet stays in memory");
                drop(aside);
                // It keeps the room for writing, which bounds how much waits so, but for no longer than others may.
                let room = timeout(CLIENTS_WITHIN, state.pixels.sending_share(bytes.len() as u64)).await;
                let room = room.map_err(|_| Error::Busy("the disk is full, and so is the memory".into()))?;
                // A copy, which keeps none of the room for writing until a client has read it.
                return Ok(Content::Held(room?.hold(bytes.to_vec())));
            }
        };
        Ok(Content::read(file.length_bytes(), move |part| {
            file.part(part).inspect_ok(move |_| {
                let _kept_until_it_is_sent = &aside;
            })
        }))
    }
}
