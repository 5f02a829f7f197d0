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

impl Limits {
    /// At most `overall` associations, at most `each` with one calling AE title.
    pub fn new(overall: usize, each: usize) -> Arc<Self> {
        Arc::new(Self { overall, each, open: Mutex::default() })
    }

    /// A seat for an association with that calling AE title; `None` when all are taken.
    pub fn seat(self: &Arc<Self>, title: &AeTitle) -> Option<Seat> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let overall: usize = open.values().sum();
        let of_title = open.get(title).copied().unwrap_or_default();
        if overall >= self.overall || of_title >= self.each {
            return None;
        }
        open.insert(title.clone(), of_title + 1);
        Some(Seat { limits: Arc::clone(self), title: title.clone() })
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
        let first = limits.seat(&title("A")).unwrap();
        let second = limits.seat(&title("A")).unwrap();
        assert!(limits.seat(&title("A")).is_none(), "two of A");
        let third = limits.seat(&title("B")).unwrap();
        assert!(limits.seat(&title("C")).is_none(), "three overall");
        drop(first);
        assert!(limits.seat(&title("C")).is_some());
        drop((second, third));
        assert!(limits.open.lock().unwrap().is_empty(), "nothing is remembered of who has left");
    }
}
