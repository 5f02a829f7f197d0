//! One frame drawn for the eye: values, colours, overlays, shutters, viewport, annotations; then JPEG, PNG or WebP.

mod annotate;
mod canvas;
mod colour;
mod encode;
mod grey;
mod lut;
mod outline;
mod overlay;
mod palette;
mod presentation;
mod rendering;
mod resample;
mod shutter;
mod values;
mod view;

pub use annotate::{Corner, write_corner};
pub use canvas::{Canvas, Picture};
pub use encode::{encode_jpeg, encode_png, encode_webp};
pub use presentation::PresentationState;
pub use rendering::{Rendering, spare_halvings};
pub use view::Viewport;

use super::decode::Frame;
use super::error::PixelError;
use super::layout::{Layout, Photometric};
use annotate::Ink;
use view::View;

/// What a caller may choose; the rest follows from the object.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct RenderOptions {
    /// Window instead of the stored one.
    pub window: Option<Window>,
    /// Size of the answer and part of the image; without it every pixel is drawn.
    pub viewport: Option<Viewport>,
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

/// About as many bytes as drawing a frame and writing the file takes at most, the decoded frame included.
pub fn drawing_bytes(layout: &Layout, options: &RenderOptions) -> u64 {
    let colours = match layout.photometric {
        Photometric::PaletteColor => 3,
        _ => u64::from(layout.samples),
    };
    let drawn = layout.pixels() * colours;
    // Colour may be put in order in a copy.
    let drawing = layout.frame_bytes() + drawn * if colours == 1 { 1 } else { 2 };
    let picture = view::most_pixels(layout.pixels(), options.viewport.as_ref()) * colours;
    // Grey levels may lie where the frame did.
    let canvas = if colours == 1 { layout.frame_bytes().max(drawn) } else { drawn };
    // A picture is turned into another one, and of noise a file is as large as the picture.
    drawing.max(canvas + picture).max(picture * 2)
}

/// Draws a decoded frame, which may come with its sides halved as often as [`spare_halvings`] says.
///
/// # Errors
/// `Unsupported` for sample formats that have no picture, `Malformed` when a palette is missing or empty,
/// `OutsideImage` when the region is, `TooLarge` for a viewport no screen has.
pub fn render(
    mut frame: Frame,
    rendering: &Rendering,
    options: &RenderOptions,
) -> Result<Picture, PixelError> {
    let layout = frame.layout;
    let mut canvas = match layout.photometric {
        Photometric::Monochrome1 | Photometric::Monochrome2 if layout.samples == 1 => {
            Canvas::Grey(grey::draw(&mut frame, rendering, options)?)
        }
        Photometric::PaletteColor if layout.samples == 1 => {
            Canvas::Rgb(colour::from_palette(&frame, rendering)?)
        }
        _ if layout.samples == 3 => Canvas::Rgb(colour::draw(&frame)?),
        _ => {
            return Err(PixelError::Unsupported(format!(
                "{} with {} samples",
                layout.photometric.term().unwrap_or("an unknown colour space"),
                layout.samples
            )));
        }
    };
    if let Some(shutter) = &rendering.shutter {
        shutter.draw(&frame, &rendering.overlays, &mut canvas);
    }
    let shown = |group| rendering.shown_overlays.as_ref().is_none_or(|groups| groups.contains(&group));
    for overlay in rendering.overlays.iter().filter(|overlay| shown(overlay.group)) {
        overlay.draw(&frame, u8::MAX, &mut canvas);
    }
    // The picture takes its place.
    drop(frame);
    let (width, height) = (u32::from(layout.columns), u32::from(layout.rows));
    let (image, halvings) = rendering.image_of([width, height]);
    let state = rendering.state.as_deref();
    let view = View::new(
        image,
        state.and_then(|state| state.area).map(|area| area.region),
        rendering.scale(options.viewport.is_some()),
        options.viewport.as_ref(),
        state.map_or(0, |state| state.quarter_turns),
        state.is_some_and(|state| state.flipped),
    )?;
    let mut picture = view.show(Picture { width, height, canvas }, halvings)?;
    let mut ink = Ink::default();
    for annotation in state.map(|state| state.annotations.as_slice()).unwrap_or_default() {
        annotation.draw(&view, &mut picture, &mut ink);
    }
    Ok(picture)
}
