//! Which part of the image is shown, how large and turned how (PS3.18 8.3.5.1.3, PS3.3 C.10.4, C.10.6).

use super::canvas::Picture;
use super::resample::{Axis, resample};
use crate::pixels::error::PixelError;

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
/// Most pixels of a picture that nobody gave a size, unless the image has more. Whoever wants it larger says so.
const MAX_PIXELS: u64 = 4 << 20;

/// Most pixels of a picture of an image with so many.
pub(super) fn most_pixels(image_pixels: u64, viewport: Option<&Viewport>) -> u64 {
    match viewport {
        Some(viewport) => u64::from(viewport.width) * u64::from(viewport.height),
        None => image_pixels.max(MAX_PIXELS),
    }
}

/// What is to be shown of an image.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct View {
    /// Left, top, width and height in pixels of the image; a negative width or height flips it.
    region: [f64; 4],
    /// Size of the region in the picture before it is turned.
    size: [u32; 2],
    /// Clockwise quarter turns after that, and whether left and right are exchanged after those.
    pub(super) quarter_turns: u8,
    pub(super) flipped: bool,
}

/// How a region becomes a picture: by which factor when nobody gives a viewport, and how high a pixel is for its width.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Scale {
    pub(super) factor: f64,
    pub(super) aspect: f64,
}

impl View {
    /// The region in its own size, or as large as the viewport takes with its proportions kept.
    ///
    /// # Errors
    /// `OutsideImage` for a region there, `Malformed` for a viewport without pixels, `TooLarge` for more than any screen
    /// shows.
    pub(super) fn new(
        image: [u32; 2],
        region: Option<[f64; 4]>,
        scale: Scale,
        viewport: Option<&Viewport>,
        quarter_turns: u8,
        flipped: bool,
    ) -> Result<View, PixelError> {
        let [columns, rows] = image.map(f64::from);
        let region =
            viewport.and_then(|viewport| viewport.region).or(region).unwrap_or([0.0, 0.0, columns, rows]);
        let [left, top, across, down] = region;
        let touches = |from: f64, length: f64, side: f64| from < side && from + length.abs() > 0.0;
        if region.iter().any(|number| !number.is_finite() || number.abs() > 1e9)
            || across == 0.0
            || down == 0.0
            || !touches(left, across, columns)
            || !touches(top, down, rows)
        {
            return Err(PixelError::OutsideImage);
        }
        let shape = [across.abs(), down.abs() * scale.aspect];
        let factor = match viewport {
            Some(Viewport { width: 0, .. } | Viewport { height: 0, .. }) => {
                return Err(PixelError::malformed("a viewport without pixels"));
            }
            Some(viewport) => {
                let room = [viewport.width, viewport.height];
                if room.iter().any(|side| *side > MAX_SIDE) {
                    return Err(PixelError::TooLarge {
                        needed_bytes: u64::from(viewport.width) * u64::from(viewport.height),
                        budget_bytes: u64::from(MAX_SIDE) * u64::from(MAX_SIDE),
                    });
                }
                let [width, height] =
                    if quarter_turns % 2 == 1 { [room[1], room[0]] } else { room }.map(f64::from);
                (width / shape[0]).min(height / shape[1])
            }
            None => {
                let most = most_pixels(u64::from(image[0]) * u64::from(image[1]), None) as f64;
                scale.factor.min((most / (shape[0] * shape[1])).sqrt())
            }
        };
        let size = shape.map(|side| (side * factor).round().clamp(1.0, f64::from(u16::MAX)) as u32);
        Ok(View { region, size, quarter_turns: quarter_turns % 4, flipped })
    }

    /// Whether the picture is the image pixel by pixel.
    fn is_whole(&self, width: u32, height: u32) -> bool {
        self.region == [0.0, 0.0, f64::from(width), f64::from(height)] && self.size == [width, height]
    }

    /// The picture of the region, from the image with its sides halved so often.
    pub(super) fn show(&self, picture: Picture, halvings: u32) -> Result<Picture, PixelError> {
        let Picture { width, height, canvas } = picture;
        let channels = canvas.channels();
        let mut picture = if halvings == 0 && self.is_whole(width, height) {
            Picture { width, height, canvas }
        } else {
            let [columns, rows] = self.size;
            let [left, top, across, down] = self.region;
            // Wavelets keep every second sample in its place: it lies in the middle of the first of the two.
            let step = 2f64.powi(i32::try_from(halvings).unwrap_or(0));
            let axis = |from: f64, length: f64, pixels| Axis {
                from: (from - 0.5) / step + 0.5,
                length: length / step,
                pixels,
            };
            let bytes = resample(
                canvas.bytes(),
                width as usize,
                channels,
                axis(left, across, columns),
                axis(top, down, rows),
            );
            Picture { width: columns, height: rows, canvas: canvas.like(bytes) }
        };
        for _ in 0..self.quarter_turns {
            picture = turned(picture);
        }
        if self.flipped {
            flip(&mut picture);
        }
        Ok(picture)
    }

