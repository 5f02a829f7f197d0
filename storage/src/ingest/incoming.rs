//! An instance on its way in.

use std::sync::Arc;

use bytes::Bytes;
use pacs_core::ingest::{Announced, Refusal, RefusalKind};
use pacs_core::part10;
use pacs_core::uid::Uid;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, spawn_blocking};

use super::batch::stopping;
use super::examine::{Examined, examine_file, examine_slice};
use super::memory::{Buffer, Memory};
use super::syncs::Synced;
use super::{Envelope, MEMORY_BYTES, Pending, RowQueue, Stored};
use crate::error::{Error, Result};
use crate::index::SegmentId;
use crate::index::arrivals::{Decision, NewInstance};
use crate::index::place::{Kept, Place};
use crate::spool::entry::EntryHeader;
use crate::spool::{Lease, OWN_SEGMENT_BYTES, Spool};

/// An instance whose bytes are coming. Dropped before [`Incoming::finish`], it leaves no trace.
pub struct Incoming {
    arrival: Option<Arrival>,
    memory: Memory,
    /// Data set bytes not handed to the spool yet.
    buffer: Option<Buffer>,
    /// Present once the instance has outgrown the memory left for it.
    spilling: Option<Spilling>,
}

/// A large instance and who has it.
enum Spilling {
    /// A blocking thread that writes to it.
    Writing(JoinHandle<Result<Spill>>),
    /// Nobody.
    Resting(Box<Spill>),
}

/// What stays the same from the first byte to the rows.
struct Arrival {
    envelope: Envelope,
    head: Bytes,
    facility: String,
    received_ms: i64,
    spool: Spool,
    rows: RowQueue,
}

/// An object that has come whole and is not kept yet.
pub(crate) struct Come {
    pub envelope: Envelope,
    pub head: Bytes,
    pub received_ms: i64,
    pub body: Body,
}

/// Where its data set waits.
pub(crate) enum Body {
    /// In memory.
    Memory(Bytes),
    /// In the spool behind its head, with the hash of the data set. Dropped, it is cut away.
    Spooled(Lease, [u8; 32]),
}

/// What comes of the rows.
type Decided = oneshot::Receiver<Result<Decision>>;

/// A large instance on its way into a segment.
struct Spill {
    lease: Lease,
    hasher: blake3::Hasher,
}

impl Incoming {
    /// Begins an instance. Refused without a head or the UIDs to make one; unavailable when the
    /// spool is at its watermark.
    pub(crate) fn begin(
        envelope: Envelope,
        default_facility: &str,
        received_ms: i64,
        spool: Spool,
        memory: Memory,
        rows: RowQueue,
    ) -> Result<Self> {
        spool.check_room(envelope.expected_bytes.unwrap_or(0))?;
        let head = match (&envelope.head, &envelope.declared_class, &envelope.declared_instance) {
            (Some(head), ..) => part10::with_preamble(head.clone()),
            (None, Some(class), Some(instance)) => {
                let sender = envelope.calling_ae.as_ref();
                part10::write_head(class, instance, &envelope.transfer_syntax, sender).into()
            }
            _ => {
                let why = "neither file meta information nor SOP class and instance were announced";
                return Err(Refusal::new(RefusalKind::MissingUid, why).into());
            }
        };
        let facility = envelope.facility.clone().unwrap_or_else(|| default_facility.to_owned());
        let arrival = Arrival { envelope, head, facility, received_ms, spool, rows };
        Ok(Self { arrival: Some(arrival), memory, buffer: None, spilling: None })
    }

    /// Takes the next bytes of the data set. Unavailable when the spool is full.
    pub async fn write(&mut self, mut bytes: Bytes) -> Result<()> {
        while !bytes.is_empty() {
            if self.buffer.is_none() {
                self.buffer = self.memory.buffer(self.wanted_bytes());
            }
            match &mut self.buffer {
                Some(buffer) => {
                    buffer.fill(&mut bytes);
                    // One chunk is written while the next one arrives.
                    if !bytes.is_empty()
                        && let Some(full) = self.buffer.take()
                    {
                        self.spill(full).await?;
                    }
                }
                None => {
                    // There is nothing to hold what would arrive meanwhile.
                    self.spill(std::mem::take(&mut bytes)).await?;
                    self.spilling = self.spilled().await?.map(|spill| Spilling::Resting(Box::new(spill)));
                }
            }
        }
        Ok(())
    }

