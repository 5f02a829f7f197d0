//! What is laid over the headers of a series' instances.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::dataset::{DataSet, Element, Value, vr_of};
use crate::json::{self, JsonError, JsonLimits};
use crate::text::CharacterSet;
use crate::{Tag, VR, tags};

/// The system that items of Original Attributes Sequence name.
const MODIFYING_SYSTEM: &str = "Sen";

/// Corrected attributes, in UTF-8. One without a value takes the value away.
#[derive(Debug, Clone, PartialEq)]
pub struct Overlay {
    attributes: DataSet,
    modified_ms: i64,
}

/// How an overlay is written down.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    modified_ms: i64,
    /// DICOM JSON.
    attributes: Box<RawValue>,
}

impl Overlay {
    /// An overlay of these attributes, last changed at that time (UTC).
    pub fn new(mut attributes: DataSet, modified_ms: i64) -> Self {
        attributes.remove(tags::SPECIFIC_CHARACTER_SET);
        Self { attributes, modified_ms }
    }

    /// The attributes.
    pub fn attributes(&self) -> &DataSet {
        &self.attributes
    }

    /// When they were last changed, UTC.
    pub fn modified_ms(&self) -> i64 {
        self.modified_ms
    }

    /// The overlay as JSON, the same for equal overlays.
    pub fn document(&self) -> String {
        format!(r#"{{"modifiedMs":{},"attributes":{}}}"#, self.modified_ms, json::to_string(&self.attributes))
    }

    /// Reads [`Overlay::document`].
    pub fn parse(document: &str) -> Result<Self, JsonError> {
        let malformed = |error: serde_json::Error| JsonError::Malformed(error.to_string());
        let read: Document = serde_json::from_str(document).map_err(malformed)?;
        let sets = json::parse(read.attributes.get().as_bytes(), &JsonLimits::default())?;
        Ok(Self::new(sets.into_iter().next().unwrap_or_default(), read.modified_ms))
    }

    /// The header as it leaves: in UTF-8, with the corrected values, and with what they replace as one
    /// more item of Original Attributes Sequence. `None` when the header says all of it already.
    pub fn lay_over(&self, header: &DataSet) -> Option<DataSet> {
        let mut replaced = DataSet::like(header);
        for element in &self.attributes {
            match header.get(element.tag) {
                _ if self.says(header, element.tag) => {}
                Some(before) => replaced.put(before.clone()),
                None => replaced.put(without_value(element.tag, element.vr)),
            }
        }
        if replaced.is_empty() {
            return None;
        }
        let replaced = replaced.encode_text_in(CharacterSet::UTF_8);
        let mut laid = header.encode_text_in(CharacterSet::UTF_8);
        for element in self.attributes.iter().filter(|element| replaced.contains(element.tag)) {
            laid.put(element.clone());
        }
        let mut originals = laid.items(tags::ORIGINAL_ATTRIBUTES_SEQUENCE).to_vec();
        originals.push(self.original(replaced));
        laid.put_items(tags::ORIGINAL_ATTRIBUTES_SEQUENCE, originals);
        Some(laid)
    }

    /// Whether a header has the corrected value.
    fn says(&self, header: &DataSet, tag: Tag) -> bool {
        let (Some(corrected), known) = (self.attributes.get(tag), header.get(tag)) else { return true };
        match known {
            None => corrected.is_empty(),
            Some(known) if corrected.is_empty() => known.is_empty(),
            Some(known) if corrected.vr == VR::SQ => {
                matches!((&known.value, &corrected.value), (Value::Items(one), Value::Items(other)) if alike(one, other))
            }
            Some(_) => header.texts(tag) == self.attributes.texts(tag),
        }
    }

    /// The item of Original Attributes Sequence that tells what was replaced (PS3.3 table C.12-1).
    fn original(&self, replaced: DataSet) -> DataSet {
        let mut item = DataSet::new();
        item.put_items(tags::MODIFIED_ATTRIBUTES_SEQUENCE, vec![replaced]);
        let at = Timestamp::from_millisecond(self.modified_ms).unwrap_or(Timestamp::UNIX_EPOCH);
        item.put_text(tags::ATTRIBUTE_MODIFICATION_DATE_TIME, &at.strftime("%Y%m%d%H%M%S+0000").to_string());
        item.put_text(tags::MODIFYING_SYSTEM, MODIFYING_SYSTEM);
        // Of whoever sent the values that were replaced, it is not known that they said so.
        item.put_empty(tags::SOURCE_OF_PREVIOUS_VALUES);
        item.put_text(tags::REASON_FOR_THE_ATTRIBUTE_MODIFICATION, "CORRECT");
        item
    }
}

/// An element without a value.
fn without_value(tag: Tag, vr: VR) -> Element {
    let vr = if vr == VR::UN { vr_of(tag) } else { vr };
    let value = if vr == VR::SQ { Value::Items(Vec::new()) } else { Value::Bytes(Vec::new().into()) };
    Element { tag, vr, value }
}

/// Whether items say the same, whatever their character sets.
fn alike(one: &[DataSet], other: &[DataSet]) -> bool {
    let plain = |items: &[DataSet]| {
        let item = |item: &DataSet| json::to_string(&item.encode_text_in(CharacterSet::UTF_8));
        items.iter().map(item).collect::<Vec<_>>()
    };
    plain(one) == plain(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn latin() -> DataSet {
        let mut header = DataSet::new();
        header.put_bytes(tags::SPECIFIC_CHARACTER_SET, VR::CS, &b"ISO_IR 100"[..]);
        header.put_text(tags::PATIENT_NAME, "Müller^Jörg");
        header.put_text(tags::PATIENT_ID, "BN1");
        header.put_text(tags::INSTITUTION_NAME, "Höhe");
        header
    }

    fn overlay() -> Overlay {
        let mut attributes = DataSet::new();
        attributes.put_text(tags::PATIENT_NAME, "NGUYỄN^ĐỨC");
        attributes.put_text(tags::PATIENT_ID, "BN1");
        attributes.put_empty(tags::STUDY_DESCRIPTION);
        attributes.put_text(tags::ACCESSION_NUMBER, "A7");
        Overlay::new(attributes, 1_790_000_000_000)
    }

    #[test]
    fn what_is_replaced_is_kept_beside_it() {
        let laid = overlay().lay_over(&latin()).unwrap();
        assert_eq!(laid.text(tags::SPECIFIC_CHARACTER_SET).as_deref(), Some("ISO_IR 192"));
        assert_eq!(laid.text(tags::PATIENT_NAME).as_deref(), Some("NGUYỄN^ĐỨC"));
        assert_eq!(laid.text(tags::INSTITUTION_NAME).as_deref(), Some("Höhe"));
        assert!(!laid.contains(tags::STUDY_DESCRIPTION), "there was nothing to take away");
        let [original] = laid.items(tags::ORIGINAL_ATTRIBUTES_SEQUENCE) else { panic!() };
        assert_eq!(
            original.text(tags::ATTRIBUTE_MODIFICATION_DATE_TIME).as_deref(),
            Some("20260921141320+0000")
        );
        assert_eq!(original.text(tags::MODIFYING_SYSTEM).as_deref(), Some("Sen"));
        assert_eq!(original.text(tags::REASON_FOR_THE_ATTRIBUTE_MODIFICATION).as_deref(), Some("CORRECT"));
        assert!(original.get(tags::SOURCE_OF_PREVIOUS_VALUES).unwrap().is_empty());
        let [replaced] = original.items(tags::MODIFIED_ATTRIBUTES_SEQUENCE) else { panic!() };
        assert_eq!(replaced.text(tags::PATIENT_NAME).as_deref(), Some("Müller^Jörg"));
        assert!(replaced.get(tags::ACCESSION_NUMBER).unwrap().is_empty(), "it had none");
        assert_eq!(replaced.len(), 2, "the number of the patient stood so already");
    }

    #[test]
    fn one_more_item_follows_those_of_others() {
        let once = overlay().lay_over(&latin()).unwrap();
        assert_eq!(overlay().lay_over(&once), None, "all of it is there");
        let mut attributes = DataSet::new();
        attributes.put_empty(tags::ACCESSION_NUMBER);
        let twice = Overlay::new(attributes, 0).lay_over(&once).unwrap();
        assert_eq!(twice.items(tags::ORIGINAL_ATTRIBUTES_SEQUENCE).len(), 2);
        assert_eq!(twice.text(tags::ACCESSION_NUMBER), None);
    }

    #[test]
    fn an_overlay_reads_back() {
        let document = overlay().document();
        assert_eq!(Overlay::parse(&document).unwrap().document(), document);
        assert!(Overlay::parse("{}").is_err());
    }
}
