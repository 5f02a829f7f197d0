//! Stored instances on their way out: opened ahead of their turn, each with the presentation context
//! that fits it best, and its data set as a stream: as stored; between the two native little endian
//! encodings, written anew up to the pixels; else made anew as a whole ([`super::transcoded`]).

use std::sync::Arc;

use bytes::Bytes;
use futures::stream::{BoxStream, Stream, StreamExt};
use pacs_core::dataset::{self, Incremental, Limits, PixelDataPlace, Progress, ReadError, Until};
use pacs_core::text::CharacterSet;
use pacs_core::transfer_syntax::{self, TransferSyntax};
use pacs_core::uid::Uid;
use pacs_core::{Tag, VR};
use storage::{Archive, Extracted, InstancePlace, InstanceReader};

use super::deflate::deflated;
use super::transcoded::{TARGETS, Target, Transcoder};
use crate::association::{Context, Contexts};
use crate::error::Failure;

/// The most that an instance may hold beside its pixels to be written in another encoding.
const MAX_REWRITTEN_BYTES: usize = 64 << 20;

/// How many instances are opened before it is their turn: the next one is read while the receiver
/// keeps the one before.
const OPENED_AHEAD: usize = 2;

/// How much of an instance is read before it is its turn: all of most.
const FIRST_BYTES: u64 = 1 << 20;

/// An instance that is ready to be sent.
#[derive(Clone)]
pub struct Opened {
    reader: InstanceReader,
    /// The beginning of its data set.
    first: Bytes,
    /// What the receiver can read of text that was corrected.
    letters: CharacterSet,
    /// Which frames of its place it has, when it was made of some.
    extracted: Option<Arc<Extracted>>,
}

/// Opens the instances of these places in their order, a little ahead of the one that is taken. `letters` is what the
/// receiver can read of those that were corrected.
pub fn opened(
    archive: &Archive,
    places: impl Stream<Item = storage::Result<InstancePlace>> + Send + 'static,
    letters: CharacterSet,
) -> BoxStream<'static, storage::Result<(InstancePlace, storage::Result<Opened>)>> {
    let archive = archive.clone();
    let opening =
        places.map(move |place| {
            let archive = archive.clone();
            // A task of its own goes on while nobody asks for it.
            let task = tokio::spawn(async move {
                let place = place?;
                let opened = open(&archive, &place, letters).await;
                Ok((place, opened))
            });
            async move {
                task.await.unwrap_or_else(|error| Err(storage::Error::internal("open an instance", error)))
            }
        });
    opening.buffered(OPENED_AHEAD).boxed()
}

async fn open(archive: &Archive, place: &InstancePlace, letters: CharacterSet) -> storage::Result<Opened> {
    let reader = archive.open_leaving(place, letters).await?;
    let dataset = reader.dataset_range();
    let first =
        reader.read(dataset.start..dataset.end.min(dataset.start.saturating_add(FIRST_BYTES))).await?;
    Ok(Opened { reader, first, letters, extracted: None })
}

/// An instance of some frames of another.
pub async fn opened_of(extracted: Extracted, letters: CharacterSet) -> storage::Result<Opened> {
    let reader = extracted.reader.clone();
    let dataset = reader.dataset_range();
    let first =
        reader.read(dataset.start..dataset.end.min(dataset.start.saturating_add(FIRST_BYTES))).await?;
    Ok(Opened { reader, first, letters, extracted: Some(Arc::new(extracted)) })
}

/// How an instance may go out.
#[derive(Debug, Clone)]
struct Way {
    /// The presentation context.
    context: u8,
    /// What it is made in; `None` for as it is stored.
    target: Option<Target>,
}

