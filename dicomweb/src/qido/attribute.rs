//! Names of attributes as QIDO-RS writes them (PS3.18 8.3.4.1): a keyword or eight hexadecimal digits, and for
//! attributes inside sequences a path of these parted by dots.

use pacs_core::dataset::{tag_of, vr_of};
use pacs_core::{Tag, VR};

/// Deepest path that is looked at.
const PATH_MAX: usize = 8;

/// Why a name names no attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameError {
    /// Neither a keyword of the dictionary nor eight hexadecimal digits.
    Unknown,
    /// The path goes through something that is not a sequence, or is too deep.
    Path,
}

/// An attribute that a parameter names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute {
    /// One tag, or the way through sequences.
    pub path: Vec<Tag>,
    /// Value representation of the last tag; UN for private and unknown ones.
    pub vr: VR,
}

/// Reads a name.
pub fn named(name: &str) -> Result<Attribute, NameError> {
    let mut path = Vec::new();
    let mut vr = VR::UN;
    for step in name.split('.') {
        if path.len() == PATH_MAX || (!path.is_empty() && !matches!(vr, VR::SQ | VR::UN)) {
            return Err(NameError::Path);
        }
        let tag = tag_of(step).ok_or(NameError::Unknown)?;
        vr = vr_of(tag);
        path.push(tag);
    }
    Ok(Attribute { path, vr })
}

#[cfg(test)]
mod tests {
    use super::*;
    use pacs_core::tags;

    #[test]
    fn keywords_tags_and_paths() {
        for (name, path, vr) in [
            ("PatientName", vec![tags::PATIENT_NAME], VR::PN),
            ("00100010", vec![tags::PATIENT_NAME], VR::PN),
            ("0020000d", vec![tags::STUDY_INSTANCE_UID], VR::UI),
            ("00091001", vec![Tag(0x0009, 0x1001)], VR::UN),
            (
                "RequestAttributesSequence.00400009",
                vec![tags::REQUEST_ATTRIBUTES_SEQUENCE, tags::SCHEDULED_PROCEDURE_STEP_ID],
                VR::SH,
            ),
        ] {
            assert_eq!(named(name), Ok(Attribute { path, vr }), "{name}");
        }
    }

    #[test]
    fn what_names_nothing() {
        for name in ["", "patientname", "PatientNam", "0010001", "001000100", "0010001g", "PatientName.", "."]
        {
            assert!(named(name).is_err(), "{name}");
        }
        assert_eq!(named("PatientName.PatientID"), Err(NameError::Path));
        assert_eq!(named(&["00081115"; 9].join(".")), Err(NameError::Path));
    }
}
