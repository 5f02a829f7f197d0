//! The Native DICOM Model (PS3.19 A.1): XML, written from DICOM JSON while that is read. What is kept ready is JSON, so
//! there is one element walk, and the two can say nothing different.

use crate::dataset::keyword_of;
use crate::{Tag, VR};
use serde::de::{DeserializeSeed, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::collections::BTreeMap;
use std::fmt;

/// The namespace of the model (PS3.19 A.1.6).
const NAMESPACE: &str = "http://dicom.nema.org/PS3.19/models/NativeDICOM";

/// Writes one data set, an object of DICOM JSON whose attributes name their VR first as ours do, as a document.
///
/// Private attributes lose their block and name their creator instead; the creators' own elements say no more than
/// that and are left out, as group lengths are.
///
/// # Errors
/// What is not such an object.
pub fn write(json: &[u8], out: &mut Vec<u8>) -> Result<(), serde_json::Error> {
    out.extend_from_slice(b"<?xml version=\"1.0\" encoding=\"UTF-8\"?>");
    out.extend_from_slice(
        format!("<NativeDicomModel xmlns=\"{NAMESPACE}\" xml:space=\"preserve\">").as_bytes(),
    );
    let mut reader = serde_json::Deserializer::from_slice(json);
    Set { out }.deserialize(&mut reader)?;
    reader.end()?;
    out.extend_from_slice(b"</NativeDicomModel>");
    Ok(())
}

/// The attributes of a data set or an item.
struct Set<'a> {
    out: &'a mut Vec<u8>,
}

impl<'de> DeserializeSeed<'de> for Set<'_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, reader: D) -> Result<(), D::Error> {
        reader.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Set<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a data set")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut creators = BTreeMap::new();
        while let Some(key) = map.next_key::<String>()? {
            let tag = tag(&key).ok_or_else(|| A::Error::custom("a key is no tag"))?;
            let (is_private, block) = (tag.0 % 2 == 1, tag.1 >> 8);
            if tag.1 == 0 {
                map.next_value::<IgnoredAny>()?;
            } else if is_private && block == 0 {
                let mut element = Vec::new();
                let creator = map.next_value_seed(Attribute { tag, creator: None, out: &mut element })?;
                creators.insert((tag.0, tag.1), creator.unwrap_or_default());
            } else {
                let creator = creators.get(&(tag.0, block)).map(String::as_str).filter(|_| is_private);
                map.next_value_seed(Attribute { tag, creator, out: self.out })?;
            }
        }
        Ok(())
    }
}

fn tag(key: &str) -> Option<Tag> {
    let number = u32::from_str_radix(key, 16).ok().filter(|_| key.len() == 8)?;
    Some(Tag((number >> 16) as u16, number as u16))
}

/// One attribute; gives its first value, where that is text.
struct Attribute<'a> {
    tag: Tag,
    creator: Option<&'a str>,
    out: &'a mut Vec<u8>,
}

impl<'de> DeserializeSeed<'de> for Attribute<'_> {
    type Value = Option<String>;

    fn deserialize<D: serde::Deserializer<'de>>(self, reader: D) -> Result<Self::Value, D::Error> {
        reader.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Attribute<'_> {
    type Value = Option<String>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an attribute")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let first = map.next_key::<String>()?;
        if first.as_deref() != Some("vr") {
            return Err(A::Error::custom("an attribute does not begin with its VR"));
        }
        let vr = map.next_value::<String>()?;
        let vr = vr.parse::<VR>().map_err(|_| A::Error::custom("a VR is unknown"))?;
        let out = self.out;
        let Tag(group, element) = self.tag;
        let element = if self.creator.is_some() { element & 0xFF } else { element };
        out.extend_from_slice(
            format!("<DicomAttribute tag=\"{group:04X}{element:04X}\" vr=\"{vr}\"").as_bytes(),
        );
        let own = [("keyword", keyword_of(self.tag)), ("privateCreator", self.creator)];
        for (name, text) in own.into_iter().filter_map(|(name, text)| Some((name, text?))) {
            put_attribute(name, text, out);
        }
        out.push(b'>');
        let mut first = None;
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "Value" => first = map.next_value_seed(Values { vr, out })?,
                "InlineBinary" => {
                    put_element("InlineBinary", &map.next_value::<String>()?, out);
                }
                "BulkDataURI" => {
                    out.extend_from_slice(b"<BulkData");
                    put_attribute("uri", &map.next_value::<String>()?, out);
                    out.extend_from_slice(b"/>");
                }
                _ => return Err(A::Error::custom("an attribute holds something unknown")),
            }
        }
        out.extend_from_slice(b"</DicomAttribute>");
        Ok(first)
    }
}

