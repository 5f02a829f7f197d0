//! Instances on their way to receivers that do not take what is stored: the header is laid out anew, large values are
//! copied from where they lie, frames are decoded and, where the receiver takes no native ones, encoded again without
//! loss, one at a time. A receiver gets nothing that says less than what is stored.

use std::ops::Range;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};
use pacs_core::dataset::anew::{self, Piece, Pixels};
use pacs_core::dataset::{DataSet, Value};
use pacs_core::pixels::{self, Codec, Layout, PixelError};
use pacs_core::text::CharacterSet;
use pacs_core::transfer_syntax::{self, TransferSyntax};
use pacs_core::uid::Uid;
use pacs_core::{tags, uids};
use storage::{Archive, Extracted, FrameBytes, InstancePlace, InstanceReader};
use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore};

use super::codecs::{self, Codecs};
use super::deflate::Inflated;
use super::stored::Unsendable;

/// What all frames that are being made may take; one that takes more is made by itself.
const SHARED_BYTES: u64 = 48 << 20;
/// What one frame may take.
const MEMORY_BYTES: u64 = 128 << 20;
/// How much of a value is turned around or inflated at a time; a multiple of every number's size.
const STEP_BYTES: u64 = 256 << 10;

const BIG_ENDIAN: &str = "1.2.840.10008.1.2.2";

/// The transfer syntaxes that an instance is made in when its own is not taken, the best first: plain ones, which
/// everybody reads rightly, before compressed ones, and last those that allow a loss. None that is made loses anything.
pub const TARGETS: [&str; 14] = [
    uids::EXPLICIT_VR_LITTLE_ENDIAN,
    uids::IMPLICIT_VR_LITTLE_ENDIAN,
    uids::DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN,
    BIG_ENDIAN,
    uids::JPEG2000_LOSSLESS,
    uids::JPEGLS_LOSSLESS,
    uids::JPEG_LOSSLESS_SV1,
    uids::JPEG_LOSSLESS,
    uids::RLE_LOSSLESS,
    uids::HTJ2K_LOSSLESS,
    uids::HTJ2K_LOSSLESS_RPCL,
    uids::JPEG2000,
    uids::JPEGLS_NEAR_LOSSLESS,
    uids::HTJ2K,
];

/// What an instance is made in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// Native frames in a data set of that encoding.
    Native(TransferSyntax),
    /// Frames of a codec.
    Encoded(Codec),
}

impl Target {
    /// From a stored transfer syntax to another; `None` where that is not made.
    pub fn of(stored: &Uid, syntax: &str) -> Option<Self> {
        if !pixels::can_decode(stored) {
            return None;
        }
        match syntax {
            uids::EXPLICIT_VR_LITTLE_ENDIAN => Some(Self::Native(TransferSyntax::EXPLICIT_LITTLE_ENDIAN)),
            uids::IMPLICIT_VR_LITTLE_ENDIAN => Some(Self::Native(TransferSyntax::IMPLICIT_LITTLE_ENDIAN)),
            uids::DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN => {
                Some(Self::Native(TransferSyntax::DEFLATED_EXPLICIT_LITTLE_ENDIAN))
            }
            BIG_ENDIAN => Some(Self::Native(TransferSyntax::EXPLICIT_BIG_ENDIAN)),
            _ => codec_of(syntax).map(Self::Encoded),
        }
    }

    fn codec(self) -> Option<Codec> {
        match self {
            Self::Native(_) => None,
            Self::Encoded(codec) => Some(codec),
        }
    }

    /// The encoding of the data set, before it is deflated.
    fn encoding(self) -> TransferSyntax {
        match self {
            Self::Native(syntax) => syntax,
            Self::Encoded(_) => TransferSyntax::EXPLICIT_LITTLE_ENDIAN,
        }
    }
}

