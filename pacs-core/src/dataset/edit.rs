//! Building and changing data sets.

use bytes::Bytes;

use super::{DataSet, Element, Value, vr_of};
use crate::text::{CharacterSet, uses_character_set};
use crate::uid::Uid;
use crate::{Tag, VR, tags};

impl DataSet {
    /// Puts a text under the VR that the dictionary gives the tag, in the character set of the data
    /// set; where that is named already, the name stays. Several values may be given with backslashes
    /// between them, where the VR has several. For binary numbers the text is read as decimal.
    pub fn put_text(&mut self, tag: Tag, text: &str) {
        self.put_text_as(tag, vr_of(tag), text);
    }

    /// [`DataSet::put_text`] for a tag whose VR the caller knows better than the dictionary.
    pub fn put_text_as(&mut self, tag: Tag, vr: VR, text: &str) {
        let bytes = match vr {
            VR::AT => text.split('\\').filter_map(super::tag_of).flat_map(tag_bytes).collect(),
            VR::FL | VR::FD => text
                .split('\\')
                .filter_map(|value| value.trim().parse().ok())
                .flat_map(|n| float_bytes(vr, n))
                .collect(),
            VR::US | VR::SS | VR::UL | VR::SL | VR::UV | VR::SV => text
                .split('\\')
                .filter_map(|value| value.trim().parse().ok())
                .flat_map(|n| integer_bytes(vr, n))
                .collect(),
            VR::SQ => {
                self.put(Element { tag, vr, value: Value::Items(Vec::new()) });
                return;
            }
            _ if uses_character_set(vr) => {
                // A name that is there may list code extensions that other values are written in.
                if !text.is_ascii() && !self.contains(tags::SPECIFIC_CHARACTER_SET) {
                    self.name_character_set();
                }
                self.character_set().encode(text)
            }
            _ => CharacterSet::DEFAULT.encode(text),
        };
        self.put(Element::new(tag, vr, bytes));
    }

    /// Puts several values, as [`DataSet::put_text`] does one.
    pub fn put_texts<T: AsRef<str>>(&mut self, tag: Tag, texts: &[T]) {
        let texts: Vec<&str> = texts.iter().map(AsRef::as_ref).collect();
        self.put_text(tag, &texts.join("\\"));
    }

    /// Puts a whole number under the VR of the dictionary; one outside the range of a binary VR
    /// takes the nearest value in it.
    pub fn put_int(&mut self, tag: Tag, number: i64) {
        let vr = vr_of(tag);
        match vr {
            VR::US | VR::SS | VR::UL | VR::SL | VR::UV | VR::SV => {
                self.put(Element::new(tag, vr, integer_bytes(vr, number)));
            }
            VR::FL | VR::FD => self.put(Element::new(tag, vr, float_bytes(vr, number as f64))),
            _ => self.put_text_as(tag, vr, &number.to_string()),
        }
    }

    /// Puts a number under the VR of the dictionary; DS gets at most the 16 characters it
    /// allows, and no value when the number is not finite.
    pub fn put_float(&mut self, tag: Tag, number: f64) {
        let vr = vr_of(tag);
        match vr {
            VR::FL | VR::FD => self.put(Element::new(tag, vr, float_bytes(vr, number))),
            VR::DS if number.is_finite() => self.put_text_as(tag, vr, &decimal_string(number)),
            VR::DS => self.put_empty(tag),
            _ => self.put_int(tag, number.round() as i64),
        }
    }

    /// Puts a UID.
    pub fn put_uid(&mut self, tag: Tag, uid: &Uid) {
        self.put(Element::new(tag, VR::UI, Bytes::copy_from_slice(uid.as_str().as_bytes())));
    }

    /// Puts a sequence. Items in the same character set as this data set leave naming it to it.
    pub fn put_items(&mut self, tag: Tag, mut items: Vec<DataSet>) {
        for item in &mut items {
            if item.character_set() == self.character_set() {
                if item.remove(tags::SPECIFIC_CHARACTER_SET).is_some() {
                    self.name_character_set();
                }
            } else if !item.contains(tags::SPECIFIC_CHARACTER_SET) {
                item.name_character_set();
            }
        }
        self.put(Element { tag, vr: VR::SQ, value: Value::Items(items) });
    }

    /// Puts bytes as they are: numbers little endian, text in the set's character set.
    pub fn put_bytes(&mut self, tag: Tag, vr: VR, bytes: impl Into<Bytes>) {
        self.put(Element::new(tag, vr, bytes));
    }

    /// Puts an element without a value, under the VR of the dictionary.
    pub fn put_empty(&mut self, tag: Tag) {
        let vr = vr_of(tag);
        let value = if vr == VR::SQ { Value::Items(Vec::new()) } else { Value::Bytes(Bytes::new()) };
        self.put(Element { tag, vr, value });
    }

