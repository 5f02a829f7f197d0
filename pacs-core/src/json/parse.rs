//! DICOM JSON as data sets.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::Deserializer;
use serde::de::{DeserializeSeed, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::value::{JsonValue, attribute};
use super::write::is_binary;
use crate::dataset::{DataSet, Element, Value, tag_of, vr_of};
use crate::text::CharacterSet;
use crate::{Tag, VR, tags};

/// How much JSON is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JsonLimits {
    /// The longest document.
    pub document_bytes: usize,
    /// What is retained of it, with a fixed charge an element, an item and a value: `{}` is two
    /// bytes of a document and many more of memory.
    pub retained_bytes: usize,
}

impl Default for JsonLimits {
    fn default() -> Self {
        Self { document_bytes: 32 << 20, retained_bytes: 48 << 20 }
    }
}

/// Why a document is no DICOM JSON.
#[derive(Debug, thiserror::Error)]
pub enum JsonError {
    /// Longer than the limit.
    #[error("the document has {0} bytes, more than are read")]
    TooLarge(usize),
    /// More elements, items and values than the limit of memory allows.
    #[error("the document has more values than are read")]
    TooMany,
    /// Not JSON, or not of the form of annex F. The text names the place and the tag, no value.
    #[error("not DICOM JSON: {0}")]
    Malformed(String),
}

/// An element whose value is not in the document but where it says (PS3.18 F.2.2, BulkDataURI).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BulkReference<'a> {
    /// Which of the document's data sets it belongs to, from 0.
    pub set: usize,
    /// Whether it belongs to an item of a sequence in that data set.
    pub nested: bool,
    /// The element.
    pub tag: Tag,
    /// Its VR.
    pub vr: VR,
    /// The BulkDataURI as it stands.
    pub uri: &'a str,
}

/// Gives the value that a BulkDataURI names.
pub type BulkValue<'a> = dyn FnMut(&BulkReference<'_>) -> Option<Value> + 'a;

/// Reads a document: an array of data sets, or one data set, their text in UTF-8. Elements whose
/// values are not in the document (BulkDataURI) are left out. What is common and harmless is
/// forgiven: numbers as text and text as numbers, a missing `vr` of a known tag, person names as
/// plain text. Sequences may be nested as deeply as the JSON reader's own limit allows, about forty
/// levels.
pub fn parse(document: &[u8], limits: &JsonLimits) -> Result<Vec<DataSet>, JsonError> {
    parse_with(document, limits, &mut |_| None)
}

/// [`parse`] with the values that are not in the document: `bulk` is asked for each of them in the
/// order of the document, and an element for which it answers `None` is left out.
pub fn parse_with(
    document: &[u8],
    limits: &JsonLimits,
    bulk: &mut BulkValue<'_>,
) -> Result<Vec<DataSet>, JsonError> {
    if document.len() > limits.document_bytes {
        return Err(JsonError::TooLarge(document.len()));
    }
    let mut json = serde_json::Deserializer::from_slice(document);
    let mut reading = Reading { bulk, set: 0, depth: 0, left: limits.retained_bytes };
    let sets = json.deserialize_any(DocumentVisitor { reading: &mut reading });
    match sets.and_then(|sets| json.end().map(|()| sets)) {
        Ok(sets) => Ok(sets),
        Err(_) if reading.left == 0 => Err(JsonError::TooMany),
        Err(error) => Err(JsonError::Malformed(error.to_string())),
    }
}

/// What the parts of a document share while it is read.
struct Reading<'b> {
    bulk: &'b mut BulkValue<'b>,
    /// Which data set of the document is being read.
    set: usize,
    /// How many items lead into it.
    depth: usize,
    /// How many bytes may still be retained; 0 once it was not enough.
    left: usize,
}

impl Reading<'_> {
    fn charge<E: serde::de::Error>(&mut self, bytes: usize) -> Result<(), E> {
        match self.left.checked_sub(bytes) {
            Some(left) if left > 0 => {
                self.left = left;
                Ok(())
            }
            _ => {
                self.left = 0;
                Err(E::custom("more values than are read"))
            }
        }
    }
}

struct DocumentVisitor<'a, 'b> {
    reading: &'a mut Reading<'b>,
}

