//! Frames of stored instances, decoded on the pixel threads.

use crate::error::Error;
use crate::state::State;
use pacs_core::pixels::{self, Frame, PixelError};
use storage::{FrameBytes, InstancePlace};

/// Most bytes that decoding one frame may take, working memory of the codec included. A mammogram in JPEG 2000 takes
/// about 200 MB.
pub const DECODING_MAX_BYTES: u64 = 384 << 20;

/// One decoded frame, counted from 0. Waits for its turn.
pub async fn decoded(state: &State, place: &InstancePlace, frame: u32) -> Result<Frame, Error> {
    let encoded =
        state.archive.frame(place, frame).await.map_err(|error| Error::or_not_found(error, "the frame"))?;
    decode(state, encoded).await
}

/// Decodes a frame that was read.
pub async fn decode(state: &State, encoded: FrameBytes) -> Result<Frame, Error> {
    state
        .pixels
        .run_in_turn(move || {
            let FrameBytes { bytes, transfer_syntax, layout } = encoded;
            // Storage begins frames of single bits with their first bit, as the first frame does.
            pixels::decode(&bytes, 0, &transfer_syntax, &layout, DECODING_MAX_BYTES)
        })
        .await?
        .map_err(Error::from)
}

impl From<PixelError> for Error {
    fn from(error: PixelError) -> Self {
        match error {
            PixelError::NoSuchFrame { .. } => Self::NotFound("the frame"),
            other => Self::Undecodable(other.to_string().into()),
        }
    }
}
