//! Captions in the stroke font.

use super::font::{self, Stands};
use super::pen::{Ink, Pen};
use crate::pixels::render::canvas::Picture;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Where in a picture a caption stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Corner {
    /// Left, at the top.
    TopLeft,
    /// Right, at the top.
    TopRight,
    /// Left, at the bottom.
    BottomLeft,
    /// Right, at the bottom.
    BottomRight,
}

/// How lines stand in their box.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::pixels::render) enum Justified {
    Left,
    Center,
    Right,
}

/// More than fits any picture.
const MOST_LINES: usize = 64;
const MOST_LETTERS: usize = 256;

/// Units of the font: between letters, between lines, above a line for the marks of its capitals.
const LETTER_GAP: f64 = 2.0;
const LINE_HEIGHT: f64 = 13.0;
const MARKS_HEIGHT: f64 = 4.0;

/// Writes lines of text into a corner of a picture, white with a dark edge. What is longer than half the picture's
/// width is cut, and says so by dots: the captions of two corners never meet.
pub fn write_corner(picture: &mut Picture, corner: Corner, lines: &[&str]) {
    let unit = unit(picture);
    let margin = 2.0 * unit;
    let (width, height) = (f64::from(picture.width), f64::from(picture.height));
    let text_height = lines.len().min(MOST_LINES) as f64 * LINE_HEIGHT * unit;
    let top = match corner {
        Corner::TopLeft | Corner::TopRight => margin,
        Corner::BottomLeft | Corner::BottomRight => height - margin - text_height,
    };
    let justified = match corner {
        Corner::TopLeft | Corner::BottomLeft => Justified::Left,
        Corner::TopRight | Corner::BottomRight => Justified::Right,
    };
    let room = (width / 2.0 - 2.0 * margin) / unit;
    let lines: Vec<String> = lines.iter().take(MOST_LINES).map(|line| fitted(line, room)).collect();
    let lines = lines.iter().map(String::as_str);
    let sides = [margin, width - margin];
    write_lines(picture, lines, sides, top, justified, u8::MAX, &mut Ink::default());
}

/// As much of a line as there is room for, in units of the font.
fn fitted(line: &str, room: f64) -> String {
    if strokes(line).width <= room {
        return line.to_owned();
    }
    let letters: Vec<char> = line.nfc().take(MOST_LETTERS).collect();
    let cut = |count: usize| format!("{}...", letters.iter().take(count).collect::<String>().trim_end());
    let fits = |count: &usize| strokes(&cut(*count)).width <= room;
    (0..letters.len()).rev().find(fits).map(cut).unwrap_or_default()
}

/// Writes text between the sides of a box, from its top on; it may go on beyond the bottom.
pub(in crate::pixels::render) fn write_in_box(
    picture: &mut Picture,
    text: &str,
    sides: [f64; 2],
    top: f64,
    justified: Justified,
    level: u8,
    ink: &mut Ink,
) {
    write_lines(picture, text.lines(), sides, top, justified, level, ink);
}

fn write_lines<'a>(
    picture: &mut Picture,
    lines: impl Iterator<Item = &'a str>,
    [left, right]: [f64; 2],
    top: f64,
    justified: Justified,
    level: u8,
    ink: &mut Ink,
) {
    let unit = unit(picture);
    for (n, line) in lines.take(MOST_LINES).enumerate() {
        let strokes = strokes(line);
        let width = strokes.width * unit;
        let x = match justified {
            Justified::Left => left,
            Justified::Center => (left + right - width) / 2.0,
            Justified::Right => right - width,
        };
        let y = top + (n as f64 * LINE_HEIGHT + MARKS_HEIGHT) * unit;
        // The edge in the other tone keeps letters legible on any ground.
        let edge = if level < 128 { u8::MAX } else { 0 };
        for (level, width) in [(edge, unit * 2.2), (level, unit)] {
            let mut pen = Pen { picture: &mut *picture, level, width, ink: &mut *ink };
            for stroke in &strokes.lines {
                let places: Vec<[f64; 2]> =
                    stroke.iter().map(|[across, down]| [x + across * unit, y + down * unit]).collect();
                match places.as_slice() {
                    [only] => pen.dot(*only),
                    places => pen.polyline(places),
                }
            }
        }
    }
}

/// Pixels of a unit: capitals are a fiftieth of the picture high, and never too small to read.
fn unit(picture: &Picture) -> f64 {
    (f64::from(picture.width.min(picture.height)) / 50.0).max(8.0) / 6.0
}

/// A line of text as strokes, in units of the font.
struct Strokes {
    lines: Vec<Vec<[f64; 2]>>,
    width: f64,
}