impl<'de> Visitor<'de> for DocumentVisitor<'_, '_> {
    type Value = Vec<DataSet>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a data set or an array of them")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Vec<DataSet>, A::Error> {
        let mut sets = Vec::new();
        while let Some(set) = sequence.next_element_seed(SetSeed { reading: &mut *self.reading })? {
            self.reading.charge::<A::Error>(size_of::<DataSet>())?;
            sets.push(set);
            self.reading.set = sets.len();
        }
        Ok(sets)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Vec<DataSet>, A::Error> {
        Ok(vec![SetSeed { reading: self.reading }.visit_map(map)?])
    }
}

/// The elements of one data set in the order of the document, which need not be that of their tags:
/// they are sorted once, at the end.
#[derive(Default)]
struct Elements {
    elements: Vec<Element>,
    /// Whether one of them is Specific Character Set, which always says UTF-8.
    named: bool,
}

impl Elements {
    /// Adds an attribute, with Specific Character Set where its text needs it.
    fn take(&mut self, attribute: DataSet) {
        for element in attribute {
            let names = element.tag == tags::SPECIFIC_CHARACTER_SET;
            if !(names && std::mem::replace(&mut self.named, true)) {
                self.elements.push(element);
            }
        }
    }

    fn into_set(self) -> DataSet {
        DataSet::from_elements(self.elements, CharacterSet::UTF_8)
    }
}

/// Reads one data set.
struct SetSeed<'a, 'b> {
    reading: &'a mut Reading<'b>,
}

impl<'de> DeserializeSeed<'de> for SetSeed<'_, '_> {
    type Value = DataSet;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<DataSet, D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for SetSeed<'_, '_> {
    type Value = DataSet;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a data set")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<DataSet, A::Error> {
        let mut elements = Elements::default();
        while let Some(name) = map.next_key::<String>()? {
            let tag = tag_of_key(&name)
                .ok_or_else(|| A::Error::custom("a key that is no tag of eight hexadecimal digits"))?;
            map.next_value_seed(ElementSeed { tag, elements: &mut elements, reading: &mut *self.reading })?;
        }
        Ok(elements.into_set())
    }
}

fn tag_of_key(key: &str) -> Option<Tag> {
    (key.len() == 8).then(|| tag_of(key)).flatten()
}

/// Reads one attribute into its data set.
struct ElementSeed<'a, 'b> {
    tag: Tag,
    elements: &'a mut Elements,
    reading: &'a mut Reading<'b>,
}

impl<'de> DeserializeSeed<'de> for ElementSeed<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for ElementSeed<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an attribute")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Self { tag, elements, reading } = self;
        reading.charge::<A::Error>(size_of::<Element>())?;
        let left_before = reading.left;
        let mut vr = None;
        let mut values = Vec::new();
        let mut inline = None;
        let mut uri = None;
        while let Some(name) = map.next_key::<String>()? {
            match name.as_str() {
                "vr" => {
                    let text = map.next_value::<String>()?;
                    let known = text
                        .parse::<VR>()
                        .map_err(|_| A::Error::custom(format!("an unknown vr at {tag}")))?;
                    vr = Some(known);
                }
                "Value" => values = map.next_value_seed(ValuesSeed { reading: &mut *reading })?,
                "InlineBinary" => inline = Some(map.next_value::<String>()?),
                "BulkDataURI" => uri = Some(map.next_value::<String>()?),
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        let vr = vr.unwrap_or_else(|| vr_of(tag));
        if let Some(uri) = uri {
            let nested = reading.depth > 0;
            let reference = BulkReference { set: reading.set, nested, tag, vr, uri: &uri };
            let value = (reading.bulk)(&reference);
            elements.elements.extend(value.map(|value| Element { tag, vr, value }));
            return Ok(());
        }
        if let Some(inline) = inline {
            if !is_binary(vr) {
                return Err(A::Error::custom(format!(
                    "an InlineBinary for a value that is not binary at {tag}"
                )));
            }
            let bytes = STANDARD
                .decode(inline.trim_end())
                .map_err(|_| A::Error::custom(format!("bad base64 at {tag}")))?;
            elements.elements.push(Element::new(tag, vr, bytes));
            return Ok(());
        }
        let made = attribute(tag, vr, values).map_err(|what| A::Error::custom(format!("{what} at {tag}")))?;
        if vr != VR::SQ {
            // The values have become the bytes of one element.
            let held = made.get(tag).and_then(Element::bytes).map_or(0, Bytes::len);
            reading.left = left_before;
            reading.charge::<A::Error>(held)?;
        }
        elements.take(made);
        Ok(())
    }
}

struct ValuesSeed<'a, 'b> {
    reading: &'a mut Reading<'b>,
}

