//! Grey images: stored value, modality value, values of interest, display level (PS3.4 N.2).

use super::lut::Lut;
use super::values::{self, Stored};
use super::{RenderOptions, Rendering, Window, WindowShape};
use crate::pixels::decode::Frame;
use crate::pixels::error::PixelError;

/// From stored values to what they measure (PS3.3 C.11.1).
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Modality {
    Rescale { slope: f64, intercept: f64 },
    Table(Lut),
}

/// Which modality values are shown, and how (PS3.3 C.11.2).
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Voi {
    Window(Window),
    Table(Lut),
    /// All that there can be.
    Whole,
}

/// The last step to display levels (PS3.3 C.11.4, C.11.6).
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Presentation {
    Identity,
    Inverse,
    Table(Lut),
}

/// The display levels of a frame. Its samples are left in it where overlays may lie among their bits.
pub(super) fn draw(
    frame: &mut Frame,
    rendering: &Rendering,
    options: &RenderOptions,
) -> Result<Vec<u8>, PixelError> {
    let whole = whole_range(frame, rendering);
    let own;
    let voi = match (options.window, &rendering.voi) {
        (Some(window), _) => {
            own = Voi::Window(window);
            &own
        }
        (None, Some(Voi::Table(lut))) => {
            own = Voi::Table(lut.within(whole));
            &own
        }
        (None, Some(stored)) => stored,
        (None, None) => {
            own = Voi::Window(usual_window(frame, rendering)?);
            &own
        }
    };
    let transform = Transform { rendering, voi, whole };
    let level = |stored| transform.level(stored);
    if rendering.overlays.is_empty() {
        values::mapped_in_place(frame, level)
    } else {
        values::mapped(frame, level)
    }
}

/// From stored value to display level.
struct Transform<'a> {
    rendering: &'a Rendering,
    voi: &'a Voi,
    /// The least and the greatest modality value that can be.
    whole: (f64, f64),
}

impl Transform<'_> {
    fn level(&self, stored: f64) -> u8 {
        if self.rendering.is_padding(stored) {
            return 0;
        }
        let value = self.rendering.modality.value(stored);
        let share = match self.voi {
            Voi::Window(window) => window.share(value),
            Voi::Table(lut) => lut.at(value) / lut.most.max(1.0),
            Voi::Whole => {
                let (low, high) = self.whole;
                ((value - low) / (high - low).max(f64::MIN_POSITIVE)).clamp(0.0, 1.0)
            }
        };
        let share = match &self.rendering.presentation {
            Presentation::Identity => share,
            Presentation::Inverse => 1.0 - share,
            Presentation::Table(lut) => {
                let last = lut.entries.len().saturating_sub(1) as f64;
                lut.at(lut.first as f64 + share * last) / lut.most.max(1.0)
            }
        };
        (share * 255.0).round().clamp(0.0, 255.0) as u8
    }
}

impl Modality {
    pub(super) fn value(&self, stored: f64) -> f64 {
        match self {
            Modality::Rescale { slope, intercept } => stored * slope + intercept,
            Modality::Table(lut) => lut.at(stored),
        }
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

/// What an image without window and table is shown with: all values for up to eight bits, else what lies between
/// the darkest and the brightest half per cent.
fn usual_window(frame: &Frame, rendering: &Rendering) -> Result<Window, PixelError> {
    let (low, high) = if frame.layout.bits_stored <= 8 && !frame.layout.float {
        whole_range(frame, rendering)
    } else {
        middle_range(frame, rendering)?
    };
    Ok(Window {
        center: (low + high) / 2.0,
        width: (high - low).max(f64::MIN_POSITIVE),
        shape: WindowShape::LinearExact,
    })
}

/// The least and the greatest modality value that the bits can hold.
fn whole_range(frame: &Frame, rendering: &Rendering) -> (f64, f64) {
    if let Modality::Table(lut) = &rendering.modality {
        return (0.0, lut.most);
    }
    let (least, most) = Stored::of(&frame.layout).ends();
    let ends = [least, most].map(|stored| rendering.modality.value(stored));
    (ends[0].min(ends[1]), ends[0].max(ends[1]))
}

/// The modality values between which all but the outer hundredth of the pixels lie, padding not counted. A sample
/// of the pixels is enough for a window.
fn middle_range(frame: &Frame, rendering: &Rendering) -> Result<(f64, f64), PixelError> {
    const SAMPLED_PIXELS: u64 = 1 << 16;
    let step = usize::try_from(frame.layout.pixels() / SAMPLED_PIXELS).unwrap_or(1).max(1);
    let mut sampled: Vec<f64> = values::every(frame, step)?
        .filter(|stored| stored.is_finite() && !rendering.is_padding(*stored))
        .map(|stored| rendering.modality.value(stored))
        .collect();
    sampled.sort_by(f64::total_cmp);
    let outer = sampled.len() / 200;
    let low = sampled.get(outer).copied().unwrap_or(0.0);
    let high = sampled.get(sampled.len().saturating_sub(outer + 1)).copied().unwrap_or(1.0);
    Ok((low, high))
}
