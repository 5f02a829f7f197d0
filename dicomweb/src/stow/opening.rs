//! The beginning of an object: a Part 10 head, or a bare data set as some programs send it.

use super::outcome::{Failure, Reason};
use bytes::{Bytes, BytesMut};
use pacs_core::dataset::{Incremental, Limits, Progress, Until};
use pacs_core::part10::{self, HeadProgress};
use pacs_core::uid::Uid;
use pacs_core::{tags, transfer_syntax};

/// Most bytes of a bare data set that are held while its header is looked through for the UIDs of a head.
const BARE_HEADER_MAX_BYTES: usize = 4 << 20;
/// Fewest bytes between two readings of a head that is not whole.
const STEP_BYTES: usize = 128;

/// What is known of an object once it can be handed to the archive.
#[derive(Debug)]
pub struct Opened {
    /// Transfer syntax of the data set.
    pub transfer_syntax: Uid,
    /// SOP Class UID that the head names, or the bare data set.
    pub class: Option<Uid>,
    /// SOP Instance UID that the head names, or the bare data set.
    pub instance: Option<Uid>,
    /// The Part 10 head as sent.
    pub head: Option<Bytes>,
    /// The bytes of the data set that have come so far.
    pub data_set: Bytes,
}

/// How far the beginning has been read.
#[derive(Debug)]
pub enum Opening {
    /// More bytes are needed.
    NeedMore,
    /// The object can be handed on.
    Opened(Opened),
    /// It is none.
    Refused(Failure),
}

/// Reads the beginning of one object.
#[derive(Debug)]
pub struct Opener {
    /// The transfer syntax that the part's Content-Type names.
    named: Option<Uid>,
    prefix: BytesMut,
    /// The length of the prefix at which it is worth reading again: a head that comes byte by byte would be read from
    /// its beginning with each of them.
    worth_bytes: usize,
    bare: Option<Bare>,
}

/// A data set without a head, read up to its pixel data.
#[derive(Debug)]
struct Bare {
    transfer_syntax: Uid,
    reader: Incremental,
    /// How many bytes of the prefix the reader has had.
    read_bytes: usize,
}

impl Opener {
    /// For an object whose transfer syntax its Content-Type may name.
    pub fn new(named: Option<Uid>) -> Self {
        Self { named, prefix: BytesMut::new(), worth_bytes: 0, bare: None }
    }

    /// Takes the next bytes; `None` says that there are no more.
    pub fn push(&mut self, piece: Option<Bytes>) -> Opening {
        let complete = piece.is_none();
        self.prefix.extend_from_slice(&piece.unwrap_or_default());
        if self.bare.is_some() {
            return self.read_bare(complete);
        }
        if self.prefix.len() < self.worth_bytes && !complete {
            return Opening::NeedMore;
        }
        match part10::read_head(&self.prefix) {
            Ok(HeadProgress::NeedMore) if complete => refuse("the object ends within its head"),
            Ok(HeadProgress::NeedMore) => {
                self.worth_bytes = self.prefix.len() + (self.prefix.len() / 2).max(STEP_BYTES);
                Opening::NeedMore
            }
            Ok(HeadProgress::Head(head)) => {
                let at = usize::try_from(head.dataset_offset).unwrap_or(usize::MAX).min(self.prefix.len());
                let data_set = self.prefix.split_off(at).freeze();
                Opening::Opened(Opened {
                    transfer_syntax: head.transfer_syntax,
                    class: head.sop_class,
                    instance: head.sop_instance,
                    head: Some(self.prefix.split().freeze()),
                    data_set,
                })
            }
            Ok(HeadProgress::NoHead) => {
                let guessed = part10::guess_transfer_syntax(&self.prefix);
                let Some(transfer_syntax) = self.named.clone().or(guessed) else {
                    return refuse("the object is neither a DICOM file nor a data set");
                };
                let syntax = transfer_syntax::of(&transfer_syntax);
                let reader = Incremental::new(&syntax, &Limits::default(), Until::PixelData, None);
                self.bare = Some(Bare { transfer_syntax, reader, read_bytes: 0 });
                self.read_bare(complete)
            }
            Err(error) => refuse(error.to_string()),
        }
    }

    /// Reads on in a bare data set until its header is known: the archive needs its UIDs to make the head.
    fn read_bare(&mut self, complete: bool) -> Opening {
        let Some(bare) = &mut self.bare else { return Opening::NeedMore };
        let unread = self.prefix.get(bare.read_bytes..).unwrap_or_default();
        bare.read_bytes = self.prefix.len();
        match bare.reader.push(unread) {
            Ok(Progress::More) if complete => {}
            Ok(Progress::More) if self.prefix.len() > BARE_HEADER_MAX_BYTES => {
                return refuse("the header of the bare data set is too long");
            }
            Ok(Progress::More) => return Opening::NeedMore,
            Ok(Progress::Done) => {}
            Err(error) => return refuse(error.to_string()),
        }
        let Some(Bare { transfer_syntax, reader, .. }) = self.bare.take() else { return Opening::NeedMore };
        let header = match reader.finish() {
            Ok(reading) => reading.data_set,
            Err(error) => return refuse(error.to_string()),
        };
        let uid = |tag| header.uid(tag).and_then(Result::ok);
        Opening::Opened(Opened {
            transfer_syntax,
            class: uid(tags::SOP_CLASS_UID),
            instance: uid(tags::SOP_INSTANCE_UID),
            head: None,
            data_set: self.prefix.split().freeze(),
        })
    }
}

fn refuse(why: impl Into<String>) -> Opening {
    Opening::Refused(Failure::new(Reason::CannotUnderstand, why))
}
