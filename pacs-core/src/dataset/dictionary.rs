//! The data dictionary of PS3.6, as far as reading and naming need it.

use dicom_core::dictionary::{DataDictionary, DataDictionaryEntry, VirtualVr};
use dicom_dictionary_std::StandardDataDictionary;

use crate::{Tag, VR};

/// The value representation of a tag: UN when the dictionary does not know it, OW or US where it
/// depends on other elements.
pub fn vr_of(tag: Tag) -> VR {
    lookup(tag).map_or(VR::UN, VirtualVr::relaxed)
}

/// The keyword of a tag (`PatientName`), if the dictionary has it.
pub fn keyword_of(tag: Tag) -> Option<&'static str> {
    StandardDataDictionary.by_tag(tag).map(|entry| entry.alias)
}

/// The tag of a keyword, or of eight hexadecimal digits `GGGGEEEE` (PS3.18 8.3.1.1).
pub fn tag_of(name: &str) -> Option<Tag> {
    if name.len() == 8 && name.bytes().all(|b| b.is_ascii_hexdigit()) {
        let number = u32::from_str_radix(name, 16).ok()?;
        return Some(Tag((number >> 16) as u16, number as u16));
    }
    StandardDataDictionary.by_name(name).map(DataDictionaryEntry::tag)
}

/// What the dictionary says of a tag. Private tags, which the dictionary would look for in four
/// places in vain, are told first.
pub(super) fn lookup(tag: Tag) -> Option<VirtualVr> {
    match tag {
        Tag(group, 0x0010..=0x00ff) if group % 2 == 1 => Some(VirtualVr::Exact(VR::LO)),
        Tag(group, element) if group % 2 == 1 && element != 0 => None,
        _ => StandardDataDictionary.by_tag(tag).map(|entry| entry.vr),
    }
}

/// The VR that an implicit element or one of VR UN has, given Pixel Representation.
pub(super) fn vr_in_context(tag: Tag, signed: bool) -> Option<VR> {
    Some(match lookup(tag)? {
        VirtualVr::Xs if signed => VR::SS,
        other => other.relaxed(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tags;

    #[test]
    fn tags_have_names_and_representations() {
        assert_eq!(vr_of(tags::PATIENT_NAME), VR::PN);
        assert_eq!(vr_of(Tag(0x0009, 0x0010)), VR::LO);
        assert_eq!(vr_of(Tag(0x0009, 0x1010)), VR::UN);
        assert_eq!(vr_of(Tag(0x6002, 0x3000)), VR::OW);
        assert_eq!(keyword_of(tags::PATIENT_NAME), Some("PatientName"));
        assert_eq!(tag_of("PatientName"), Some(tags::PATIENT_NAME));
        assert_eq!(tag_of("00100010"), Some(tags::PATIENT_NAME));
        assert_eq!(tag_of("0010001g"), None);
        assert_eq!(vr_in_context(tags::SMALLEST_IMAGE_PIXEL_VALUE, true), Some(VR::SS));
        assert_eq!(vr_in_context(tags::SMALLEST_IMAGE_PIXEL_VALUE, false), Some(VR::US));
    }
}
