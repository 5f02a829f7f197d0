//! Quick CT slices for tests and benches: valid instances of a plain phantom, every one with pixels of its own,
//! made as fast as memory can be written.

use crate::instance::{Identity, Instance, PixelData, assemble, well_known};
use crate::modules::common::{SeriesFacts, put_equipment, put_instance, put_patient, put_series, put_study};
use crate::modules::ct::{Scan, put_ct};
use crate::modules::image::{Plane, Raster, put_grey, put_windows};
use crate::order::Order;
use crate::province::Province;
use crate::random::{stream, uid, uid_below};
use jiff::ToSpan;
use jiff::civil::date;
use pacs_core::dataset::DataSet;
use pacs_core::{tags, uids};
use rand::RngExt;

/// An iterator of CT instances of one series, see [`ct_slices`].
#[derive(Debug, Clone)]
pub struct CtSlices {
    province: Province,
    order: Option<Order>,
    seed: u64,
    side: u16,
    next: usize,
    count: usize,
    plain: Vec<u16>,
    grain: Vec<u16>,
}

/// `count` CT slices of one series, 512x512 unless [`CtSlices::sized`] says otherwise. The same count, size and
/// seed always give the same bytes.
pub fn ct_slices(count: usize) -> CtSlices {
    CtSlices {
        province: Province::new(1, date(2026, 11, 23)),
        order: None,
        seed: 1,
        side: 512,
        next: 0,
        count,
        plain: Vec::new(),
        grain: Vec::new(),
    }
}

impl CtSlices {
    /// With `side` rows and columns instead of 512.
    pub fn sized(mut self, side: u16) -> CtSlices {
        self.side = side.max(1);
        self.plain.clear();
        self
    }

    /// Another study of another patient: every UID and the patient differ between seeds.
    pub fn seeded(mut self, seed: u64) -> CtSlices {
        self.seed = seed;
        self.plain.clear();
        self
    }

    /// The order these slices belong to: one CT of the province per seed.
    fn order(&self) -> Option<Order> {
        let day = self.province.today();
        let mut order = self
            .province
            .orders(day)
            .into_iter()
            .find(|order| order.procedure.modality == "CT" && order.patient >= Province::TOLD_PATIENTS)?;
        order.patient = Province::TOLD_PATIENTS + self.seed % (Province::PATIENTS - Province::TOLD_PATIENTS);
        order.study = uid(self.seed, "slices", 0);
        order.accession_number = format!("S{:015}", self.seed % 1_000_000_000_000_000);
        Some(order)
    }

    /// A body in air with some organs in it, and noise to lay over it.
    fn paint(&mut self) {
        let side = f32::from(self.side);
        let shapes: [(f32, f32, f32, f32, u16); 6] = [
            (0.0, 0.0, 0.86, 0.62, 1024 + 40),
            (-0.38, -0.08, 0.36, 0.34, 1024 + 62),
            (0.42, 0.05, 0.17, 0.14, 1024 + 50),
            (0.18, -0.26, 0.19, 0.13, 60),
            (0.0, 0.34, 0.12, 0.12, 1024 + 320),
            (0.08, 0.14, 0.06, 0.06, 1024 + 150),
        ];
        self.plain = (0..u32::from(self.side).pow(2))
            .map(|n| {
                let x = (n % u32::from(self.side)) as f32 / side * 2.0 - 1.0;
                let y = (n / u32::from(self.side)) as f32 / side * 2.0 - 1.0;
                shapes
                    .iter()
                    .rev()
                    .find(|(cx, cy, rx, ry, _)| ((x - cx) / rx).powi(2) + ((y - cy) / ry).powi(2) < 1.0)
                    .map_or(24, |shape| shape.4)
            })
            .collect();
        let mut random = stream(self.seed, "grain", 0);
        self.grain = (0..65_521).map(|_| random.random_range(0..8) + random.random_range(0..8)).collect();
    }

    /// The pixels of a slice. Another part of the grain on every one: no two have the same.
    fn words(&self, slice: usize) -> impl Iterator<Item = u16> {
        let shift = (slice * 7919) % self.grain.len();
        let grain = self.grain.iter().cycle().skip(shift);
        self.plain.iter().zip(grain).map(|(word, grain)| word + grain)
    }

    /// The modules that every image has.
    fn head(&self, order: &Order, identity: &Identity, n: usize) -> DataSet {
        let mut set = DataSet::new();
        let started_at = order.scheduled_at.saturating_add(12.minutes());
        put_instance(&mut set, identity, n as i64 + 1, started_at);
        put_patient(&mut set, &self.province.patient(order.patient), order);
        put_study(&mut set, order, order.scheduled_at);
        let facts = SeriesFacts {
            number: 1,
            description: "Phantom 2.5 mm",
            protocol: "Phantom",
            started_at,
            operator: "KTV",
        };
        put_series(&mut set, order, identity, &facts);
        put_equipment(&mut set, order);
        set
    }

