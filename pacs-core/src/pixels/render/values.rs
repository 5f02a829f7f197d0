//! Stored values, cut out of the allocated bits.

use crate::pixels::decode::Frame;
use crate::pixels::error::PixelError;
use crate::pixels::layout::Layout;

/// How the stored value is cut out of the allocated bits.
#[derive(Clone, Copy)]
pub(super) struct Stored {
    shift: u32,
    bits: u32,
    signed: bool,
}

impl Stored {
    pub(super) fn of(layout: &Layout) -> Stored {
        Stored {
            shift: u32::from(layout.high_bit + 1 - layout.bits_stored),
            bits: u32::from(layout.bits_stored),
            signed: layout.signed,
        }
    }

    pub(super) fn value(&self, raw: u64) -> f64 {
        let left = (raw >> self.shift) << (64 - self.bits);
        if self.signed {
            ((left as i64) >> (64 - self.bits)) as f64
        } else {
            (left >> (64 - self.bits)) as f64
        }
    }

    /// The least and the greatest value that can be stored.
    pub(super) fn ends(&self) -> (f64, f64) {
        if self.signed {
            let half = 2f64.powi(self.bits as i32 - 1);
            (-half, half - 1.0)
        } else {
            (0.0, 2f64.powi(self.bits as i32) - 1.0)
        }
    }
}

/// The first stored value of the frame, and then each that so many pixels further on: the others cost nothing.
pub(super) fn every(frame: &Frame, step: usize) -> Result<Box<dyn Iterator<Item = f64> + '_>, PixelError> {
    let (layout, bytes) = (&frame.layout, &frame.bytes);
    let stored = Stored::of(layout);
    Ok(match (layout.float, layout.sample_bytes()) {
        (true, 4) => {
            let words = bytes.as_chunks().0.iter().step_by(step);
            Box::new(words.map(|word| f64::from(f32::from_le_bytes(*word))))
        }
        (true, 8) => {
            let words = bytes.as_chunks().0.iter().step_by(step);
            Box::new(words.map(|word| f64::from_le_bytes(*word)))
        }
        (false, 1) => Box::new(bytes.iter().step_by(step).map(move |raw| stored.value(u64::from(*raw)))),
        (false, 2) => {
            let words = bytes.as_chunks().0.iter().step_by(step);
            Box::new(words.map(move |word| stored.value(u64::from(u16::from_le_bytes(*word)))))
        }
        (false, 4) => {
            let words = bytes.as_chunks().0.iter().step_by(step);
            Box::new(words.map(move |word| stored.value(u64::from(u32::from_le_bytes(*word)))))
        }
        (_, width) => return Err(PixelError::Unsupported(format!("grey samples of {width} bytes"))),
    })
}

/// What `of_value` makes of every stored value. Up to sixteen bits it is asked once for each value that there can
/// be.
pub(super) fn mapped<T: Copy + Default>(
    frame: &Frame,
    of_value: impl Fn(f64) -> T,
) -> Result<Vec<T>, PixelError> {
    let layout = &frame.layout;
    let stored = Stored::of(layout);
    match (layout.float, layout.sample_bytes()) {
        (false, 1) => {
            let table: [T; 1 << 8] = std::array::from_fn(|raw| of_value(stored.value(raw as u64)));
            let level = |raw: &u8| table.get(usize::from(*raw)).copied().unwrap_or_default();
            Ok(frame.bytes.iter().map(level).collect())
        }
        (false, 2) => {
            let table = WordTable::of(stored, of_value);
            Ok(frame.bytes.as_chunks::<2>().0.iter().map(|word| table.at(*word)).collect())
        }
        _ => Ok(every(frame, 1)?.map(of_value).collect()),
    }
}

/// [`mapped`] to bytes, of a frame whose samples nobody wants afterwards. Those of sixteen bits are mapped where they
/// lie, since fresh memory for a large image takes longer than mapping it.
pub(super) fn mapped_in_place(
    frame: &mut Frame,
    of_value: impl Fn(f64) -> u8,
) -> Result<Vec<u8>, PixelError> {
    /// Samples mapped at a time: few enough to stay in the processor's cache.
    const AT_ONCE: usize = 4096;
    if frame.layout.float || frame.layout.sample_bytes() != 2 {
        return mapped(frame, of_value);
    }
    let table = WordTable::of(Stored::of(&frame.layout), of_value);
    let mut bytes = std::mem::take(&mut frame.bytes);
    let samples = bytes.len() / 2;
    let mut levels = [0; AT_ONCE];
    for from in (0..samples).step_by(AT_ONCE) {
        let to = samples.min(from + AT_ONCE);
        let words = bytes.get(2 * from..2 * to).unwrap_or_default().as_chunks::<2>().0;
        levels.iter_mut().zip(words).for_each(|(level, word)| *level = table.at(*word));
        if let (Some(place), Some(levels)) = (bytes.get_mut(from..to), levels.get(..to - from)) {
            place.copy_from_slice(levels);
        }
    }
    bytes.truncate(samples);
    Ok(bytes)
}

/// What becomes of each value that sixteen bits can hold. As long as there are indices, so that nothing is checked for
/// each pixel.
struct WordTable<T>(Option<Box<[T; 1 << 16]>>);

impl<T: Copy + Default> WordTable<T> {
    fn of(stored: Stored, of_value: impl Fn(f64) -> T) -> Self {
        let table: Vec<T> = (0..=u16::MAX).map(|raw| of_value(stored.value(raw.into()))).collect();
        Self(table.into_boxed_slice().try_into().ok())
    }

    fn at(&self, word: [u8; 2]) -> T {
        let value = self.0.as_deref().and_then(|table| table.get(usize::from(u16::from_le_bytes(word))));
        value.copied().unwrap_or_default()
    }
}
