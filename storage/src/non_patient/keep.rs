//! Keeping an object that is of no patient: first its bytes in the object store, then its row.

use std::io::Read as _;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures::stream::{self, StreamExt as _};
use pacs_core::dataset::{self, DataSet, Limits, ReadError, Until, Value};
use pacs_core::ingest::{Refusal, RefusalKind};
use pacs_core::non_patient::Kind;
use pacs_core::uid::Uid;
use pacs_core::{VR, json, tags, transfer_syntax};
use tokio::task::spawn_blocking;

use super::Named;
use crate::archive::Archive;
use crate::backup::copy::{self, Content};
use crate::backup::lineage;
use crate::database::{Durability, params};
use crate::error::{Error, Result};
use crate::ingest::{Body, Come, Incoming};
use crate::packs;
use crate::spool::Lease;

/// How much of a large object is read back at a time.
const STEP_BYTES: u64 = 1 << 20;
/// A description that is longer than this is cut to what is no sequence.
const DESCRIPTION_BYTES: usize = 256 << 10;

/// What has become of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NonPatient {
    /// It is kept.
    Accepted,
    /// The same content was there.
    Duplicate,
    /// Its UID has other content, which is served; this one is kept beside it.
    Version,
}

/// An object as its row tells of it.
pub(super) struct New {
    pub uid: Uid,
    pub class: Uid,
    pub hash: [u8; 32],
    pub transfer_syntax: Uid,
    pub length_bytes: u64,
    pub head_bytes: u64,
    pub description: String,
    pub received_ms: i64,
    /// Of its key.
    pub tail: String,
}

impl Archive {
    /// Ends taking in an object that is of no patient. `Ok` means kept; any error means that the sender must send it
    /// again. Refused as an instance of a patient is, but that it needs no study; unavailable while the object store is
    /// away or full.
    pub async fn keep_non_patient(&self, incoming: Incoming) -> Result<NonPatient> {
        let come = incoming.come().await?;
        let closed = |error| Error::internal("keep an object", error);
        let _turn = self.0.keeping_apart.acquire().await.map_err(closed)?;
        let tail = lineage::tail(&self.0.database).await?;
        let (come, new) = spawn_blocking(move || examined(come, tail)).await.map_err(Error::thread)??;
        if self.has(&new.uid, &new.hash).await? {
            return Ok(NonPatient::Duplicate);
        }
        self.put(&new, come).await?;
        self.note_apart(&new).await
    }

    /// Whether this content of the object has a row.
    pub(super) async fn has(&self, uid: &Uid, hash: &[u8; 32]) -> Result<bool> {
        let sql = "select 1 from non_patient where uid = $1 and hash = $2";
        Ok(self.0.database.fetch_optional(sql, params![uid, hash]).await?.is_some())
    }

    async fn put(&self, new: &New, come: Come) -> Result<()> {
        self.0.space.check_pack(new.length_bytes)?;
        let (uid, tail) = (new.uid.clone(), new.tail.clone());
        let named = Named { uid, received_ms: new.received_ms, hash: new.hash, tail };
        let (content, spooled) = match come.body {
            Body::Memory(bytes) => (stream::iter([Ok(come.head), Ok(bytes)]).boxed(), None),
            Body::Spooled(lease, _) => {
                let lease = Arc::new(Mutex::new(lease));
                (read_back(Arc::clone(&lease), new.length_bytes), Some(lease))
            }
        };
        let put = copy::put(content, &self.0.objects, packs::path(&named.key())).await;
        // What lay in the spool meanwhile is cut away, which may wait for the disk.
        drop(spawn_blocking(move || drop(spooled)));
        put.map(drop).map_err(Error::from)
    }

    /// Commits the row of an object whose bytes are kept.
    pub(super) async fn note_apart(&self, new: &New) -> Result<NonPatient> {
        let signed = |bytes: u64| i64::try_from(bytes).unwrap_or(i64::MAX);
        let mut tx = self.0.database.begin(Durability::Synced).await?;
        let others = tx.fetch("select 1 from non_patient where uid = $1 limit 1", params![&new.uid]).await?;
        let inserted = tx
            .execute(
                "insert into non_patient
                     (uid, class, hash, transfer_syntax, length_bytes, head_bytes, description, received_ms, tail)
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict (uid, hash) do nothing",
                params![
                    &new.uid,
                    &new.class,
                    &new.hash,
                    &new.transfer_syntax,
                    signed(new.length_bytes),
                    signed(new.head_bytes),
                    &new.description,
                    new.received_ms,
                    &new.tail,
                ],
            )
            .await?;
        tx.commit().await?;
        Ok(match (inserted, others.is_empty()) {
            (0, _) => NonPatient::Duplicate,
            (_, true) => NonPatient::Accepted,
            (_, false) => {
                tracing::warn!(instance = %new.uid, "an object of no patient has come with another content");
                NonPatient::Version
            }
        })
    }
}

/// The content of a spooled object, head and data set.
fn read_back(lease: Arc<Mutex<Lease>>, length_bytes: u64) -> Content {
    let steps = (0..length_bytes).step_by(STEP_BYTES as usize);
    stream::iter(steps)
        .then(move |start| {
            let lease = Arc::clone(&lease);
            async move {
                let read = spawn_blocking(move || {
                    let mut lease = lease.lock().unwrap_or_else(PoisonError::into_inner);
                    let wanted = STEP_BYTES.min(length_bytes.saturating_sub(start));
                    let mut chunk = vec![0; usize::try_from(wanted).unwrap_or_default()];
                    let read = lease.reader(start)?.read_exact(&mut chunk);
                    read.map(|()| Bytes::from(chunk)).map_err(|error| Error::io("read back an object", error))
                });
                read.await.map_err(Error::thread)?
            }
        })
        .boxed()
}

