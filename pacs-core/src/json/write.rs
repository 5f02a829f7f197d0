//! Data sets as DICOM JSON.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::number::{push_formatted, push_long, push_number};
use super::object::Head;
use super::text::{push_string, push_texts};
use crate::dataset::{DataSet, Element, Value, attribute_tags, units};
use crate::{Tag, VR, tags};

/// Binary values up to this length are written inline where there is a choice.
pub const INLINE_BYTES: usize = 1024;

/// One step into a sequence on the way to an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PathStep {
    /// The sequence.
    pub tag: Tag,
    /// Which of its items, from 0.
    pub item: usize,
}

/// Gives the BulkDataURI of a value: asked with the way to the element, its tag and its VR.
pub type BulkDataUri<'a> = dyn Fn(&[PathStep], Tag, VR) -> Option<String> + 'a;

/// Appends the data set as one JSON object.
///
/// `bulk` is asked about values that are not held, encapsulated pixel data and binary values longer
/// than [`INLINE_BYTES`]. Where it answers `None`, a held value is written inline and one that is not held is left out
/// with its element. Group lengths are left out (PS3.18 F.2.2); text is UTF-8, which Specific
/// Character Set says where it is present.
pub fn write(set: &DataSet, out: &mut Vec<u8>, bulk: &BulkDataUri<'_>) {
    Writer { out, bulk, path: Vec::new() }.set(set);
}

/// The data set as text, everything inline that is held.
pub fn to_string(set: &DataSet) -> String {
    let mut out = Vec::new();
    write(set, &mut out, &|_, _, _| None);
    String::from_utf8(out).unwrap_or_default()
}

struct Writer<'a> {
    out: &'a mut Vec<u8>,
    bulk: &'a BulkDataUri<'a>,
    path: Vec<PathStep>,
}

impl Writer<'_> {
    fn set(&mut self, set: &DataSet) {
        self.out.push(b'{');
        let mut first = true;
        for element in set {
            if element.tag.1 == 0 || (element.tag == tags::SPECIFIC_CHARACTER_SET && !self.path.is_empty()) {
                continue;
            }
            let before = self.out.len();
            if !first {
                self.out.push(b',');
            }
            if self.element(set, element) {
                first = false;
            } else {
                self.out.truncate(before);
            }
        }
        self.out.push(b'}');
    }

    /// Writes one attribute; `false` when it has a value that cannot be given.
    fn element(&mut self, set: &DataSet, element: &Element) -> bool {
        let Element { tag, vr, value } = element;
        Head::of(*tag, *vr).push(self.out);
        let written = match value {
            _ if *tag == tags::SPECIFIC_CHARACTER_SET => {
                self.out.extend_from_slice(b",\"Value\":[\"ISO_IR 192\"]");
                true
            }
            _ if element.is_empty() => true,
            Value::Items(items) => {
                self.items(*tag, items);
                true
            }
            Value::Bytes(bytes) if is_binary(*vr) => {
                if bytes.len() <= INLINE_BYTES || !self.bulk_data_uri(*tag, *vr) {
                    self.inline(bytes);
                }
                true
            }
            Value::Bytes(bytes) => {
                self.values(set, element, bytes);
                true
            }
            Value::Elsewhere { .. } | Value::Fragments(_) => *vr != VR::SQ && self.bulk_data_uri(*tag, *vr),
        };
        self.out.push(b'}');
        written
    }

    fn items(&mut self, tag: Tag, items: &[DataSet]) {
        self.out.extend_from_slice(b",\"Value\":[");
        for (item, set) in items.iter().enumerate() {
            if item > 0 {
                self.out.push(b',');
            }
            self.path.push(PathStep { tag, item });
            self.set(set);
            self.path.pop();
        }
        self.out.push(b']');
    }

    fn bulk_data_uri(&mut self, tag: Tag, vr: VR) -> bool {
        let Some(uri) = (self.bulk)(&self.path, tag, vr) else { return false };
        self.out.extend_from_slice(b",\"BulkDataURI\":");
        push_string(self.out, &uri);
        true
    }

    fn inline(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(b",\"InlineBinary\":\"");
        let start = self.out.len();
        self.out.resize(start + bytes.len().div_ceil(3) * 4, 0);
        let written = self.out.get_mut(start..).map(|place| STANDARD.encode_slice(bytes, place));
        self.out.truncate(start + written.and_then(Result::ok).unwrap_or(0));
        self.out.push(b'"');
    }

    fn values(&mut self, set: &DataSet, element: &Element, bytes: &[u8]) {
        let start = self.out.len();
        self.out.extend_from_slice(b",\"Value\":[");
        let values_start = self.out.len();
        match element.vr {
            VR::AT => self.each(attribute_tags(bytes), |out, tag| {
                out.push(b'"');
                out.extend_from_slice(&super::key(tag));
                out.push(b'"');
            }),
            VR::US => self.each(units(bytes), |out, unit| push_number(out, u16::from_le_bytes(unit))),
            VR::SS => self.each(units(bytes), |out, unit| push_number(out, i16::from_le_bytes(unit))),
            VR::UL => self.each(units(bytes), |out, unit| push_number(out, u32::from_le_bytes(unit))),
            VR::SL => self.each(units(bytes), |out, unit| push_number(out, i32::from_le_bytes(unit))),
            VR::UV => self.each(units(bytes), |out, unit| push_long(out, u64::from_le_bytes(unit).into())),
            VR::SV => self.each(units(bytes), |out, unit| push_long(out, i64::from_le_bytes(unit).into())),
            VR::FL => self.each(units(bytes), |out, unit| {
                let number = f32::from_le_bytes(unit);
                push_float(out, number.into(), format_args!("{number:?}"));
            }),
            VR::FD => self.each(units(bytes), |out, unit| {
                let number = f64::from_le_bytes(unit);
                push_float(out, number, format_args!("{number:?}"));
            }),
            vr => {
                if let Some(text) = element.text(set.character_set()) {
                    push_texts(self.out, vr, &text);
                }
            }
        }
        if self.out.len() == values_start {
            // Nothing but padding: no value.
            self.out.truncate(start);
        } else {
            self.out.push(b']');
        }
    }

    fn each<T>(&mut self, items: impl Iterator<Item = T>, mut push: impl FnMut(&mut Vec<u8>, T)) {
        for (at, item) in items.enumerate() {
            if at > 0 {
                self.out.push(b',');
            }
            push(self.out, item);
        }
    }
}

