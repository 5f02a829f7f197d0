//! Instances on their way to receivers that do not take what is stored: the header is laid out anew, large values are
//! copied from where they lie, frames are decoded and, where the receiver takes no native ones, encoded again without
//! loss, one at a time. A receiver gets nothing that says less than what is stored.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};
use pacs_core::dataset::anew::{self, Piece, Pixels};
use pacs_core::dataset::{DataSet, Value};
use pacs_core::pixels::{self, Codec, Layout, PixelError};
use pacs_core::text::CharacterSet;
use pacs_core::uid::Uid;
use pacs_core::{tags, transfer_syntax, uids};
use storage::{Archive, FrameBytes, InstancePlace, InstanceReader};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::stored::Unsendable;

/// Frames made at a time, whatever the number of receivers.
const AT_ONCE: usize = 2;
/// What all frames that are being made may take; one that takes more is made by itself.
const SHARED_BYTES: u64 = 48 << 20;
/// What one frame may take.
const MEMORY_BYTES: u64 = 128 << 20;
/// How much of a value in big endian is turned at a time; a multiple of every number's size.
const TURNED_BYTES: u64 = 256 << 10;

/// The transfer syntaxes that an instance is made in when its own is not taken, the best first: plain ones, which
/// everybody reads rightly, before compressed ones, and none that loses anything.
pub const TARGETS: [&str; 8] = [
    uids::EXPLICIT_VR_LITTLE_ENDIAN,
    uids::IMPLICIT_VR_LITTLE_ENDIAN,
    uids::JPEG2000_LOSSLESS,
    uids::JPEGLS_LOSSLESS,
    uids::JPEG_LOSSLESS_SV1,
    uids::RLE_LOSSLESS,
    uids::HTJ2K_LOSSLESS,
    uids::HTJ2K_LOSSLESS_RPCL,
];

/// What an instance is made in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// Native frames, with explicit or implicit VR.
    Native {
        /// Which of the two.
        explicit: bool,
    },
    /// Frames of a codec.
    Encoded(Codec),
}

impl Target {
    /// From a stored transfer syntax to another; `None` where that is not made.
    pub fn of(stored: &Uid, syntax: &str) -> Option<Self> {
        let from = transfer_syntax::of(stored);
        if !from.known() || (from.encapsulated && !pixels::can_decode(stored)) {
            return None;
        }
        if syntax == uids::EXPLICIT_VR_LITTLE_ENDIAN || syntax == uids::IMPLICIT_VR_LITTLE_ENDIAN {
            return Some(Self::Native { explicit: syntax == uids::EXPLICIT_VR_LITTLE_ENDIAN });
        }
        let codec = Codec::of(&Uid::parse(syntax).ok()?)?;
        codec.is_lossless().then_some(Self::Encoded(codec))
    }

    fn codec(self) -> Option<Codec> {
        match self {
            Self::Native { .. } => None,
            Self::Encoded(codec) => Some(codec),
        }
    }
}

/// Makes frames, a few at a time and in bounded memory. Clones share the bounds.
#[derive(Clone)]
pub struct Transcoder {
    archive: Archive,
    turns: Arc<Semaphore>,
    memory: Arc<Semaphore>,
}

/// A frame that was made: how it is described, and its samples or its compressed image.
struct Made {
    layout: Layout,
    bytes: Bytes,
}

impl Transcoder {
    /// Over the instances of an archive.
    pub fn new(archive: Archive) -> Self {
        let shared = usize::try_from(SHARED_BYTES).unwrap_or(usize::MAX);
        Self { archive, turns: Arc::new(Semaphore::new(AT_ONCE)), memory: Arc::new(Semaphore::new(shared)) }
    }

