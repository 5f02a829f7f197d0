//! Laying an overlay over metadata that is DICOM JSON already, without taking all of it apart.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::Overlay;
use crate::json::{self, JsonError, JsonLimits};
use crate::{Tag, tags};

impl Overlay {
    /// The metadata of an instance, one JSON object, as it leaves; `None` when it stands so already. What
    /// is not changed keeps its text, with the names of its bulk data.
    pub fn lay_over_json(&self, metadata: &[u8]) -> Result<Option<Vec<u8>>, JsonError> {
        let malformed = |error: serde_json::Error| JsonError::Malformed(error.to_string());
        let mut elements: BTreeMap<&str, &RawValue> = serde_json::from_slice(metadata).map_err(malformed)?;
        let besides = [tags::SPECIFIC_CHARACTER_SET, tags::ORIGINAL_ATTRIBUTES_SEQUENCE];
        let touched = self.attributes().iter().map(|element| element.tag).chain(besides);
        let mut header = String::from("{");
        for key in touched.map(key) {
            if let Some(element) = elements.get(key.as_str()) {
                if header.len() > 1 {
                    header.push(',');
                }
                header.push_str(&format!("\"{key}\":{}", element.get()));
            }
        }
        header.push('}');
        let limits = JsonLimits { document_bytes: header.len(), retained_bytes: usize::MAX };
        let header = json::parse(header.as_bytes(), &limits)?.into_iter().next().unwrap_or_default();
        let Some(laid) = self.lay_over(&header) else { return Ok(None) };
        let laid = json::to_string(&laid);
        let changed: BTreeMap<&str, &RawValue> = serde_json::from_str(&laid).map_err(malformed)?;
        elements.extend(changed);
        serde_json::to_vec(&elements).map(Some).map_err(malformed)
    }
}

/// How DICOM JSON names an attribute. Keys sort as tags do.
fn key(tag: Tag) -> String {
    format!("{:04X}{:04X}", tag.0, tag.1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::DataSet;

    #[test]
    fn metadata_says_what_the_header_says() {
        let mut header = DataSet::new();
        header.put_text(tags::SPECIFIC_CHARACTER_SET, "ISO_IR 192");
        header.put_text(tags::PATIENT_NAME, "Nguyễn^A");
        header.put_int(tags::ROWS, 512);
        let mut attributes = DataSet::new();
        attributes.put_text(tags::PATIENT_NAME, "Trần^B");
        let overlay = Overlay::new(attributes, 0);
        let stored = json::to_string(&header)
            .replace("}}", "},\"7FE00010\":{\"vr\":\"OW\",\"BulkDataURI\":\"sen:/1/bulkdata/7FE00010\"}}");
        let laid = overlay.lay_over_json(stored.as_bytes()).unwrap().unwrap();
        let laid = String::from_utf8(laid).unwrap();
        let pixels = ",\"7FE00010\":{\"vr\":\"OW\",\"BulkDataURI\":\"sen:/1/bulkdata/7FE00010\"}}";
        let want = json::to_string(&overlay.lay_over(&header).unwrap());
        assert_eq!(laid, format!("{}{pixels}", want.strip_suffix('}').unwrap()));
        assert_eq!(overlay.lay_over_json(laid.as_bytes()).unwrap(), None);
        assert!(overlay.lay_over_json(b"[]").is_err());
    }
}
