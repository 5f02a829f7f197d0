//! A value of an instance that leaves beside others: as a part of a body, compressed pixels as a part for each frame
//! (PS3.18 8.7.3.3). What may be wrong with it shows before its first part begins.

use super::pixels::{self, Source};
use super::{bulkdata, frames, icon, reencoded, stored};
use crate::base_url::BaseUrl;
use crate::error::Error;
use crate::multipart::Boundary;
use crate::outgoing::{Outgoing, Stopped};
use crate::representation::{BulkChoice, Encoding};
use crate::state::State;
use crate::wish::BulkWish;
use bytes::Bytes;
use pacs_core::dataset::{DataSet, Fragment, Value as ElementValue};
use pacs_core::pixels::Layout;
use pacs_core::{json, tags, transfer_syntax};
use std::cell::RefCell;
use std::hash::{Hash, Hasher};
use std::ops::Range;
use storage::{FrameIndex, InstancePlace, PixelPlace, bulkdata_path};

/// What all parts of a body have in common.
pub struct Parts {
    /// Where everything lies.
    pub state: State,
    /// What their addresses begin with.
    pub base: BaseUrl,
    /// What lies between them.
    pub boundary: Boundary,
}

impl Parts {
    /// The lines before the content of a part that is found at `address` below its instance.
    fn head(&self, place: &InstancePlace, content_type: &str, address: &str) -> Bytes {
        let instance = self.base.instance(&place.study_uid, &place.series_uid, &place.uid);
        self.boundary.part_head(content_type, Some(&format!("{instance}/{address}")))
    }
}

/// A value and how it is to leave.
#[derive(Debug)]
pub struct Value {
    /// Where it is found below its instance; `None` of frames that are found one by one.
    address: Option<String>,
    form: Form,
}

#[derive(Debug)]
enum Form {
    /// As it lies at this range of the Part 10 file, as this media type.
    Lies(Range<u64>, String),
    /// As the uncompressed value at this path of the data set, as this media type.
    Element { path: String, length_bytes: u64, content_type: String },
    /// As the compressed picture in a sequence at this path.
    Picture { path: String, length_bytes: u64, choice: BulkChoice },
    /// As so many frames, a part each.
    Frames(u32, BulkChoice),
    /// As so many decoded frames in one part.
    Joined(u32, BulkChoice),
}

/// Every value of an instance that has a BulkDataURI, found there, and its pixels, in the order of its elements.
pub async fn all(state: &State, place: &InstancePlace, wishes: &[BulkWish]) -> Result<Vec<Value>, Error> {
    let header = stored::header(&state.archive, place).await?;
    let mut values = Vec::new();
    for path in paths(&header) {
        let (set, element) = bulkdata::find(&header, &path)?;
        let form = match &element.value {
            ElementValue::Fragments(_) if std::ptr::eq(set, &*header) => {
                let Some(pixels) = pixels(state, place, wishes).await? else { continue };
                pixels.form
            }
            ElementValue::Fragments(fragments) => Form::Picture {
                length_bytes: fragments.iter().skip(1).map(|fragment| fragment.length).sum(),
                choice: frames::choice_of(wishes, place)?,
                path: path.clone(),
            },
            _ => {
                let source = bulkdata::source(element, &transfer_syntax::of(&place.transfer_syntax))?;
                let content_type = bulkdata::form(wishes, set, element)?.content_type;
                Form::Element { length_bytes: source.length_bytes(), content_type, path: path.clone() }
            }
        };
        values.push(Value { address: Some(format!("bulkdata/{path}")), form });
    }
    Ok(values)
}

/// The paths of what metadata gives a BulkDataURI, and of pixels that it holds.
fn paths(header: &DataSet) -> Vec<String> {
    let named = RefCell::new(Vec::new());
    json::write(header, &mut Vec::new(), &|path, tag, _| {
        named.borrow_mut().push(bulkdata_path(path, tag));
        Some(String::new())
    });
    let mut paths = named.into_inner();
    if let Some(pixels) = pixels_path(header).filter(|pixels| !paths.contains(pixels)) {
        paths.push(pixels);
    }
    paths
}