    /// The data set of an instance in another form, piece by piece. Its first frame is made before the first piece: what
    /// can go wrong mostly goes wrong here. `letters` is what its receiver can read of text that was corrected.
    pub async fn content(
        &self,
        place: &InstancePlace,
        target: Target,
        letters: CharacterSet,
    ) -> Result<BoxStream<'static, Result<Bytes, Unsendable>>, Unsendable> {
        let stored = transfer_syntax::of(&place.transfer_syntax);
        let header = self.archive.header_leaving(place, letters).await?;
        let frames = self.first_frame(place, &header, target).await?;
        let described = frames.as_ref().map(|(made, count)| described(made, *count, target));
        let laid_out = match target {
            Target::Native { explicit: false } => {
                anew::lay_out_implicit(&header, &stored, described.as_ref())
            }
            _ => anew::lay_out(&header, &stored, described.as_ref()),
        };
        let impossible = |_| not_made("a value of it has no form there");
        let pieces = laid_out.map_err(impossible)?;
        let is_copied = |piece: &Piece| matches!(piece, Piece::Copied { .. });
        if stored.deflated && pieces.iter().any(is_copied) {
            return Err(not_made("large values of a deflated data set are not copied"));
        }
        let reader = self.archive.open_instance(place).await?;
        let (transcoder, place) = (self.clone(), Arc::new(place.clone()));
        let mut frames = frames;
        let streams = pieces.into_iter().map(move |piece| match piece {
            Piece::Made(bytes) => stream::iter([Ok(bytes)]).boxed(),
            Piece::Copied { offset, length, swapped } => copied(&reader, offset, length, swapped),
            Piece::Frames => match frames.take() {
                Some((first, count)) => transcoder.frames(place.clone(), target, first, count),
                None => stream::empty().boxed(),
            },
        });
        Ok(stream::iter(streams.collect::<Vec<_>>()).flatten().boxed())
    }

    /// The first frame and how many there are, where frames have to be made: only one that was made tells how all of
    /// them will look.
    async fn first_frame(
        &self,
        place: &InstancePlace,
        header: &DataSet,
        target: Target,
    ) -> Result<Option<(Made, u32)>, Unsendable> {
        let stored = transfer_syntax::of(&place.transfer_syntax);
        let codec = target.codec();
        let is_kept = !(stored.encapsulated || stored.big_endian || stored.deflated);
        if codec.is_none() && is_kept {
            return Ok(None);
        }
        let floats = [tags::FLOAT_PIXEL_DATA, tags::DOUBLE_FLOAT_PIXEL_DATA];
        if codec.is_some() && floats.into_iter().any(|tag| header.contains(tag)) {
            return Err(not_made("floats cannot be compressed"));
        }
        let has_frames = header.get(tags::PIXEL_DATA).is_some_and(|element| match &element.value {
            Value::Fragments(_) | Value::Elsewhere { .. } => true,
            Value::Bytes(bytes) => !bytes.is_empty(),
            Value::Items(_) => false,
        });
        if !has_frames {
            // A compressed transfer syntax is for what has frames.
            return if codec.is_some() { Err(not_made("it has no frames")) } else { Ok(None) };
        }
        let layout = Layout::from(header).map_err(undecodable)?;
        let made = self.make(place, 0, codec).await?;
        if made.layout.bits_allocated != layout.bits_allocated || layout.bits_allocated == 1 {
            return Err(not_made("decoding changes the bits of its samples"));
        }
        Ok(Some((made, layout.frames)))
    }

    /// All frames, the first of which is there.
    fn frames(
        &self,
        place: Arc<InstancePlace>,
        target: Target,
        first: Made,
        count: u32,
    ) -> BoxStream<'static, Result<Bytes, Unsendable>> {
        let (codec, layout, transcoder) = (target.codec(), first.layout, self.clone());
        let head = stream::iter([Ok(first)]);
        let rest = stream::iter(1..count).then(move |number| {
            let (transcoder, place) = (transcoder.clone(), place.clone());
            async move {
                let made = transcoder.make(&place, number, codec).await?;
                // The header that was sent describes all frames alike.
                if made.layout == layout { Ok(made) } else { Err(not_made("its frames differ")) }
            }
        });
        let wrapped = move |made: Made| match codec {
            None => made.bytes,
            Some(_) => fragment(&made.bytes),
        };
        head.chain(rest).map_ok(wrapped).boxed()
    }

    async fn make(
        &self,
        place: &InstancePlace,
        number: u32,
        codec: Option<Codec>,
    ) -> Result<Made, Unsendable> {
        let closed = |_| not_made("the archive is stopping");
        let _turn = self.turns.acquire().await.map_err(closed)?;
        let stored = self.archive.frame(place, number).await?;
        let encoding = codec.map_or(0, |codec| pixels::encoding_bytes(codec, &stored.layout));
        let encoded_bytes = stored.bytes.len() as u64;
        let mut decoding = pixels::decoding_bytes(&stored.transfer_syntax, &stored.layout, encoded_bytes, 0);
        loop {
            let needed = encoded_bytes.saturating_add(decoding).max(encoding);
            if needed > MEMORY_BYTES {
                return Err(not_made("decoding it takes more memory than there is for that"));
            }
            let memory = self.room(needed).await.map_err(closed)?;
            let again = FrameBytes {
                bytes: stored.bytes.clone(),
                transfer_syntax: stored.transfer_syntax.clone(),
                layout: stored.layout,
            };
            let making = tokio::task::spawn_blocking(move || {
                let _memory = memory;
                anew_frame(again, codec, decoding, encoding)
            });
            match making.await {
                Ok(Ok(made)) => return Ok(made),
                // The image asks for more than others of its kind do.
                Ok(Err(PixelError::TooLarge { needed_bytes, .. })) if needed_bytes > decoding => {
                    decoding = needed_bytes;
                }
                Ok(Err(error)) => return Err(undecodable(error)),
                Err(_) => return Err(not_made("the codec failed on it")),
            }
        }
    }

    async fn room(&self, bytes: u64) -> Result<OwnedSemaphorePermit, tokio::sync::AcquireError> {
        let permits = u32::try_from(bytes.min(SHARED_BYTES)).unwrap_or(u32::MAX);
        Arc::clone(&self.memory).acquire_many_owned(permits).await
    }
}