/// What the row will tell, from the header. Blocks.
fn examined(mut come: Come, tail: String) -> Result<(Come, New)> {
    let syntax = transfer_syntax::of(&come.envelope.transfer_syntax);
    let head_bytes = come.head.len() as u64;
    let (reading, hash, dataset_bytes) = match &mut come.body {
        Body::Memory(bytes) => {
            let reading = dataset::read_slice(bytes, &syntax, &Limits::default(), Until::PixelData);
            (reading, *blake3::hash(bytes).as_bytes(), bytes.len() as u64)
        }
        Body::Spooled(lease, hash) => {
            let length_bytes = lease.content_bytes().saturating_sub(head_bytes);
            let mut source = lease.reader(head_bytes)?;
            let reading = dataset::read_file(&mut source, &syntax, &Limits::default(), Until::PixelData);
            (reading, *hash, length_bytes)
        }
    };
    let header = match reading {
        Ok(reading) => reading.data_set,
        Err(ReadError::Source(error)) => return Err(Error::io("read back an object", error)),
        Err(error @ (ReadError::TooDeep { .. } | ReadError::TooLarge { .. })) => {
            return Err(Refusal::new(RefusalKind::BeyondLimits, error.to_string()).into());
        }
        Err(error) => return Err(Refusal::new(RefusalKind::NotADataSet, error.to_string()).into()),
    };
    let envelope = &come.envelope;
    let uid = sent(&header, "SOP Instance UID", tags::SOP_INSTANCE_UID, envelope.declared_instance.as_ref())?;
    let class = sent(&header, "SOP Class UID", tags::SOP_CLASS_UID, envelope.declared_class.as_ref())?;
    let new = New {
        uid,
        class,
        hash,
        transfer_syntax: envelope.transfer_syntax.clone(),
        length_bytes: head_bytes.saturating_add(dataset_bytes),
        head_bytes,
        description: description(&header),
        received_ms: come.received_ms,
        tail,
    };
    of_a_kind(&new.class)?;
    Ok((come, new))
}

/// Fails for what is of a patient.
pub(super) fn of_a_kind(class: &Uid) -> Result<(), Refusal> {
    match Kind::of_class(class) {
        Some(_) => Ok(()),
        None => Err(Refusal::new(RefusalKind::Mismatch, format!("instances of {class} are of a patient"))),
    }
}

/// A UID as the data set has it, which has to be the announced one.
pub(super) fn sent(
    header: &DataSet,
    name: &str,
    tag: pacs_core::Tag,
    announced: Option<&Uid>,
) -> Result<Uid, Refusal> {
    let sent = match header.uid(tag) {
        None => {
            return Err(Refusal::new(RefusalKind::MissingUid, format!("the data set has no {name} {tag}")));
        }
        Some(Err(why)) => {
            return Err(Refusal::new(RefusalKind::InvalidUid, format!("{name} {tag}: {why}")));
        }
        Some(Ok(uid)) => uid,
    };
    match announced {
        Some(said) if *said != sent => Err(Refusal::new(
            RefusalKind::Mismatch,
            format!("{name} differs from the announced one: {sent} instead of {said}"),
        )),
        _ => Ok(sent),
    }
}

/// What is looked through and answered: the header without what is no text and no number.
pub(super) fn description(header: &DataSet) -> String {
    let described = json::to_string(&described(header));
    if described.len() <= DESCRIPTION_BYTES {
        return described;
    }
    let mut flat = self::described(header);
    flat.retain(|element| !matches!(element.value, Value::Items(_)));
    json::to_string(&flat)
}

fn described(set: &DataSet) -> DataSet {
    const BINARY: [VR; 7] = [VR::OB, VR::OW, VR::OD, VR::OF, VR::OL, VR::OV, VR::UN];
    let mut described = DataSet::like(set);
    for element in set.iter().filter(|element| !BINARY.contains(&element.vr)) {
        match &element.value {
            Value::Items(items) => {
                described.put_items(element.tag, items.iter().map(self::described).collect());
            }
            _ => described.put(element.clone()),
        }
    }
    described
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptions_are_of_what_can_be_looked_for() {
        let mut item = DataSet::new();
        item.put_text(tags::MODALITY, "MG");
        item.put_bytes(tags::PIXEL_DATA, VR::OW, vec![0; 4]);
        let mut set = DataSet::new();
        set.put_text(tags::HANGING_PROTOCOL_NAME, "Nhũ ảnh");
        set.put_bytes(tags::RED_PALETTE_COLOR_LOOKUP_TABLE_DATA, VR::OW, vec![1; 512]);
        set.put_items(tags::HANGING_PROTOCOL_DEFINITION_SEQUENCE, vec![item]);
        let text = description(&set);
        assert!(text.contains("Nhũ ảnh") && text.contains("MG") && !text.contains("InlineBinary"), "{text}");
        set.put_text(tags::HANGING_PROTOCOL_DESCRIPTION, "d");
        set.put_items(tags::DISPLAY_SETS_SEQUENCE, vec![set.clone(); 4000]);
        let text = description(&set);
        assert!(text.len() < DESCRIPTION_BYTES && text.contains("Nhũ ảnh"), "{}", text.len());
    }
}
