//! The part of the image that is asked for, scaled to the size that is asked for (PS3.18 8.3.5.1.3).

use super::{Canvas, Picture};
use crate::pixels::error::PixelError;
use crate::pixels::layout::Layout;
use image::imageops::{self, FilterType};
use image::{ImageBuffer, Pixel};

/// A viewport and the region of the image shown in it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Viewport {
    /// Width of the answer in pixels at most, above 0.
    pub width: u32,
    /// Height of the answer in pixels at most, above 0.
    pub height: u32,
    /// Left, top, width and height of the source region in pixels; a negative width or height flips it. The whole
    /// image when `None`.
    pub region: Option<[f64; 4]>,
}

/// No screen or print is wider.
const MAX_SIDE: u32 = 8192;

/// What scaling holds of each pixel of a column of the source and a row of the answer: four floats.
const SCALING_BYTES: u64 = 16;

/// What fitting takes beside the whole picture of so many colours, and what the answer takes of it.
pub(super) fn fitting_bytes(layout: &Layout, colours: u64, viewport: &Viewport) -> (u64, u64) {
    let (columns, rows) = (f64::from(layout.columns), f64::from(layout.rows));
    let (across, down) = match viewport.region {
        // Clamped to the image and rounded outwards.
        Some([_, _, across, down]) => ((across.abs() + 2.0).min(columns), (down.abs() + 2.0).min(rows)),
        None => (columns, rows),
    };
    let (width, height) = fitted((across, down), viewport);
    // Rounding may turn the scale a little; without proportions the answer is the viewport at most.
    let (width, height) = match viewport.region {
        Some(_) => (u64::from(viewport.width), u64::from(viewport.height)),
        None => (u64::from(width), u64::from(height)),
    };
    let (across, down) = (across.ceil() as u64, down.ceil() as u64);
    let picture = width * height * colours;
    (across * down * colours + across * height * SCALING_BYTES + picture, picture)
}

/// The largest size in the viewport with the proportions of `width` and `height`.
fn fitted((width, height): (f64, f64), viewport: &Viewport) -> (u32, u32) {
    let scale = (f64::from(viewport.width) / width).min(f64::from(viewport.height) / height);
    let size = |side: f64| (side * scale).round().max(1.0) as u32;
    (size(width), size(height))
}

/// Cuts the region out and scales it, keeping its proportions, to the largest size that fits.
pub(super) fn fit(picture: Picture, viewport: &Viewport) -> Result<Picture, PixelError> {
    if viewport.width == 0 || viewport.height == 0 {
        return Err(PixelError::malformed("a viewport without pixels"));
    }
    if viewport.width > MAX_SIDE || viewport.height > MAX_SIDE {
        return Err(PixelError::TooLarge {
            needed_bytes: u64::from(viewport.width) * u64::from(viewport.height),
            budget_bytes: u64::from(MAX_SIDE) * u64::from(MAX_SIDE),
        });
    }
    let Picture { width, height, canvas } = picture;
    let broken = || PixelError::malformed("a picture of another size than stated");
    let (width, height, canvas) = match canvas {
        Canvas::Grey(pixels) => {
            let image =
                ImageBuffer::<image::Luma<u8>, _>::from_raw(width, height, pixels).ok_or_else(broken)?;
            let image = scaled(image, viewport)?;
            (image.width(), image.height(), Canvas::Grey(image.into_raw()))
        }
        Canvas::Rgb(pixels) => {
            let image =
                ImageBuffer::<image::Rgb<u8>, _>::from_raw(width, height, pixels).ok_or_else(broken)?;
            let image = scaled(image, viewport)?;
            (image.width(), image.height(), Canvas::Rgb(image.into_raw()))
        }
    };
    Ok(Picture { width, height, canvas })
}

fn scaled<P: Pixel<Subpixel = u8> + 'static>(
    mut image: ImageBuffer<P, Vec<u8>>,
    viewport: &Viewport,
) -> Result<ImageBuffer<P, Vec<u8>>, PixelError> {
    if let Some(region) = viewport.region {
        image = cut(image, region)?;
    }
    let (width, height) = fitted((f64::from(image.width()), f64::from(image.height())), viewport);
    if (width, height) == image.dimensions() {
        return Ok(image);
    }
    // The tent widens with the step when the picture shrinks, so every source pixel counts.
    Ok(imageops::resize(&image, width, height, FilterType::Triangle))
}

fn cut<P: Pixel<Subpixel = u8> + 'static>(
    image: ImageBuffer<P, Vec<u8>>,
    [left, top, width, height]: [f64; 4],
) -> Result<ImageBuffer<P, Vec<u8>>, PixelError> {
    let clamp = |from: f64, length: f64, side: u32| {
        let start = from.max(0.0).floor();
        let end = (from + length.abs()).min(f64::from(side)).ceil();
        // A NaN becomes the whole side above, so what is asked for must be a number.
        (from.is_finite() && length.is_finite() && end > start)
            .then_some((start as u32, (end - start) as u32))
    };
    let (Some((x, across)), Some((y, down))) =
        (clamp(left, width, image.width()), clamp(top, height, image.height()))
    else {
        return Err(PixelError::malformed("a region outside the image"));
    };
    let mut part = imageops::crop_imm(&image, x, y, across, down).to_image();
    if width < 0.0 {
        imageops::flip_horizontal_in_place(&mut part);
    }
    if height < 0.0 {
        imageops::flip_vertical_in_place(&mut part);
    }
    Ok(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture() -> Picture {
        Picture { width: 4, height: 2, canvas: Canvas::Grey(vec![0, 0, 255, 255, 0, 0, 255, 255]) }
    }

    #[test]
    fn proportions_are_kept() {
        let viewport = Viewport { width: 2, height: 2, region: None };
        let small = fit(picture(), &viewport).unwrap();
        assert_eq!((small.width, small.height), (2, 1));
        let viewport = Viewport { width: 40, height: 30, region: None };
        let large = fit(picture(), &viewport).unwrap();
        assert_eq!((large.width, large.height), (40, 20));
    }

    #[test]
    fn a_region_is_cut_and_flipped() {
        let viewport = Viewport { width: 2, height: 1, region: Some([1.0, 0.0, -2.0, 1.0]) };
        let part = fit(picture(), &viewport).unwrap();
        assert_eq!(part, Picture { width: 2, height: 1, canvas: Canvas::Grey(vec![255, 0]) });
    }

    #[test]
    fn absurd_viewports_are_refused() {
        for (width, height, region) in [
            (0, 5, None),
            (100_000, 5, None),
            (5, 5, Some([9.0, 0.0, 1.0, 1.0])),
            (5, 5, Some([f64::NAN; 4])),
        ] {
            assert!(fit(picture(), &Viewport { width, height, region }).is_err());
        }
    }
}
