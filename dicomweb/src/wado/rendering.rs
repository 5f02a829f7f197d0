//! What a rendered image is to look like (PS3.18 8.3.5): window, viewport, captions, quality, format.

use super::captions::Captions;
use crate::accept::{Accept, ImageFormat};
use crate::error::Error;
use pacs_core::pixels::{RenderOptions, Viewport, Window, WindowShape};

/// Widest and highest picture drawn, in pixels: beyond it no screen shows it.
pub const VIEWPORT_MAX_PIXELS: u32 = 8192;
/// JPEG quality when none is asked for.
const QUALITY: u8 = 90;

/// A picture to draw.
#[derive(Debug, Clone, PartialEq)]
pub struct Rendering {
    /// Window and viewport.
    pub options: RenderOptions,
    /// What is written into the corners.
    pub captions: Captions,
    /// JPEG quality from 1 to 100.
    pub quality: u8,
    /// The media type.
    pub format: ImageFormat,
}

impl Rendering {
    /// Reads the parameters, whose names are written in any case as those of searches are; those that are not of
    /// rendering are left to others.
    pub fn read(parameters: &[(String, String)], accept: &Accept) -> Result<Self, Error> {
        let mut rendering = Self {
            options: RenderOptions::default(),
            captions: Captions::default(),
            quality: QUALITY,
            format: accept.image()?,
        };
        for (name, value) in parameters {
            match name.to_ascii_lowercase().as_str() {
                "window" => rendering.options.window = Some(window(value)?),
                "viewport" => rendering.options.viewport = Some(viewport(value)?),
                "annotation" => rendering.captions = Captions::read(value)?,
                "quality" => {
                    let quality = value.parse().ok().filter(|quality| (1..=100).contains(quality));
                    rendering.quality =
                        quality.ok_or(Error::bad_request("quality is a number from 1 to 100"))?;
                }
                _ => {}
            }
        }
        Ok(rendering)
    }

    /// The picture's name among the renditions of its frame: the same for the same picture.
    pub fn name(&self) -> String {
        let mut name = match self.format {
            ImageFormat::Jpeg => format!("jpeg{}", self.quality),
            ImageFormat::Png => "png".to_owned(),
            ImageFormat::Webp => "webp".to_owned(),
        };
        if let Some(Window { center, width, shape }) = &self.options.window {
            name.push_str(&format!("-w{center}_{width}_{shape:?}"));
        }
        if let Some(Viewport { width, height, region }) = &self.options.viewport {
            name.push_str(&format!("-v{width}x{height}"));
            for side in region.iter().flatten() {
                name.push_str(&format!("_{side}"));
            }
        }
        for (written, mark) in [(self.captions.patient, "-patient"), (self.captions.technique, "-technique")]
        {
            if written {
                name.push_str(mark);
            }
        }
        name
    }
}

impl ImageFormat {
    /// The media type.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Webp => "image/webp",
        }
    }
}

/// `center,width[,shape]`
fn window(text: &str) -> Result<Window, Error> {
    const FORM: Error = Error::BadRequest(std::borrow::Cow::Borrowed(
        "window is center,width,shape with a positive width and linear, linear-exact or sigmoid",
    ));
    let mut fields = text.split(',').map(str::trim);
    let center = number(fields.next()).ok_or(FORM)?;
    let width = number(fields.next()).filter(|width| *width > 0.0).ok_or(FORM)?;
    let shape = match fields.next().map(str::to_ascii_lowercase).as_deref() {
        None | Some("" | "linear") => WindowShape::Linear,
        Some("linear-exact" | "linear_exact") => WindowShape::LinearExact,
        Some("sigmoid") => WindowShape::Sigmoid,
        Some(_) => return Err(FORM),
    };
    if fields.next().is_some() {
        return Err(FORM);
    }
    Ok(Window { center, width, shape })
}

