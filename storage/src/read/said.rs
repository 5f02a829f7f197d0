//! Some attributes of an instance's header, as it is served.

use std::sync::Arc;

use pacs_core::Tag;
use pacs_core::attributes::excerpt;
use pacs_core::correction::Overlay;
use pacs_core::dataset::{self, DataSet, Element, Limits, Until, Value};
use pacs_core::text::CharacterSet;
use pacs_core::transfer_syntax;
use tokio::task::spawn_blocking;

use super::header::{self, damaged};
use crate::archive::Archive;
use crate::error::{Error, Result};
use crate::index::instances::InstancePlace;
use crate::spool::region::Region;

/// Bytes that one attribute may take, and all of an instance.
const VALUE_BYTES: usize = 64 << 10;
const EXCERPT_BYTES: usize = 4 * VALUE_BYTES;

impl Archive {
    /// What of `wanted` the header says up to its pixels, as corrected and in UTF-8, without what counts as bulk data
    /// and without what is longer than 64 KiB, items included; of the others those that fit into 256 KiB, in their order.
    /// It is not remembered: who asks for these asks for many instances, once.
    pub(crate) async fn said(&self, place: &InstancePlace, wanted: Arc<[Tag]>) -> Result<DataSet> {
        let overlay = self.overlay(place).await?;
        let take = move |stored: &DataSet| taken(stored, overlay.as_deref(), &wanted);
        if let Some(header) = self.0.caches.headers.get(&(place.id, place.hash)) {
            return spawn_blocking(move || take(&header.set)).await.map_err(Error::thread);
        }
        let syntax = transfer_syntax::of(&place.transfer_syntax);
        let reader = self.open_instance(place).await?;
        let Some((file, start, length)) = reader.local() else {
            let reading = header::read(&reader, &syntax, Until::PixelData).await?;
            return spawn_blocking(move || take(&reading.data_set)).await.map_err(Error::thread);
        };
        let read = move || {
            let mut region = Region::new(&file, start, length);
            dataset::read_file(&mut region, &syntax, &Limits::default(), Until::PixelData)
                .map(|reading| take(&reading.data_set))
        };
        spawn_blocking(read).await.map_err(Error::thread)?.map_err(damaged)
    }
}

fn taken(stored: &DataSet, overlay: Option<&Overlay>, wanted: &[Tag]) -> DataSet {
    let laid = overlay.and_then(|overlay| overlay.lay_over(stored));
    let mut taken = excerpt(laid.as_ref().unwrap_or(stored), wanted);
    leave_bulk(&mut taken);
    leave_long(&mut taken);
    taken.encode_text_in(CharacterSet::UTF_8)
}

fn is_bulk(value: &Value) -> bool {
    matches!(value, Value::Elsewhere { .. } | Value::Fragments(_))
}

/// Leaves out values that were not held, also of items.
fn leave_bulk(set: &mut DataSet) {
    set.retain(|element| !is_bulk(&element.value));
    let sequences: Vec<(Tag, Vec<DataSet>)> = set
        .iter()
        .filter_map(|element| match &element.value {
            Value::Items(items) => Some((element.tag, items.clone())),
            _ => None,
        })
        .collect();
    for (tag, mut items) in sequences {
        items.iter_mut().for_each(leave_bulk);
        set.put_items(tag, items);
    }
}

/// Leaves out what is too long to be in an answer: the sequence of a thousand frames has megabytes, and whoever reads
/// answers slowly keeps several of them.
fn leave_long(set: &mut DataSet) {
    let mut left_bytes = EXCERPT_BYTES;
    set.retain(|element| {
        let bytes = written_bytes(element);
        let is_taken = bytes <= VALUE_BYTES && bytes <= left_bytes;
        left_bytes -= if is_taken { bytes } else { 0 };
        is_taken
    });
}

/// About how many bytes an element is written in: its value, and tag and length of each.
fn written_bytes(element: &Element) -> usize {
    const HEAD: usize = 8;
    let of_item = |item: &DataSet| HEAD + item.iter().map(written_bytes).sum::<usize>();
    HEAD + match &element.value {
        Value::Bytes(bytes) => bytes.len(),
        Value::Items(items) => items.iter().map(of_item).sum(),
        Value::Fragments(_) | Value::Elsewhere { .. } => 0,
    }
}

#[cfg(test)]
mod tests {
    use pacs_core::{VR, tags};

    use super::*;

    #[test]
    fn what_lies_elsewhere_is_left_out_at_every_depth() {
        let elsewhere = |tag| Element { tag, vr: VR::OW, value: Value::Elsewhere { offset: 9, length: 9 } };
        let mut item = DataSet::new();
        item.put(elsewhere(tags::WAVEFORM_DATA));
        item.put_text(tags::CODE_MEANING, "Đo");
        let mut stored = DataSet::new();
        stored.put(elsewhere(tags::RED_PALETTE_COLOR_LOOKUP_TABLE_DATA));
        stored.put_text(tags::IMAGE_TYPE, "ORIGINAL\\PRIMARY");
        stored.put_text(tags::MODALITY, "ECG");
        stored.put_items(tags::WAVEFORM_SEQUENCE, vec![item]);
        let wanted = [
            tags::RED_PALETTE_COLOR_LOOKUP_TABLE_DATA,
            tags::IMAGE_TYPE,
            tags::WAVEFORM_SEQUENCE,
            tags::ROWS,
        ];
        let taken = taken(&stored, None, &wanted);
        let have: Vec<Tag> = taken.iter().map(|element| element.tag).collect();
        assert_eq!(have, [tags::SPECIFIC_CHARACTER_SET, tags::IMAGE_TYPE, tags::WAVEFORM_SEQUENCE]);
        let item = &taken.items(tags::WAVEFORM_SEQUENCE)[0];
        assert_eq!((item.len(), item.text(tags::CODE_MEANING).as_deref()), (1, Some("Đo")));
    }

    #[test]
    fn what_is_long_is_left_out() {
        let frames = |count: usize| {
            let mut item = DataSet::new();
            item.put_text(tags::CODE_MEANING, "Dose");
            vec![item; count]
        };
        let mut stored = DataSet::new();
        stored.put_text(tags::IMAGE_TYPE, "ORIGINAL\\PRIMARY");
        // Each frame takes 20 bytes.
        stored.put_items(tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE, frames(VALUE_BYTES / 20 + 1));
        stored.put_items(tags::WAVEFORM_SEQUENCE, frames(VALUE_BYTES / 20 - 1));
        let wanted = [tags::IMAGE_TYPE, tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE, tags::WAVEFORM_SEQUENCE];
        let taken = taken(&stored, None, &wanted);
        let have: Vec<Tag> = taken.iter().map(|element| element.tag).collect();
        assert_eq!(have, [tags::SPECIFIC_CHARACTER_SET, tags::IMAGE_TYPE, tags::WAVEFORM_SEQUENCE]);
    }
}