    /// Where a place of the image, in pixels from its corner, lies in the picture.
    pub(super) fn place(&self, [x, y]: [f64; 2]) -> [f64; 2] {
        let [left, top, across, down] = self.region;
        let along = |at: f64, from: f64, length: f64| {
            let share = (at - from) / length.abs();
            if length < 0.0 { 1.0 - share } else { share }
        };
        let [width, height] = self.size.map(f64::from);
        let mut place = [along(x, left, across) * width, along(y, top, down) * height];
        let mut size = [width, height];
        for _ in 0..self.quarter_turns {
            place = [size[1] - place[1], place[0]];
            size = [size[1], size[0]];
        }
        if self.flipped {
            place[0] = size[0] - place[0];
        }
        place
    }
}

/// A quarter turned clockwise.
fn turned(picture: Picture) -> Picture {
    let Picture { width, height, canvas } = picture;
    let channels = canvas.channels();
    let (columns, rows) = (width as usize, height as usize);
    let from = canvas.bytes();
    let mut bytes = Vec::with_capacity(from.len());
    for x in 0..columns {
        for y in (0..rows).rev() {
            let at = (y * columns + x) * channels;
            bytes.extend_from_slice(from.get(at..at + channels).unwrap_or_default());
        }
    }
    Picture { width: height, height: width, canvas: canvas.like(bytes) }
}

/// Left and right exchanged.
fn flip(picture: &mut Picture) {
    let channels = picture.canvas.channels();
    let stride = picture.width as usize * channels;
    let mut bytes = picture.canvas.bytes().to_vec();
    for row in bytes.chunks_exact_mut(stride.max(1)) {
        row.reverse();
        // The order within a pixel was right.
        row.chunks_exact_mut(channels).for_each(<[u8]>::reverse);
    }
    picture.canvas = picture.canvas.like(bytes);
}

#[cfg(test)]
mod tests {
    use super::super::canvas::Canvas;
    use super::*;

    const PLAIN: Scale = Scale { factor: 1.0, aspect: 1.0 };

    fn picture() -> Picture {
        Picture { width: 4, height: 2, canvas: Canvas::Grey(vec![0, 0, 255, 255, 0, 0, 255, 255]) }
    }

    fn fit(viewport: Viewport, scale: Scale) -> Result<Picture, PixelError> {
        View::new([4, 2], None, scale, Some(&viewport), 0, false)?.show(picture(), 0)
    }

    #[test]
    fn proportions_are_kept() {
        let small = fit(Viewport { width: 2, height: 2, region: None }, PLAIN).unwrap();
        assert_eq!((small.width, small.height), (2, 1));
        let large = fit(Viewport { width: 40, height: 30, region: None }, PLAIN).unwrap();
        assert_eq!((large.width, large.height), (40, 20));
        let tall = Scale { aspect: 3.0, ..PLAIN };
        let tall = fit(Viewport { width: 40, height: 30, region: None }, tall).unwrap();
        assert_eq!((tall.width, tall.height), (20, 30));
    }

    #[test]
    fn a_region_is_cut_and_flipped() {
        let part = fit(Viewport { width: 2, height: 1, region: Some([1.0, 0.0, -2.0, 1.0]) }, PLAIN).unwrap();
        assert_eq!(part, Picture { width: 2, height: 1, canvas: Canvas::Grey(vec![255, 0]) });
    }

    #[test]
    fn absurd_viewports_are_refused() {
        for (width, height, region) in [
            (0, 5, None),
            (100_000, 5, None),
            (5, 5, Some([9.0, 0.0, 1.0, 1.0])),
            (5, 5, Some([0.0, 0.0, 0.0, 1.0])),
            (5, 5, Some([f64::NAN; 4])),
        ] {
            assert!(fit(Viewport { width, height, region }, PLAIN).is_err());
        }
        let large = Scale { factor: 1e6, aspect: 1.0 };
        let large = View::new([4, 2], None, large, None, 0, false).unwrap().show(picture(), 0).unwrap();
        assert!(u64::from(large.width) * u64::from(large.height) <= MAX_PIXELS, "what a state magnifies");
    }

    #[test]
    fn places_follow_the_picture_when_it_is_turned() {
        // One bright pixel; wherever the picture is turned, its place is found again.
        for quarter_turns in 0..4 {
            for flipped in [false, true] {
                let mut pixels = vec![0; 6];
                pixels[1] = 255;
                let picture = Picture { width: 3, height: 2, canvas: Canvas::Grey(pixels) };
                let view = View::new([3, 2], None, PLAIN, None, quarter_turns, flipped).unwrap();
                let shown = view.show(picture, 0).unwrap();
                let [x, y] = view.place([1.5, 0.5]);
                let at = y as usize * shown.width as usize + x as usize;
                assert_eq!(shown.canvas.bytes()[at], 255, "{quarter_turns} {flipped}");
            }
        }
        let half_turn = View::new([3, 2], None, PLAIN, None, 1, false).unwrap();
        assert_eq!(half_turn.place([0.0, 0.0]), [2.0, 0.0], "the left upper corner goes to the right");
    }
}