fn pixels_path(header: &DataSet) -> Option<String> {
    [tags::FLOAT_PIXEL_DATA, tags::DOUBLE_FLOAT_PIXEL_DATA, tags::PIXEL_DATA]
        .into_iter()
        .find(|tag| header.get(*tag).is_some_and(|element| !element.is_empty()))
        .map(|tag| bulkdata_path(&[], tag))
}

/// The pixels of an instance; `None` where it has none.
pub async fn pixels(
    state: &State,
    place: &InstancePlace,
    wishes: &[BulkWish],
) -> Result<Option<Value>, Error> {
    let lie = stored::pixel_place(&state.archive, place).await?;
    if matches!(lie, PixelPlace::Nowhere) {
        return Ok(None);
    }
    let choice = frames::choice_of(wishes, place)?;
    let header = stored::header(&state.archive, place).await?;
    let layout = Layout::from(&header);
    let one = layout.as_ref().is_ok_and(|layout| layout.frames == 1);
    let whole = || Some("pixeldata".to_owned());
    let big_endian = transfer_syntax::of(&place.transfer_syntax).big_endian;
    let (address, form) = match (lie, choice.encoding) {
        (PixelPlace::Fragments(index), encoding) => match (index.count(), encoding) {
            (0, _) => return Err(Error::Undecodable("nothing tells where compressed frames begin".into())),
            (1, _) | (_, Encoding::AsStored | Encoding::Encoded(_)) => {
                (None, Form::Frames(index.count(), choice))
            }
            (count, Encoding::Uncompressed) => (whole(), Form::Joined(count, choice)),
        },
        (_, Encoding::Encoded(_)) => (None, Form::Frames(layout?.frames, choice)),
        (PixelPlace::Native(range), _) if !big_endian => {
            // Without what makes the length even.
            let frame_bytes = layout.map_or(u64::MAX, |layout| layout.native_frame_bits().div_ceil(8));
            let end = range.start.saturating_add(frame_bytes);
            match one && end <= range.end {
                true => (Some(frame(1)), Form::Lies(range.start..end, choice.content_type())),
                false => (whole(), Form::Lies(range, choice.content_type())),
            }
        }
        _ if one => (None, Form::Frames(1, choice)),
        _ => {
            let path = pixels_path(&header).unwrap_or_default();
            let (_, element) = bulkdata::find(&header, &path)?;
            let source = bulkdata::source(element, &transfer_syntax::of(&place.transfer_syntax))?;
            let (length_bytes, content_type) = (source.length_bytes(), choice.content_type());
            (whole(), Form::Element { path, length_bytes, content_type })
        }
    };
    Ok(Some(Value { address, form }))
}

/// Where a frame, counted from 1, is found below its instance.
fn frame(number: u32) -> String {
    format!("frames/{number}")
}

impl Value {
    /// What its parts are, with their transfer syntax.
    fn content_type(&self) -> String {
        match &self.form {
            Form::Lies(_, content_type) | Form::Element { content_type, .. } => content_type.clone(),
            Form::Picture { choice, .. } | Form::Frames(_, choice) | Form::Joined(_, choice) => {
                choice.content_type()
            }
        }
    }

    /// The media type of its parts alone.
    pub fn media(&self) -> String {
        self.content_type().split(';').next().unwrap_or_default().to_owned()
    }

    /// Tells it from other values and other encodings of it.
    pub fn mark(&self, hasher: &mut impl Hasher) {
        (&self.address, self.content_type()).hash(hasher);
    }

    /// The length of its parts with their heads, when it leaves as it is stored.
    pub async fn length_bytes(&self, parts: &Parts, place: &InstancePlace) -> Result<Option<u64>, Error> {
        let (content_type, address) = (self.content_type(), self.address.as_deref());
        let head = |address: &str| parts.head(place, &content_type, address).len() as u64;
        let content = match &self.form {
            Form::Lies(range, _) => range.end.saturating_sub(range.start),
            Form::Element { length_bytes, .. } => *length_bytes,
            Form::Picture { length_bytes, choice, .. } if choice.encoding == Encoding::AsStored => {
                *length_bytes
            }
            Form::Frames(count, choice) if choice.encoding == Encoding::AsStored => {
                let index = frame_index(&parts.state, place).await?;
                let mut sum = 0u64;
                for number in 0..*count {
                    let ranges = index.ranges(number)?;
                    let bytes: u64 = ranges.iter().map(|range| range.end.saturating_sub(range.start)).sum();
                    let head = head(address.unwrap_or(&frame(number + 1)));
                    sum = sum.saturating_add(bytes).saturating_add(head);
                }
                return Ok(Some(sum));
            }
            Form::Picture { .. } | Form::Frames(..) | Form::Joined(..) => return Ok(None),
        };
        Ok(Some(content.saturating_add(head(address.unwrap_or_default()))))
    }

