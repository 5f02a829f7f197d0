//! One frame drawn for the eye: modality and VOI transformation (PS3.3 C.11), colour, viewport, JPEG or PNG.

mod colour;
mod encode;
mod grey;
mod lut;
mod rendering;
mod viewport;

pub use encode::{encode_jpeg, encode_png};
pub use rendering::Rendering;
pub use viewport::Viewport;

use super::decode::Frame;
use super::error::PixelError;
use super::layout::{Layout, Photometric};

/// What a caller may choose; the rest follows from the object.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct RenderOptions {
    /// Window instead of the stored one.
    pub window: Option<Window>,
    /// Size of the answer and part of the image; without it every pixel is drawn.
    pub viewport: Option<Viewport>,
    /// Black and white exchanged; no effect on colour.
    pub invert: bool,
}

/// A window over modality values (PS3.3 C.11.2.1.2).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Window {
    /// Window Center (0028,1050).
    pub center: f64,
    /// Window Width (0028,1051), above 0.
    pub width: f64,
    /// VOI LUT Function (0028,1056).
    pub shape: WindowShape,
}

/// VOI LUT Function (0028,1056).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum WindowShape {
    /// `LINEAR`, the default.
    #[default]
    Linear,
    /// `LINEAR_EXACT`
    LinearExact,
    /// `SIGMOID`
    Sigmoid,
}

/// Drawn pixels, row by row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Canvas {
    /// One byte a pixel, 0 is black.
    Grey(Vec<u8>),
    /// Red, green, blue.
    Rgb(Vec<u8>),
}

/// A drawn frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// Pixels in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// The pixels.
    pub canvas: Canvas,
}

/// About as many bytes as drawing a frame and writing the file takes at most, the decoded frame included.
pub fn drawing_bytes(layout: &Layout, options: &RenderOptions) -> u64 {
    let colours = match layout.photometric {
        Photometric::PaletteColor => 3,
        _ => u64::from(layout.samples),
    };
    let drawn = layout.pixels() * colours;
    // Colour may be put in order in a copy.
    let drawing = layout.frame_bytes() + drawn * if colours == 1 { 1 } else { 2 };
    let (scaling, picture) = match &options.viewport {
        Some(viewport) => viewport::fitting_bytes(layout, colours, viewport),
        None => (0, drawn),
    };
    // Of noise a file is as large as the picture.
    drawing.max(drawn + scaling).max(picture * 2)
}

/// Draws a decoded frame.
///
/// # Errors
/// `Unsupported` for sample formats that have no picture, `Malformed` when a palette is missing or empty, `TooLarge`
/// for a viewport no screen has.
pub fn render(frame: &Frame, rendering: &Rendering, options: &RenderOptions) -> Result<Picture, PixelError> {
    let layout = &frame.layout;
    let canvas = match layout.photometric {
        Photometric::Monochrome1 | Photometric::Monochrome2 if layout.samples == 1 => {
            Canvas::Grey(grey::draw(frame, rendering, options)?)
        }
        Photometric::PaletteColor if layout.samples == 1 => {
            Canvas::Rgb(colour::from_palette(frame, rendering)?)
        }
        _ if layout.samples == 3 => Canvas::Rgb(colour::draw(frame)?),
        _ => {
            return Err(PixelError::Unsupported(format!(
                "{} with {} samples",
                layout.photometric.as_str(),
                layout.samples
            )));
        }
    };
    let picture = Picture { width: u32::from(layout.columns), height: u32::from(layout.rows), canvas };
    match options.viewport {
        Some(viewport) => viewport::fit(picture, &viewport),
        None => Ok(picture),
    }
}
