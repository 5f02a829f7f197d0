//! The samples that predict the next one (T.87 A.2, A.3), and the order of run lengths.

use super::coding::Coding;

/// Order of run lengths (T.87 A.7.1.1).
const RUN_ORDER: [u32; 32] =
    [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 9, 10, 11, 12, 13, 14, 15];

/// Logarithm of the run length at that index.
pub(in crate::pixels) fn run_order(index: usize) -> u32 {
    RUN_ORDER.get(index).copied().unwrap_or(15)
}

/// Two lines of a component with one sample of margin on either side.
pub(in crate::pixels) struct Lines {
    previous: Vec<i32>,
    pub(in crate::pixels) current: Vec<i32>,
    pub(in crate::pixels) run_index: usize,
}

/// Samples around the one to come: left, above, above left, above right.
#[derive(Clone, Copy)]
pub(in crate::pixels) struct Around {
    pub(in crate::pixels) a: i32,
    pub(in crate::pixels) b: i32,
    c: i32,
    d: i32,
}

impl Lines {
    pub(in crate::pixels) fn new(columns: usize) -> Lines {
        Lines { previous: vec![0; columns + 2], current: vec![0; columns + 2], run_index: 0 }
    }

    /// The line just coded becomes the one above; the margins repeat their neighbours (T.87 A.2.1).
    pub(in crate::pixels) fn advance(&mut self, columns: usize) {
        std::mem::swap(&mut self.previous, &mut self.current);
        let last = self.previous.get(columns).copied().unwrap_or(0);
        if let Some(margin) = self.previous.get_mut(columns + 1) {
            *margin = last;
        }
        let first = self.previous.get(1).copied().unwrap_or(0);
        if let Some(margin) = self.current.first_mut() {
            *margin = first;
        }
    }

    /// What lies around the sample at `at`, which counts from 1.
    pub(in crate::pixels) fn around(&self, at: usize) -> Around {
        let above = self.previous.get(at - 1..at + 2).unwrap_or_default();
        let [c, b, d] = *above else { return Around { a: 0, b: 0, c: 0, d: 0 } };
        Around { a: self.current.get(at - 1).copied().unwrap_or(0), b, c, d }
    }

    pub(in crate::pixels) fn put(&mut self, at: usize, sample: i32) {
        if let Some(to) = self.current.get_mut(at) {
            *to = sample;
        }
    }
}

impl Around {
    /// The three gradients as one number from -364 to 364; 0 where the samples are flat.
    pub(in crate::pixels) fn context_number(self, coding: &Coding) -> i32 {
        let Around { a, b, c, d } = self;
        81 * coding.region(d - b) + 9 * coding.region(b - c) + coding.region(c - a)
    }

    /// The sample that the edges around it let expect (T.87 A.4.1).
    pub(in crate::pixels) fn guess(self) -> i32 {
        let Around { a, b, c, .. } = self;
        if c >= a.max(b) {
            a.min(b)
        } else if c <= a.min(b) {
            a.max(b)
        } else {
            a + b - c
        }
    }
}
