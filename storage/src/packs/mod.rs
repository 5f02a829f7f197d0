//! Packs: the instances of a rested series in one immutable tar in the object store.
//!
//! A pack is made of the very entries of the spool ([`crate::spool::entry`]), so it says of each
//! instance everything that was known of its arrival, and ends like any tar. Its companion lies
//! beside it.

pub(crate) mod anew;
pub mod companion;
pub(crate) mod credentials;
pub(crate) mod object;
pub mod store;
pub mod writer;

use object_store::path::Path;
use pacs_core::uid::Uid;

const PACK_SUFFIX: &str = ".tar";
const COMPANION_SUFFIX: &str = ".json.gz";
/// Folder of all packs in the object store.
pub const PREFIX: &str = "packs";

/// The key of a new pack. Time first, so that the packs of a series sort by age; at the end what tells archives of one
/// name apart.
pub fn new_key(study: &Uid, series: &Uid, now_ms: i64, tail: &str) -> String {
    let number: u32 = rand::random();
    format!("{PREFIX}/{study}/{series}/{:015}-{number:08x}{tail}{PACK_SUFFIX}", now_ms.max(0))
}

/// The key of a pack's companion.
pub fn companion_key(pack: &str) -> String {
    format!("{}{COMPANION_SUFFIX}", pack.strip_suffix(PACK_SUFFIX).unwrap_or(pack))
}

/// The key of the pack whose companion this is; `None` for any other object.
pub fn pack_key(companion: &str) -> Option<String> {
    companion.strip_suffix(COMPANION_SUFFIX).map(|stem| format!("{stem}{PACK_SUFFIX}"))
}

/// Whether this object is a pack.
pub fn is_pack(object: &str) -> bool {
    object.ends_with(PACK_SUFFIX)
}

/// A key as the object store takes it.
pub fn path(key: &str) -> Path {
    Path::from(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_companion_and_its_pack_find_each_other() {
        let uid = |text| Uid::parse(text).unwrap();
        let key = new_key(&uid("1.2"), &uid("1.2.3"), 1_790_000_000_000, "");
        assert!(key.starts_with("packs/1.2/1.2.3/001790000000000-"), "{key}");
        assert_eq!(pack_key(&companion_key(&key)), Some(key.clone()));
        assert_eq!(pack_key(&key), None);
        assert!(is_pack(&key) && !is_pack(&companion_key(&key)));
    }
}
