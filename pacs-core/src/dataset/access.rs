//! Values as text, numbers and UIDs.

use std::borrow::Cow;

use super::{DataSet, Element, Value};
use crate::text::CharacterSet;
use crate::uid::{Uid, UidError};
use crate::{Tag, VR};

impl DataSet {
    /// The first value as text: decoded, in NFC, without padding. `None` when the element is
    /// absent, empty or not held. Numbers in binary are written in decimal, attribute tags as
    /// `GGGGEEEE`.
    pub fn text(&self, tag: Tag) -> Option<String> {
        let element = self.get(tag)?;
        let text = match element.text(self.character_set())? {
            Cow::Borrowed(text) => first_value(text, element.vr).to_owned(),
            Cow::Owned(text) => first_value(&text, element.vr).to_owned(),
        };
        (!text.is_empty()).then_some(text)
    }

    /// All values as text, as [`DataSet::text`] reads them; empty ones between others are kept.
    pub fn texts(&self, tag: Tag) -> Vec<String> {
        let Some(element) = self.get(tag) else { return Vec::new() };
        let Some(text) = element.text(self.character_set()) else { return Vec::new() };
        if text.trim_matches([' ', '\0']).is_empty() {
            return Vec::new();
        }
        values(&text, element.vr).map(str::to_owned).collect()
    }

    /// The first value as a whole number: of the binary integers and of IS (also DS, where it has
    /// no fraction).
    pub fn int(&self, tag: Tag) -> Option<i64> {
        self.get(tag).and_then(|element| element.ints().next().flatten())
    }

    /// All values as whole numbers; those that are none are left out.
    pub fn ints(&self, tag: Tag) -> Vec<i64> {
        self.get(tag).map(|element| element.ints().flatten().collect()).unwrap_or_default()
    }

    /// The first value as a number: of FL, FD, DS and everything that [`DataSet::int`] reads.
    pub fn float(&self, tag: Tag) -> Option<f64> {
        self.get(tag).and_then(|element| element.floats().next().flatten())
    }

    /// All values as numbers; those that are none are left out.
    pub fn floats(&self, tag: Tag) -> Vec<f64> {
        self.get(tag).map(|element| element.floats().flatten().collect()).unwrap_or_default()
    }

    /// The first value as a UID: `None` when absent or empty, an error when it is no UID.
    pub fn uid(&self, tag: Tag) -> Option<Result<Uid, UidError>> {
        self.text(tag).map(|text| Uid::parse(&text))
    }
}

