//! What a rendition is of.

use pacs_core::uid::Uid;

use crate::index::instances::InstancePlace;

/// Names a rendition by everything its bytes depend on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenditionKey(blake3::Hash);

impl RenditionKey {
    /// A rendition of one instance, such as a thumbnail or a transcoded frame; `variant` says which,
    /// with all its parameters.
    pub fn of_instance(place: &InstancePlace, variant: &str) -> Self {
        let content = blake3::Hash::from_bytes(place.hash).to_hex();
        let overlay = place.overlay.as_deref().unwrap_or_default();
        Self::new(&place.uid, place.series_revision, &[content.as_str(), overlay, variant])
    }

    /// A rendition of something with a revision, and everything else that it depends on.
    pub fn new(subject: &Uid, revision: i64, parts: &[&str]) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(subject.as_str().as_bytes());
        hasher.update(&revision.to_le_bytes());
        for part in parts {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part.as_bytes());
        }
        Self(hasher.finalize())
    }

    /// The strong ETag of the rendition (RFC 9110 8.8.3), with its quotes.
    pub fn etag(&self) -> String {
        format!("\"{}\"", self.0.to_hex().get(..32).unwrap_or_default())
    }

    pub(crate) fn file_name(&self) -> String {
        self.0.to_hex().to_string()
    }
}
