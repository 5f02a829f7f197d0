//! An instance re-encoded in Explicit VR Little Endian while it is sent: the header is laid out anew, large values are
//! copied from the stored bytes, frames are decoded one at a time.

use super::pixels::{self, Decoded, Source};
use super::{inflated, stored};
use crate::error::Error;
use crate::explicit::{self, Piece, Pixels};
use crate::outgoing::{Outgoing, Stopped};
use crate::pieces;
use crate::state::State;
use pacs_core::dataset::{DataSet, Value};
use pacs_core::pixels::Layout;
use pacs_core::{tags, transfer_syntax};
use storage::{InstancePlace, InstanceReader};

/// An instance that is known to have a form in Explicit VR Little Endian.
pub struct Prepared {
    reader: InstanceReader,
    pieces: Vec<Piece>,
    /// The first frame and how many there are, when frames are decoded.
    first: Option<(Decoded, u32)>,
}

/// Opens the instance, lays it out and decodes its first frame: what can go wrong with an instance goes wrong here,
/// before any of it is sent.
pub async fn prepare(state: &State, place: &InstancePlace) -> Result<Prepared, Error> {
    let syntax = transfer_syntax::of(&place.transfer_syntax);
    let reader = stored::open(&state.archive, place).await?;
    let header = stored::header(&state.archive, place).await?;
    let first = first_frame(state, place, &header, syntax.encapsulated || syntax.big_endian).await?;
    let described = first.as_ref().map(|(frame, layout)| described(frame, layout));
    let pieces =
        explicit::lay_out(&header, &syntax, described.as_ref()).map_err(|explicit::Impossible| {
            undecodable("the instance has no form in Explicit VR Little Endian")
        })?;
    Ok(Prepared { reader, pieces, first: first.map(|(frame, layout)| (frame, layout.frames)) })
}

/// Sends the instance as a Part 10 file in Explicit VR Little Endian.
pub async fn send(
    state: &State,
    place: &InstancePlace,
    prepared: Prepared,
    out: &Outgoing,
) -> Result<(), Stopped> {
    let Prepared { reader, pieces, mut first } = prepared;
    out.send(inflated::head(place)?).await?;
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
                    send_frames(state, place, frame, frames, out).await?;
                }
            }
        }
    }
    Ok(())
}

/// The first frame, when pixels have to be decoded: only a decoded frame tells how all of them will look.
async fn first_frame(
    state: &State,
    place: &InstancePlace,
    header: &DataSet,
    decoding: bool,
) -> Result<Option<(Decoded, Layout)>, Error> {
    let has_frames = header.get(tags::PIXEL_DATA).is_some_and(|element| match &element.value {
        Value::Fragments(_) | Value::Elsewhere { .. } => true,
        Value::Bytes(bytes) => !bytes.is_empty(),
        Value::Items(_) => false,
    });
    if !decoding || !has_frames {
        return Ok(None);
    }
    let layout = Layout::from(header)?;
    let frame = pixels::decoded(state, place, Source::Frame(0)).await?;
    if frame.layout.bits_allocated != layout.bits_allocated || layout.bits_allocated == 1 {
        return Err(undecodable("decoding changes the bits of its samples"));
    }
    Ok(Some((frame, layout)))
}

fn described(frame: &Decoded, layout: &Layout) -> Pixels {
    Pixels {
        length: frame.layout.frame_bytes().saturating_mul(u64::from(layout.frames)),
        bits_allocated: frame.layout.bits_allocated,
        photometric: frame.layout.photometric.as_str(),
        interleaved: !frame.layout.planar,
    }
}

async fn send_frames(
    state: &State,
    place: &InstancePlace,
    first: Decoded,
    frames: u32,
    out: &Outgoing,
) -> Result<(), Stopped> {
    let layout = first.layout;
    out.send(first.bytes).await?;
    for number in 1..frames {
        let frame = pixels::decoded(state, place, Source::Frame(number)).await?;
        // The header that was sent describes all frames alike.
        if frame.layout != layout {
            return Err(Stopped::Failed(undecodable("its frames differ")));
        }
        out.send(frame.bytes).await?;
    }
    Ok(())
}

fn undecodable(why: &'static str) -> Error {
    Error::Undecodable(why.into())
}
