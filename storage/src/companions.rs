//! Companions of packs that are looked after: one that is damaged or gone is made anew from its pack.

use std::collections::HashMap;

use object_store::{ObjectStoreExt, PutPayload};
use tokio::task::spawn_blocking;

use crate::archive::Archive;
use crate::database::params;
use crate::error::{Error, Result};
use crate::index::{PackId, packs as pack_rows};
use crate::packs::companion::CompanionReader;
use crate::packs::object::ObjectFile;
use crate::packs::{self, anew};
use crate::verify::Wrong;

/// Packs asked for at a time.
const PAGE: i64 = 500;

impl Archive {
    /// What is wrong with the companion of a pack and could not be mended; `None` when it can be read to its end.
    pub(crate) async fn keep_companion(&self, pack: PackId) -> Result<Option<String>> {
        let Some(why) = self.check_companion(pack).await? else { return Ok(None) };
        let wrong = |details: String| Ok(Some(Wrong::Companion.because(details)));
        let key = self.pack_key(pack).await?;
        match self.companion_anew(&key).await {
            Ok(()) => Ok(None),
            Err(Error::NotFound) => wrong(why),
            Err(Error::Corrupt(also)) => wrong(format!("{why}; none can be made of the pack: {also}")),
            Err(error) => match error.of_reading() {
                Some(also) if self.gives_others_than(pack).await? => {
                    wrong(format!("{why}; none can be made of the pack: {also}"))
                }
                _ => Err(error),
            },
        }
    }

    /// The same of all packs: those whose companions could not be mended.
    pub(crate) async fn keep_companions(&self) -> Result<HashMap<PackId, String>> {
        let mut wrong = HashMap::new();
        let mut after = PackId(0);
        loop {
            let page = pack_rows::whole_after(&self.0.database, after, PAGE).await?;
            let Some(last) = page.last() else { return Ok(wrong) };
            after = *last;
            for pack in page {
                match self.keep_companion(pack).await {
                    Ok(why) => wrong.extend(why.map(|why| (pack, why))),
                    // Deleted meanwhile.
                    Err(Error::NotFound) => {}
                    Err(error) => return Err(error),
                }
            }
        }
    }

    /// Makes the companion of a pack anew and puts it in the place of what is there. Fails with `Corrupt` when the pack
    /// is not whole, and with `NotFound` when it is gone.
    pub(crate) async fn companion_anew(&self, key: &str) -> Result<()> {
        let inner = &self.0;
        let tar = packs::path(key);
        let length_bytes = inner.objects.head(&tar).await?.size;
        let pack = ObjectFile::new(inner.objects.clone(), tar, length_bytes);
        let companion = spawn_blocking(move || anew::companion_of(pack)).await.map_err(Error::thread)??;
        let companion_bytes = i64::try_from(companion.len()).unwrap_or(i64::MAX);
        let path = packs::path(&packs::companion_key(key));
        inner.objects.put(&path, PutPayload::from(companion)).await?;
        if let Some(row) = pack_rows::by_key(&inner.database, key).await? {
            if row.deleted {
                // It is being removed, and its companion was removed first.
                return Ok(inner.objects.delete(&path).await?);
            }
            let sql = "update pack set companion_bytes = $2 where id = $1 and companion_bytes > 0";
            inner.database.execute(sql, params![row.id, companion_bytes]).await?;
            inner.caches.companions.remove(&row.id);
        }
        tracing::warn!(key, "the companion of a pack was damaged or gone, and was made anew from the pack");
        metrics::counter!("sen_companions_made_anew_total").increment(1);
        Ok(())
    }

    /// What is wrong with the companion of a pack, `None` when it can be read to its end.
    async fn check_companion(&self, pack: PackId) -> Result<Option<String>> {
        let companion = match self.companion_bytes(pack).await {
            Ok(companion) => companion,
            Err(Error::NotFound) => return Ok(Some("the companion of its pack is gone".to_owned())),
            Err(error) => match error.of_reading() {
                Some(why) if self.gives_others_than(pack).await? => {
                    return Ok(Some(format!("the companion of its pack cannot be read: {why}")));
                }
                _ => return Err(error),
            },
        };
        let read = spawn_blocking(move || {
            let mut reader = CompanionReader::new(companion.as_ref())?;
            while reader.next_entry()?.is_some() {}
            Ok(())
        });
        match read.await.map_err(Error::thread)? {
            Ok(()) => Ok(None),
            Err(Error::Corrupt(why)) => Ok(Some(why)),
            Err(error) => Err(error),
        }
    }
}
