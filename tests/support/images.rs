//! Small CT studies made on the spot, one attribute at a time under the test's control.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use pacs_core::dataset::{self, DataSet};
use pacs_core::part10;
use pacs_core::uid::Uid;
use pacs_core::{VR, tags, transfer_syntax, uids};

/// A study to be made.
#[derive(Debug, Clone)]
pub struct Study {
    /// Patient ID.
    pub patient_id: String,
    /// Patient's Name.
    pub patient_name: String,
    /// Accession Number; empty for none.
    pub accession_number: String,
    /// Study Date, `YYYYMMDD`.
    pub date: String,
    /// Study Instance UID.
    pub uid: Uid,
    /// Slices in its one series.
    pub slices: u32,
    /// Rows and columns of each.
    pub edge_pixels: u16,
}

impl Study {
    /// Three small slices of a patient.
    pub fn of(patient_id: &str, patient_name: &str) -> Self {
        Self {
            patient_id: patient_id.to_owned(),
            patient_name: patient_name.to_owned(),
            accession_number: String::new(),
            date: "20261123".to_owned(),
            uid: Uid::generate(rand::random()),
            slices: 3,
            edge_pixels: 64,
        }
    }

    /// With an accession number.
    pub fn accession_number(mut self, number: &str) -> Self {
        number.clone_into(&mut self.accession_number);
        self
    }

    /// Series Instance UID of the one series.
    pub fn series(&self) -> Uid {
        self.child(1)
    }

    /// SOP Instance UID of a slice, from 1.
    pub fn instance(&self, slice: u32) -> Uid {
        self.child(100 + slice)
    }

    fn child(&self, number: u32) -> Uid {
        // The study's UID is 2.25.<number>; its children count on from it.
        let digits = self.uid.as_str().rsplit('.').next().expect("a component");
        let own: u128 = digits.parse().expect("a number");
        Uid::parse(&format!("2.25.{}", (own >> 16) + u128::from(number))).expect("a UID")
    }

    /// One slice as a Part 10 file in Explicit VR Little Endian.
    pub fn slice(&self, slice: u32) -> Vec<u8> {
        let class = Uid::parse(uids::CT_IMAGE_STORAGE).expect("a UID");
        let syntax = Uid::parse(uids::EXPLICIT_VR_LITTLE_ENDIAN).expect("a UID");
        let mut set = DataSet::new();
        set.put_text(tags::SPECIFIC_CHARACTER_SET, "ISO_IR 192");
        set.put_uid(tags::SOP_CLASS_UID, &class);
        set.put_uid(tags::SOP_INSTANCE_UID, &self.instance(slice));
        set.put_text(tags::STUDY_DATE, &self.date);
        set.put_text(tags::STUDY_TIME, "093000");
        set.put_text(tags::ACCESSION_NUMBER, &self.accession_number);
        set.put_text(tags::MODALITY, "CT");
        set.put_text(tags::STUDY_DESCRIPTION, "CT bụng");
        set.put_text(tags::PATIENT_NAME, &self.patient_name);
        set.put_text(tags::PATIENT_ID, &self.patient_id);
        set.put_text(tags::PATIENT_BIRTH_DATE, "19800102");
        set.put_text(tags::PATIENT_SEX, "M");
        set.put_uid(tags::STUDY_INSTANCE_UID, &self.uid);
        set.put_uid(tags::SERIES_INSTANCE_UID, &self.series());
        set.put_text(tags::SERIES_NUMBER, "1");
        set.put_text(tags::INSTANCE_NUMBER, &slice.to_string());
        set.put_int(tags::SAMPLES_PER_PIXEL, 1);
        set.put_text(tags::PHOTOMETRIC_INTERPRETATION, "MONOCHROME2");
        set.put_int(tags::ROWS, i64::from(self.edge_pixels));
        set.put_int(tags::COLUMNS, i64::from(self.edge_pixels));
        set.put_int(tags::BITS_ALLOCATED, 16);
        set.put_int(tags::BITS_STORED, 12);
        set.put_int(tags::HIGH_BIT, 11);
        set.put_int(tags::PIXEL_REPRESENTATION, 0);
        set.put_text(tags::RESCALE_INTERCEPT, "-1024");
        set.put_text(tags::RESCALE_SLOPE, "1");
        set.put_text(tags::WINDOW_CENTER, "40");
        set.put_text(tags::WINDOW_WIDTH, "400");
        set.put_bytes(tags::PIXEL_DATA, VR::OW, Bytes::from(self.pixels(slice)));
        let mut file = part10::write_head(&class, &self.instance(slice), &syntax, None);
        dataset::write(&set, &transfer_syntax::of(&syntax), &mut file)
            .expect("a data set that can be written");
        file
    }

    /// The pixels of a slice, little endian: a ramp that differs from slice to slice.
    pub fn pixels(&self, slice: u32) -> Vec<u8> {
        let edge = u32::from(self.edge_pixels);
        (0..edge * edge)
            .flat_map(|at| (((at % edge) * 13 + (at / edge) * 7 + slice * 31) as u16 & 0x0fff).to_le_bytes())
            .collect()
    }

    /// Writes all slices into a folder.
    pub fn write(&self, folder: &Path) -> Vec<PathBuf> {
        std::fs::create_dir_all(folder).expect("a folder");
        (1..=self.slices)
            .map(|slice| {
                let path = folder.join(format!("{}.dcm", self.instance(slice)));
                std::fs::write(&path, self.slice(slice)).expect("a file");
                path
            })
            .collect()
    }
}

/// The bytes of a Part 10 file after its file meta information: its data set as encoded.
pub fn dataset_bytes(file: &[u8]) -> &[u8] {
    match part10::read_head(file) {
        Ok(part10::HeadProgress::Head(head)) => &file[head.dataset_offset as usize..],
        other => panic!("no Part 10 file: {other:?}"),
    }
}
