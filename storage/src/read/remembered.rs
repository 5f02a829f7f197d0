//! Rows that are asked for again and again: those of the instance whose frames a viewer fetches.

use std::hash::Hash;
use std::time::{Duration, Instant};

use super::cache::ByteCache;
use crate::database::Database;
use crate::error::Result;

/// How long a row is believed that another process may have changed; what this one commits is seen at once.
const BELIEVED: Duration = Duration::from_secs(1);

/// What was read, as long as this process has committed nothing since.
pub struct Remembered<K, V>(ByteCache<K, (V, AsOf)>);

/// A moment at which something was read.
#[derive(Debug, Clone, Copy)]
pub struct AsOf {
    /// [`Database::commits`] before.
    commits: u64,
    read_at: Instant,
}

impl AsOf {
    /// Now: what is read from here on is at least as new.
    pub fn now(database: &Database) -> Self {
        Self { commits: database.commits(), read_at: Instant::now() }
    }
}

impl<K: Clone + Eq + Hash, V: Clone> Remembered<K, V> {
    /// At most so many, each as heavy as is said when it is put here.
    pub fn of(most: usize) -> Self {
        Self(ByteCache::new(most))
    }

    /// What was put under that key, if it still holds.
    pub fn get(&self, database: &Database, key: &K) -> Option<V> {
        let (value, as_of) = self.0.get(key)?;
        (as_of.commits == database.commits() && as_of.read_at.elapsed() < BELIEVED).then_some(value)
    }

    /// Remembers what was read as of a moment. What is heavier than an eighth of all is not remembered.
    pub fn put(&self, key: K, value: V, as_of: AsOf, weight: usize) {
        self.0.put(key, (value, as_of), weight);
    }

    /// What `read` has read lately for that key, or reads now. That there is nothing is not remembered.
    pub async fn or_read(
        &self,
        database: &Database,
        key: K,
        read: impl AsyncFnOnce() -> Result<Option<V>>,
    ) -> Result<Option<V>> {
        let as_of = AsOf::now(database);
        if let Some(value) = self.get(database, &key) {
            return Ok(Some(value));
        }
        let found = read().await?;
        if let Some(value) = &found {
            self.put(key, value.clone(), as_of, 1);
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::Durability;

    #[tokio::test]
    async fn a_row_is_read_again_after_a_commit() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("rows.db").display());
        let database = Database::open(&url).await.unwrap();
        let remembered = Remembered::of(64);
        let ask = async |now: u32| {
            remembered.or_read(&database, "key", async || Ok(Some(now))).await.unwrap().unwrap()
        };
        assert_eq!(ask(1).await, 1);
        assert_eq!(ask(2).await, 1, "nothing was committed");
        drop(database.begin(Durability::Synced).await.unwrap());
        assert_eq!(ask(3).await, 1, "what is taken back changes nothing");
        database.begin(Durability::Batched).await.unwrap().commit().await.unwrap();
        assert_eq!(ask(4).await, 4);
        let nothing = async || Ok(None);
        assert_eq!(remembered.or_read(&database, "other", nothing).await.unwrap(), None::<u32>);
        assert_eq!(remembered.or_read(&database, "other", async || Ok(Some(5))).await.unwrap(), Some(5));
    }
}