fn strokes(line: &str) -> Strokes {
    let mut strokes = Strokes { lines: Vec::new(), width: 0.0 };
    let (mut start, mut top, mut marks_above) = (0.0, 0.0, 0.0);
    for character in line.nfd().take(MOST_LETTERS) {
        if is_combining_mark(character) {
            let Some(mark) = font::mark_strokes(character) else { continue };
            let [right, down] = match font::stands(character) {
                Stands::Above => {
                    marks_above += 1.0;
                    [start, top - 0.5 - 2.2 * marks_above]
                }
                Stands::Beside => [start + 1.0, top - 2.0],
                Stands::Below => [start, 0.0],
            };
            strokes
                .lines
                .extend(font::points(mark).map(|stroke| {
                    stroke.into_iter().map(|[x, y]| [x + right, y + down]).collect::<Vec<_>>()
                }));
            continue;
        }
        // What the font does not have is a box.
        let letter = font::strokes(character).unwrap_or("0040460600");
        start = strokes.width;
        (top, marks_above) = (if is_tall(character) { 0.0 } else { 2.0 }, 0.0);
        let mut across = 3.0f64;
        for stroke in font::points(letter) {
            across = stroke.iter().fold(across, |most, [x, _]| most.max(*x));
            strokes.lines.push(stroke.into_iter().map(|[x, y]| [x + start, y]).collect());
        }
        strokes.width += across + LETTER_GAP;
    }
    strokes
}

/// Whether a letter reaches up to the top of capitals; the dot of an i goes when a mark comes.
fn is_tall(character: char) -> bool {
    !matches!(character, 'a' | 'c' | 'e' | 'g' | 'm'..='s' | 'u'..='z')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pixels::render::canvas::Canvas;

    fn written(corner: Corner) -> Vec<bool> {
        let mut picture = Picture { width: 400, height: 100, canvas: Canvas::Grey(vec![9; 40_000]) };
        write_corner(&mut picture, corner, &["NGUYỄN VĂN A", "1980"]);
        picture.canvas.bytes().iter().map(|level| *level == u8::MAX).collect()
    }

    #[test]
    fn captions_stand_in_their_corner() {
        let halves = |white: &[bool]| {
            let count = |keep: fn(usize, usize) -> bool| {
                white.iter().enumerate().filter(|(at, on)| **on && keep(at % 400, at / 400)).count()
            };
            [count(|x, _| x < 200), count(|x, _| x >= 200), count(|_, y| y < 50), count(|_, y| y >= 50)]
        };
        let [left, right, top, bottom] = halves(&written(Corner::TopLeft));
        assert!(left > right && top > 0 && bottom == 0);
        let [left, right, top, bottom] = halves(&written(Corner::BottomRight));
        assert!(right > left && top == 0 && bottom > 0);
    }

    #[test]
    fn captions_of_two_corners_never_meet() {
        let mut picture = Picture { width: 400, height: 100, canvas: Canvas::Grey(vec![9; 40_000]) };
        write_corner(
            &mut picture,
            Corner::TopLeft,
            &["NGUYỄN THỊ MINH KHAI NGUYỄN THỊ MINH KHAI NGUYỄN THỊ MINH KHAI"],
        );
        let written: Vec<usize> =
            (0..40_000).filter(|at| picture.canvas.bytes()[*at] != 9).map(|at| at % 400).collect();
        assert!(written.iter().all(|x| *x < 200), "{:?}", written.iter().max());
        assert!(written.iter().any(|x| *x > 180), "{:?}", written.iter().max());
        assert_eq!(fitted("Nguyễn", 60.0), "Nguyễn");
        assert_eq!(fitted("Nguyễn Văn An", 60.0), "Nguyễn...");
        assert_eq!(fitted("Nguyễn Văn An", 1.0), "");
    }

    #[test]
    fn any_text_is_borne() {
        for (text, shows) in [
            ("", false),
            ("\u{300}\u{300}", true),
            ("山田^太郎", true),
            ("e\u{302}\u{303}\u{323}", true),
            (&"W".repeat(10_000), true),
        ] {
            // As large as a picture, and too small for any letter.
            for (width, height) in [(200, 120), (3, 2)] {
                let pixels = vec![7; width as usize * height as usize * 3];
                let mut picture = Picture { width, height, canvas: Canvas::Rgb(pixels.clone()) };
                write_corner(&mut picture, Corner::TopLeft, &[text; 100]);
                let is_written = picture.canvas.bytes() != pixels;
                assert_eq!(is_written, shows && width == 200, "{text:.20} on {width}x{height}");
            }
        }
    }
}