/// The values of an attribute; gives the first, where that is text.
struct Values<'a> {
    vr: VR,
    out: &'a mut Vec<u8>,
}

impl<'de> DeserializeSeed<'de> for Values<'_> {
    type Value = Option<String>;

    fn deserialize<D: serde::Deserializer<'de>>(self, reader: D) -> Result<Self::Value, D::Error> {
        reader.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Values<'_> {
    type Value = Option<String>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("values")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<Self::Value, A::Error> {
        let out = self.out;
        let name = match self.vr {
            VR::SQ => "Item",
            VR::PN => "PersonName",
            _ => "Value",
        };
        let mut first = None;
        for number in 1.. {
            let before = out.len();
            out.extend_from_slice(format!("<{name} number=\"{number}\">").as_bytes());
            let is_there = match self.vr {
                VR::SQ => values.next_element_seed(Set { out })?.is_some(),
                VR::PN => match values.next_element::<Option<PersonName>>()? {
                    Some(person) => {
                        person.iter().for_each(|person| person.write(out));
                        true
                    }
                    None => false,
                },
                _ => match values.next_element::<Option<Scalar>>()? {
                    Some(value) => {
                        if let Some(value) = value {
                            put_text(&value.0, out);
                            first.get_or_insert(value.0);
                        }
                        true
                    }
                    None => false,
                },
            };
            if !is_there {
                out.truncate(before);
                break;
            }
            out.extend_from_slice(format!("</{name}>").as_bytes());
        }
        Ok(first)
    }
}

/// A text or a number, as text.
struct Scalar(String);

impl<'de> serde::Deserialize<'de> for Scalar {
    fn deserialize<D: serde::Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        struct AsText;
        impl Visitor<'_> for AsText {
            type Value = Scalar;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a text or a number")
            }

            fn visit_str<E>(self, text: &str) -> Result<Scalar, E> {
                Ok(Scalar(text.to_owned()))
            }

            fn visit_i64<E>(self, number: i64) -> Result<Scalar, E> {
                Ok(Scalar(number.to_string()))
            }

            fn visit_u64<E>(self, number: u64) -> Result<Scalar, E> {
                Ok(Scalar(number.to_string()))
            }

            fn visit_f64<E>(self, number: f64) -> Result<Scalar, E> {
                Ok(Scalar(number.to_string()))
            }
        }
        reader.deserialize_any(AsText)
    }
}

/// The groups of a person's name.
#[derive(serde::Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PersonName {
    alphabetic: Option<String>,
    ideographic: Option<String>,
    phonetic: Option<String>,
}

impl PersonName {
    fn write(&self, out: &mut Vec<u8>) {
        let groups = [
            ("Alphabetic", &self.alphabetic),
            ("Ideographic", &self.ideographic),
            ("Phonetic", &self.phonetic),
        ];
        let components = ["FamilyName", "GivenName", "MiddleName", "NamePrefix", "NameSuffix"];
        for (group, name) in groups.into_iter().filter_map(|(group, name)| Some((group, name.as_ref()?))) {
            out.extend_from_slice(format!("<{group}>").as_bytes());
            let parts = name.splitn(components.len(), '^').zip(components);
            for (part, component) in parts.filter(|(part, _)| !part.is_empty()) {
                put_element(component, part, out);
            }
            out.extend_from_slice(format!("</{group}>").as_bytes());
        }
    }
}

fn put_element(name: &str, text: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(format!("<{name}>").as_bytes());
    put_text(text, out);
    out.extend_from_slice(format!("</{name}>").as_bytes());
}

fn put_attribute(name: &str, text: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(format!(" {name}=\"").as_bytes());
    put_text(text, out);
    out.push(b'"');
}

