//! Frames of stored instances, decoded on the pixel threads.

use super::stored;
use crate::error::Error;
use crate::pixel_pool::{MEMORY_BYTES, Place, SendingShare};
use crate::state::State;
use bytes::Bytes;
use pacs_core::pixels::{self, Layout, PixelError};
use pacs_core::uid::Uid;
use storage::{FrameBytes, InstancePlace};

/// A decoded frame to be sent.
pub struct Decoded {
    /// How the bytes lie.
    pub layout: Layout,
    /// The samples. They are counted until they are dropped.
    pub bytes: Bytes,
}

/// A turn to decode a frame and send it.
pub struct Turn {
    place: Place,
    share: SendingShare,
}

/// One decoded frame, counted from 0. Waits for its turn before it reads.
pub async fn decoded(state: &State, place: &InstancePlace, frame: u32) -> Result<Decoded, Error> {
    let header = stored::header(&state.archive, place).await?;
    // What is odd there is no frame to be found.
    let layout = Layout::from(&header).map_err(|_| Error::NotFound("the frame"))?;
    let encoded_bytes = stored::frame_bytes(&state.archive, place, frame, &layout).await?;
    let turn = turn(state, &place.transfer_syntax, &layout, encoded_bytes).await?;
    let encoded = stored::frame(&state.archive, place, frame).await?;
    decode(state, turn, encoded).await
}

/// A turn for a frame of that description, of which nothing has been read yet.
pub async fn turn(state: &State, syntax: &Uid, layout: &Layout, encoded_bytes: u64) -> Result<Turn, Error> {
    let share = state.pixels.sending_share(layout.frame_bytes()).await?;
    let place = state.pixels.place_in_turn().await?;
    let needed_bytes = encoded_bytes.saturating_add(pixels::decoding_bytes(syntax, layout));
    Ok(Turn { place: state.pixels.give(place, needed_bytes).await?, share })
}

/// Decodes a frame that was read.
pub async fn decode(state: &State, turn: Turn, encoded: FrameBytes) -> Result<Decoded, Error> {
    let Turn { place, share } = turn;
    let decoding = move || {
        let FrameBytes { bytes, transfer_syntax, layout } = encoded;
        // Storage begins frames of single bits with their first bit, as the first frame does.
        pixels::decode(bytes, 0, &transfer_syntax, &layout, MEMORY_BYTES)
    };
    let frame = state.pixels.run(place, decoding).await??;
    Ok(Decoded { layout: frame.layout, bytes: share.hold(frame.bytes) })
}

impl From<PixelError> for Error {
    fn from(error: PixelError) -> Self {
        match error {
            PixelError::NoSuchFrame { .. } => Self::NotFound("the frame"),
            PixelError::TooLarge { .. } => Self::TooLarge(error.to_string().into()),
            other => Self::Undecodable(other.to_string().into()),
        }
    }
}
