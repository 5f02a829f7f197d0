//! How many associations may be open, overall and with one calling AE title.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use pacs_core::uid::AeTitle;

/// The count of open associations.
#[derive(Debug)]
pub struct Limits {
    overall: usize,
    each: usize,
    open: Mutex<HashMap<AeTitle, usize>>,
}

/// One open association; it is counted until this is dropped.
#[derive(Debug)]
pub struct Seat {
    limits: Arc<Limits>,
    title: AeTitle,
}

/// Why there is no seat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// All are taken.
    All,
    /// Those that one title may have are.
    AllOfTitle,
}

impl Limits {
    /// At most `overall` associations, at most `each` with one calling AE title.
    pub fn new(overall: usize, each: usize) -> Arc<Self> {
        Arc::new(Self { overall, each, open: Mutex::default() })
    }

    /// A seat for an association with that calling AE title, of which there are `most` at a time where the title has
    /// a limit of its own.
    pub fn seat(self: &Arc<Self>, title: &AeTitle, most: Option<usize>) -> Result<Seat, Taken> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let overall: usize = open.values().sum();
        let of_title = open.get(title).copied().unwrap_or_default();
        if overall >= self.overall {
            return Err(Taken::All);
        }
        if of_title >= most.unwrap_or(self.each) {
            return Err(Taken::AllOfTitle);
        }
        open.insert(title.clone(), of_title + 1);
        Ok(Seat { limits: Arc::clone(self), title: title.clone() })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut open = self.limits.open.lock().unwrap_or_else(PoisonError::into_inner);
        match open.get_mut(&self.title) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(open.remove(&self.title)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seats_are_limited_and_given_back() {
        let title = |text| AeTitle::parse(text).unwrap();
        let limits = Limits::new(3, 2);
        let first = limits.seat(&title("A"), None).unwrap();
        let second = limits.seat(&title("A"), None).unwrap();
        assert_eq!(limits.seat(&title("A"), None).unwrap_err(), Taken::AllOfTitle);
        assert_eq!(limits.seat(&title("B"), Some(0)).unwrap_err(), Taken::AllOfTitle);
        let third = limits.seat(&title("A"), Some(3)).unwrap();
        assert_eq!(limits.seat(&title("C"), None).unwrap_err(), Taken::All);
        drop(first);
        assert!(limits.seat(&title("C"), None).is_ok());
        drop((second, third));
        assert!(limits.open.lock().unwrap().is_empty(), "nothing is remembered of who has left");
    }
}