    /// Size of the next buffer: what is known to come, but at most [`MEMORY_BYTES`].
    fn wanted_bytes(&self) -> usize {
        let expected = self.arrival.as_ref().and_then(|arrival| arrival.envelope.expected_bytes);
        match expected.and_then(|bytes| usize::try_from(bytes).ok()) {
            // Whoever sends more than that, sends any amount.
            Some(expected) if self.spilling.is_none() => expected.min(MEMORY_BYTES),
            _ => MEMORY_BYTES,
        }
    }

    /// Begins to write a chunk to the spool, after the one before.
    async fn spill(&mut self, chunk: impl AsRef<[u8]> + Send + 'static) -> Result<()> {
        let arrival = self.arrival.as_ref().ok_or_else(ended)?;
        arrival.spool.check_room(chunk.as_ref().len() as u64)?;
        let begin = arrival.to_begin();
        let spill = self.spilled().await?;
        let writing = self.memory.thread(move || {
            let mut spill = match spill {
                Some(spill) => spill,
                None => {
                    let (spool, head, own) = begin;
                    Spill::begin(&spool, &head, own)?
                }
            };
            spill.write(chunk.as_ref())?;
            spill.keep_to_own_segment()
        });
        self.spilling = Some(Spilling::Writing(writing?));
        Ok(())
    }

    /// What was spilled so far, once nobody writes to it any more.
    async fn spilled(&mut self) -> Result<Option<Spill>> {
        match self.spilling.take() {
            Some(spilling) => spilling.ended().await.map(Some),
            None => Ok(None),
        }
    }

    /// Ends the instance. `Ok` means kept; any error means that the sender must send it again.
    ///
    /// Refused when the bytes are not a data set, when its UIDs are unusable or not those that
    /// were announced.
    pub async fn finish(mut self) -> Result<Stored> {
        let arrival = self.arrival.take().ok_or_else(ended)?;
        let rest = self.buffer.take();
        let (uids, decided) = match self.spilled().await? {
            None => self.memory.thread(move || arrival.keep_small(rest))?,
            Some(spill) => self.memory.thread(move || arrival.keep_large(spill, rest))?,
        }
        .await
        .map_err(Error::thread)??;
        let decision = decided.await.map_err(|_| stopping())??;
        let Uids { study, series, instance, class } = uids;
        Ok(Stored { decision, study, series, instance, class })
    }
}

impl Incoming {
    /// Ends what is not kept as an instance of a study.
    pub(crate) async fn come(mut self) -> Result<Come> {
        let Arrival { envelope, head, received_ms, .. } = self.arrival.take().ok_or_else(ended)?;
        let rest = self.buffer.take();
        let spill = self.spilled().await?;
        let body = self.memory.thread(move || {
            let rest = rest.map(Bytes::from_owner).unwrap_or_default();
            let Some(mut spill) = spill else { return Ok(Body::Memory(rest)) };
            spill.write(&rest)?;
            let Spill { lease, hasher } = spill.keep_to_own_segment()?;
            Ok::<_, Error>(Body::Spooled(lease, *hasher.finalize().as_bytes()))
        });
        Ok(Come { envelope, head, received_ms, body: body?.await.map_err(Error::thread)?? })
    }
}

impl Spilling {
    async fn ended(self) -> Result<Spill> {
        match self {
            Self::Writing(writing) => writing.await.map_err(Error::thread)?,
            Self::Resting(spill) => Ok(*spill),
        }
    }
}

impl Drop for Incoming {
    /// Cuts an abandoned instance away off the async threads.
    fn drop(&mut self) {
        if let (Some(spilling), Ok(runtime)) = (self.spilling.take(), Handle::try_current()) {
            runtime.spawn(async move {
                if let Ok(spill) = spilling.ended().await {
                    drop(spawn_blocking(move || drop(spill)));
                }
            });
        }
    }
}

impl Arrival {
    fn announced(&self) -> Announced {
        Announced {
            class: self.envelope.declared_class.clone(),
            instance: self.envelope.declared_instance.clone(),
            study: self.envelope.declared_study.clone(),
        }
    }

    /// What a spill needs to begin: the spool, the head, whether a segment of its own is due.
    fn to_begin(&self) -> (Spool, Bytes, bool) {
        let large = self.envelope.expected_bytes.is_some_and(|bytes| bytes > OWN_SEGMENT_BYTES);
        (self.spool.clone(), self.head.clone(), large)
    }