/// Why an instance cannot be sent. Free of patient data.
#[derive(Debug, thiserror::Error)]
pub enum Unsendable {
    /// No presentation context fits.
    #[error("no presentation context for it in {syntax}")]
    NoContext {
        /// The stored transfer syntax.
        syntax: Uid,
    },
    /// Storage cannot give it.
    #[error("{0}")]
    Storage(#[from] storage::Error),
    /// It cannot be written in the other encoding.
    #[error("cannot be written in the accepted transfer syntax: {0}")]
    NotRewritable(String),
}

impl Unsendable {
    /// What the requestor is told; a fault of this side goes to the log instead.
    pub fn told(&self) -> String {
        match self {
            Self::Storage(error) => Failure::of_retrieve(error).comment,
            Self::NoContext { .. } | Self::NotRewritable(_) => self.to_string(),
        }
    }
}

impl From<ReadError> for Unsendable {
    fn from(error: ReadError) -> Self {
        Self::NotRewritable(error.to_string())
    }
}

impl From<Unsendable> for crate::scu::Error {
    fn from(error: Unsendable) -> Self {
        match error {
            Unsendable::Storage(_) => Self::Withheld(error.told()),
            Unsendable::NoContext { .. } | Unsendable::NotRewritable(_) => Self::Unreadable(error.told()),
        }
    }
}

/// Whether pixels are the same bytes in both, and only the elements around them have another form.
fn is_native_little_endian(syntax: &TransferSyntax) -> bool {
    syntax.known() && !syntax.encapsulated && !syntax.big_endian && !syntax.deflated
}

/// The presentation context that an instance goes out in, and its data set, piece by piece: the best of the accepted
/// contexts that `usable` allows and in which it can be made. What can be known to fail fails before the first piece.
pub fn ready<'a, F: Fn(&Context) -> bool>(
    contexts: &Contexts,
    usable: F,
    place: &'a InstancePlace,
    opened: Opened,
    transcoder: &'a Transcoder,
) -> impl Future<Output = Result<(u8, Content), Unsendable>> + use<'a, F> {
    let ways = Way::all(contexts, place, usable);
    async move {
        let mut first_reason = None;
        for way in ways {
            match way.content(opened.clone(), place, transcoder).await {
                Ok(content) => return Ok((way.context, content)),
                // Another codec may take what this one does not.
                Err(reason @ Unsendable::NotRewritable(_)) => {
                    first_reason.get_or_insert(reason);
                }
                Err(error) => return Err(error),
            }
        }
        Err(first_reason.unwrap_or_else(|| Unsendable::NoContext { syntax: place.transfer_syntax.clone() }))
    }
}

/// A data set on its way.
pub type Content = BoxStream<'static, Result<Bytes, Unsendable>>;

impl Way {
    /// The ways that are open, the best first: as stored before made anew.
    fn all(contexts: &Contexts, place: &InstancePlace, usable: impl Fn(&Context) -> bool) -> Vec<Self> {
        let stored = &place.transfer_syntax;
        let in_syntax = |syntax: &str| {
            let mut fitting = contexts.of_class(&place.class).filter(|context| usable(context));
            fitting.find(|context| context.transfer_syntax == *syntax).map(|context| context.id)
        };
        let as_stored = in_syntax(stored.as_str()).map(|context| Self { context, target: None });
        let made = TARGETS.iter().filter_map(|syntax| {
            let target = Target::of(stored, syntax)?;
            Some(Self { context: in_syntax(syntax)?, target: Some(target) })
        });
        // What is taken as it is stored needs no other way.
        if as_stored.is_some() { as_stored.into_iter().collect() } else { made.collect() }
    }

    async fn content(
        &self,
        opened: Opened,
        place: &InstancePlace,
        transcoder: &Transcoder,
    ) -> Result<Content, Unsendable> {
        let from = transfer_syntax::of(&place.transfer_syntax);
        match self.target {
            None => Ok(as_it_leaves(opened)),
            Some(Target::Native(to)) if to.deflated => {
                let plain = TransferSyntax::EXPLICIT_LITTLE_ENDIAN;
                Ok(deflated(native(opened, place, &from, plain, transcoder).await?))
            }
            Some(Target::Native(to)) => native(opened, place, &from, to, transcoder).await,
            Some(target) => made(opened, place, target, transcoder).await,
        }
    }
}

/// The data set as stored, or as it was corrected.
fn as_it_leaves(opened: Opened) -> Content {
    let Opened { reader, first, .. } = opened;
    let dataset = reader.dataset_range();
    let rest = reader.stream(dataset.start.saturating_add(first.len() as u64)..dataset.end);
    let first = futures::stream::once(std::future::ready(Ok(first)));
    first.chain(rest.map(|piece| piece.map_err(Unsendable::from))).boxed()
}

/// The data set with native pixels in an encoding that is not deflated.
async fn native(
    opened: Opened,
    place: &InstancePlace,
    from: &TransferSyntax,
    to: TransferSyntax,
    transcoder: &Transcoder,
) -> Result<Content, Unsendable> {
    if *from == to {
        return Ok(as_it_leaves(opened));
    }
    if is_native_little_endian(from) && is_native_little_endian(&to) {
        return rewritten(&opened.reader, from, &to).await;
    }
    if from.deflated && to == TransferSyntax::EXPLICIT_LITTLE_ENDIAN {
        return Ok(opened.reader.stream_inflated().map(|piece| piece.map_err(Unsendable::from)).boxed());
    }
    made(opened, place, Target::Native(to), transcoder).await
}