/// Whether the VR's value is InlineBinary or bulk data (PS3.18 table F.2.3-1).
pub(super) fn is_binary(vr: VR) -> bool {
    matches!(vr, VR::OB | VR::OD | VR::OF | VR::OL | VR::OV | VR::OW | VR::UN)
}

/// A finite number as it prints shortest, another as the text that PS3.18 F.2.3 gives it.
fn push_float(out: &mut Vec<u8>, number: f64, shortest: std::fmt::Arguments<'_>) {
    match number {
        _ if number.is_finite() => push_formatted(out, shortest),
        _ if number.is_nan() => out.extend_from_slice(b"\"NaN\""),
        _ if number > 0.0 => out.extend_from_slice(b"\"inf\""),
        _ => out.extend_from_slice(b"\"-inf\""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(set: &DataSet) -> serde_json::Value {
        serde_json::from_str(&to_string(set)).unwrap()
    }

    #[test]
    fn every_kind_of_value_has_its_form() {
        let mut item = DataSet::new();
        item.put_text(tags::CODE_VALUE, "T-D3000");
        let mut set = DataSet::new();
        set.put_text(tags::PATIENT_NAME, "Nguyễn^Văn A=阮^文");
        set.put_texts(tags::IMAGE_TYPE, &["ORIGINAL", "", "AXIAL"]);
        set.put_text(tags::INSTANCE_NUMBER, "+05");
        set.put_text(tags::SLICE_THICKNESS, "about 5");
        set.put_text(tags::PIXEL_SPACING, "0.50\\.5");
        set.put_int(tags::ROWS, 512);
        set.put_text(tags::FRAME_INCREMENT_POINTER, "00181063");
        set.put_empty(tags::ACCESSION_NUMBER);
        set.put_items(tags::PROCEDURE_CODE_SEQUENCE, vec![item, DataSet::new()]);
        set.put_bytes(Tag(0x0009, 0x1001), VR::UN, &b"\x01\x02"[..]);
        set.put_bytes(Tag(0x0009, 0x0010), VR::LO, &b"MAKER \"x\"\t"[..]);
        set.put_bytes(Tag(0x0010, 0x0000), VR::UL, &[0u8; 4][..]);
        set.put_bytes(tags::REAL_WORLD_VALUE_SLOPE, VR::FD, f64::INFINITY.to_le_bytes().to_vec());
        set.put_bytes(tags::PATIENT_COMMENTS, VR::LT, &b"   "[..]);
        assert_eq!(
            json(&set),
            serde_json::json!({
                "00080005": {"vr": "CS", "Value": ["ISO_IR 192"]},
                "00080008": {"vr": "CS", "Value": ["ORIGINAL", null, "AXIAL"]},
                "00080050": {"vr": "SH"},
                "00081032": {"vr": "SQ", "Value": [{"00080100": {"vr": "SH", "Value": ["T-D3000"]}}, {}]},
                "00090010": {"vr": "LO", "Value": ["MAKER \"x\"\t"]},
                "00091001": {"vr": "UN", "InlineBinary": "AQI="},
                "00100010": {"vr": "PN", "Value": [{"Alphabetic": "Nguyễn^Văn A", "Ideographic": "阮^文"}]},
                "00104000": {"vr": "LT"},
                "00180050": {"vr": "DS", "Value": ["about 5"]},
                "00200013": {"vr": "IS", "Value": [5]},
                "00280009": {"vr": "AT", "Value": ["00181063"]},
                "00280010": {"vr": "US", "Value": [512]},
                "00280030": {"vr": "DS", "Value": [0.50, 0.5]},
                "00409225": {"vr": "FD", "Value": ["inf"]},
            })
        );
    }

    #[test]
    fn large_values_are_named_by_their_path() {
        let mut item = DataSet::new();
        item.put_bytes(tags::PIXEL_DATA, VR::OB, vec![0; INLINE_BYTES + 1]);
        let mut set = DataSet::new();
        set.put_items(tags::ICON_IMAGE_SEQUENCE, vec![item]);
        set.put(Element {
            tag: tags::PIXEL_DATA,
            vr: VR::OW,
            value: Value::Elsewhere { offset: 1, length: 2 },
        });
        let mut out = Vec::new();
        write(&set, &mut out, &|path, tag, _| {
            let steps: String = path.iter().map(|step| format!("{}/{}/", step.tag, step.item)).collect();
            Some(format!("b/{steps}{tag}"))
        });
        let json: serde_json::Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(json["7FE00010"]["BulkDataURI"], "b/(7FE0,0010)");
        assert_eq!(json["00880200"]["Value"][0]["7FE00010"]["BulkDataURI"], "b/(0088,0200)/0/(7FE0,0010)");
        // Without an URI the held value is inline, the other is left out.
        let json: serde_json::Value = serde_json::from_str(&to_string(&set)).unwrap();
        assert!(json.get("7FE00010").is_none());
        assert!(json["00880200"]["Value"][0]["7FE00010"]["InlineBinary"].is_string());
    }
}