/// Characters that XML 1.0 has no form for, as text of a DICOM file may hold, are replaced by U+FFFD. Those that a
/// parser would turn into others are written by their numbers.
fn put_text(text: &str, out: &mut Vec<u8>) {
    for character in text.chars() {
        match character {
            '&' => out.extend_from_slice(b"&amp;"),
            '<' => out.extend_from_slice(b"&lt;"),
            '>' => out.extend_from_slice(b"&gt;"),
            '"' => out.extend_from_slice(b"&quot;"),
            '\t' | '\n' | '\r' => out.extend_from_slice(format!("&#{};", u32::from(character)).as_bytes()),
            '\u{0}'..='\u{1F}' | '\u{FFFE}' | '\u{FFFF}' => out.extend_from_slice("\u{FFFD}".as_bytes()),
            other => out.extend_from_slice(other.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(json: &str) -> Result<String, serde_json::Error> {
        let mut out = Vec::new();
        write(json.as_bytes(), &mut out)?;
        let text = String::from_utf8(out).unwrap();
        let start = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><NativeDicomModel xmlns=\"{NAMESPACE}\" xml:space=\"preserve\">"
        );
        Ok(text.strip_prefix(&start).unwrap().strip_suffix("</NativeDicomModel>").unwrap().to_owned())
    }

    #[test]
    fn every_kind_of_value() {
        for (json, xml) in [
            ("{}", ""),
            (
                r#"{"00080060":{"vr":"CS","Value":["CT"]},"00080000":{"vr":"UL","Value":[4]}}"#,
                r#"<DicomAttribute tag="00080060" vr="CS" keyword="Modality"><Value number="1">CT</Value></DicomAttribute>"#,
            ),
            (
                r#"{"00201041":{"vr":"DS","Value":[-1.50,null,7]}}"#,
                r#"<DicomAttribute tag="00201041" vr="DS" keyword="SliceLocation"><Value number="1">-1.5</Value><Value number="2"></Value><Value number="3">7</Value></DicomAttribute>"#,
            ),
            (
                r#"{"00100010":{"vr":"PN","Value":[{"Alphabetic":"Nguyễn^Văn A^^BS","Ideographic":"阮"}]}}"#,
                "<DicomAttribute tag=\"00100010\" vr=\"PN\" keyword=\"PatientName\"><PersonName number=\"1\">\
                 <Alphabetic><FamilyName>Nguyễn</FamilyName><GivenName>Văn A</GivenName><NamePrefix>BS</NamePrefix></Alphabetic>\
                 <Ideographic><FamilyName>阮</FamilyName></Ideographic></PersonName></DicomAttribute>",
            ),
            (
                r#"{"00081140":{"vr":"SQ","Value":[{"00081155":{"vr":"UI","Value":["1.2"]}},{}]}}"#,
                "<DicomAttribute tag=\"00081140\" vr=\"SQ\" keyword=\"ReferencedImageSequence\"><Item number=\"1\">\
                 <DicomAttribute tag=\"00081155\" vr=\"UI\" keyword=\"ReferencedSOPInstanceUID\"><Value number=\"1\">1.2</Value></DicomAttribute>\
                 </Item><Item number=\"2\"></Item></DicomAttribute>",
            ),
            (
                r#"{"7FE00010":{"vr":"OW","BulkDataURI":"http://x/a?b&c"},"00282000":{"vr":"OB","InlineBinary":"AQI="},"00080005":{"vr":"CS"}}"#,
                "<DicomAttribute tag=\"7FE00010\" vr=\"OW\" keyword=\"PixelData\"><BulkData uri=\"http://x/a?b&amp;c\"/></DicomAttribute>\
                 <DicomAttribute tag=\"00282000\" vr=\"OB\" keyword=\"ICCProfile\"><InlineBinary>AQI=</InlineBinary></DicomAttribute>\
                 <DicomAttribute tag=\"00080005\" vr=\"CS\" keyword=\"SpecificCharacterSet\"></DicomAttribute>",
            ),
            (
                r#"{"00090011":{"vr":"LO","Value":["A \"B\""]},"00091102":{"vr":"LO","Value":["x"]},"00091202":{"vr":"LO","Value":["y"]}}"#,
                "<DicomAttribute tag=\"00090002\" vr=\"LO\" privateCreator=\"A &quot;B&quot;\"><Value number=\"1\">x</Value></DicomAttribute>\
                 <DicomAttribute tag=\"00091202\" vr=\"LO\"><Value number=\"1\">y</Value></DicomAttribute>",
            ),
            (
                r#"{"00204000":{"vr":"LT","Value":["a<b\r\n\u001b"]}}"#,
                "<DicomAttribute tag=\"00204000\" vr=\"LT\" keyword=\"ImageComments\"><Value number=\"1\">a&lt;b&#13;&#10;\u{FFFD}</Value></DicomAttribute>",
            ),
        ] {
            assert_eq!(written(json).unwrap(), xml, "{json}");
        }
        for json in ["[]", r#"{"8":{"vr":"CS"}}"#, r#"{"00080060":{"Value":["CT"],"vr":"CS"}}"#, "{} {}", "{"]
        {
            assert!(written(json).is_err(), "{json}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_well_formed(text in any::<String>()) {
            let text = serde_json::to_string(&text).unwrap();
            let json = format!(r#"{{"00204000":{{"vr":"LT","Value":[{text}]}}}}"#);
            let xml = written(&json).unwrap();
            let inside = xml.split_once("<Value number=\"1\">").unwrap().1.split_once("</Value>").unwrap().0;
            prop_assert!(!inside.contains(['<', '>', '"', '\r', '\n']));
        }
    }
}