fn anew_frame(
    stored: FrameBytes,
    codec: Option<Codec>,
    decoding_bytes: u64,
    encoding_bytes: u64,
) -> Result<Made, PixelError> {
    let FrameBytes { bytes, transfer_syntax, layout } = stored;
    let frame = pixels::decode(bytes, &transfer_syntax, &layout, decoding_bytes)?;
    let Some(codec) = codec else { return Ok(Made { layout: frame.layout, bytes: frame.bytes.into() }) };
    let encoded = pixels::encode(&frame, codec, encoding_bytes)?;
    let layout = Layout { photometric: encoded.photometric, planar: false, ..frame.layout };
    Ok(Made { layout, bytes: encoded.bytes.into() })
}

fn described(made: &Made, count: u32, target: Target) -> Pixels {
    let length = made.layout.frame_bytes().saturating_mul(u64::from(count));
    Pixels {
        length: target.codec().is_none().then_some(length),
        bits_allocated: made.layout.bits_allocated,
        photometric: made.layout.photometric.term(),
        interleaved: !made.layout.planar,
    }
}

/// A compressed frame as a fragment of its own (PS3.5 A.4).
fn fragment(bytes: &Bytes) -> Bytes {
    let padding = bytes.len() % 2;
    let length = u32::try_from(bytes.len() + padding).unwrap_or(u32::MAX);
    let mut item = BytesMut::with_capacity(8 + bytes.len() + padding);
    item.extend_from_slice(&[0xFE, 0xFF, 0x00, 0xE0]);
    item.extend_from_slice(&length.to_le_bytes());
    item.extend_from_slice(bytes);
    item.resize(8 + bytes.len() + padding, 0);
    item.freeze()
}

/// A large value from where it lies, its numbers turned around where they are stored in big endian.
fn copied(
    reader: &InstanceReader,
    offset: u64,
    length: u64,
    swapped: usize,
) -> BoxStream<'static, Result<Bytes, Unsendable>> {
    let start = reader.head_bytes().saturating_add(offset);
    let end = start.saturating_add(length);
    if swapped <= 1 {
        return reader.stream(start..end).map(|piece| piece.map_err(Unsendable::from)).boxed();
    }
    let reader = reader.clone();
    stream::try_unfold(start, move |at| {
        let reader = reader.clone();
        async move {
            if at >= end {
                return Ok(None);
            }
            let next = end.min(at.saturating_add(TURNED_BYTES));
            let mut bytes = BytesMut::from(reader.read(at..next).await?);
            bytes.chunks_exact_mut(swapped).for_each(<[u8]>::reverse);
            Ok::<_, Unsendable>(Some((bytes.freeze(), next)))
        }
    })
    .boxed()
}

fn not_made(why: &str) -> Unsendable {
    Unsendable::NotRewritable(why.to_owned())
}

fn undecodable(error: PixelError) -> Unsendable {
    Unsendable::NotRewritable(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stored_is_made_in_what_is_taken() {
        let target = |stored: &str, syntax: &str| Target::of(&Uid::parse(stored).unwrap(), syntax);
        let native = Some(Target::Native { explicit: true });
        for (stored, syntax, want) in [
            (uids::JPEG2000_LOSSLESS, uids::EXPLICIT_VR_LITTLE_ENDIAN, native),
            (
                uids::JPEG_BASELINE8_BIT,
                uids::IMPLICIT_VR_LITTLE_ENDIAN,
                Some(Target::Native { explicit: false }),
            ),
            ("1.2.840.10008.1.2.2", uids::EXPLICIT_VR_LITTLE_ENDIAN, native),
            ("1.2.840.10008.1.2.1.99", uids::EXPLICIT_VR_LITTLE_ENDIAN, native),
            (uids::EXPLICIT_VR_LITTLE_ENDIAN, uids::RLE_LOSSLESS, Some(Target::Encoded(Codec::Rle))),
            // Nothing is lost on the way, and video and private syntaxes are not understood.
            (uids::EXPLICIT_VR_LITTLE_ENDIAN, uids::JPEG_BASELINE8_BIT, None),
            ("1.2.840.10008.1.2.4.102", uids::EXPLICIT_VR_LITTLE_ENDIAN, None),
            ("1.2.826.0.1.1", uids::EXPLICIT_VR_LITTLE_ENDIAN, None),
        ] {
            assert_eq!(target(stored, syntax), want, "{stored} {syntax}");
        }
        assert!(TARGETS.iter().all(|syntax| target(uids::RLE_LOSSLESS, syntax).is_some()));
    }
}
