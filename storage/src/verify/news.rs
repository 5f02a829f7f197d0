//! What a verification has found that was not known before, told in one line a pack or segment: where a disk fails, a
//! pack has thousands of instances, and the log is to say which packs, not each of them.

use std::collections::HashMap;

use pacs_core::uid::Uid;

use crate::archive::Archive;
use crate::index::instances::InstancePlace;
use crate::index::packs;
use crate::index::place::Kept;

/// How an instance was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Noted {
    /// As the time before.
    Known,
    /// It is not what was stored, which nobody knew.
    Damaged,
    /// It is whole again.
    Mended,
}

/// What was found since the last time it was told.
#[derive(Debug, Default)]
pub(super) struct News(HashMap<Kept, Found>);

#[derive(Debug, Default)]
struct Found {
    damaged: u64,
    mended: u64,
    /// One of the damaged, with what is wrong.
    example: Option<(Uid, String)>,
}

impl News {
    pub fn add(&mut self, place: &InstancePlace, noted: Noted, wrong: Option<&str>) {
        if noted == Noted::Known {
            return;
        }
        let found = self.0.entry(place.place.kept).or_default();
        match noted {
            Noted::Mended => found.mended += 1,
            _ => {
                found.damaged += 1;
                found
                    .example
                    .get_or_insert_with(|| (place.uid.clone(), wrong.unwrap_or_default().to_owned()));
            }
        }
    }

    /// Writes the lines.
    pub async fn tell(self, archive: &Archive) {
        for (kept, found) in self.0 {
            let file = match kept {
                Kept::Segment(segment) => format!("segment {}", segment.0),
                Kept::Pack(pack) => match packs::by_id(&archive.0.database, pack).await {
                    Ok(Some(row)) => row.object_key,
                    _ => format!("pack {}", pack.0),
                },
                Kept::Apart(id) => format!("object {}", id.0),
            };
            if let Some((instance, why)) = found.example {
                metrics::counter!("sen_damaged_instances_total").increment(found.damaged);
                let damaged = found.damaged;
                tracing::error!(file, damaged, %instance, why, "stored instances are damaged; one of them is named");
            }
            if found.mended > 0 {
                tracing::info!(file, mended = found.mended, "instances that were damaged are whole again");
            }
        }
    }
}
