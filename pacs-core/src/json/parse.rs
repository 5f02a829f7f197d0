//! DICOM JSON as data sets.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::Deserializer;
use serde::de::{DeserializeSeed, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::write::{PathStep, is_binary};
use crate::dataset::{DataSet, Element, MAX_DEPTH, float_bytes, integer_bytes, tag_of, vr_of};
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

/// One data set of a document.
#[derive(Debug, Clone, PartialEq)]
pub struct Parsed {
    /// The elements whose values are in the document, text in UTF-8.
    pub data_set: DataSet,
    /// The elements whose values are not.
    pub bulk: Vec<BulkReference>,
}

/// An element that names where its value is (PS3.18 F.2.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BulkReference {
    /// The way to the data set that the element belongs to; empty at the top.
    pub path: Vec<PathStep>,
    /// The element.
    pub tag: Tag,
    /// Its VR.
    pub vr: VR,
    /// The BulkDataURI as it stands.
    pub uri: String,
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

/// Reads a document: an array of data sets, or one data set. What is common and harmless is
/// forgiven: numbers as text and text as numbers, a missing `vr` of a known tag, person names as
/// plain text. Sequences may be nested as deeply as [`MAX_DEPTH`] and the JSON reader's own limit
/// allow, about forty levels.
pub fn parse(document: &[u8], limits: &JsonLimits) -> Result<Vec<Parsed>, JsonError> {
    if document.len() > limits.document_bytes {
        return Err(JsonError::TooLarge(document.len()));
    }
    let mut json = serde_json::Deserializer::from_slice(document);
    let mut reading = Reading { path: Vec::new(), bulk: Vec::new(), left: limits.retained_bytes };
    let sets = json.deserialize_any(DocumentVisitor { reading: &mut reading });
    match sets.and_then(|sets| json.end().map(|()| sets)) {
        Ok(sets) => Ok(sets),
        Err(_) if reading.left == 0 => Err(JsonError::TooMany),
        Err(error) => Err(JsonError::Malformed(error.to_string())),
    }
}

/// What the parts of a document share while it is read.
struct Reading {
    /// The way to the data set that is being read.
    path: Vec<PathStep>,
    /// The references met in the top-level data set.
    bulk: Vec<BulkReference>,
    /// How many bytes may still be retained; 0 once it was not enough.
    left: usize,
}

impl Reading {
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

struct DocumentVisitor<'a> {
    reading: &'a mut Reading,
}

impl<'de> Visitor<'de> for DocumentVisitor<'_> {
    type Value = Vec<Parsed>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a data set or an array of them")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Vec<Parsed>, A::Error> {
        let reading = self.reading;
        let mut sets = Vec::new();
        while let Some(data_set) = sequence.next_element_seed(SetSeed { reading: &mut *reading })? {
            reading.charge::<A::Error>(size_of::<Parsed>())?;
            sets.push(Parsed { data_set, bulk: std::mem::take(&mut reading.bulk) });
        }
        Ok(sets)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Vec<Parsed>, A::Error> {
        let data_set = SetSeed { reading: &mut *self.reading }.visit_map(map)?;
        Ok(vec![Parsed { data_set, bulk: std::mem::take(&mut self.reading.bulk) }])
    }
}

/// Reads one data set, knowing where it is.
struct SetSeed<'a> {
    reading: &'a mut Reading,
}

impl<'de> DeserializeSeed<'de> for SetSeed<'_> {
    type Value = DataSet;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<DataSet, D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for SetSeed<'_> {
    type Value = DataSet;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a data set")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<DataSet, A::Error> {
        let mut set = DataSet::new();
        while let Some(name) = map.next_key::<String>()? {
            let Some(tag) = (name.len() == 8).then(|| tag_of(&name)).flatten() else {
                return Err(A::Error::custom("a key that is no tag of eight hexadecimal digits"));
            };
            map.next_value_seed(ElementSeed { tag, set: &mut set, reading: &mut *self.reading })?;
        }
        Ok(set)
    }
}

/// Reads one attribute into its data set.
struct ElementSeed<'a> {
    tag: Tag,
    set: &'a mut DataSet,
    reading: &'a mut Reading,
}

impl<'de> DeserializeSeed<'de> for ElementSeed<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for ElementSeed<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an attribute")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Self { tag, set, reading } = self;
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
                "Value" => values = map.next_value_seed(ValuesSeed { tag, reading: &mut *reading })?,
                "InlineBinary" => inline = Some(map.next_value::<String>()?),
                "BulkDataURI" => uri = Some(map.next_value::<String>()?),
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        let vr = vr.unwrap_or_else(|| vr_of(tag));
        if let Some(uri) = uri {
            let path = reading.path.clone();
            reading
                .charge::<A::Error>(size_of::<BulkReference>() + size_of_val(path.as_slice()) + uri.len())?;
            reading.bulk.push(BulkReference { path, tag, vr, uri });
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
            set.put(Element::new(tag, vr, bytes));
            return Ok(());
        }
        put(set, tag, vr, values).map_err(|what| A::Error::custom(format!("{what} at {tag}")))?;
        if vr != VR::SQ {
            // The values have become the bytes of one element.
            let held = set.get(tag).and_then(Element::bytes).map_or(0, Bytes::len);
            reading.left = left_before;
            reading.charge::<A::Error>(held)?;
        }
        Ok(())
    }
}

