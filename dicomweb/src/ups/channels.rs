//! How many event channels there are.

use crate::error::Error;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Event channels at once.
const MOST: usize = 256;
/// Of these, those of one account: some are left for others.
const MOST_OF_ONE: usize = 32;

/// Places for event channels, each of which holds a connection for as long as its subscriber likes.
#[derive(Clone, Default)]
pub struct Channels(Arc<Mutex<HashMap<String, usize>>>);

impl Channels {
    /// A place for a channel of the account with that `Actor::id`; [`Error::Busy`] when there is none.
    pub fn take(&self, account: &str) -> Result<Place, Error> {
        let mut open = self.lock();
        if open.values().sum::<usize>() >= MOST {
            return Err(Error::Busy("too many event channels are open".into()));
        }
        let own = open.entry(account.to_owned()).or_default();
        if *own >= MOST_OF_ONE {
            return Err(Error::Busy("this account has too many event channels open".into()));
        }
        *own += 1;
        Ok(Place { channels: self.clone(), account: account.to_owned() })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place, free again when it is dropped.
pub struct Place {
    channels: Channels,
    account: String,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.channels.lock();
        if let Some(own) = open.get_mut(&self.account) {
            *own = own.saturating_sub(1);
            if *own == 0 {
                open.remove(&self.account);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_takes_all_places() {
        let channels = Channels::default();
        let mut places: Vec<Place> = (0..MOST_OF_ONE).map(|_| channels.take("token:1").unwrap()).collect();
        assert!(channels.take("token:1").is_err());
        for n in MOST_OF_ONE..MOST {
            places.push(channels.take(&format!("user:{}", n / MOST_OF_ONE)).unwrap());
        }
        assert!(channels.take("token:2").is_err());
        places.clear();
        assert!(channels.lock().is_empty());
        channels.take("token:1").unwrap();
    }
}