    /// The same data set with its text in another character set, (0008,0005) saying so, items of
    /// sequences included. For a set without a letter its base letter is written, see
    /// [`CharacterSet::encode`]. Values that are not held stay as they lie.
    pub fn encode_text_in(&self, character_set: CharacterSet) -> DataSet {
        let mut encoded = self.encoded_without_name(character_set);
        encoded.name_character_set();
        encoded
    }

    fn encoded_without_name(&self, character_set: CharacterSet) -> DataSet {
        let from = self.character_set();
        let elements =
            self.iter().filter(|element| element.tag != tags::SPECIFIC_CHARACTER_SET).map(|element| {
                let value = match &element.value {
                    Value::Bytes(bytes)
                        if uses_character_set(element.vr) && element.vr != VR::UN && !plain(bytes) =>
                    {
                        Value::Bytes(character_set.encode(&from.decode(bytes, element.vr)).into())
                    }
                    Value::Items(items) => Value::Items(
                        items.iter().map(|item| item.encoded_without_name(character_set)).collect(),
                    ),
                    other => other.clone(),
                };
                Element { tag: element.tag, vr: element.vr, value }
            });
        DataSet::from_sorted(elements.collect(), character_set)
    }

    /// Makes (0008,0005) say what the character set is.
    fn name_character_set(&mut self) {
        match self.character_set().name() {
            Some(name) => {
                // The element alone: the character set is what it is being named.
                let character_set = self.character_set();
                self.put(Element::new(tags::SPECIFIC_CHARACTER_SET, VR::CS, name.into_bytes()));
                self.set_character_set(character_set);
            }
            None => {
                self.remove(tags::SPECIFIC_CHARACTER_SET);
            }
        }
    }
}

/// Whether the bytes mean the same in every character set.
fn plain(bytes: &[u8]) -> bool {
    bytes.iter().all(|&b| b < 0x80 && b != 0x1b)
}

fn tag_bytes(tag: Tag) -> [u8; 4] {
    let ([a, b], [c, d]) = (tag.0.to_le_bytes(), tag.1.to_le_bytes());
    [a, b, c, d]
}

/// The value of a binary VR that is nearest to the number.
pub(crate) fn in_range(vr: VR, number: i64) -> i64 {
    match vr {
        VR::US => number.clamp(0, u16::MAX.into()),
        VR::SS => number.clamp(i16::MIN.into(), i16::MAX.into()),
        VR::UL => number.clamp(0, u32::MAX.into()),
        VR::SL => number.clamp(i32::MIN.into(), i32::MAX.into()),
        VR::UV => number.max(0),
        _ => number,
    }
}

pub(crate) fn integer_bytes(vr: VR, number: i64) -> Vec<u8> {
    let number = in_range(vr, number);
    match vr {
        VR::US => (number as u16).to_le_bytes().to_vec(),
        VR::SS => (number as i16).to_le_bytes().to_vec(),
        VR::UL => (number as u32).to_le_bytes().to_vec(),
        VR::SL => (number as i32).to_le_bytes().to_vec(),
        _ => number.to_le_bytes().to_vec(),
    }
}

pub(crate) fn float_bytes(vr: VR, number: f64) -> Vec<u8> {
    match vr {
        VR::FL => (number as f32).to_le_bytes().to_vec(),
        _ => number.to_le_bytes().to_vec(),
    }
}