/// One entry of a `Value` array.
enum JsonValue {
    Null,
    Text(String),
    Signed(i64),
    Unsigned(u64),
    Float(f64),
    Item(DataSet),
    /// Alphabetic, ideographic and phonetic group.
    Name(Box<[String; 3]>),
}

struct ValuesSeed<'a> {
    tag: Tag,
    reading: &'a mut Reading,
}

impl<'de> DeserializeSeed<'de> for ValuesSeed<'_> {
    type Value = Vec<JsonValue>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Vec<JsonValue>, D::Error> {
        json.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for ValuesSeed<'_> {
    type Value = Vec<JsonValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of values")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Vec<JsonValue>, A::Error> {
        let Self { tag, reading } = self;
        if reading.path.len() >= MAX_DEPTH {
            return Err(A::Error::custom("sequences are nested too deeply"));
        }
        let mut values = Vec::new();
        loop {
            reading.path.push(PathStep { tag, item: values.len() });
            let value = sequence.next_element_seed(ValueSeed { reading: &mut *reading });
            reading.path.pop();
            let Some(value) = value? else { return Ok(values) };
            reading.charge::<A::Error>(size_of::<JsonValue>() + value.heap_bytes())?;
            values.push(value);
        }
    }
}

struct ValueSeed<'a> {
    reading: &'a mut Reading,
}

impl JsonValue {
    /// What the value holds beside itself; the elements of an item were counted as they came.
    fn heap_bytes(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Name(groups) => size_of_val(groups) + groups.iter().map(String::len).sum::<usize>(),
            Self::Null | Self::Signed(_) | Self::Unsigned(_) | Self::Float(_) | Self::Item(_) => 0,
        }
    }
}

impl<'de> DeserializeSeed<'de> for ValueSeed<'_> {
    type Value = JsonValue;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<JsonValue, D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ValueSeed<'_> {
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
        let mut set = DataSet::new();
        let mut name: Option<Box<[String; 3]>> = None;
        while let Some(key) = map.next_key::<String>()? {
            let group = ["Alphabetic", "Ideographic", "Phonetic"].iter().position(|group| *group == key);
            if let Some(group) = group {
                let text = map.next_value::<Option<String>>()?.unwrap_or_default();
                if let Some(place) = name.get_or_insert_default().get_mut(group) {
                    *place = text;
                }
            } else if let Some(tag) = (key.len() == 8).then(|| tag_of(&key)).flatten() {
                map.next_value_seed(ElementSeed { tag, set: &mut set, reading: &mut *self.reading })?;
            } else {
                return Err(A::Error::custom("a value that is neither an item nor a person name"));
            }
        }
        Ok(name.map_or(JsonValue::Item(set), JsonValue::Name))
    }
}

fn put(set: &mut DataSet, tag: Tag, vr: VR, values: Vec<JsonValue>) -> Result<(), &'static str> {
    if vr == VR::SQ {
        let items = values.into_iter().map(|value| match value {
            JsonValue::Item(item) => Ok(item),
            JsonValue::Null => Ok(DataSet::new()),
            _ => Err("a value that is no item"),
        });
        set.put_items(tag, items.collect::<Result<_, _>>()?);
        return Ok(());
    }
    if tag == tags::SPECIFIC_CHARACTER_SET {
        // JSON is UTF-8 whatever it says here.
        set.put_text(tag, "ISO_IR 192");
        return Ok(());
    }
    if is_binary(vr) && !values.is_empty() {
        return Err("a binary value that is not InlineBinary");
    }
    let numbers = matches!(vr, VR::US | VR::SS | VR::UL | VR::SL | VR::UV | VR::SV | VR::FL | VR::FD);
    if numbers {
        let mut bytes = Vec::new();
        for value in &values {
            bytes.extend_from_slice(&number_bytes(vr, value).ok_or("a value that is no number of its VR")?);
        }
        set.put(Element::new(tag, vr, Bytes::from(bytes)));
        return Ok(());
    }
    let texts = values.into_iter().map(text).collect::<Result<Vec<_>, _>>()?;
    if vr == VR::AT && texts.iter().any(|text| tag_of(text).is_none()) {
        return Err("a value that is no tag");
    }
    set.put_text_as(tag, vr, &texts.join("\\"));
    Ok(())
}