/// `vw,vh` or `vw,vh,sx,sy,sw,sh`, of which those of the source may be left empty.
fn viewport(text: &str) -> Result<Viewport, Error> {
    const FORM: Error = Error::BadRequest(std::borrow::Cow::Borrowed(
        "viewport is vw,vh or vw,vh,sx,sy,sw,sh in pixels, at most 8192 by 8192",
    ));
    let fields: Vec<&str> = text.split(',').map(str::trim).collect();
    let side = |text: &&str| text.parse().ok().filter(|side| (1..=VIEWPORT_MAX_PIXELS).contains(side));
    let (width, height, region) = match fields.as_slice() {
        [width, height] => (width, height, None),
        [width, height, source @ ..] if source.len() == 4 => (width, height, Some(source)),
        _ => return Err(FORM),
    };
    let (width, height) = (side(width).ok_or(FORM)?, side(height).ok_or(FORM)?);
    let region = match region {
        None => None,
        Some(source) if source.iter().all(|field| field.is_empty()) => None,
        Some([left, top, across, down]) => {
            let size = |text: &str| number(Some(text)).filter(|size| *size != 0.0);
            let corner = |text: &str| if text.is_empty() { Some(0.0) } else { number(Some(text)) };
            let (Some(left), Some(top)) = (corner(left), corner(top)) else { return Err(FORM) };
            let (Some(across), Some(down)) = (size(across), size(down)) else { return Err(FORM) };
            Some([left, top, across, down])
        }
        Some(_) => return Err(FORM),
    };
    Ok(Viewport { width, height, region })
}

fn number(text: Option<&str>) -> Option<f64> {
    text?.parse::<f64>().ok().filter(|number| number.is_finite() && number.abs() <= 1e9)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str, value: &str) -> Result<Rendering, Error> {
        Rendering::read(&[(name.to_owned(), value.to_owned())], &Accept::parse("").unwrap())
    }

    #[test]
    fn windows_and_viewports() {
        let window = read("window", "40,400").unwrap().options.window.unwrap();
        assert_eq!((window.center, window.width, window.shape), (40.0, 400.0, WindowShape::Linear));
        assert_eq!(read("Window", "40,400").unwrap(), read("window", "40,400").unwrap());
        let window = read("window", "-600.5, 1500, linear-exact").unwrap().options.window.unwrap();
        assert_eq!((window.center, window.shape), (-600.5, WindowShape::LinearExact));
        let viewport = read("viewport", "256,128").unwrap().options.viewport.unwrap();
        assert_eq!((viewport.width, viewport.height, viewport.region), (256, 128, None));
        let viewport = read("viewport", "256,128,,,,").unwrap().options.viewport.unwrap();
        assert_eq!(viewport.region, None);
        let viewport = read("viewport", "256,128,10,20,-30,40").unwrap().options.viewport.unwrap();
        assert_eq!(viewport.region, Some([10.0, 20.0, -30.0, 40.0]));
    }

    #[test]
    fn absurd_ones_are_refused() {
        for (name, value) in [
            ("viewport", ""),
            ("viewport", "0,10"),
            ("viewport", "10"),
            ("viewport", "1000000,1000000"),
            ("viewport", "99999999999999,1"),
            ("viewport", "-5,5"),
            ("viewport", "10,10,1,1"),
            ("viewport", "10,10,1,1,0,5"),
            ("viewport", "10,10,NaN,1,5,5"),
            ("window", "40"),
            ("window", "40,0"),
            ("window", "40,-1"),
            ("window", "inf,1"),
            ("window", "40,400,cubic"),
            ("window", "40,400,linear,1"),
            ("quality", "0"),
            ("quality", "101"),
            ("quality", "high"),
            ("annotation", "everything"),
            ("Quality", "101"),
            ("VIEWPORT", "0,10"),
        ] {
            assert!(matches!(read(name, value), Err(Error::BadRequest(_))), "{name}={value}");
        }
    }

    #[test]
    fn pictures_that_differ_have_other_names() {
        let names: std::collections::HashSet<String> = [
            read("quality", "80"),
            read("quality", "81"),
            read("window", "1,2"),
            read("window", "1,2,sigmoid"),
            read("annotation", "patient"),
            read("annotation", "technique"),
            read("viewport", "1,2"),
            read("viewport", "1,2,3,4,5,6"),
        ]
        .into_iter()
        .map(|rendering| rendering.unwrap().name())
        .collect();
        assert_eq!(names.len(), 8);
        assert!(
            names.iter().all(|name| name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c)))
        );
    }
}
