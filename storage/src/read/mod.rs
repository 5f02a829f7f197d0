//! Reading what is kept: instances, their headers, their frames, the metadata of a series.

mod buffers;
pub(crate) mod cache;
mod deflated_anew;
pub(crate) mod describe;
mod extracted;
mod frame;
pub(crate) mod header;
mod inflated;
mod instance;
mod laid;
mod leaving;
pub(crate) mod local_file;
pub mod metadata;
pub mod pixels;
mod remembered;
mod said;
mod sheet;
mod unread;

use std::sync::Arc;

use pacs_core::access::Scope;
use pacs_core::correction::Overlay;
use pacs_core::dataset::{DataSet, Value};
use pacs_core::uid::Uid;

use crate::index::instances::InstancePlace;
use crate::index::series::Stamp;
use crate::index::{InstanceId, PackId};
use cache::ByteCache;
use local_file::LocalFile;

pub use describe::bulkdata_path;
pub use extracted::Extracted;
pub use frame::{FrameBytes, FrameIndex, PixelPlace};
pub(crate) use header::Companion;
pub use instance::InstanceReader;
pub use remembered::{AsOf, Remembered};

/// What was read lately, within a bound of bytes.
pub(crate) struct ReadCaches {
    /// By row and content: a version has the row of the instance that is served, and the number of
    /// a row that was deleted may be another's.
    pub headers: ByteCache<(InstanceId, [u8; 32]), Arc<header::Header>>,
    pub companions: ByteCache<PackId, Arc<Companion>>,
    pub keys: ByteCache<PackId, Arc<str>>,
    /// By their keys.
    pub overlays: ByteCache<Arc<str>, Arc<Overlay>>,
    /// Each counts as one.
    pub files: ByteCache<PackId, LocalFile>,
    /// By what was asked: scope, study, series and instance.
    pub places: Remembered<(Scope, Option<Uid>, Option<Uid>, Uid), InstancePlace>,
    /// The middle instances of the series of a study, or of one of them.
    pub middles: Remembered<(Scope, Uid, Option<Uid>), Arc<[InstancePlace]>>,
    /// By scope, study and series.
    pub stamps: Remembered<(Scope, Uid, Uid), Stamp>,
}

/// Rows that are remembered of each kind.
const ROWS_MAX: usize = 4096;

/// Headers of a study read at once, where all of them are asked for; one takes up to 16 MiB.
pub(crate) const HEADERS_AT_ONCE: usize = 4;

/// Packs that are kept open to be read.
const FILES_MAX: usize = 256;

impl ReadCaches {
    /// Empty caches of about `bytes` together.
    pub fn new(bytes: usize) -> Self {
        Self {
            headers: ByteCache::new(bytes / 2),
            companions: ByteCache::new(bytes / 2),
            keys: ByteCache::new(1 << 20),
            overlays: ByteCache::new(4 << 20),
            files: ByteCache::new(FILES_MAX),
            places: Remembered::of(ROWS_MAX),
            middles: Remembered::of(ROWS_MAX / 8),
            stamps: Remembered::of(ROWS_MAX),
        }
    }

    /// Forgets a pack that is gone: its number may be another's one day.
    pub fn forget_pack(&self, pack: PackId) {
        self.keys.remove(&pack);
        self.files.remove(&pack);
        self.companions.remove(&pack);
    }
}

/// About how many bytes a parsed header takes: each element costs its value and some bookkeeping.
fn header_bytes(set: &DataSet) -> usize {
    const KEEPING: usize = 96;
    set.iter()
        .map(|element| match &element.value {
            Value::Bytes(bytes) => KEEPING + bytes.len(),
            Value::Items(items) => KEEPING + items.iter().map(header_bytes).sum::<usize>(),
            Value::Fragments(fragments) => KEEPING + 16 * fragments.len(),
            Value::Elsewhere { .. } => KEEPING,
        })
        .sum()
}
