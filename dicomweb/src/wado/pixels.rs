//! Frames of stored instances, decoded on the pixel threads.

use super::stored;
use crate::content::Content;
use crate::error::Error;
use crate::state::State;
use bytes::Bytes;
use pacs_core::dataset::Fragment;
use pacs_core::pixels::{self, Frame, Layout, PixelError};
use storage::{FrameBytes, InstancePlace, RenditionKey};

/// A decoded frame to be sent.
pub struct Decoded {
    /// How the bytes lie.
    pub layout: Layout,
    /// The samples. They are counted until they are dropped.
    pub bytes: Bytes,
}

/// A picture of an instance.
pub enum Source<'a> {
    /// A frame, counted from 0.
    Frame(u32),
    /// A compressed picture within a sequence of the stored data set.
    Nested {
        /// Its description.
        layout: Layout,
        /// Its bytes.
        fragments: &'a [Fragment],
    },
}

impl Source<'_> {
    async fn layout(&self, state: &State, place: &InstancePlace) -> Result<Layout, Error> {
        match self {
            Source::Nested { layout, .. } => Ok(*layout),
            Source::Frame(_) => {
                let header = stored::header(&state.archive, place).await?;
                // What is odd there is no frame to be found.
                Layout::from(&header).map_err(|_| Error::NotFound("the frame"))
            }
        }
    }

    async fn encoded_bytes(
        &self,
        state: &State,
        place: &InstancePlace,
        layout: &Layout,
    ) -> Result<u64, Error> {
        match self {
            Source::Frame(frame) => stored::frame_bytes(&state.archive, place, *frame, layout).await,
            Source::Nested { fragments, .. } => Ok(fragments.iter().map(|fragment| fragment.length).sum()),
        }
    }

    async fn read(&self, state: &State, place: &InstancePlace) -> Result<FrameBytes, Error> {
        match self {
            Source::Frame(frame) => stored::frame(&state.archive, place, *frame).await,
            Source::Nested { layout, fragments } => {
                let bytes = stored::joined(&state.archive, place, fragments).await?;
                Ok(FrameBytes { bytes, transfer_syntax: place.transfer_syntax.clone(), layout: *layout })
            }
        }
    }
}

/// Decodes a picture that stands for itself; `name` tells it from the others of the instance.
///
/// It waits for no client: when those who read slowly hold all the room for frames that are sent, it goes to a file and
/// is sent from there.
pub async fn sendable(
    state: &State,
    place: &InstancePlace,
    source: Source<'_>,
    name: &str,
) -> Result<Content, Error> {
    let layout = source.layout(state, place).await?;
    if let Some(share) = state.pixels.sending_share_now(layout.frame_bytes()) {
        let frame = decode(state, place, &source, &layout).await?;
        return Ok(Content::Held(share.hold(frame.bytes)));
    }
    let key = RenditionKey::of_instance(place, &format!("decoded {name}"));
    let rendition = state.archive.rendition(&key, async || {
        let share = state.pixels.writing_share(layout.frame_bytes()).await?;
        let frame = decode(state, place, &source, &layout).await?;
        Ok::<_, Error>(share.hold(frame.bytes))
    });
    Ok(Content::rendition(rendition.await?))
}

/// Decodes a picture that is one of many in an answer. Waits for the client to have read enough of those before.
pub async fn decoded(state: &State, place: &InstancePlace, source: Source<'_>) -> Result<Decoded, Error> {
    let layout = source.layout(state, place).await?;
    let share = state.pixels.sending_share(layout.frame_bytes()).await?;
    let frame = decode(state, place, &source, &layout).await?;
    Ok(Decoded { layout: frame.layout, bytes: share.hold(frame.bytes) })
}

/// Waits for its turn before it reads.
async fn decode(
    state: &State,
    place: &InstancePlace,
    source: &Source<'_>,
    layout: &Layout,
) -> Result<Frame, Error> {
    let encoded_bytes = source.encoded_bytes(state, place, layout).await?;
    let mut working_bytes = pixels::decoding_bytes(&place.transfer_syntax, layout);
    loop {
        let turn = state.pixels.place_in_turn().await?;
        let turn = state.pixels.give(turn, encoded_bytes.saturating_add(working_bytes)).await?;
        let FrameBytes { bytes, transfer_syntax, layout } = source.read(state, place).await?;
        // Storage begins frames of single bits with their first bit, as the first frame does.
        let decoding = move || pixels::decode(bytes, 0, &transfer_syntax, &layout, working_bytes);
        match state.pixels.run(turn, decoding).await? {
            Ok(frame) => return Ok(frame),
            Err(error) => working_bytes = more_than(working_bytes, error)?,
        }
    }
}

/// What a job takes that turned out to need more than was given: the compressed image asks for more than others of its
/// kind do. Any other error stays one.
pub fn more_than(given_bytes: u64, error: PixelError) -> Result<u64, Error> {
    match error {
        PixelError::TooLarge { needed_bytes, .. } if needed_bytes > given_bytes => Ok(needed_bytes),
        other => Err(other.into()),
    }
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
