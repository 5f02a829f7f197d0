//! Frames of stored instances, decoded on the pixel threads.

use super::stored;
use crate::error::Error;
use crate::pixel_pool::Place;
use crate::state::State;
use pacs_core::pixels::{self, Frame, PixelError};
use storage::{FrameBytes, InstancePlace};

/// Most bytes that decoding one frame may take, working memory of the codec included. A mammogram in JPEG 2000 takes
/// about 200 MB.
pub const DECODING_MAX_BYTES: u64 = 384 << 20;

/// One decoded frame, counted from 0. Waits for its turn before it reads.
pub async fn decoded(state: &State, place: &InstancePlace, frame: u32) -> Result<Frame, Error> {
    let turn = state.pixels.place_in_turn().await?;
    let encoded = stored::frame(&state.archive, place, frame).await?;
    decode(state, turn, encoded).await
}

/// Decodes a frame that was read.
pub async fn decode(state: &State, turn: Place, encoded: FrameBytes) -> Result<Frame, Error> {
    let decoding = move || {
        let FrameBytes { bytes, transfer_syntax, layout } = encoded;
        // Storage begins frames of single bits with their first bit, as the first frame does.
        pixels::decode(&bytes, 0, &transfer_syntax, &layout, DECODING_MAX_BYTES)
    };
    Ok(state.pixels.run(turn, decoding).await??)
}

impl From<PixelError> for Error {
    fn from(error: PixelError) -> Self {
        match error {
            PixelError::NoSuchFrame { .. } => Self::NotFound("the frame"),
            other => Self::Undecodable(other.to_string().into()),
        }
    }
}
