//! Remembers for a while who a credential belongs to.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use pacs_core::access::Actor;

/// Entries held at most; beyond it the expired ones go, and if that does not help, all.
const MOST_ENTRIES: usize = 10_000;

/// SHA-256 of a credential: what is remembered is no use to whoever reads the memory.
pub type Fingerprint = [u8; 32];

/// Actors by the fingerprint of their credential.
#[derive(Debug, Default)]
pub struct Cache {
    entries: Mutex<HashMap<Fingerprint, Entry>>,
}

#[derive(Debug, Clone)]
struct Entry {
    actor: Actor,
    until_ms: i64,
}

impl Cache {
    /// Who the credential belongs to, if that was found out lately.
    pub fn get(&self, fingerprint: &Fingerprint, now_ms: i64) -> Option<Actor> {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.get(fingerprint).filter(|entry| now_ms < entry.until_ms).map(|entry| entry.actor.clone())
    }

    /// Remembers who a credential belongs to.
    pub fn put(&self, fingerprint: Fingerprint, actor: Actor, now_ms: i64, for_ms: i64) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.len() >= MOST_ENTRIES {
            entries.retain(|_, entry| now_ms < entry.until_ms);
        }
        if entries.len() >= MOST_ENTRIES {
            entries.clear();
        }
        entries.insert(fingerprint, Entry { actor, until_ms: now_ms + for_ms });
    }

    /// Forgets a credential that was given back.
    pub fn forget(&self, fingerprint: &Fingerprint) {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).remove(fingerprint);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_end_and_are_bounded() {
        let cache = Cache::default();
        cache.put([1; 32], Actor::system(), 0, 10);
        assert!(cache.get(&[1; 32], 9).is_some());
        assert!(cache.get(&[1; 32], 10).is_none());
        for n in 0..25_000_u32 {
            let mut key = [0; 32];
            key[..4].copy_from_slice(&n.to_le_bytes());
            cache.put(key, Actor::system(), 0, 10);
        }
        assert!(cache.entries.lock().unwrap().len() <= MOST_ENTRIES);
        cache.put([2; 32], Actor::system(), 0, 10);
        cache.forget(&[2; 32]);
        assert!(cache.get(&[2; 32], 0).is_none());
    }
}
