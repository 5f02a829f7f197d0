//! What was made for a client that has not read it yet: in memory while there is room for such, else in a file. Whoever
//! reads slowly holds up nobody who asks for something else.

use crate::content::Content;
use crate::error::Error;
use crate::pixel_pool::Share;
use crate::state::State;
use bytes::Bytes;
use futures::TryStreamExt;

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

    /// Puts there what was made. Where no file can be written, as on a full disk, it stays in memory once there is
    /// room: a slow answer rather than none.
    pub async fn put(self, state: &State, bytes: Vec<u8>) -> Result<Content, Error> {
        let (aside, writing) = match self {
            Self::Memory(share) => return Ok(Content::Held(share.hold(bytes))),
            Self::File { aside, writing } => (aside, writing),
        };
        let bytes = Bytes::from(bytes);
        let file = match state.archive.aside(writing.hold(bytes.clone())).await {
            Ok(file) => file,
            Err(error) => {
                tracing::debug!(%error, "what a client has not read yet stays in memory");
                // The room for writing has gone with what was to be written: others do not wait for this client.
                drop(aside);
                let share = state.pixels.sending_share(bytes.len() as u64).await?;
                return Ok(Content::Held(share.hold(bytes)));
            }
        };
        Ok(Content::read(file.length_bytes(), move |part| {
            file.part(part).inspect_ok(move |_| {
                let _kept_until_it_is_sent = &aside;
            })
        }))
    }
}
