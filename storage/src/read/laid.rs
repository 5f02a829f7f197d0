//! A stored file laid out anew: pieces that were made, and ranges of what is stored.

use std::ops::Range;

use bytes::Bytes;

/// A part of a file that is laid out anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    /// These bytes.
    Made(Bytes),
    /// A range of the stored file.
    Stored(Range<u64>),
}

impl Part {
    fn length_bytes(&self) -> u64 {
        match self {
            Self::Made(bytes) => bytes.len() as u64,
            Self::Stored(range) => range.end.saturating_sub(range.start),
        }
    }

    /// The bytes from `start` to `end` of it; both lie within it.
    fn cut(&self, start: u64, end: u64) -> Self {
        match self {
            Self::Made(bytes) => {
                let at = |offset: u64| usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
                Self::Made(bytes.slice(at(start)..at(end)))
            }
            Self::Stored(range) => {
                Self::Stored(range.start.saturating_add(start)..range.start.saturating_add(end))
            }
        }
    }
}

/// The parts of a file, one after the other.
#[derive(Debug)]
pub(super) struct Laid {
    parts: Vec<Part>,
    length_bytes: u64,
}

impl Laid {
    /// A file of these parts.
    pub fn of(parts: Vec<Part>) -> Self {
        let length_bytes = parts.iter().map(Part::length_bytes).sum();
        Self { parts, length_bytes }
    }

    /// The length of the file.
    pub fn length_bytes(&self) -> u64 {
        self.length_bytes
    }

    /// The parts of a range of the file, which is cut to it.
    pub fn parts(&self, range: Range<u64>) -> Vec<Part> {
        let mut wanted = Vec::new();
        let mut begin = 0u64;
        for part in &self.parts {
            let end = begin.saturating_add(part.length_bytes());
            let (from, to) = (range.start.max(begin), range.end.min(end));
            if from < to {
                wanted.push(part.cut(from.saturating_sub(begin), to.saturating_sub(begin)));
            }
            begin = end;
        }
        wanted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_cut_out_of_the_parts() {
        let laid = Laid::of(vec![
            Part::Stored(0..10),
            Part::Made(Bytes::from_static(b"abcde")),
            Part::Stored(40..45),
        ]);
        assert_eq!(laid.length_bytes(), 20);
        assert_eq!(
            laid.parts(8..17),
            [Part::Stored(8..10), Part::Made(Bytes::from_static(b"abcde")), Part::Stored(40..42)]
        );
        assert_eq!(laid.parts(11..13), [Part::Made(Bytes::from_static(b"bc"))]);
        assert_eq!(laid.parts(17..99), [Part::Stored(42..45)]);
        assert_eq!(laid.parts(20..99), []);
        assert_eq!(laid.parts(5..5), []);
    }
}