/// What frames of a transfer syntax are made with, without loss. Where it allows one, or any predictor, that is its
/// encoder's choice (PS3.5 8.2, A.4.1, A.4.3, A.4.4).
fn codec_of(syntax: &str) -> Option<Codec> {
    match syntax {
        uids::JPEG_LOSSLESS => Some(Codec::JpegLossless),
        uids::JPEGLS_NEAR_LOSSLESS => Some(Codec::JpegLs),
        uids::JPEG2000 => Some(Codec::Jpeg2000),
        uids::HTJ2K => Some(Codec::HighThroughput2000),
        _ => Codec::of(&Uid::parse(syntax).ok()?).filter(|codec| codec.is_lossless()),
    }
}

/// Makes frames, a few at a time and in bounded memory. Clones share the bounds.
#[derive(Clone)]
pub struct Transcoder {
    archive: Archive,
    codecs: Codecs,
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
    pub fn new(archive: Archive, codecs: Codecs) -> Self {
        let shared = usize::try_from(SHARED_BYTES).unwrap_or(usize::MAX);
        let (turns, memory) = (Semaphore::new(codecs::AT_ONCE), Semaphore::new(shared));
        Self { archive, codecs, turns: Arc::new(turns), memory: Arc::new(memory) }
    }

    /// The data set of an instance in another form, piece by piece; of a target that is deflated, before it is. What
    /// was corrected is in `letters`. Its first frame is made before the first piece: what can go wrong mostly goes
    /// wrong here.
    pub async fn content(
        &self,
        place: &InstancePlace,
        target: Target,
        letters: CharacterSet,
    ) -> Result<BoxStream<'static, Result<Bytes, Unsendable>>, Unsendable> {
        let header = self.archive.header_leaving(place, letters).await?;
        self.made(place, header, target, None).await
    }

    /// The same of an instance of some frames.
    pub async fn extracted(
        &self,
        extracted: &Extracted,
        target: Target,
    ) -> Result<BoxStream<'static, Result<Bytes, Unsendable>>, Unsendable> {
        let (place, header) = (&extracted.place, Arc::clone(&extracted.header));
        self.made(place, header, target, Some(Arc::clone(&extracted.frames))).await
    }

    /// `numbers` are those of the frames that are wanted, in their order; all, when there are none.
    async fn made(
        &self,
        place: &InstancePlace,
        header: Arc<DataSet>,
        target: Target,
        numbers: Option<Arc<[u32]>>,
    ) -> Result<BoxStream<'static, Result<Bytes, Unsendable>>, Unsendable> {
        let stored = transfer_syntax::of(&place.transfer_syntax);
        let mut frames = self.first_frame(place, &header, target, numbers.as_deref()).await?;
        let described = frames.as_ref().map(|(made, count)| described(made, *count, target));
        let laid_out = anew::lay_out_as(&header, &stored, &target.encoding(), described.as_ref());
        let pieces = laid_out.map_err(|_| not_made("a value of it has no form there"))?;
        let source = Source::of(self.archive.open_instance(place).await?, &stored);
        Ok(source.strung(pieces, || match frames.take() {
            Some((first, count)) => {
                self.frames(Arc::new(place.clone()), target, first, count, numbers.clone())
            }
            None => stream::empty().boxed(),
        }))
    }

    /// What `change` leaves of the header of an instance, in the encoding `to` before it is deflated, piece by piece.
    /// What was corrected is in `letters`. No frames may be left.
    pub async fn header(
        &self,
        place: &InstancePlace,
        letters: CharacterSet,
        change: impl FnOnce(&DataSet) -> DataSet,
        to: &TransferSyntax,
    ) -> Result<BoxStream<'static, Result<Bytes, Unsendable>>, Unsendable> {
        let stored = transfer_syntax::of(&place.transfer_syntax);
        let header = change(&*self.archive.header_leaving(place, letters).await?);
        let laid_out = anew::lay_out_as(&header, &stored, to, None);
        let pieces = laid_out.map_err(|_| not_made("a value of it has no form there"))?;
        let source = Source::of(self.archive.open_instance(place).await?, &stored);
        Ok(source.strung(pieces, || stream::empty().boxed()))
    }

    /// The first frame and how many there are, where frames have to be made: only one that was made tells how all of
    /// them will look.
    async fn first_frame(
        &self,
        place: &InstancePlace,
        header: &DataSet,
        target: Target,
        numbers: Option<&[u32]>,
    ) -> Result<Option<(Made, u32)>, Unsendable> {
        let codec = target.codec();
        // Native ones are copied as they lie, if they are all wanted.
        let is_native = !transfer_syntax::of(&place.transfer_syntax).encapsulated;
        if codec.is_none() && is_native && numbers.is_none() {
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
        let first = numbers.and_then(|numbers| numbers.first()).copied().unwrap_or(0);
        let made = self.make(place, first, codec).await?;
        if made.layout.bits_allocated != layout.bits_allocated {
            return Err(not_made("decoding changes the bits of its samples"));
        }
        if layout.bits_allocated == 1 && layout.frames > 1 && !layout.native_frame_bits().is_multiple_of(8) {
            return Err(not_made("its frames share bytes"));
        }
        Ok(Some((made, layout.frames)))
    }

    /// All frames, or those of the numbers, the first of which is there.
    fn frames(
        &self,
        place: Arc<InstancePlace>,
        target: Target,
        first: Made,
        count: u32,
        numbers: Option<Arc<[u32]>>,
    ) -> BoxStream<'static, Result<Bytes, Unsendable>> {
        let (codec, layout, transcoder) = (target.codec(), first.layout, self.clone());
        let head = stream::iter([Ok(first)]);
        let number = move |at: u32| match &numbers {
            Some(numbers) => numbers.get(usize::try_from(at).unwrap_or(usize::MAX)).copied(),
            None => Some(at),
        };
        let rest = stream::iter(1..count).then(move |at| {
            let (transcoder, place, number) = (transcoder.clone(), place.clone(), number(at));
            async move {
                let number = number.ok_or_else(|| not_made("it has fewer frames"))?;
                let made = transcoder.make(&place, number, codec).await?;
                // The header that was sent describes all frames alike.
                if made.layout == layout { Ok(made) } else { Err(not_made("its frames differ")) }
            }
        });
        let is_turned = target.encoding().big_endian;
        let wrapped = move |made: Made| match codec {
            Some(_) => fragment(&made.bytes),
            None if is_turned => turned(made.bytes, usize::from(made.layout.sample_bytes())),
            None => made.bytes,
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
            let making = self.codecs.run(move || {
                let _memory = memory;
                anew_frame(again, codec, decoding, encoding)
            });
            match making.await {
                Some(Ok(made)) => return Ok(made),
                // The image asks for more than others of its kind do.
                Some(Err(PixelError::TooLarge { needed_bytes, .. })) if needed_bytes > decoding => {
                    decoding = needed_bytes;
                }
                Some(Err(error)) => return Err(undecodable(error)),
                None => return Err(not_made("the codec failed on it")),
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
    let Some(codec) = codec else {
        return Ok(match layout.bits_allocated {
            1 => Made { layout, bytes: packed(&frame.bytes) },
            _ => Made { layout: frame.layout, bytes: frame.bytes.into() },
        });
    };
    let encoded = pixels::encode(&frame, codec, encoding_bytes)?;
    let layout = Layout { photometric: encoded.photometric, planar: false, ..frame.layout };
    Ok(Made { layout, bytes: encoded.bytes.into() })
}

/// Single bits from bytes of 0 and 1, the first pixel in the lowest bit (PS3.5 8.1.1).
fn packed(bits: &[u8]) -> Bytes {
    let byte = |bits: &[u8]| bits.iter().rev().fold(0, |byte, bit| byte << 1 | bit & 1);
    bits.chunks(8).map(byte).collect()
}

fn described(made: &Made, count: u32, target: Target) -> Pixels {
    let length = (made.bytes.len() as u64).saturating_mul(u64::from(count));
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

/// Where large values lie.
enum Source {
    Stored(InstanceReader),
    Inflated(Arc<Mutex<Inflated>>),
}

impl Source {
    fn of(reader: InstanceReader, stored: &TransferSyntax) -> Self {
        if stored.deflated {
            return Self::Inflated(Arc::new(Mutex::new(Inflated::of(&reader))));
        }
        Self::Stored(reader)
    }

    /// The pieces of a data set, one after another.
    fn strung(
        &self,
        pieces: Vec<Piece>,
        mut frames: impl FnMut() -> BoxStream<'static, Result<Bytes, Unsendable>>,
    ) -> BoxStream<'static, Result<Bytes, Unsendable>> {
        let streams = pieces.into_iter().map(|piece| match piece {
            Piece::Made(bytes) => stream::iter([Ok(bytes)]).boxed(),
            Piece::Copied { offset, length, swapped } => self.copied(offset, length, swapped),
            Piece::Frames => frames(),
        });
        stream::iter(streams.collect::<Vec<_>>()).flatten().boxed()
    }

    /// A large value, numbers of so many bytes turned around.
    fn copied(
        &self,
        offset: u64,
        length: u64,
        swapped: usize,
    ) -> BoxStream<'static, Result<Bytes, Unsendable>> {
        let start = match self {
            Self::Stored(reader) => reader.head_bytes().saturating_add(offset),
            Self::Inflated(_) => offset,
        };
        let end = start.saturating_add(length);
        match self {
            Self::Stored(reader) if swapped <= 1 => {
                reader.stream(start..end).map(|piece| piece.map_err(Unsendable::from)).boxed()
            }
            Self::Stored(reader) => {
                let reader = reader.clone();
                let read = move |range| {
                    let reader = reader.clone();
                    async move { reader.read(range).await.map_err(Unsendable::from) }
                };
                in_steps(start..end, swapped, read)
            }
            Self::Inflated(inflated) => {
                let inflated = Arc::clone(inflated);
                let read = move |range| {
                    let inflated = Arc::clone(&inflated);
                    async move { inflated.lock().await.read(range).await }
                };
                in_steps(start..end, swapped, read)
            }
        }
    }
}

fn in_steps<R>(
    range: Range<u64>,
    swapped: usize,
    read: impl Fn(Range<u64>) -> R + Send + 'static,
) -> BoxStream<'static, Result<Bytes, Unsendable>>
where
    R: Future<Output = Result<Bytes, Unsendable>> + Send + 'static,
{
    let steps = range.clone().step_by(STEP_BYTES as usize);
    let step = move |start: u64| read(start..range.end.min(start.saturating_add(STEP_BYTES)));
    stream::iter(steps).then(step).map_ok(move |bytes| turned(bytes, swapped)).boxed()
}

/// Numbers of so many bytes turned around.
fn turned(bytes: Bytes, number_bytes: usize) -> Bytes {
    if number_bytes <= 1 {
        return bytes;
    }
    // Not copied when nobody else holds them.
    let mut bytes = BytesMut::from(bytes);
    bytes.chunks_exact_mut(number_bytes).for_each(<[u8]>::reverse);
    bytes.freeze()
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
    fn bits_are_packed_as_they_lay() {
        let bits = [1, 0, 0, 0, 0, 0, 0, 1, 0, 1];
        assert_eq!(packed(&bits)[..], [0b1000_0001, 0b10]);
    }

    #[test]
    fn what_is_stored_is_made_in_what_is_taken() {
        let target = |stored: &str, syntax: &str| Target::of(&Uid::parse(stored).unwrap(), syntax);
        let native = Some(Target::Native(TransferSyntax::EXPLICIT_LITTLE_ENDIAN));
        for (stored, syntax, want) in [
            (uids::JPEG2000_LOSSLESS, uids::EXPLICIT_VR_LITTLE_ENDIAN, native),
            (
                uids::JPEG_BASELINE8_BIT,
                uids::IMPLICIT_VR_LITTLE_ENDIAN,
                Some(Target::Native(TransferSyntax::IMPLICIT_LITTLE_ENDIAN)),
            ),
            (BIG_ENDIAN, uids::EXPLICIT_VR_LITTLE_ENDIAN, native),
            (uids::DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN, uids::EXPLICIT_VR_LITTLE_ENDIAN, native),
            (uids::EXPLICIT_VR_LITTLE_ENDIAN, uids::RLE_LOSSLESS, Some(Target::Encoded(Codec::Rle))),
            (uids::RLE_LOSSLESS, uids::JPEG2000, Some(Target::Encoded(Codec::Jpeg2000))),
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