    /// Sends its parts.
    pub async fn send(self, parts: &Parts, place: &InstancePlace, out: &Outgoing) -> Result<(), Stopped> {
        let Parts { state, .. } = parts;
        let content_type = self.content_type();
        let address = self.address.as_deref();
        let (content, content_type) = match self.form {
            Form::Lies(range, _) => {
                (frames::lying(&stored::open(&state.archive, place).await?, vec![range]).await?, content_type)
            }
            Form::Element { path, .. } => {
                let header = stored::header(&state.archive, place).await?;
                let (_, element) = bulkdata::find(&header, &path)?;
                let source = bulkdata::source(element, &transfer_syntax::of(&place.transfer_syntax))?;
                (source.open(&state.archive, place).await?, content_type)
            }
            Form::Picture { path, choice, .. } => {
                let header = stored::header(&state.archive, place).await?;
                let (set, element) = bulkdata::find(&header, &path)?;
                let fragments: &[Fragment] = match &element.value {
                    ElementValue::Fragments(fragments) => fragments,
                    _ => &[],
                };
                let picture = icon::read(state, place, (set, fragments), &path, &choice).await?;
                (picture.content, picture.content_type)
            }
            Form::Frames(count, choice) => {
                return send_frames(parts, place, address, count, &choice, out).await;
            }
            Form::Joined(count, choice) => {
                return send_joined(parts, place, address, count, &choice, out).await;
            }
        };
        out.send(parts.head(place, &content_type, address.unwrap_or_default())).await?;
        out.send_all(content.all()).await
    }
}

async fn frame_index(state: &State, place: &InstancePlace) -> Result<FrameIndex, Error> {
    match stored::pixel_place(&state.archive, place).await? {
        PixelPlace::Fragments(index) => Ok(index),
        _ => Err(Error::NotFound("the frame")),
    }
}

/// A part for each frame.
async fn send_frames(
    parts: &Parts,
    place: &InstancePlace,
    address: Option<&str>,
    count: u32,
    choice: &BulkChoice,
    out: &Outgoing,
) -> Result<(), Stopped> {
    let own = |number| address.map_or_else(|| frame(number), str::to_owned);
    if choice.encoding != Encoding::AsStored {
        for number in 1..=count {
            let part = frames::read(&parts.state, place, number, choice).await?;
            out.send(parts.head(place, &part.content_type, &own(number))).await?;
            out.send_all(part.content.all()).await?;
        }
        return Ok(());
    }
    // What an index is read from may be too large to be remembered: it is read once for all frames.
    let index = frame_index(&parts.state, place).await?;
    let reader = stored::open(&parts.state.archive, place).await?;
    for number in 1..=count {
        let content = frames::lying(&reader, index.ranges(number - 1)?).await?;
        out.send(parts.head(place, &choice.content_type(), &own(number))).await?;
        out.send_all(content.all()).await?;
    }
    Ok(())
}

/// Decoded frames one after the other as one part; where they cannot be decoded and the stored ones will do, those.
async fn send_joined(
    parts: &Parts,
    place: &InstancePlace,
    address: Option<&str>,
    count: u32,
    choice: &BulkChoice,
    out: &Outgoing,
) -> Result<(), Stopped> {
    let first = match pixels::made(&parts.state, place, Source::Frame(0), None).await {
        Err(Error::Undecodable(_) | Error::TooLarge(_))
            if let Some(instead) = choice.as_stored(&place.transfer_syntax) =>
        {
            return send_frames(parts, place, None, count, &instead, out).await;
        }
        first => first?,
    };
    out.send(parts.head(place, &choice.content_type(), address.unwrap_or_default())).await?;
    reencoded::send_frames(&parts.state, place, None, first, count, out).await
}