/// The text of a number in the 16 characters of VR DS: exact where it fits, else the one that comes
/// nearest, plain or with an exponent.
pub(crate) fn decimal_string(number: f64) -> String {
    const CHARS: usize = 16;
    let shortest = |number: f64| {
        [number.to_string(), format!("{number:e}")].into_iter().find(|text| text.len() <= CHARS)
    };
    if let Some(exact) = shortest(number) {
        return exact;
    }
    let longest = |write: fn(f64, usize) -> String| {
        (0..CHARS).rev().map(|digits| write(number, digits)).find(|text| text.len() <= CHARS)
    };
    let plain = longest(|number, digits| format!("{number:.digits$}"));
    let scientific = longest(|number, digits| format!("{number:.digits$e}"));
    let error = |text: &String| text.parse().map_or(f64::INFINITY, |read: f64| (read - number).abs());
    plain
        .into_iter()
        .chain(scientific)
        .min_by(|a, b| error(a).total_cmp(&error(b)))
        .map(|text| text.parse().ok().and_then(shortest).unwrap_or(text))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_take_the_form_of_their_representation() {
        let mut set = DataSet::new();
        set.put_int(tags::ROWS, 512);
        set.put_int(tags::INSTANCE_NUMBER, -3);
        set.put_int(tags::COLUMNS, 1 << 40);
        set.put_float(tags::SLICE_THICKNESS, 1.0 / 3.0);
        set.put_float(tags::REAL_WORLD_VALUE_SLOPE, 0.5);
        set.put_text(tags::FRAME_INCREMENT_POINTER, "00181063\\FrameTimeVector");
        set.put_texts(tags::IMAGE_TYPE, &["DERIVED", "PRIMARY"]);
        assert_eq!(set.int(tags::ROWS), Some(512));
        assert_eq!(set.int(tags::COLUMNS), Some(65535));
        assert_eq!(set.text(tags::INSTANCE_NUMBER).as_deref(), Some("-3"));
        assert!(set.text(tags::SLICE_THICKNESS).unwrap().len() <= 16);
        assert!((set.float(tags::SLICE_THICKNESS).unwrap() - 1.0 / 3.0).abs() < 1e-9);
        assert_eq!(set.float(tags::REAL_WORLD_VALUE_SLOPE), Some(0.5));
        assert_eq!(set.texts(tags::FRAME_INCREMENT_POINTER), ["00181063", "00181065"]);
        assert_eq!(set.texts(tags::IMAGE_TYPE), ["DERIVED", "PRIMARY"]);
        assert!(!set.contains(tags::SPECIFIC_CHARACTER_SET));
    }

    #[test]
    fn decimal_strings_fit_and_lose_little() {
        for (number, want) in [
            (0.5, "0.5"),
            (512.0, "512"),
            (1.0 / 3.0, "0.33333333333333"),
            (-1.0 / 3.0, "-0.3333333333333"),
            (0.312_544_444_444_444_44, "0.31254444444444"),
            (1.0 / 3.0e10, "3.3333333333e-11"),
            (1.0e300, "1e300"),
            (-1.0e-300 / 3.0, "-3.33333333e-301"),
            (123_456_789.123_456_79, "123456789.123457"),
        ] {
            let text = decimal_string(number);
            assert_eq!(text, want);
            assert!(text.len() <= 16);
        }
    }

    #[test]
    fn the_character_set_is_named_when_it_matters() {
        let mut item = DataSet::new();
        item.put_text(tags::CODE_MEANING, "Ngực");
        assert_eq!(item.text(tags::SPECIFIC_CHARACTER_SET).as_deref(), Some("ISO_IR 192"));
        let mut set = DataSet::new();
        set.put_items(tags::PROCEDURE_CODE_SEQUENCE, vec![item]);
        assert_eq!(set.text(tags::SPECIFIC_CHARACTER_SET).as_deref(), Some("ISO_IR 192"));
        assert!(!set.items(tags::PROCEDURE_CODE_SEQUENCE)[0].contains(tags::SPECIFIC_CHARACTER_SET));
    }

    #[test]
    fn a_name_that_is_put_beside_japanese_text_leaves_its_escapes_readable() {
        let mut set = DataSet::new();
        set.put_bytes(tags::SPECIFIC_CHARACTER_SET, VR::CS, &b"\\ISO 2022 IR 87"[..]);
        set.put_bytes(tags::INSTITUTION_NAME, VR::LO, &b"\x1b$B;3ED\x1b(B"[..]);
        set.put_text(tags::PATIENT_NAME, "Müller");
        assert_eq!(set.texts(tags::SPECIFIC_CHARACTER_SET), ["", "ISO 2022 IR 87"]);
        assert_eq!(set.text(tags::INSTITUTION_NAME).as_deref(), Some("山田"));
        assert_eq!(set.text(tags::PATIENT_NAME).as_deref(), Some("Muller"));

        let mut item = DataSet::like(&set);
        item.put_bytes(tags::CODE_MEANING, VR::LO, &b"\x1b$B;3ED\x1b(B"[..]);
        let mut other = DataSet::new();
        other.put_items(tags::PROCEDURE_CODE_SEQUENCE, vec![item]);
        let meaning = other.items(tags::PROCEDURE_CODE_SEQUENCE)[0].text(tags::CODE_MEANING);
        assert_eq!(meaning.as_deref(), Some("山田"));
        let item = &other.items(tags::PROCEDURE_CODE_SEQUENCE)[0];
        assert_eq!(item.texts(tags::SPECIFIC_CHARACTER_SET), ["", "ISO 2022 IR 87"]);
    }

    #[test]
    fn an_old_console_gets_latin_1() {
        let mut item = DataSet::new();
        item.put_text(tags::CODE_MEANING, "Ngực");
        let mut set = DataSet::new();
        set.put_text(tags::PATIENT_NAME, "NGUYỄN^ĐỨC");
        set.put_items(tags::PROCEDURE_CODE_SEQUENCE, vec![item]);
        let latin = set.encode_text_in(CharacterSet::LATIN_1);
        assert_eq!(latin.text(tags::SPECIFIC_CHARACTER_SET).as_deref(), Some("ISO_IR 100"));
        assert_eq!(latin.text(tags::PATIENT_NAME).as_deref(), Some("NGUYEN^DUC"));
        assert_eq!(
            latin.items(tags::PROCEDURE_CODE_SEQUENCE)[0].text(tags::CODE_MEANING).as_deref(),
            Some("Nguc")
        );
        let ascii = set.encode_text_in(CharacterSet::DEFAULT);
        assert!(!ascii.contains(tags::SPECIFIC_CHARACTER_SET));
    }
}