impl Element {
    /// The value field as text, with its backslashes and padding; `None` when it is not held or a
    /// sequence.
    pub fn text(&self, character_set: CharacterSet) -> Option<Cow<'_, str>> {
        let bytes = match &self.value {
            Value::Bytes(bytes) => bytes,
            _ => return None,
        };
        if self.vr == VR::AT {
            let tags: Vec<String> =
                attribute_tags(bytes).map(|tag| format!("{:04X}{:04X}", tag.0, tag.1)).collect();
            return Some(Cow::Owned(tags.join("\\")));
        }
        match number_bytes(self.vr) {
            Some(_) if matches!(self.vr, VR::FL | VR::FD | VR::OF | VR::OD) => {
                let numbers: Vec<String> = self.floats().flatten().map(|number| number.to_string()).collect();
                Some(Cow::Owned(numbers.join("\\")))
            }
            Some(_) => {
                let numbers: Vec<String> = self.ints().flatten().map(|number| number.to_string()).collect();
                Some(Cow::Owned(numbers.join("\\")))
            }
            None if crate::text::uses_character_set(self.vr) => Some(character_set.decode(bytes, self.vr)),
            // The other strings are ASCII; what is not is read with the same forgiveness.
            None => Some(CharacterSet::DEFAULT.decode(bytes, self.vr)),
        }
    }

    fn ints(&self) -> Box<dyn Iterator<Item = Option<i64>> + '_> {
        let Some(bytes) = self.bytes() else { return Box::new(std::iter::empty()) };
        match self.vr {
            VR::IS | VR::DS => Box::new(bytes.split(|&b| b == b'\\').map(integer_string)),
            VR::US | VR::OW => Box::new(units(bytes).map(|unit| Some(u16::from_le_bytes(unit).into()))),
            VR::SS => Box::new(units(bytes).map(|unit| Some(i16::from_le_bytes(unit).into()))),
            VR::UL | VR::OL => Box::new(units(bytes).map(|unit| Some(u32::from_le_bytes(unit).into()))),
            VR::SL => Box::new(units(bytes).map(|unit| Some(i32::from_le_bytes(unit).into()))),
            VR::UV | VR::OV => {
                Box::new(units(bytes).map(|unit| i64::try_from(u64::from_le_bytes(unit)).ok()))
            }
            VR::SV => Box::new(units(bytes).map(|unit| Some(i64::from_le_bytes(unit)))),
            _ => Box::new(std::iter::empty()),
        }
    }

    fn floats(&self) -> Box<dyn Iterator<Item = Option<f64>> + '_> {
        let Some(bytes) = self.bytes() else { return Box::new(std::iter::empty()) };
        match self.vr {
            VR::DS | VR::IS => Box::new(bytes.split(|&b| b == b'\\').map(decimal_string)),
            VR::FL | VR::OF => Box::new(units(bytes).map(|unit| Some(f32::from_le_bytes(unit).into()))),
            VR::FD | VR::OD => Box::new(units(bytes).map(|unit| Some(f64::from_le_bytes(unit)))),
            _ => Box::new(self.ints().map(|number| number.map(|n| n as f64))),
        }
    }
}

/// The size of one number where the VR is binary numbers.
fn number_bytes(vr: VR) -> Option<usize> {
    match super::swap::unit_bytes(vr) {
        1 => None,
        bytes => Some(bytes),
    }
}

/// The values of a decoded field, without the padding that the VR allows.
pub(crate) fn values(text: &str, vr: VR) -> impl Iterator<Item = &str> {
    let most = if crate::text::has_many_values(vr) { usize::MAX } else { 1 };
    text.splitn(most, '\\').map(move |value| trim(value, vr))
}

fn first_value(text: &str, vr: VR) -> &str {
    values(text, vr).next().unwrap_or_default()
}

/// Takes padding off: at the end everywhere, in front too except in text whose leading spaces are
/// part of it (PS3.5 6.2).
fn trim(value: &str, vr: VR) -> &str {
    let padding = [' ', '\0'];
    match vr {
        VR::LT | VR::ST | VR::UT | VR::UC | VR::UR => value.trim_end_matches(padding),
        _ => value.trim_matches(padding),
    }
}

/// The tags in a value of VR AT.
pub(crate) fn attribute_tags(bytes: &[u8]) -> impl Iterator<Item = Tag> + '_ {
    units::<4>(bytes).map(|[a, b, c, d]| Tag(u16::from_le_bytes([a, b]), u16::from_le_bytes([c, d])))
}

/// The whole units of a binary value; an incomplete last one is left out.
pub(crate) fn units<const N: usize>(bytes: &[u8]) -> impl Iterator<Item = [u8; N]> + '_ {
    bytes.as_chunks::<N>().0.iter().copied()
}

fn trimmed_number(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok().map(|text| text.trim_matches([' ', '\0', '\t']))
}

fn integer_string(bytes: &[u8]) -> Option<i64> {
    let text = trimmed_number(bytes)?;
    text.parse().ok().or_else(|| {
        let number: f64 = decimal(text)?;
        (number.fract() == 0.0 && number.abs() < 9.0e15).then_some(number as i64)
    })
}

fn decimal_string(bytes: &[u8]) -> Option<f64> {
    decimal(trimmed_number(bytes)?)
}

