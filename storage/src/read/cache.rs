//! A map in memory with a bound on its bytes; what was used least recently goes first.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Values behind clones, such as `Arc`s, by key.
pub(crate) struct ByteCache<K, V> {
    limit_bytes: usize,
    held: Mutex<Held<K, V>>,
}

struct Held<K, V> {
    entries: HashMap<K, Entry<V>>,
    /// Keys by when they were last used.
    by_use: BTreeMap<u64, K>,
    uses: u64,
    bytes: usize,
}

struct Entry<V> {
    value: V,
    bytes: usize,
    used: u64,
}

impl<K: Clone + Eq + Hash, V: Clone> ByteCache<K, V> {
    /// An empty cache of at most so many bytes.
    pub fn new(limit_bytes: usize) -> Self {
        let held = Held { entries: HashMap::new(), by_use: BTreeMap::new(), uses: 0, bytes: 0 };
        Self { limit_bytes, held: Mutex::new(held) }
    }

    /// What is held under the key.
    pub fn get(&self, key: &K) -> Option<V> {
        let held = &mut *self.held();
        held.uses += 1;
        let entry = held.entries.get_mut(key)?;
        if let Some(key) = held.by_use.remove(&entry.used) {
            held.by_use.insert(held.uses, key);
        }
        entry.used = held.uses;
        Some(entry.value.clone())
    }

    /// Holds a value of about `bytes`, and lets others go for it. One that is larger than an eighth
    /// of the cache is not held: it would drive out too much.
    pub fn put(&self, key: K, value: V, bytes: usize) {
        if bytes > self.limit_bytes / 8 {
            return;
        }
        let held = &mut *self.held();
        held.uses += 1;
        if let Some(before) = held.entries.insert(key.clone(), Entry { value, bytes, used: held.uses }) {
            held.by_use.remove(&before.used);
            held.bytes -= before.bytes;
        }
        held.by_use.insert(held.uses, key);
        held.bytes += bytes;
        while held.bytes > self.limit_bytes {
            let Some((_, oldest)) = held.by_use.pop_first() else { break };
            if let Some(gone) = held.entries.remove(&oldest) {
                held.bytes -= gone.bytes;
            }
        }
    }

    /// Lets go of what is held under the key.
    pub fn remove(&self, key: &K) {
        let held = &mut *self.held();
        if let Some(gone) = held.entries.remove(key) {
            held.by_use.remove(&gone.used);
            held.bytes -= gone.bytes;
        }
    }

    /// Lets go of everything.
    pub fn clear(&self) {
        let held = &mut *self.held();
        held.entries.clear();
        held.by_use.clear();
        held.bytes = 0;
    }

    fn held(&self) -> MutexGuard<'_, Held<K, V>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_recently_used_goes_first() {
        let cache = ByteCache::new(80);
        for key in 0..8 {
            cache.put(key, key, 10);
        }
        assert_eq!(cache.get(&0), Some(0));
        cache.put(8, 8, 10);
        assert_eq!((cache.get(&0), cache.get(&1), cache.get(&8)), (Some(0), None, Some(8)));
        cache.put(9, 9, 11);
        assert_eq!(cache.get(&9), None, "too large to be worth it");
        cache.put(8, 80, 5);
        assert_eq!(cache.get(&8), Some(80));
        assert_eq!(cache.held().bytes, 75);
        cache.remove(&8);
        assert_eq!((cache.get(&8), cache.held().bytes), (None, 70));
    }
}
