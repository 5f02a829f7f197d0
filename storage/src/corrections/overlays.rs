//! What is laid over headers: documents by the hash of their text, so that whoever holds a key reads the
//! same for ever, whatever is corrected meanwhile.

use std::sync::Arc;

use pacs_core::correction::Overlay;

use crate::archive::Archive;
use crate::database::{Transaction, params};
use crate::error::{Error, Result};
use crate::index::instances::InstancePlace;

/// Digits of a key.
const KEY_CHARS: usize = 32;

/// Keeps an overlay; answers its key.
pub(super) async fn put(tx: &mut Transaction, overlay: &Overlay) -> Result<String> {
    let document = overlay.document();
    let mut key = blake3::hash(document.as_bytes()).to_hex().to_string();
    key.truncate(KEY_CHARS);
    tx.execute(
        "insert into overlay (key, document) values ($1, $2) on conflict (key) do nothing",
        params![&key, document],
    )
    .await?;
    Ok(key)
}

/// Reads what [`Overlay::document`] wrote.
pub(super) fn parse(document: &str) -> Result<Overlay> {
    Overlay::parse(document).map_err(|error| Error::Corrupt(format!("an overlay: {error}")))
}

impl Archive {
    /// What is laid over the header of an instance, if anything was corrected.
    pub(crate) async fn overlay(&self, place: &InstancePlace) -> Result<Option<Arc<Overlay>>> {
        match &place.overlay {
            Some(key) => self.overlay_of(key).await.map(Some),
            None => Ok(None),
        }
    }

    /// The overlay of that key.
    pub(crate) async fn overlay_of(&self, key: &Arc<str>) -> Result<Arc<Overlay>> {
        if let Some(overlay) = self.0.caches.overlays.get(key) {
            return Ok(overlay);
        }
        let sql = "select document from overlay where key = $1";
        let Some(row) = self.0.database.fetch_optional(sql, params![&**key]).await? else {
            return Err(Error::Corrupt(format!("the overlay {key} is gone")));
        };
        let document: String = row.get("document")?;
        let overlay = Arc::new(parse(&document)?);
        self.0.caches.overlays.put(Arc::clone(key), Arc::clone(&overlay), document.len() * 4);
        Ok(overlay)
    }
}
