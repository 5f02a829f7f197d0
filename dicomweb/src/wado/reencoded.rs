//! An instance re-encoded while it is sent, in Explicit VR Little Endian or with compressed frames: the header is laid
//! out anew, large values are copied from the stored bytes, frames are decoded and encoded one at a time.

use super::inflated::part10_head;
use super::pixels::{self, Made, Source};
use super::stored;
use crate::error::Error;
use crate::outgoing::{Outgoing, Stopped};
use crate::pieces;
use crate::state::State;
use bytes::Bytes;
use pacs_core::dataset::anew::{self, Piece, Pixels};
use pacs_core::dataset::{DataSet, Value};
use pacs_core::pixels::{Codec, Layout};
use pacs_core::{tags, transfer_syntax, uids};
use storage::{InstancePlace, InstanceReader};

/// An instance that is known to have that form.
pub struct Prepared {
    reader: InstanceReader,
    codec: Option<Codec>,
    pieces: Vec<Piece>,
    /// The first frame and how many there are, when frames are made.
    first: Option<(Made, u32)>,
}

impl Prepared {
    /// The transfer syntax of the form.
    pub fn transfer_syntax(&self) -> &'static str {
        self.codec.map_or(uids::EXPLICIT_VR_LITTLE_ENDIAN, Codec::transfer_syntax)
    }
}

/// Opens the instance, lays it out and makes its first frame, with a codec where it is to be compressed: what can go
/// wrong with an instance goes wrong here, before any of it is sent.
pub async fn prepare(state: &State, place: &InstancePlace, codec: Option<Codec>) -> Result<Prepared, Error> {
    let syntax = transfer_syntax::of(&place.transfer_syntax);
    let reader = stored::open(&state.archive, place).await?;
    let header = stored::header(&state.archive, place).await?;
    let first = if codec.is_some() || syntax.encapsulated || syntax.big_endian {
        first_frame(state, place, &header, codec).await?
    } else {
        None
    };
    let described = first.as_ref().map(|(frame, layout)| described(frame, layout, codec));
    let pieces = anew::lay_out(&header, &syntax, described.as_ref())
        .map_err(|anew::Impossible| undecodable("the instance has no form in another transfer syntax"))?;
    Ok(Prepared { reader, codec, pieces, first: first.map(|(frame, layout)| (frame, layout.frames)) })
}

/// Sends the instance as a Part 10 file.
pub async fn send(
    state: &State,
    place: &InstancePlace,
    prepared: Prepared,
    out: &Outgoing,
) -> Result<(), Stopped> {
    let head = part10_head(place, prepared.transfer_syntax())?;
    let Prepared { reader, codec, pieces, mut first } = prepared;
    out.send(head).await?;
    for piece in pieces {
        match piece {
            Piece::Made(bytes) => out.send(bytes).await?,
            Piece::Copied { offset, length, swapped } => {
                let start = place.place.head_bytes.saturating_add(offset);
                let stored = reader.stream(start..start.saturating_add(length));
                out.send_all(pieces::turned(stored, swapped)).await?;
            }
            Piece::Frames => {
                if let Some((frame, frames)) = first.take() {
                    send_frames(state, place, codec, frame, frames, out).await?;
                }
            }
        }
    }
    Ok(())
}

/// The first frame, where there are any: only a frame that was made tells how all of them will look.
async fn first_frame(
    state: &State,
    place: &InstancePlace,
    header: &DataSet,
    codec: Option<Codec>,
) -> Result<Option<(Made, Layout)>, Error> {
    let floats = [tags::FLOAT_PIXEL_DATA, tags::DOUBLE_FLOAT_PIXEL_DATA];
    if codec.is_some() && floats.into_iter().any(|tag| header.contains(tag)) {
        return Err(Error::NotAcceptable("floats cannot be compressed".into()));
    }
    let has_frames = header.get(tags::PIXEL_DATA).is_some_and(|element| match &element.value {
        Value::Fragments(_) | Value::Elsewhere { .. } => true,
        Value::Bytes(bytes) => !bytes.is_empty(),
        Value::Items(_) => false,
    });
    if !has_frames {
        return Ok(None);
    }
    let layout = Layout::from(header)?;
    let frame = pixels::made(state, place, Source::Frame(0), codec).await?;
    if frame.layout.bits_allocated != layout.bits_allocated || layout.bits_allocated == 1 {
        return Err(undecodable("decoding changes the bits of its samples"));
    }
    Ok(Some((frame, layout)))
}

fn described(frame: &Made, layout: &Layout, codec: Option<Codec>) -> Pixels {
    let length = frame.layout.frame_bytes().saturating_mul(u64::from(layout.frames));
    Pixels {
        length: if codec.is_none() { Some(length) } else { None },
        bits_allocated: frame.layout.bits_allocated,
        photometric: frame.layout.photometric.term(),
        interleaved: !frame.layout.planar,
    }
}

/// Sends frames one after the other, the first of which is there. All of them are alike, or the rest is not sent.
pub async fn send_frames(
    state: &State,
    place: &InstancePlace,
    codec: Option<Codec>,
    first: Made,
    frames: u32,
    out: &Outgoing,
) -> Result<(), Stopped> {
    let layout = first.layout;
    send_frame(first, codec, out).await?;
    for number in 1..frames {
        let frame = pixels::made(state, place, Source::Frame(number), codec).await?;
        // The header that was sent describes all frames alike.
        if frame.layout != layout {
            return Err(Stopped::Failed(undecodable("its frames differ")));
        }
        send_frame(frame, codec, out).await?;
    }
    Ok(())
}

/// Sends a frame, a compressed one as a fragment of its own (PS3.5 A.4).
async fn send_frame(frame: Made, codec: Option<Codec>, out: &Outgoing) -> Result<(), Stopped> {
    if codec.is_none() {
        return out.send_all(frame.content.all()).await;
    }
    let padding = frame.content.length_bytes() % 2;
    let length = u32::try_from(frame.content.length_bytes() + padding)
        .map_err(|_| Stopped::Failed(undecodable("a frame is too long for a fragment")))?;
    let [a, b, c, d] = length.to_le_bytes();
    out.send(Bytes::copy_from_slice(&[0xFE, 0xFF, 0x00, 0xE0, a, b, c, d])).await?;
    out.send_all(frame.content.all()).await?;
    if padding == 1 {
        out.send(Bytes::from_static(&[0])).await?;
    }
    Ok(())
}

fn undecodable(why: &'static str) -> Error {
    Error::Undecodable(why.into())
}
