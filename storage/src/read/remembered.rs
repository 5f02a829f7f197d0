//! Rows that are asked for again and again: those of the instance whose frames a viewer fetches.

use std::hash::Hash;
use std::time::{Duration, Instant};

use super::cache::ByteCache;
use crate::database::Database;
use crate::error::Result;

/// How long a row is believed that another process may have changed; what this one commits is seen at once.
const BELIEVED: Duration = Duration::from_secs(1);

/// What was read, as long as this process has committed nothing since.
pub struct Remembered<K, V>(ByteCache<K, Known<V>>);

#[derive(Clone)]
struct Known<V> {
    value: V,
    /// [`Database::commits`] before it was read.
    commits: u64,
    read_at: Instant,
}

impl<K: Clone + Eq + Hash, V: Clone> Remembered<K, V> {
    /// At most so many.
    pub fn of(most: usize) -> Self {
        Self(ByteCache::new(most))
    }

    /// What `read` has read lately for that key, or reads now. That there is nothing is not remembered.
    pub async fn or_read(
        &self,
        database: &Database,
        key: K,
        read: impl AsyncFnOnce() -> Result<Option<V>>,
    ) -> Result<Option<V>> {
        let commits = database.commits();
        let known = self.0.get(&key);
        if let Some(known) =
            known.filter(|known| known.commits == commits && known.read_at.elapsed() < BELIEVED)
        {
            return Ok(Some(known.value));
        }
        let read_at = Instant::now();
        let found = read().await?;
        if let Some(value) = &found {
            self.0.put(key, Known { value: value.clone(), commits, read_at }, 1);
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
