//! One file into the archive.

use bytes::{Bytes, BytesMut};
use pacs_core::dataset::{Incremental, Limits, Progress, ReadError, Until};
use pacs_core::part10::{self, HeadError, HeadProgress};
use pacs_core::uid::Uid;
use pacs_core::why::Why;
use pacs_core::{tags, transfer_syntax};
use storage::intake::NotTaken;
use storage::{Archive, Decision, Door, Envelope};

use super::source::Chunks;

/// Media Storage Directory Storage (PS3.10 8.6): a DICOMDIR is the table of contents of a medium,
/// not an object of a study.
const MEDIA_DIRECTORY: &str = "1.2.840.10008.1.3.10";

/// The header of a data set without file meta information is held until its UIDs are known.
const MOST_HEADER_BYTES: usize = 16 << 20;

/// Where the files come from, as far as the archive wants to know.
#[derive(Debug, Clone, Default)]
pub struct Origin {
    /// Facility of the studies, when it is not the default.
    pub facility: Option<String>,
}

/// What became of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// Kept.
    Taken,
    /// The same bytes were kept before.
    AlreadyThere,
    /// Kept as a second version beside the instance of the same UID.
    Conflict,
    /// Nothing an archive keeps.
    Skipped(Why),
    /// Should have been kept and was not.
    Failed(Why),
}

/// What the beginning of a file told, and the bytes of the data set that were read with it.
struct Begun {
    transfer_syntax: Uid,
    /// SOP class and instance, for a data set without file meta information.
    declared: Option<(Uid, Uid)>,
    head: Option<Bytes>,
    first: Bytes,
}

/// Streams one file into the archive and waits until it is kept. Fails with [`storage::Error::Unavailable`] alone: then
/// it is not the file's fault, and it may be tried again.
pub async fn take(
    archive: &Archive,
    mut chunks: Chunks,
    length_bytes: Option<u64>,
    origin: &Origin,
) -> storage::Result<Fate> {
    let begun = match begin(&mut chunks).await {
        Ok(begun) => begun,
        Err(fate) => return Ok(fate),
    };
    let head_bytes = begun.head.as_ref().map_or(0, |head| head.len() as u64);
    let (declared_class, declared_instance) = begun.declared.unzip();
    let envelope = Envelope {
        transfer_syntax: begun.transfer_syntax,
        head: begun.head,
        declared_class,
        declared_instance,
        declared_study: None,
        calling_ae: None,
        called_ae: None,
        peer: None,
        facility: origin.facility.clone(),
        received_by: Door::Import,
        expected_bytes: length_bytes.map(|length| length.saturating_sub(head_bytes)),
    };
    match stream(archive, envelope, begun.first, chunks).await {
        Err(error) if !matches!(error, storage::Error::Unavailable(_)) => {
            Ok(Fate::Failed(NotTaken::of_error(&error)))
        }
        taken => taken,
    }
}

/// Reads until it is known what the file is.
async fn begin(chunks: &mut Chunks) -> Result<Begun, Fate> {
    let mut prefix = BytesMut::new();
    loop {
        let whole_file_read = !more(chunks, &mut prefix).await?;
        match part10::read_head(&prefix) {
            Ok(HeadProgress::Head(head)) => {
                if head.sop_class.as_ref().is_some_and(|class| class.as_str() == MEDIA_DIRECTORY) {
                    let why = "a DICOMDIR; the files it names are taken instead";
                    return Err(Fate::Skipped(NotTaken::Dicomdir.because(why)));
                }
                let offset = usize::try_from(head.dataset_offset).unwrap_or(usize::MAX);
                if offset > prefix.len() {
                    let why = "it ends within its file meta information";
                    return Err(Fate::Failed(NotTaken::Damaged.because(why)));
                }
                let bytes = prefix.split_to(offset).freeze();
                let transfer_syntax = head.transfer_syntax;
                return Ok(Begun {
                    transfer_syntax,
                    declared: None,
                    head: Some(bytes),
                    first: prefix.freeze(),
                });
            }
            Ok(HeadProgress::NeedMore) if !whole_file_read => {}
            Ok(HeadProgress::NeedMore | HeadProgress::NoHead) => return begin_bare(chunks, prefix).await,
            Err(error @ HeadError::TooLarge) => {
                return Err(Fate::Failed(NotTaken::BeyondLimits.because(error)));
            }
            Err(error) => return Err(Fate::Failed(NotTaken::Damaged.because(error))),
        }
    }
}

/// A data set without file meta information: its own first elements say what it is.
async fn begin_bare(chunks: &mut Chunks, mut prefix: BytesMut) -> Result<Begun, Fate> {
    let Some(transfer_syntax) = part10::guess_transfer_syntax(&prefix) else {
        return Err(Fate::Skipped(NotTaken::NotDicom.because("not a DICOM file")));
    };
    let syntax = transfer_syntax::of(&transfer_syntax);
    let mut reader = Incremental::new(&syntax, &Limits::default(), Until::PixelData, None);
    let mut read = 0;
    let damaged = |error: ReadError| {
        let word = match error {
            ReadError::TooDeep { .. } | ReadError::TooLarge { .. } => NotTaken::BeyondLimits,
            _ => NotTaken::Damaged,
        };
        Fate::Failed(word.because(format_args!("not a data set: {error}")))
    };
    while reader.push(prefix.get(read..).unwrap_or_default()).map_err(damaged)? == Progress::More {
        read = prefix.len();
        if read > MOST_HEADER_BYTES {
            let why = "its header is too long for a file without meta information";
            return Err(Fate::Failed(NotTaken::BeyondLimits.because(why)));
        }
        if !more(chunks, &mut prefix).await? {
            break;
        }
    }
    let set = reader.finish().map_err(damaged)?.data_set;
    let uid = |tag| set.uid(tag).and_then(Result::ok);
    match (uid(tags::SOP_CLASS_UID), uid(tags::SOP_INSTANCE_UID)) {
        (Some(class), Some(instance)) => Ok(Begun {
            transfer_syntax,
            declared: Some((class, instance)),
            head: None,
            first: prefix.freeze(),
        }),
        _ => {
            let why = "it has no usable SOP Class and SOP Instance UID";
            Err(Fate::Failed(NotTaken::NoUids.because(why)))
        }
    }
}

/// Reads the next chunk behind what was read; `false` at the end of the file.
async fn more(chunks: &mut Chunks, prefix: &mut BytesMut) -> Result<bool, Fate> {
    match chunks.recv().await {
        Some(Ok(chunk)) => {
            prefix.extend_from_slice(&chunk);
            Ok(true)
        }
        Some(Err(error)) => Err(Fate::Failed(NotTaken::unreadable(&error))),
        None => Ok(false),
    }
}

async fn stream(
    archive: &Archive,
    envelope: Envelope,
    first: Bytes,
    mut rest: Chunks,
) -> Result<Fate, storage::Error> {
    let mut incoming = archive.begin(envelope).await?;
    if !first.is_empty() {
        incoming.write(first).await?;
    }
    while let Some(chunk) = rest.recv().await {
        match chunk {
            Ok(chunk) => incoming.write(chunk).await?,
            // Dropping the incoming instance takes back what was written of it.
            Err(error) => return Ok(Fate::Failed(NotTaken::unreadable(&error))),
        }
    }
    let stored = incoming.finish().await?;
    Ok(match stored.decision {
        Decision::Accepted { .. } => Fate::Taken,
        Decision::Present | Decision::Duplicate => Fate::AlreadyThere,
        Decision::Conflict(_) => Fate::Conflict,
    })
}