/// The data set made anew as a whole.
async fn made(
    opened: Opened,
    place: &InstancePlace,
    target: Target,
    transcoder: &Transcoder,
) -> Result<Content, Unsendable> {
    match &opened.extracted {
        Some(extracted) => transcoder.extracted(extracted, target).await,
        None => transcoder.content(place, target, opened.letters).await,
    }
}

/// The data set in another native little endian encoding: its elements written anew, its pixels as
/// they lie, which is the same in both.
async fn rewritten(
    reader: &InstanceReader,
    from: &TransferSyntax,
    to: &TransferSyntax,
) -> Result<Content, Unsendable> {
    let limits =
        Limits { value_bytes: MAX_REWRITTEN_BYTES, retained_bytes: MAX_REWRITTEN_BYTES, ..Limits::default() };
    let mut parser = Incremental::new(from, &limits, Until::PixelData, Some(reader.dataset_bytes()));
    let mut pieces = std::pin::pin!(reader.stream(reader.dataset_range()));
    while let Some(piece) = pieces.next().await {
        if parser.push(&piece?)? == Progress::Done {
            break;
        }
    }
    let reading = parser.finish()?;
    let mut head = Vec::new();
    write(&reading.data_set, to, &mut head)?;
    let Some(pixels) = reading.pixel_data else {
        return Ok(futures::stream::once(std::future::ready(Ok(Bytes::from(head)))).boxed());
    };
    let length =
        pixels.length.ok_or_else(|| Unsendable::NotRewritable("its pixels are encapsulated".to_owned()))?;
    put_pixel_header(&mut head, &pixels, length, to)?;
    let dataset = reader.dataset_range();
    let start = dataset.start.saturating_add(pixels.value_offset);
    let end = start.saturating_add(length);
    if end > dataset.end {
        return Err(Unsendable::NotRewritable("its pixels are not whole".to_owned()));
    }
    let tail = rewritten_tail(reader, end..dataset.end, from, to).await?;
    let once = |bytes: Vec<u8>| futures::stream::once(std::future::ready(Ok(Bytes::from(bytes))));
    let pixels = reader.stream(start..end).map(|piece| piece.map_err(Unsendable::from));
    Ok(once(head).chain(pixels).chain(once(tail)).boxed())
}

/// The elements behind the pixels, such as padding.
async fn rewritten_tail(
    reader: &InstanceReader,
    range: std::ops::Range<u64>,
    from: &TransferSyntax,
    to: &TransferSyntax,
) -> Result<Vec<u8>, Unsendable> {
    if range.end.saturating_sub(range.start) > MAX_REWRITTEN_BYTES as u64 {
        return Err(Unsendable::NotRewritable("too much lies behind its pixels".to_owned()));
    }
    let limits =
        Limits { value_bytes: MAX_REWRITTEN_BYTES, retained_bytes: MAX_REWRITTEN_BYTES, ..Limits::default() };
    let bytes = reader.read(range).await?;
    let reading = dataset::read_bytes(&bytes, from, &limits, Until::End)?;
    let mut tail = Vec::new();
    write(&reading.data_set, to, &mut tail)?;
    Ok(tail)
}

fn write(set: &dataset::DataSet, to: &TransferSyntax, out: &mut Vec<u8>) -> Result<(), Unsendable> {
    dataset::write(set, to, out).map_err(|error| Unsendable::NotRewritable(error.to_string()))
}

/// The header of the pixel data element. Implicit means OW for (7FE0,0010), whose words of 8-bit
/// pixels are the same bytes as OB's in little endian (PS3.5 A.1).
fn put_pixel_header(
    out: &mut Vec<u8>,
    pixels: &PixelDataPlace,
    length: u64,
    to: &TransferSyntax,
) -> Result<(), Unsendable> {
    let too_long = |_| Unsendable::NotRewritable("its pixels are too long".to_owned());
    let length = u32::try_from(length).map_err(too_long)?;
    let Tag(group, number) = pixels.tag;
    out.extend(group.to_le_bytes());
    out.extend(number.to_le_bytes());
    if to.explicit {
        let vr = if pixels.vr == VR::UN { VR::OW } else { pixels.vr };
        out.extend(vr.to_bytes());
        out.extend([0, 0]);
    }
    out.extend(length.to_le_bytes());
    Ok(())
}