fn text(value: JsonValue) -> Result<String, &'static str> {
    Ok(match value {
        JsonValue::Null => String::new(),
        JsonValue::Text(text) => text,
        JsonValue::Signed(number) => number.to_string(),
        JsonValue::Unsigned(number) => number.to_string(),
        JsonValue::Float(number) => crate::dataset::decimal_string(number),
        JsonValue::Name(groups) => groups.join("=").trim_end_matches('=').to_owned(),
        JsonValue::Item(set) if set.is_empty() => String::new(),
        JsonValue::Item(_) => return Err("an item where a value should be"),
    })
}

fn number_bytes(vr: VR, value: &JsonValue) -> Option<Vec<u8>> {
    if matches!(vr, VR::FL | VR::FD) {
        let number = match value {
            JsonValue::Signed(number) => *number as f64,
            JsonValue::Unsigned(number) => *number as f64,
            JsonValue::Float(number) => *number,
            JsonValue::Text(text) => text.trim().parse().ok()?,
            _ => return None,
        };
        return Some(float_bytes(vr, number));
    }
    let number: i128 = match value {
        JsonValue::Signed(number) => (*number).into(),
        JsonValue::Unsigned(number) => (*number).into(),
        JsonValue::Float(number) if number.fract() == 0.0 => *number as i128,
        JsonValue::Text(text) => text.trim().parse().ok()?,
        _ => return None,
    };
    if vr == VR::UV {
        return Some(u64::try_from(number).ok()?.to_le_bytes().to_vec());
    }
    let range = match vr {
        VR::US => 0..=u16::MAX.into(),
        VR::SS => i16::MIN.into()..=i16::MAX.into(),
        VR::UL => 0..=u32::MAX.into(),
        VR::SL => i32::MIN.into()..=i32::MAX.into(),
        _ => i64::MIN.into()..=i64::MAX.into(),
    };
    let number = range.contains(&number).then(|| i64::try_from(number).ok()).flatten()?;
    Some(integer_bytes(vr, number))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::to_string;

    fn one(document: &str) -> Result<Parsed, JsonError> {
        parse(document.as_bytes(), &JsonLimits::default()).map(|mut sets| sets.remove(0))
    }

    #[test]
    fn a_written_data_set_reads_back_the_same() {
        let document = r#"{"00080005":{"vr":"CS","Value":["ISO_IR 192"]},"00080008":{"vr":"CS","Value":["ORIGINAL",null,"AXIAL"]},"00080050":{"vr":"SH"},"00081032":{"vr":"SQ","Value":[{"00080104":{"vr":"LO","Value":["Ngực"]}},{}]},"00091001":{"vr":"UN","InlineBinary":"AQI="},"00100010":{"vr":"PN","Value":[{"Alphabetic":"Nguyễn^Văn A","Phonetic":"x"}]},"00180050":{"vr":"DS","Value":[2.5]},"00200013":{"vr":"IS","Value":[5]},"00280009":{"vr":"AT","Value":["00181063"]},"00280010":{"vr":"US","Value":[512]},"00409224":{"vr":"FD","Value":[0.1]},"0040A0B0":{"vr":"US","Value":[1,2]},"00660129":{"vr":"UV","Value":[9007199254740992,"18446744073709551615"]}}"#;
        let parsed = one(document).unwrap();
        assert_eq!(to_string(&parsed.data_set), document);
        assert!(parsed.bulk.is_empty());
    }

    #[test]
    fn bulk_data_keeps_its_place() {
        let document = r#"[{"00880200":{"vr":"SQ","Value":[{},{"7FE00010":{"vr":"OW","BulkDataURI":"a"}}]},
            "7FE00010":{"vr":"OW","BulkDataURI":"http://x/1"}}]"#;
        let parsed = one(document).unwrap();
        assert_eq!(parsed.bulk.len(), 2);
        assert_eq!(parsed.bulk[0].path, [PathStep { tag: tags::ICON_IMAGE_SEQUENCE, item: 1 }]);
        assert_eq!(parsed.bulk[0].uri, "a");
        assert_eq!((parsed.bulk[1].tag, parsed.bulk[1].vr), (tags::PIXEL_DATA, VR::OW));
        assert!(parsed.bulk[1].path.is_empty());
    }

    #[test]
    fn common_faults_are_forgiven() {
        let parsed = one(
            r#"{"00200013":{"vr":"IS","Value":["5"]},"00280010":{"Value":["512"]},
            "00100010":{"vr":"PN","Value":["A^B"]},"00100020":{"vr":"LO","Value":[123]},"00180050":{"vr":"DS","Value":["x"]}}"#,
        )
        .unwrap();
        assert_eq!(parsed.data_set.int(tags::INSTANCE_NUMBER), Some(5));
        assert_eq!(parsed.data_set.int(tags::ROWS), Some(512));
        assert_eq!(parsed.data_set.text(tags::PATIENT_NAME).as_deref(), Some("A^B"));
        assert_eq!(parsed.data_set.text(tags::PATIENT_ID).as_deref(), Some("123"));
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