    /// All that is left of the slices as the frames of one object (Multi-frame Grayscale Word Secondary Capture,
    /// PS3.3 A.8.4) in a series of its own.
    pub fn as_frames(mut self) -> Option<Instance> {
        if self.plain.is_empty() {
            self.order = self.order();
            self.paint();
        }
        let order = self.order.clone()?;
        let class = uids::MULTI_FRAME_GRAYSCALE_WORD_SECONDARY_CAPTURE_IMAGE_STORAGE;
        let identity = identity(&order, class, 2, 0);
        let mut set = self.head(&order, &identity, 0);
        set.put_int(tags::SERIES_NUMBER, 2);
        set.put_text(tags::CONVERSION_TYPE, "WSD");
        set.put_texts(tags::IMAGE_TYPE, &["ORIGINAL", "PRIMARY"]);
        put_grey(&mut set, &self.raster());
        put_windows(&mut set, &[(1064.0, 400.0, "ABDOMEN")]);
        set.put_int(tags::NUMBER_OF_FRAMES, (self.count - self.next) as i64);
        set.put_text(tags::FRAME_INCREMENT_POINTER, "00181063");
        set.put_text(tags::FRAME_TIME, "33");
        let words = (self.next..self.count).flat_map(|slice| self.words(slice)).collect();
        Some(assemble(identity, &set, PixelData::Words(words), Some(&order.device.ae_title)))
    }

    fn raster(&self) -> Raster {
        Raster { rows: self.side, columns: self.side, bits_stored: 12, photometric: "MONOCHROME2" }
    }
}

fn identity(order: &Order, class: &'static str, series: u64, instance: usize) -> Identity {
    let series = uid_below(&order.study, "series", series);
    Identity {
        class: well_known(class),
        uid: uid_below(&series, "instance", instance as u64),
        series,
        study: order.study.clone(),
    }
}

impl Iterator for CtSlices {
    type Item = Instance;

    fn next(&mut self) -> Option<Instance> {
        if self.next >= self.count {
            return None;
        }
        if self.plain.is_empty() {
            self.order = self.order();
            self.paint();
        }
        let order = self.order.clone()?;
        let n = self.next;
        self.next += 1;
        let words = self.words(n).collect();
        let identity = identity(&order, uids::CT_IMAGE_STORAGE, 1, n);
        let mut set = self.head(&order, &identity, n);
        let spacing_mm = 380.0 / f64::from(self.side);
        let edge_mm = -spacing_mm * (f64::from(self.side) - 1.0) / 2.0;
        let plane = Plane {
            frame_of_reference: &uid_below(&order.study, "frame of reference", 1),
            position_mm: [edge_mm, edge_mm, -2.5 * n as f64],
            spacing_mm,
            thickness_mm: 2.5,
        };
        let raster = self.raster();
        let scan = Scan {
            contrast: false,
            kernel: "B30",
            field_of_view_mm: 380.0,
            tube_current_ma: 220,
            windows: &[(40.0, 400.0, "ABDOMEN")],
        };
        put_ct(&mut set, &raster, &plane, &scan);
        Some(assemble(identity, &set, PixelData::Words(words), Some(&order.device.ae_title)))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.count - self.next;
        (left, Some(left))
    }
}

impl ExactSizeIterator for CtSlices {}

#[cfg(test)]
mod tests {
    use super::*;
    use pacs_core::dataset::{Limits, Until, read_slice};
    use pacs_core::{attributes, pixels, transfer_syntax};

    #[test]
    fn slices_are_valid_and_differ() {
        let slices: Vec<Instance> = ct_slices(3).sized(64).collect();
        let mut hashes = std::collections::HashSet::new();
        for (n, instance) in slices.iter().enumerate() {
            let syntax = transfer_syntax::of(&instance.transfer_syntax);
            let reading =
                read_slice(instance.dataset(), &syntax, &Limits::default(), Until::PixelData).unwrap();
            let lifted = attributes::lift(&reading.data_set).unwrap();
            assert_eq!(lifted.instance.uid, instance.uid);
            assert_eq!(lifted.instance.number, Some(n as i64 + 1));
            assert_eq!(lifted.series.uid, slices[0].series);
            let layout = pixels::Layout::from(&reading.data_set).unwrap();
            assert_eq!((layout.rows, layout.columns, layout.frame_bytes()), (64, 64, 64 * 64 * 2));
            assert_eq!(reading.data_set.floats(tags::IMAGE_POSITION_PATIENT).len(), 3);
            assert!(hashes.insert(blake3::hash(&instance.bytes[instance.bytes.len() - 8192..])));
        }
        assert_eq!(slices, ct_slices(3).sized(64).collect::<Vec<_>>());
        assert_ne!(ct_slices(1).seeded(2).next().unwrap().study, slices[0].study);
    }

    #[test]
    fn slices_become_frames_of_one_object() {
        let slices: Vec<Instance> = ct_slices(3).sized(64).collect();
        let object = ct_slices(3).sized(64).as_frames().unwrap();
        let syntax = transfer_syntax::of(&object.transfer_syntax);
        let reading = read_slice(object.dataset(), &syntax, &Limits::default(), Until::PixelData).unwrap();
        let layout = pixels::Layout::from(&reading.data_set).unwrap();
        assert_eq!((layout.frames, layout.frame_bytes()), (3, 64 * 64 * 2));
        assert_eq!(object.study, slices[0].study);
        assert_ne!(object.series, slices[0].series);
        let pixels = |instance: &Instance| instance.bytes[instance.bytes.len() - 8192..].to_vec();
        let whole: Vec<u8> = slices.iter().flat_map(pixels).collect();
        assert!(object.bytes.ends_with(&whole));
    }
}
