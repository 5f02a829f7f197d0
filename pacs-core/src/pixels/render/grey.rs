//! Grey images: stored value, modality value, window, display level.

use super::lut::Lut;
use super::{RenderOptions, Rendering, Window, WindowShape};
use crate::pixels::decode::Frame;
use crate::pixels::error::PixelError;
use crate::pixels::layout::{Layout, Photometric};

pub(super) fn draw(
    frame: &Frame,
    rendering: &Rendering,
    options: &RenderOptions,
) -> Result<Vec<u8>, PixelError> {
    let layout = &frame.layout;
    let inverse = (layout.photometric == Photometric::Monochrome1 || rendering.inverse) != options.invert;
    let transform = Transform { rendering, inverse, voi: voi(frame, rendering, options)? };
    if layout.float || layout.bits_allocated > 16 {
        return Ok(values(frame)?.map(|stored| transform.level(stored)).collect());
    }
    // Up to sixteen bits every stored word is looked up in a table made once.
    let stored = Stored::of(layout);
    if layout.bits_allocated == 8 {
        let table: Vec<u8> = (0..=u8::MAX).map(|raw| transform.level(stored.value(raw.into()))).collect();
        return Ok(frame.bytes.iter().filter_map(|raw| table.get(usize::from(*raw)).copied()).collect());
    }
    let table: Vec<u8> = (0..=u16::MAX).map(|raw| transform.level(stored.value(raw.into()))).collect();
    let (words, _) = frame.bytes.as_chunks::<2>();
    Ok(words.iter().filter_map(|word| table.get(usize::from(u16::from_le_bytes(*word))).copied()).collect())
}

/// From stored value to display level.
struct Transform<'a> {
    rendering: &'a Rendering,
    inverse: bool,
    voi: Voi<'a>,
}

enum Voi<'a> {
    Window(Window),
    /// The table with its smallest and largest entry, looked for once and not for every value.
    Table(&'a Lut, (f64, f64)),
}

impl Transform<'_> {
    fn level(&self, stored: f64) -> u8 {
        if is_padding(self.rendering, stored) {
            return 0;
        }
        let value = modality_value(self.rendering, stored);
        let share = match self.voi {
            Voi::Table(lut, (low, high)) => (lut.at(value) - low) / (high - low).max(1.0),
            Voi::Window(window) => window.share(value),
        };
        let level = (share * 255.0).round().clamp(0.0, 255.0) as u8;
        if self.inverse { 255 - level } else { level }
    }
}

impl Window {
    /// Where a value lies between black (0) and white (1), by PS3.3 C.11.2.1.2.1 and C.11.2.1.3.
    fn share(&self, value: f64) -> f64 {
        let Window { center, width, shape } = *self;
        match shape {
            WindowShape::Sigmoid => 1.0 / (1.0 + (-4.0 * (value - center) / width).exp()),
            WindowShape::LinearExact => ((value - center) / width + 0.5).clamp(0.0, 1.0),
            WindowShape::Linear if width <= 1.0 => f64::from(u8::from(value > center - 0.5)),
            WindowShape::Linear => ((value - (center - 0.5)) / (width - 1.0) + 0.5).clamp(0.0, 1.0),
        }
    }
}

/// The window asked for, else the stored one, else the VOI table, else all values for up to eight bits, else what
/// lies between the darkest and the brightest half per cent.
fn voi<'a>(frame: &Frame, rendering: &'a Rendering, options: &RenderOptions) -> Result<Voi<'a>, PixelError> {
    if let Some(window) = options.window.or(rendering.window) {
        return Ok(Voi::Window(window));
    }
    if let Some(lut) = &rendering.voi_lut {
        return Ok(Voi::Table(lut, lut.range()));
    }
    let layout = &frame.layout;
    let (low, high) = if layout.bits_stored <= 8 && !layout.float {
        let ends = if layout.signed {
            let half = f64::from(1u16 << (layout.bits_stored - 1));
            [-half, half - 1.0]
        } else {
            [0.0, f64::from((1u16 << layout.bits_stored) - 1)]
        };
        let ends = ends.map(|stored| modality_value(rendering, stored));
        (ends[0].min(ends[1]), ends[0].max(ends[1]))
    } else {
        middle_range(frame, rendering)?
    };
    Ok(Voi::Window(Window {
        center: (low + high) / 2.0,
        width: (high - low).max(f64::MIN_POSITIVE),
        shape: WindowShape::LinearExact,
    }))
}

/// The modality values between which all but the outer hundredth of the pixels lie, padding not counted. A sample
/// of the pixels is enough for a window.
fn middle_range(frame: &Frame, rendering: &Rendering) -> Result<(f64, f64), PixelError> {
    const SAMPLED_PIXELS: u64 = 1 << 16;
    let step = usize::try_from(frame.layout.pixels() / SAMPLED_PIXELS).unwrap_or(1).max(1);
    let mut sampled: Vec<f64> = values(frame)?
        .step_by(step)
        .filter(|stored| stored.is_finite() && !is_padding(rendering, *stored))
        .map(|stored| modality_value(rendering, stored))
        .collect();
    sampled.sort_by(f64::total_cmp);
    let outer = sampled.len() / 200;
    let low = sampled.get(outer).copied().unwrap_or(0.0);
    let high = sampled.get(sampled.len().saturating_sub(outer + 1)).copied().unwrap_or(1.0);
    Ok((low, high))
}

fn modality_value(rendering: &Rendering, stored: f64) -> f64 {
    match &rendering.modality_lut {
        Some(lut) => lut.at(stored),
        None => stored * rendering.slope + rendering.intercept,
    }
}

fn is_padding(rendering: &Rendering, stored: f64) -> bool {
    rendering.padding.is_some_and(|(low, high)| stored >= low as f64 && stored <= high as f64)
}

/// How the stored value is cut out of the allocated bits.
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

    fn value(&self, raw: u64) -> f64 {
        let left = (raw >> self.shift) << (64 - self.bits);
        if self.signed {
            ((left as i64) >> (64 - self.bits)) as f64
        } else {
            (left >> (64 - self.bits)) as f64
        }
    }

    /// The value of a word of at most sixteen bits as a whole number: an index into a table.
    pub(super) fn index(&self, raw: u16) -> i64 {
        self.value(raw.into()) as i64
    }
}

/// Every stored value of the frame.
fn values(frame: &Frame) -> Result<Box<dyn Iterator<Item = f64> + '_>, PixelError> {
    let (layout, bytes) = (&frame.layout, &frame.bytes);
    let stored = Stored::of(layout);
    Ok(match (layout.float, layout.sample_bytes()) {
        (true, 4) => Box::new(bytes.as_chunks().0.iter().map(|word| f64::from(f32::from_le_bytes(*word)))),
        (true, 8) => Box::new(bytes.as_chunks().0.iter().map(|word| f64::from_le_bytes(*word))),
        (false, 1) => Box::new(bytes.iter().map(move |raw| stored.value(u64::from(*raw)))),
        (false, 2) => {
            let words = bytes.as_chunks().0.iter();
            Box::new(words.map(move |word| stored.value(u64::from(u16::from_le_bytes(*word)))))
        }
        (false, 4) => {
            let words = bytes.as_chunks().0.iter();
            Box::new(words.map(move |word| stored.value(u64::from(u32::from_le_bytes(*word)))))
        }
        (_, width) => return Err(PixelError::Unsupported(format!("grey samples of {width} bytes"))),
    })
}
