//! Instances without their bulk data (PS3.4 Z): everything that an instance says, and none of what it shows or records.
//! Nothing else of it is changed.

use pacs_core::dataset::DataSet;
use pacs_core::text::CharacterSet;
use pacs_core::transfer_syntax;
use pacs_core::{Tag, tags, uids};
use storage::InstancePlace;

use super::Transcoder;
use super::deflate::deflated;
use super::stored::{Content, Unsendable};
use crate::association::{Context, Contexts};

/// The encodings that are taken for it where there is a choice, the best first.
const PREFERRED: [&str; 4] = [
    uids::EXPLICIT_VR_LITTLE_ENDIAN,
    uids::IMPLICIT_VR_LITTLE_ENDIAN,
    "1.2.840.10008.1.2.2",
    uids::DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN,
];

/// The presentation context that an instance goes out in without its bulk data, and its data set. Without frames any
/// transfer syntax will do.
pub fn ready<'a, F: Fn(&Context) -> bool>(
    contexts: &Contexts,
    usable: F,
    place: &'a InstancePlace,
    letters: CharacterSet,
    transcoder: &'a Transcoder,
) -> impl Future<Output = Result<(u8, Content), Unsendable>> + use<'a, F> {
    let rank = |context: &&Context| {
        let rank = PREFERRED.iter().position(|syntax| context.transfer_syntax == **syntax);
        rank.unwrap_or(PREFERRED.len())
    };
    let fitting = contexts.of_class(&place.class).filter(|context| usable(context)).min_by_key(rank);
    let fitting = fitting.map(|context| (context.id, transfer_syntax::of(&context.transfer_syntax)));
    async move {
        let no_context = || Unsendable::NoContext { syntax: place.transfer_syntax.clone() };
        let (context, to) = fitting.ok_or_else(no_context)?;
        let content = transcoder.header(place, letters, without_bulk, &to).await?;
        Ok((context, if to.deflated { deflated(content) } else { content }))
    }
}

/// A data set without its bulk data (PS3.4 table Z.1-1).
fn without_bulk(set: &DataSet) -> DataSet {
    let mut rest = set.clone();
    rest.retain(|element| !is_bulk(element.tag));
    if rest.contains(tags::WAVEFORM_SEQUENCE) {
        let mut waveforms = rest.items(tags::WAVEFORM_SEQUENCE).to_vec();
        for waveform in &mut waveforms {
            waveform.remove(tags::WAVEFORM_DATA);
        }
        rest.put_items(tags::WAVEFORM_SEQUENCE, waveforms);
    }
    rest
}

/// Pixels of every kind with the tables of their offsets, spectra, overlays, and the retired curves and sounds. Only
/// those of the image itself: icons stay.
fn is_bulk(tag: Tag) -> bool {
    match tag {
        tags::PIXEL_DATA_PROVIDER_URL | tags::SPECTROSCOPY_DATA => true,
        Tag(0x7FE0, _) => true,
        Tag(group, 0x3000) => matches!(group & 0xFF01, 0x6000 | 0x5000),
        Tag(group, 0x200C) => group & 0xFF01 == 0x5000,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bulk_data_is_that_of_the_table() {
        for (group, element, want) in [
            (0x7FE0, 0x0010, true),
            (0x7FE0, 0x0008, true),
            (0x7FE0, 0x0001, true),
            (0x0028, 0x7FE0, true),
            (0x5600, 0x0020, true),
            (0x6000, 0x3000, true),
            (0x601E, 0x3000, true),
            (0x6001, 0x3000, false),
            (0x6000, 0x0010, false),
            (0x6100, 0x3000, false),
            (0x5002, 0x3000, true),
            (0x5002, 0x200C, true),
            (0x5002, 0x0010, false),
            (0x0028, 0x0010, false),
            (0x0042, 0x0011, false),
            (0x5400, 0x0100, false),
        ] {
            assert_eq!(is_bulk(Tag(group, element)), want, "({group:04X},{element:04X})");
        }
    }

    #[test]
    fn waveforms_are_described_and_not_given() {
        let mut waveform = DataSet::new();
        waveform.put_text(tags::MULTIPLEX_GROUP_LABEL, "RHYTHM");
        waveform.put_bytes(tags::WAVEFORM_DATA, pacs_core::VR::OW, vec![1, 2]);
        let mut icon = DataSet::new();
        icon.put_bytes(tags::PIXEL_DATA, pacs_core::VR::OW, vec![3, 4]);
        let mut set = DataSet::new();
        set.put_items(tags::WAVEFORM_SEQUENCE, vec![waveform]);
        set.put_items(tags::ICON_IMAGE_SEQUENCE, vec![icon]);
        set.put_bytes(tags::PIXEL_DATA, pacs_core::VR::OW, vec![5, 6]);
        let rest = without_bulk(&set);
        let waveform = &rest.items(tags::WAVEFORM_SEQUENCE)[0];
        assert_eq!(waveform.text(tags::MULTIPLEX_GROUP_LABEL).as_deref(), Some("RHYTHM"));
        assert!(!waveform.contains(tags::WAVEFORM_DATA));
        assert!(rest.items(tags::ICON_IMAGE_SEQUENCE)[0].contains(tags::PIXEL_DATA));
        assert!(!rest.contains(tags::PIXEL_DATA));
    }
}
