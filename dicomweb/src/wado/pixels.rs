//! Frames of stored instances, decoded and encoded on the pixel threads.

use super::stored;
use super::unread::Room;
use crate::content::Content;
use crate::error::Error;
use crate::state::State;
use pacs_core::dataset::Fragment;
use pacs_core::pixels::{self, Codec, Layout, PixelError};
use storage::{FrameBytes, InstancePlace, RenditionKey};

/// A frame that was made to be sent: decoded, and encoded where a codec was named.
pub struct Made {
    /// What a data set with such frames has to state.
    pub layout: Layout,
    /// The samples, or one compressed image. They are counted until they are sent.
    pub content: Content,
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

/// Makes a picture that stands for itself; `name` tells it from the others of the instance.
///
/// It waits for no client. One in another compression is kept in a file, since it costs much to make and viewers read
/// it by pieces; one that is only decoded goes to a file when those who read slowly hold all the room for frames that
/// are sent.
pub async fn sendable(
    state: &State,
    place: &InstancePlace,
    source: Source<'_>,
    name: &str,
    codec: Option<Codec>,
) -> Result<Content, Error> {
    let layout = source.layout(state, place).await?;
    let share = match codec {
        None => state.pixels.sending_share_now(layout.frame_bytes()),
        Some(_) => None,
    };
    if let Some(share) = share {
        let (_, bytes) = make(state, place, &source, &layout, None).await?;
        return Ok(Content::Held(share.hold(bytes)));
    }
    let key = RenditionKey::of_instance(place, &format!("{name} in {codec:?}"));
    let rendition = state.archive.rendition(&key, async || {
        let share = state.pixels.writing_share(layout.frame_bytes()).await?;
        let (_, bytes) = make(state, place, &source, &layout, codec).await?;
        Ok::<_, Error>(share.hold(bytes))
    });
    Ok(Content::rendition(rendition.await?))
}

/// Makes a picture that is one of many in an answer. It waits for no client either; what nobody finds room for in
/// memory is sent from a file, and kept no longer than that: all pictures of a series would push out what others ask
/// for.
pub async fn made(
    state: &State,
    place: &InstancePlace,
    source: Source<'_>,
    codec: Option<Codec>,
) -> Result<Made, Error> {
    let layout = source.layout(state, place).await?;
    let room = Room::of(state, layout.frame_bytes()).await?;
    let (layout, bytes) = make(state, place, &source, &layout, codec).await?;
    Ok(Made { layout, content: room.put(state, bytes).await? })
}

/// A frame, counted from 0, that lies in bytes or words together with others, as it is sent when nothing is made of it.
pub async fn taken_out(state: &State, place: &InstancePlace, frame: u32) -> Result<Content, Error> {
    let source = Source::Frame(frame);
    let layout = source.layout(state, place).await?;
    let room = Room::of(state, source.encoded_bytes(state, place, &layout).await?).await?;
    let taken = source.read(state, place).await?;
    room.put(state, taken.bytes.into()).await
}

/// Waits for its turn before it reads.
async fn make(
    state: &State,
    place: &InstancePlace,
    source: &Source<'_>,
    layout: &Layout,
    codec: Option<Codec>,
) -> Result<(Layout, Vec<u8>), Error> {
    let encoded_bytes = source.encoded_bytes(state, place, layout).await?;
    let encoding = codec.map_or(0, |codec| pixels::encoding_bytes(codec, layout));
    let mut decoding = pixels::decoding_bytes(&place.transfer_syntax, layout, encoded_bytes, 0);
    loop {
        let turn = state.pixels.place_in_turn().await?;
        // What was read goes when it has been decoded.
        let needed_bytes = encoded_bytes.saturating_add(decoding).max(encoding);
        let turn = state.pixels.give(turn, needed_bytes).await?;
        let encoded = source.read(state, place).await?;
        match state.pixels.run(turn, move || anew(encoded, codec, decoding, encoding)).await? {
            Ok(made) => return Ok(made),
            Err(error) => decoding = more_than(decoding, error)?,
        }
    }
}

/// Decodes a frame and encodes it, each with so many bytes at most.
fn anew(
    stored: FrameBytes,
    codec: Option<Codec>,
    decoding_bytes: u64,
    encoding_bytes: u64,
) -> Result<(Layout, Vec<u8>), PixelError> {
    let FrameBytes { bytes, transfer_syntax, layout } = stored;
    let frame = pixels::decode(bytes, &transfer_syntax, &layout, decoding_bytes)?;
    let Some(codec) = codec else { return Ok((frame.layout, frame.bytes)) };
    let encoded = pixels::encode(&frame, codec, encoding_bytes)?;
    Ok((Layout { photometric: encoded.photometric, planar: false, ..frame.layout }, encoded.bytes))
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
            PixelError::OutsideImage => Self::BadRequest(error.to_string().into()),
            PixelError::TooLarge { .. } => Self::TooLarge(error.to_string().into()),
            PixelError::Unencodable(_) => Self::NotAcceptable(error.to_string().into()),
            other => Self::Undecodable(other.to_string().into()),
        }
    }
}
