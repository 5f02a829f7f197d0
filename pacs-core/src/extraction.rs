//! Some frames of a multi-frame instance as an instance of its own (PS3.4 Y.3): which frames are meant, and what the
//! new instance says. What would not be valid with other frames than all is not made.

mod times;

use crate::dataset::{DataSet, Element, Value};
use crate::part10::IMPLEMENTATION_VERSION_NAME;
use crate::uid::Uid;
use crate::{Tag, VR, tags};

/// Which frames are asked for: the frame range key of an identifier.
#[derive(Debug, Clone, PartialEq)]
pub enum Selection {
    /// These, counted from 1, in their order.
    Simple(Vec<u32>),
    /// From the first to the second of each, and so many further each time.
    Calculated(Vec<[u32; 3]>),
    /// Those from the one to the other time, both included, in seconds after Content Time.
    Times([f64; 2]),
}

/// Why there is no new instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The identifier has no frame range key, or several, or what is none.
    #[error("{0}")]
    Invalid(&'static str),
    /// The instance has none of these frames.
    #[error("the instance has none of these frames")]
    NoFrames,
    /// It would not be valid.
    #[error("no instance is made of some of its frames: {0}")]
    NotMade(&'static str),
    /// They cannot be told apart where they lie.
    #[error("its frames cannot be taken apart")]
    NotExtracted,
    /// A range of times is asked for.
    #[error("its frames have no times")]
    NoTimes,
}

impl Selection {
    /// The frame range key of an identifier.
    pub fn of(identifier: &DataSet) -> Result<Self, Refusal> {
        const KEYS: [Tag; 3] = [tags::SIMPLE_FRAME_LIST, tags::CALCULATED_FRAME_LIST, tags::TIME_RANGE];
        let mut named = KEYS.into_iter().filter(|tag| identifier.contains(*tag));
        let (Some(key), None) = (named.next(), named.next()) else {
            return Err(Refusal::Invalid("one frame range key is needed"));
        };
        if key == tags::TIME_RANGE {
            return match *identifier.floats(key).as_slice() {
                [from, to] if from <= to && to.is_finite() => Ok(Self::Times([from, to])),
                _ => Err(Refusal::Invalid("Time Range is no range")),
            };
        }
        let numbers: Vec<u32> =
            identifier.ints(key).into_iter().filter_map(|number| u32::try_from(number).ok()).collect();
        let mut before = 0;
        let mut follows = |number: u32| number > std::mem::replace(&mut before, number);
        if key == tags::SIMPLE_FRAME_LIST {
            let is_list = !numbers.is_empty() && numbers.iter().all(|number| follows(*number));
            return match is_list {
                true => Ok(Self::Simple(numbers)),
                false => Err(Refusal::Invalid("Simple Frame List does not rise")),
            };
        }
        let (triplets, rest) = numbers.as_chunks::<3>();
        let mut follows = |[from, to, step]: &[u32; 3]| {
            *step > 0 && from <= to && follows(*from) && (from == to || follows(*to))
        };
        match rest.is_empty() && !triplets.is_empty() && triplets.iter().all(&mut follows) {
            true => Ok(Self::Calculated(triplets.to_vec())),
            false => Err(Refusal::Invalid("Calculated Frame List has no rising triplets")),
        }
    }

    /// The frames that are meant of so many, counted from 0. Those that there are not are left out.
    pub fn frames(&self, header: &DataSet, count: u32) -> Result<Vec<u32>, Refusal> {
        let frames: Vec<u32> = match self {
            Self::Simple(numbers) => numbers.iter().filter(|n| **n <= count).map(|n| n - 1).collect(),
            Self::Calculated(triplets) => {
                let each = triplets.iter().map(|[from, to, step]| {
                    (from - 1..count.min(*to)).step_by(usize::try_from(*step).unwrap_or(usize::MAX))
                });
                each.flatten().collect()
            }
            Self::Times([from, to]) => {
                let times_ms = times::of(header, count).ok_or(Refusal::NoTimes)?;
                // Milliseconds that were written as decimals.
                let is_within = |ms: f64| ms >= from * 1000.0 - 1e-3 && ms <= to * 1000.0 + 1e-3;
                (0..count).zip(times_ms).filter(|(_, ms)| is_within(*ms)).map(|(frame, _)| frame).collect()
            }
        };
        if frames.is_empty() { Err(Refusal::NoFrames) } else { Ok(frames) }
    }

    fn put(&self, item: &mut DataSet) {
        let longs =
            |numbers: &[u32]| numbers.iter().flat_map(|number| number.to_le_bytes()).collect::<Vec<u8>>();
        match self {
            Self::Simple(numbers) => item.put_bytes(tags::SIMPLE_FRAME_LIST, VR::UL, longs(numbers)),
            Self::Calculated(triplets) => {
                item.put_bytes(tags::CALCULATED_FRAME_LIST, VR::UL, longs(triplets.as_flattened()));
            }
            Self::Times(times) => {
                let bytes: Vec<u8> = times.iter().flat_map(|time| time.to_le_bytes()).collect();
                item.put_bytes(tags::TIME_RANGE, VR::FD, bytes);
            }
        }
    }
}

/// What belongs to the whole instance, or to a frame that may not be there any more, and is not needed (type 3).
const LEFT_OUT: [Tag; 14] = [
    tags::START_TRIM,
    tags::STOP_TRIM,
    tags::EFFECTIVE_DURATION,
    tags::ICON_IMAGE_SEQUENCE,
    tags::CONCATENATION_UID,
    tags::SOP_INSTANCE_UID_OF_CONCATENATION_SOURCE,
    tags::IN_CONCATENATION_NUMBER,
    tags::IN_CONCATENATION_TOTAL_NUMBER,
    tags::CONCATENATION_FRAME_OFFSET_NUMBER,
    tags::EXTENDED_OFFSET_TABLE,
    tags::EXTENDED_OFFSET_TABLE_LENGTHS,
    tags::MAC_PARAMETERS_SEQUENCE,
    tags::DIGITAL_SIGNATURES_SEQUENCE,
    tags::DATA_SET_TRAILING_PADDING,
];

/// Attributes with a value a frame.
const VECTORS: [Tag; 12] = [
    tags::SLICE_LOCATION_VECTOR,
    tags::PAGE_NUMBER_VECTOR,
    tags::FRAME_LABEL_VECTOR,
    tags::FRAME_PRIMARY_ANGLE_VECTOR,
    tags::FRAME_SECONDARY_ANGLE_VECTOR,
    tags::DISPLAY_WINDOW_LABEL_VECTOR,
    tags::POSITIONER_PRIMARY_ANGLE_INCREMENT,
    tags::POSITIONER_SECONDARY_ANGLE_INCREMENT,
    tags::TABLE_VERTICAL_INCREMENT,
    tags::TABLE_LATERAL_INCREMENT,
    tags::TABLE_LONGITUDINAL_INCREMENT,
    tags::TABLE_ANGLE,
];

/// The header of a new instance with these frames, counted from 0 and rising, of `count`.
pub fn header(
    source: &DataSet,
    selection: &Selection,
    frames: &[u32],
    count: u32,
    instance: &Uid,
) -> Result<DataSet, Refusal> {
    check(source)?;
    let mut made = source.clone();
    made.retain(|element| is_kept(element.tag) && !LEFT_OUT.contains(&element.tag));
    functional_groups(&mut made, frames, count)?;
    for vector in VECTORS.into_iter().filter(|tag| source.contains(*tag)) {
        let values = source.texts(vector);
        // One value is of all of them.
        if values.len() > 1 {
            made.put_texts(vector, &selected(&values, frames, count)?);
        }
    }
    times::put(source, &mut made, frames, count)?;
    interest(source, &mut made, frames);
    made.put_text(tags::NUMBER_OF_FRAMES, &frames.len().to_string());
    made.put_uid(tags::SOP_INSTANCE_UID, instance);

    let mut extraction = DataSet::like(&made);
    if let Some(element) = source.get(tags::SOP_INSTANCE_UID) {
        extraction.put(Element { tag: tags::MULTI_FRAME_SOURCE_SOP_INSTANCE_UID, ..element.clone() });
    }
    selection.put(&mut extraction);
    append(&mut made, tags::FRAME_EXTRACTION_SEQUENCE, extraction);
    let equipment = equipment(&made);
    append(&mut made, tags::CONTRIBUTING_EQUIPMENT_SEQUENCE, equipment);
    Ok(made)
}

/// Group lengths would be wrong, and of private attributes nobody knows what they say of frames (PS3.4 Y.3.3).
fn is_kept(tag: Tag) -> bool {
    tag.1 != 0 && tag.0.is_multiple_of(2)
}

/// Fails for what refers to its frames by number in ways that are not followed here.
fn check(source: &DataSet) -> Result<(), Refusal> {
    if source.int(tags::NUMBER_OF_FRAMES).is_none_or(|frames| frames < 1) {
        return Err(Refusal::NotMade("it has no number of frames"));
    }
    if source.contains(tags::MASK_SUBTRACTION_SEQUENCE) {
        return Err(Refusal::NotMade("frames of it are masks of others"));
    }
    if source.text(tags::DIMENSION_ORGANIZATION_TYPE).is_some_and(|kind| kind == "TILED_FULL") {
        return Err(Refusal::NotMade("the place of its frames follows from their order"));
    }
    let is_of_frames = |element: &Element| {
        matches!((element.tag.0 & 0xFF01, element.tag.1), (0x6000, 0x0015 | 0x0051) | (0x5000, _))
    };
    if source.iter().any(is_of_frames) {
        return Err(Refusal::NotMade("it has overlays, curves or sounds of single frames"));
    }
    Ok(())
}

fn functional_groups(made: &mut DataSet, frames: &[u32], count: u32) -> Result<(), Refusal> {
    const GROUPS: Tag = tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE;
    if !made.contains(GROUPS) {
        return Ok(());
    }
    let mut groups = selected(made.items(GROUPS), frames, count)?;
    groups.iter_mut().for_each(without_private);
    made.put_items(GROUPS, groups);
    Ok(())
}

fn without_private(set: &mut DataSet) {
    set.retain(|element| is_kept(element.tag));
    let sequences: Vec<Tag> =
        set.iter().filter(|element| matches!(element.value, Value::Items(_))).map(|e| e.tag).collect();
    for tag in sequences {
        let mut items = set.items(tag).to_vec();
        items.iter_mut().for_each(without_private);
        set.put_items(tag, items);
    }
}

/// What an attribute says of the selected frames, where it says something of each.
fn selected<T: Clone>(of_each: &[T], frames: &[u32], count: u32) -> Result<Vec<T>, Refusal> {
    let of = |frame: &u32| of_each.get(usize::try_from(*frame).unwrap_or(usize::MAX)).cloned();
    match frames.iter().map(of).collect::<Option<Vec<T>>>() {
        Some(selected) if u32::try_from(of_each.len()) == Ok(count) => Ok(selected),
        _ => Err(Refusal::NotMade("it does not say of every frame what it says of some")),
    }
}

/// Frames that somebody has pointed out, by their new numbers.
fn interest(source: &DataSet, made: &mut DataSet, frames: &[u32]) {
    let number = |old: i64| frames.iter().position(|frame| i64::from(*frame) + 1 == old).map(|at| at + 1);
    let of_interest = source.ints(tags::FRAME_NUMBERS_OF_INTEREST);
    for tag in [
        tags::REPRESENTATIVE_FRAME_NUMBER,
        tags::FRAME_NUMBERS_OF_INTEREST,
        tags::FRAME_OF_INTEREST_DESCRIPTION,
        tags::FRAME_OF_INTEREST_TYPE,
    ] {
        made.remove(tag);
    }
    let shorts = |numbers: Vec<usize>| {
        let short = |number: usize| u16::try_from(number).unwrap_or(u16::MAX).to_le_bytes();
        numbers.into_iter().flat_map(short).collect::<Vec<u8>>()
    };
    if let Some(new) = source.int(tags::REPRESENTATIVE_FRAME_NUMBER).and_then(number) {
        made.put_bytes(tags::REPRESENTATIVE_FRAME_NUMBER, VR::US, shorts(vec![new]));
    }
    let left: Vec<(usize, usize)> =
        of_interest.iter().enumerate().filter_map(|(at, old)| Some((at, number(*old)?))).collect();
    if left.is_empty() {
        return;
    }
    for tag in [tags::FRAME_OF_INTEREST_DESCRIPTION, tags::FRAME_OF_INTEREST_TYPE] {
        let texts = source.texts(tag);
        let of_left: Vec<&String> = left.iter().filter_map(|(at, _)| texts.get(*at)).collect();
        if texts.len() == of_interest.len() {
            made.put_texts(tag, &of_left);
        }
    }
    let numbers = left.into_iter().map(|(_, new)| new).collect();
    made.put_bytes(tags::FRAME_NUMBERS_OF_INTEREST, VR::US, shorts(numbers));
}

fn append(set: &mut DataSet, tag: Tag, item: DataSet) {
    let mut items = set.items(tag).to_vec();
    items.push(item);
    set.put_items(tag, items);
}

/// Who has taken the frames out (PS3.16 CID 7005).
fn equipment(like: &DataSet) -> DataSet {
    let mut purpose = DataSet::like(like);
    purpose.put_text(tags::CODE_VALUE, "109105");
    purpose.put_text(tags::CODING_SCHEME_DESIGNATOR, "DCM");
    purpose.put_text(tags::CODE_MEANING, "Frame Extracting Equipment");
    let mut equipment = DataSet::like(like);
    equipment.put_items(tags::PURPOSE_OF_REFERENCE_CODE_SEQUENCE, vec![purpose]);
    equipment.put_text(tags::MANUFACTURER, "Sen");
    equipment.put_text(tags::MANUFACTURER_MODEL_NAME, "Sen");
    equipment.put_text(tags::SOFTWARE_VERSIONS, IMPLEMENTATION_VERSION_NAME);
    equipment
}

#[cfg(test)]
mod tests;