/// A decimal string that is a finite number; the words that Rust would take (`inf`, `nan`) are not.
fn decimal(text: &str) -> Option<f64> {
    let plain = !text.is_empty()
        && text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.' | b'e' | b'E'));
    let number: f64 = if plain { text.parse().ok()? } else { return None };
    number.is_finite().then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tags;

    fn set(tag: Tag, vr: VR, bytes: &'static [u8]) -> DataSet {
        DataSet::from_iter([Element::new(tag, vr, bytes)])
    }

    #[test]
    fn text_is_trimmed_and_split() {
        let set = set(tags::IMAGE_TYPE, VR::CS, b"ORIGINAL \\PRIMARY\\\\AXIAL ");
        assert_eq!(set.text(tags::IMAGE_TYPE).as_deref(), Some("ORIGINAL"));
        assert_eq!(set.texts(tags::IMAGE_TYPE), ["ORIGINAL", "PRIMARY", "", "AXIAL"]);
        assert_eq!(set.text(tags::PATIENT_ID), None);
    }

    #[test]
    fn long_text_keeps_its_backslashes_and_indentation() {
        let set = set(tags::PATIENT_COMMENTS, VR::LT, b"  a\\b ");
        assert_eq!(set.text(tags::PATIENT_COMMENTS).as_deref(), Some("  a\\b"));
        assert_eq!(set.texts(tags::PATIENT_COMMENTS), ["  a\\b"]);
    }

    #[test]
    fn numbers_are_read_from_every_representation() {
        for (vr, bytes, int, float) in [
            (VR::IS, &b" +12 "[..], Some(12), Some(12.0)),
            (VR::IS, b"12.0", Some(12), Some(12.0)),
            (VR::IS, b"1A", None, None),
            (VR::IS, b"", None, None),
            (VR::DS, b"-1.5e1", Some(-15), Some(-15.0)),
            (VR::DS, b"0.5", None, Some(0.5)),
            (VR::DS, b"inf", None, None),
            (VR::US, b"\x01\x80", Some(0x8001), Some(32769.0)),
            (VR::SS, b"\xff\xff", Some(-1), Some(-1.0)),
            (VR::UL, b"\xff\xff\xff\xff", Some(0xffff_ffff), Some(4294967295.0)),
            (VR::SL, b"\xfe\xff\xff\xff", Some(-2), Some(-2.0)),
            (VR::UV, b"\xff\xff\xff\xff\xff\xff\xff\xff", None, None),
            (VR::SV, b"\xff\xff\xff\xff\xff\xff\xff\xff", Some(-1), Some(-1.0)),
            (VR::FL, b"\0\0\x80\x3f", None, Some(1.0)),
            (VR::FD, b"\0\0\0\0\0\0\xf0\x3f", None, Some(1.0)),
            (VR::US, b"\x01", None, None),
        ] {
            let set = DataSet::from_iter([Element::new(tags::ROWS, vr, bytes)]);
            assert_eq!(set.int(tags::ROWS), int, "{vr:?} {bytes:?}");
            assert_eq!(set.float(tags::ROWS), float, "{vr:?} {bytes:?}");
        }
    }

    #[test]
    fn uids_are_absent_bad_or_good() {
        assert!(set(tags::SOP_INSTANCE_UID, VR::UI, b"").uid(tags::SOP_INSTANCE_UID).is_none());
        assert!(set(tags::SOP_INSTANCE_UID, VR::UI, b"../etc").uid(tags::SOP_INSTANCE_UID).unwrap().is_err());
        let good = set(tags::SOP_INSTANCE_UID, VR::UI, b"1.2.3\0").uid(tags::SOP_INSTANCE_UID).unwrap();
        assert_eq!(good.unwrap().as_str(), "1.2.3");
    }

    #[test]
    fn binary_values_have_a_text() {
        assert_eq!(set(tags::ROWS, VR::US, b"\x00\x02").text(tags::ROWS).as_deref(), Some("512"));
        let pointer = set(tags::FRAME_INCREMENT_POINTER, VR::AT, b"\x18\x00\x63\x10");
        assert_eq!(pointer.text(tags::FRAME_INCREMENT_POINTER).as_deref(), Some("00181063"));
    }
}
