//! The values of one attribute (PS3.18 F.2.2, F.2.3) as an element.

use bytes::Bytes;

use super::write::is_binary;
use crate::dataset::{DataSet, Element, float_bytes, integer_bytes, tag_of};
use crate::{Tag, VR, tags};

/// One entry of a `Value` array.
pub(super) enum JsonValue {
    Null,
    Text(String),
    Signed(i64),
    Unsigned(u64),
    Float(f64),
    Item(DataSet),
    /// Alphabetic, ideographic and phonetic group.
    Name(Box<[String; 3]>),
}

impl JsonValue {
    /// What the value holds beside itself; the elements of an item were counted as they came.
    pub(super) fn heap_bytes(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Name(groups) => size_of_val(groups) + groups.iter().map(String::len).sum::<usize>(),
            Self::Null | Self::Signed(_) | Self::Unsigned(_) | Self::Float(_) | Self::Item(_) => 0,
        }
    }
}

/// One attribute of these values as a data set of its own, in which Specific Character Set stands
/// beside it where its text is not ASCII.
pub(super) fn attribute(tag: Tag, vr: VR, values: Vec<JsonValue>) -> Result<DataSet, &'static str> {
    let mut set = DataSet::new();
    if vr == VR::SQ {
        let items = values.into_iter().map(|value| match value {
            JsonValue::Item(item) => Ok(item),
            JsonValue::Null => Ok(DataSet::new()),
            _ => Err("a value that is no item"),
        });
        set.put_items(tag, items.collect::<Result<_, _>>()?);
        return Ok(set);
    }
    if tag == tags::SPECIFIC_CHARACTER_SET {
        // JSON is UTF-8 whatever it says here.
        set.put_text(tag, "ISO_IR 192");
        return Ok(set);
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
        return Ok(set);
    }
    let texts = values.into_iter().map(text).collect::<Result<Vec<_>, _>>()?;
    if vr == VR::AT && texts.iter().any(|text| tag_of(text).is_none()) {
        return Err("a value that is no tag");
    }
    set.put_text_as(tag, vr, &texts.join("\\"));
    Ok(set)
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
