//! DICOM JSON of attributes that are at hand one by one, such as the columns of a database's row: the bytes that a data
//! set of them would be written as, without one.

use std::borrow::Cow;

use super::number::{push_long, push_number};
use super::text::push_texts;
use crate::dataset::in_range;
use crate::text::{CharacterSet, uses_character_set};
use crate::{Tag, VR};

/// The beginning of an attribute, `"00100010":{"vr":"PN"`, made once for many objects.
#[derive(Debug, Clone, Copy)]
pub struct Head {
    vr: VR,
    text: [u8; Head::BYTES],
}

impl Head {
    const BYTES: usize = 21;

    /// The beginning of the attribute with that tag and value representation.
    pub fn of(tag: Tag, vr: VR) -> Self {
        let mut text = *b"\"GGGGEEEE\":{\"vr\":\"VR\"";
        for (place, byte) in text.iter_mut().skip(1).zip(super::key(tag)) {
            *place = byte;
        }
        for (place, byte) in text.iter_mut().skip(18).zip(vr.to_string().bytes()) {
            *place = byte;
        }
        Self { vr, text }
    }

    pub(super) fn push(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.text);
    }
}

/// A JSON object in the making. The caller keeps to the order of tags.
pub struct Object<'a> {
    out: &'a mut Vec<u8>,
    is_begun: bool,
}

impl<'a> Object<'a> {
    /// Begins an object at the end of `out`.
    pub fn begin(out: &'a mut Vec<u8>) -> Self {
        out.push(b'{');
        Self { out, is_begun: false }
    }

    /// Puts an attribute that is held as text in normal form C; several values have backslashes between them, where the
    /// VR has several.
    pub fn text(&mut self, head: &Head, text: &str) {
        // What the VR does not allow becomes what it would in a data set.
        let text = if uses_character_set(head.vr) || text.is_ascii() {
            Cow::Borrowed(text)
        } else {
            let bytes = CharacterSet::DEFAULT.encode(text);
            Cow::Owned(CharacterSet::DEFAULT.decode(&bytes, head.vr).into_owned())
        };
        self.values(head, |out| push_texts(out, head.vr, &text));
    }

    /// Puts a whole number, of VR IS or of a binary one, of which it takes the nearest value.
    pub fn number(&mut self, head: &Head, number: i64) {
        self.values(head, |out| match in_range(head.vr, number) {
            number if matches!(head.vr, VR::SV | VR::UV) => push_long(out, number.into()),
            number => push_number(out, number),
        });
    }

    /// Puts an attribute without a value.
    pub fn empty(&mut self, head: &Head) {
        self.values(head, |_| ());
    }

    /// Ends the object.
    pub fn end(self) {
        self.out.push(b'}');
    }

    fn values(&mut self, head: &Head, push: impl FnOnce(&mut Vec<u8>)) {
        const VALUE: &[u8] = b",\"Value\":[";
        if std::mem::replace(&mut self.is_begun, true) {
            self.out.push(b',');
        }
        head.push(self.out);
        self.out.extend_from_slice(VALUE);
        let start = self.out.len();
        push(self.out);
        if self.out.len() == start {
            self.out.truncate(start - VALUE.len());
            self.out.push(b'}');
        } else {
            self.out.extend_from_slice(b"]}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::{DataSet, vr_of};
    use crate::{json, tags};
    use proptest::prelude::*;

    const TAGS: [Tag; 8] = [
        tags::STUDY_DATE,
        tags::MODALITIES_IN_STUDY,
        tags::STUDY_DESCRIPTION,
        tags::RETRIEVE_URL,
        tags::PATIENT_NAME,
        tags::PATIENT_COMMENTS,
        tags::STUDY_INSTANCE_UID,
        tags::INSTANCE_NUMBER,
    ];

    proptest! {
        #[test]
        fn the_same_as_of_a_data_set(
            tag in prop::sample::select(&TAGS[..]),
            text in "([ -~ÀễĐ阮=^\\\\\"\n\u{1}\u{0} ]|[0-9.+-]){0,12}",
        ) {
            let mut set = DataSet::new();
            set.put_text(tag, &text);
            let whole = json::to_string(&set);
            let mut out = Vec::new();
            let mut object = Object::begin(&mut out);
            if set.contains(tags::SPECIFIC_CHARACTER_SET) {
                object.text(&Head::of(tags::SPECIFIC_CHARACTER_SET, VR::CS), "ISO_IR 192");
            }
            object.text(&Head::of(tag, vr_of(tag)), &text);
            object.end();
            prop_assert_eq!(String::from_utf8(out).unwrap(), whole);
        }

        #[test]
        fn numbers_too(number in any::<i64>()) {
            for tag in [tags::ROWS, tags::INSTANCE_NUMBER, tags::SELECTOR_SL_VALUE, tags::SELECTOR_UV_VALUE] {
                let mut set = DataSet::new();
                set.put_int(tag, number);
                let mut out = Vec::new();
                let mut object = Object::begin(&mut out);
                object.number(&Head::of(tag, vr_of(tag)), number);
                object.end();
                prop_assert_eq!(String::from_utf8(out).unwrap(), json::to_string(&set));
            }
        }
    }

    #[test]
    fn attributes_are_parted() {
        let mut out = Vec::new();
        let mut object = Object::begin(&mut out);
        object.empty(&Head::of(tags::STUDY_ID, VR::SH));
        object.text(&Head::of(tags::PATIENT_SEX, VR::CS), "  ");
        object.number(&Head::of(tags::ROWS, VR::US), 70_000);
        object.end();
        let written =
            r#"{"00200010":{"vr":"SH"},"00100040":{"vr":"CS"},"00280010":{"vr":"US","Value":[65535]}}"#;
        assert_eq!(String::from_utf8(out).unwrap(), written);
    }
}