    fn keep_small(self, buffer: Option<Buffer>) -> Result<(Uids, Decided)> {
        let dataset = buffer.as_ref().map(AsRef::as_ref).unwrap_or_default();
        let syntax = &self.envelope.transfer_syntax;
        let examined = examine_slice(dataset, syntax, &self.announced())?;
        let mut lease = self.spool.lease()?;
        lease.write(&self.head)?;
        lease.write(dataset)?;
        // The disk is at work meanwhile.
        let hash = *blake3::hash(dataset).as_bytes();
        let header = self.entry_header(&examined, hash, dataset.len() as u64);
        let entry = lease.finish(&header)?;
        drop(buffer);
        let uids = Uids::of(&examined);
        let (done, synced) = oneshot::channel();
        let decided =
            self.rows.ask(self.pending(examined, &header, entry.place(), Synced::Awaited(synced)))?;
        // When nobody listens any more, nobody has been told that the instance is kept.
        let _ = done.send(entry.sync());
        Ok((uids, decided))
    }

    fn keep_large(self, mut spill: Spill, rest: Option<Buffer>) -> Result<(Uids, Decided)> {
        if let Some(rest) = rest {
            spill.write(rest.as_ref())?;
        }
        let Spill { mut lease, hasher } = spill.keep_to_own_segment()?;
        let dataset_bytes = lease.content_bytes().saturating_sub(self.head.len() as u64);
        let mut source = lease.reader(self.head.len() as u64)?;
        let syntax = &self.envelope.transfer_syntax;
        let examined = examine_file(&mut source, syntax, &self.announced())?;
        let header = self.entry_header(&examined, *hasher.finalize().as_bytes(), dataset_bytes);
        let entry = lease.finish(&header)?;
        let uids = Uids::of(&examined);
        let place = entry.place();
        // The sync of much data takes long: no transaction shall stay open for it.
        let synced = Synced::Ended(Ok(entry.sync()?));
        Ok((uids, self.rows.ask(self.pending(examined, &header, place, synced))?))
    }

    fn entry_header(&self, examined: &Examined, hash: [u8; 32], dataset_bytes: u64) -> EntryHeader {
        let head_bytes = self.head.len() as u64;
        EntryHeader {
            study: examined.lifted.study.uid.clone(),
            series: examined.lifted.series.uid.clone(),
            instance: examined.lifted.instance.uid.clone(),
            received_ms: self.received_ms,
            door: self.envelope.received_by,
            calling_ae: self.envelope.calling_ae.clone(),
            called_ae: self.envelope.called_ae.clone(),
            peer: self.envelope.peer,
            facility: self.facility.clone(),
            transfer_syntax: self.envelope.transfer_syntax.clone(),
            dataset_hash: hash,
            head_bytes,
            content_bytes: head_bytes.saturating_add(dataset_bytes),
        }
    }

    fn pending(
        &self,
        examined: Examined,
        header: &EntryHeader,
        place: (i64, u64, u64),
        synced: Synced,
    ) -> Pending {
        let (segment, offset_bytes, length_bytes) = place;
        let kept = Kept::Segment(SegmentId(segment));
        let place = Place { kept, offset_bytes, length_bytes, head_bytes: header.head_bytes };
        Pending { instance: new_instance(examined, header, place), synced }
    }
}

/// Whose instance it is.
struct Uids {
    study: Uid,
    series: Uid,
    instance: Uid,
    class: Uid,
}

impl Uids {
    fn of(examined: &Examined) -> Self {
        let lifted = &examined.lifted;
        Self {
            study: lifted.study.uid.clone(),
            series: lifted.series.uid.clone(),
            instance: lifted.instance.uid.clone(),
            class: lifted.instance.class.clone(),
        }
    }
}

impl Spill {
    fn begin(spool: &Spool, head: &[u8], own_segment: bool) -> Result<Self> {
        let mut lease = if own_segment { spool.lease_new()? } else { spool.lease()? };
        lease.write(head)?;
        Ok(Self { lease, hasher: blake3::Hasher::new() })
    }

    fn write(&mut self, dataset: &[u8]) -> Result<()> {
        self.hasher.update(dataset);
        self.lease.write(dataset)
    }

    fn keep_to_own_segment(mut self) -> Result<Self> {
        if self.lease.wants_own_segment() {
            self.lease = self.lease.move_to_own_segment()?;
        }
        Ok(self)
    }
}

/// What the rows hold of an entry.
pub(crate) fn new_instance(examined: Examined, header: &EntryHeader, place: Place) -> NewInstance {
    NewInstance {
        lifted: examined.lifted,
        header: Arc::new(examined.header),
        place,
        hash: header.dataset_hash,
        transfer_syntax: header.transfer_syntax.clone(),
        received_ms: header.received_ms,
        facility: header.facility.clone(),
        calling_ae: header.calling_ae.clone(),
    }
}

fn ended() -> Error {
    Error::internal("take in an instance", "it has ended")
}