impl<'de> DeserializeSeed<'de> for ValuesSeed<'_, '_> {
    type Value = Vec<JsonValue>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Vec<JsonValue>, D::Error> {
        json.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for ValuesSeed<'_, '_> {
    type Value = Vec<JsonValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of values")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Vec<JsonValue>, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = sequence.next_element_seed(ValueSeed { reading: &mut *self.reading })? {
            self.reading.charge::<A::Error>(size_of::<JsonValue>() + value.heap_bytes())?;
            values.push(value);
        }
        Ok(values)
    }
}

struct ValueSeed<'a, 'b> {
    reading: &'a mut Reading<'b>,
}

impl<'de> DeserializeSeed<'de> for ValueSeed<'_, '_> {
    type Value = JsonValue;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<JsonValue, D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ValueSeed<'_, '_> {
    type Value = JsonValue;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<JsonValue, E> {
        Ok(JsonValue::Null)
    }

    fn visit_str<E>(self, text: &str) -> Result<JsonValue, E> {
        Ok(JsonValue::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<JsonValue, E> {
        Ok(JsonValue::Text(text))
    }

    fn visit_i64<E>(self, number: i64) -> Result<JsonValue, E> {
        Ok(JsonValue::Signed(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<JsonValue, E> {
        Ok(JsonValue::Unsigned(number))
    }

    fn visit_f64<E>(self, number: f64) -> Result<JsonValue, E> {
        Ok(JsonValue::Float(number))
    }

    /// An item of a sequence, or a person name: the first key tells.
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<JsonValue, A::Error> {
        let mut elements = Elements::default();
        let mut name: Option<Box<[String; 3]>> = None;
        while let Some(key) = map.next_key::<String>()? {
            let group = ["Alphabetic", "Ideographic", "Phonetic"].iter().position(|group| *group == key);
            if let Some(group) = group {
                let text = map.next_value::<Option<String>>()?.unwrap_or_default();
                if let Some(place) = name.get_or_insert_default().get_mut(group) {
                    *place = text;
                }
            } else if let Some(tag) = tag_of_key(&key) {
                let (elements, reading) = (&mut elements, &mut *self.reading);
                reading.depth += 1;
                map.next_value_seed(ElementSeed { tag, elements, reading: &mut *reading })?;
                reading.depth -= 1;
            } else {
                return Err(A::Error::custom("a value that is neither an item nor a person name"));
            }
        }
        Ok(name.map_or_else(|| JsonValue::Item(elements.into_set()), JsonValue::Name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::to_string;

    fn one(document: &str) -> Result<DataSet, JsonError> {
        parse(document.as_bytes(), &JsonLimits::default()).map(|mut sets| sets.remove(0))
    }

    #[test]
    fn a_written_data_set_reads_back_the_same() {
        let document = r#"{"00080005":{"vr":"CS","Value":["ISO_IR 192"]},"00080008":{"vr":"CS","Value":["ORIGINAL",null,"AXIAL"]},"00080050":{"vr":"SH"},"00081032":{"vr":"SQ","Value":[{"00080104":{"vr":"LO","Value":["Ngực"]}},{}]},"00091001":{"vr":"UN","InlineBinary":"AQI="},"00100010":{"vr":"PN","Value":[{"Alphabetic":"Nguyễn^Văn A","Phonetic":"x"}]},"00180050":{"vr":"DS","Value":[2.5]},"00200013":{"vr":"IS","Value":[5]},"00280009":{"vr":"AT","Value":["00181063"]},"00280010":{"vr":"US","Value":[512]},"00409224":{"vr":"FD","Value":[0.1]},"0040A0B0":{"vr":"US","Value":[1,2]},"00660129":{"vr":"UV","Value":[9007199254740992,"18446744073709551615"]}}"#;
        assert_eq!(to_string(&one(document).unwrap()), document);
    }

    #[test]
    fn what_is_not_in_the_document_is_left_out() {
        let document = r#"[{"00880200":{"vr":"SQ","Value":[{},{"7FE00010":{"vr":"OW","BulkDataURI":"a"}}]},
            "7FE00010":{"vr":"OW","BulkDataURI":"http://x/1"}},{"7FE00010":{"BulkDataURI":"b"}}]"#;
        let set = one(document).unwrap();
        assert_eq!(set.items(tags::ICON_IMAGE_SEQUENCE).len(), 2);
        assert!(set.items(tags::ICON_IMAGE_SEQUENCE)[1].is_empty());
        assert_eq!(set.len(), 1);
        let mut asked = Vec::new();
        let sets = parse_with(document.as_bytes(), &JsonLimits::default(), &mut |of| {
            asked.push((of.set, of.nested, of.tag, of.vr, of.uri.to_owned()));
            Some(Value::Elsewhere { offset: 7, length: asked.len() as u64 })
        });
        let expected = [(0, true, "a"), (0, false, "http://x/1"), (1, false, "b")];
        assert_eq!(
            asked,
            expected.map(|(set, nested, uri)| (set, nested, tags::PIXEL_DATA, VR::OW, uri.into()))
        );
        let sets = sets.unwrap();
        let length = |set: &DataSet| match set.get(tags::PIXEL_DATA).map(|element| &element.value) {
            Some(Value::Elsewhere { length, .. }) => *length,
            other => panic!("{other:?}"),
        };
        assert_eq!(length(&sets[0].items(tags::ICON_IMAGE_SEQUENCE)[1]), 1);
        assert_eq!((length(&sets[0]), length(&sets[1])), (2, 3));
    }

    #[test]
    fn elements_are_sorted_and_the_last_of_several_counts() {
        let set = one(
            r#"{"00100020":{"vr":"LO","Value":["B"]},"00081032":{"vr":"SQ","Value":[{"00080104":{"Value":["Ngực"]},
            "00080100":{"Value":["T"]}}]},"00100010":{"vr":"PN","Value":["Đỗ"]},"00100020":{"vr":"LO","Value":["C"]}}"#,
        )
        .unwrap();
        let tags_in_order: Vec<Tag> = set.iter().map(|element| element.tag).collect();
        assert_eq!(
            tags_in_order,
            [
                tags::SPECIFIC_CHARACTER_SET,
                tags::PROCEDURE_CODE_SEQUENCE,
                tags::PATIENT_NAME,
                tags::PATIENT_ID
            ]
        );
        assert_eq!(set.text(tags::PATIENT_ID).as_deref(), Some("C"));
        let item = &set.items(tags::PROCEDURE_CODE_SEQUENCE)[0];
        assert_eq!(item.text(tags::CODE_MEANING).as_deref(), Some("Ngực"));
        assert!(item.iter().is_sorted_by_key(|element| element.tag));
    }

    #[test]
    fn common_faults_are_forgiven() {
        let set = one(
            r#"{"00200013":{"vr":"IS","Value":["5"]},"00280010":{"Value":["512"]},
            "00100010":{"vr":"PN","Value":["A^B"]},"00100020":{"vr":"LO","Value":[123]},"00180050":{"vr":"DS","Value":["x"]}}"#,
        )
        .unwrap();
        assert_eq!(set.int(tags::INSTANCE_NUMBER), Some(5));
        assert_eq!(set.int(tags::ROWS), Some(512));
        assert_eq!(set.text(tags::PATIENT_NAME).as_deref(), Some("A^B"));
        assert_eq!(set.text(tags::PATIENT_ID).as_deref(), Some("123"));
    }

    #[test]
    fn what_is_wrong_is_refused() {
        let deep = r#"{"00081032":{"vr":"SQ","Value":["#.repeat(200);
        for document in [
            "",
            "5",
            "[5]",
            r#"{"patient":{}}"#,
            r#"{"00280010":{"vr":"US","Value":[70000]}}"#,
            r#"{"00280010":{"vr":"US","Value":[-1]}}"#,
            r#"{"00280010":{"vr":"XX"}}"#,
            r#"{"7FE00010":{"vr":"OB","InlineBinary":"%%"}}"#,
            r#"{"7FE00010":{"vr":"OB","Value":[1]}}"#,
            r#"{"00080018":{"vr":"UI","InlineBinary":"AQI="}}"#,
            r#"{"00081032":{"vr":"SQ","Value":["x"]}}"#,
            r#"{"00280009":{"vr":"AT","Value":["nothing"]}}"#,
            r#"{"00100020":{"vr":"LO","Value":["a"]}} trailing"#,
            &deep,
        ] {
            assert!(
                matches!(parse(document.as_bytes(), &JsonLimits::default()), Err(JsonError::Malformed(_))),
                "{document}"
            );
        }
        assert!(matches!(
            parse(b"[     ]", &JsonLimits { document_bytes: 3, ..JsonLimits::default() }),
            Err(JsonError::TooLarge(7))
        ));
    }
}
