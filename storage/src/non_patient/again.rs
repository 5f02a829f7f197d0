//! Finding objects that are of no patient again in the object store, when the index is made anew.

use futures::TryStreamExt as _;
use object_store::{ObjectMeta, ObjectStoreExt as _};
use pacs_core::dataset::Until;
use pacs_core::part10::{self, HeadProgress};
use pacs_core::{tags, transfer_syntax};

use super::keep::{New, description, of_a_kind, sent};
use super::{Named, NonPatient, PREFIX};
use crate::archive::Archive;
use crate::error::{Error, Result};
use crate::packs;
use crate::read::header;
use crate::reindex::ReindexReport;

/// More than any head has.
const HEAD_BYTES: u64 = 64 << 10;

impl Archive {
    /// Makes the rows that are missing. Of several contents of one object the one that was received first is first
    /// again. One that is damaged, or alone cannot be read, is told of and left out.
    pub(crate) async fn reindex_non_patient(&self, report: &mut ReindexReport) -> Result<()> {
        let prefix = packs::path(PREFIX);
        let mut objects: Vec<ObjectMeta> = self.0.objects.list(Some(&prefix)).try_collect().await?;
        // Those of one object lie in the order in which they were received.
        objects.sort_by(|a, b| a.location.cmp(&b.location));
        for object in objects {
            let Some(named) = Named::parse(object.location.as_ref()) else { continue };
            if self.has(&named.uid, &named.hash).await? {
                report.present += 1;
                continue;
            }
            let made = async { self.note_apart(&self.read_again(&object, named).await?).await };
            match made.await {
                Ok(NonPatient::Duplicate) => report.present += 1,
                Ok(_) => report.added += 1,
                Err(error) => {
                    let is_damage = matches!(error, Error::Corrupt(_))
                        || self.is_unreadable(object.location.as_ref(), &error).await?;
                    if !is_damage {
                        return Err(error);
                    }
                    tracing::error!(object = %object.location, %error, "an object of no patient is damaged");
                    report.damaged += 1;
                }
            }
        }
        Ok(())
    }

    /// What the row of an object told.
    async fn read_again(&self, object: &ObjectMeta, named: Named) -> Result<New> {
        let Named { uid, received_ms, hash, tail } = named;
        let corrupt = |why: String| Error::Corrupt(why);
        let first = self.0.objects.get_range(&object.location, 0..object.size.min(HEAD_BYTES)).await?;
        let head = match part10::read_head(&first).map_err(|error| corrupt(error.to_string()))? {
            HeadProgress::Head(head) => head,
            HeadProgress::NeedMore | HeadProgress::NoHead => {
                return Err(corrupt("it has no head".to_owned()));
            }
        };
        let reader = self.apart_reader(object.location.as_ref(), object.size, head.dataset_offset).await?;
        let syntax = transfer_syntax::of(&head.transfer_syntax);
        let header = header::read(&reader, &syntax, Until::PixelData).await?.data_set;
        let refused = |refusal: pacs_core::ingest::Refusal| corrupt(refusal.reason);
        sent(&header, "SOP Instance UID", tags::SOP_INSTANCE_UID, Some(&uid)).map_err(refused)?;
        let class = sent(&header, "SOP Class UID", tags::SOP_CLASS_UID, None).map_err(refused)?;
        of_a_kind(&class).map_err(refused)?;
        Ok(New {
            uid,
            class,
            hash,
            transfer_syntax: head.transfer_syntax,
            length_bytes: object.size,
            head_bytes: head.dataset_offset,
            description: description(&header),
            received_ms,
            tail,
        })
    }
}
