//! What `annotation` writes into the corners of a picture (PS3.18 8.3.5.1.1): who it is of, and how it was made.

use crate::error::Error;
use pacs_core::dataset::DataSet;
use pacs_core::pixels::{Corner, Picture, write_corner};
use pacs_core::text::display_name;
use pacs_core::{Tag, tags};

/// Which captions are wished for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Captions {
    /// Name, identifier, sex and birth date of the patient.
    pub patient: bool,
    /// Study, series and image.
    pub technique: bool,
}

impl Captions {
    /// `patient`, `technique` or both, parted by a comma.
    pub fn read(text: &str) -> Result<Self, Error> {
        let mut captions = Self::default();
        for word in text.split(',').map(str::trim) {
            match word {
                "patient" => captions.patient = true,
                "technique" => captions.technique = true,
                _ => return Err(Error::bad_request("annotation is patient, technique or both")),
            }
        }
        Ok(captions)
    }

    /// Writes them, of a frame counted from 0.
    pub fn write(self, header: &DataSet, frame: u32, picture: &mut Picture) {
        if self.patient {
            let name = header.text(tags::PATIENT_NAME).map(|name| display_name(&name));
            let id = header.text(tags::PATIENT_ID);
            let about = joined(header, &[tags::PATIENT_SEX, tags::PATIENT_BIRTH_DATE]);
            corner(picture, Corner::TopLeft, &[name, id, about]);
        }
        if self.technique {
            let study = joined(header, &[tags::STUDY_DATE, tags::STUDY_DESCRIPTION]);
            let series = joined(header, &[tags::MODALITY, tags::SERIES_DESCRIPTION]);
            corner(picture, Corner::TopRight, &[study, series]);
            let exposure = measured(header, &[(tags::KVP, "kV"), (tags::X_RAY_TUBE_CURRENT, "mA")]);
            let slice = measured(header, &[(tags::SLICE_LOCATION, "mm"), (tags::SLICE_THICKNESS, "mm")]);
            let number = [tags::SERIES_NUMBER, tags::INSTANCE_NUMBER].map(|tag| header.text(tag));
            let [series, image] = number.map(Option::unwrap_or_default);
            let frame = if header.int(tags::NUMBER_OF_FRAMES).unwrap_or(1) > 1 {
                format!(" [{}]", u64::from(frame) + 1)
            } else {
                String::new()
            };
            corner(picture, Corner::BottomLeft, &[exposure, slice, Some(format!("{series}:{image}{frame}"))]);
        }
    }
}

fn corner(picture: &mut Picture, corner: Corner, lines: &[Option<String>]) {
    let lines: Vec<&str> =
        lines.iter().flatten().map(String::as_str).filter(|line| !line.is_empty()).collect();
    write_corner(picture, corner, &lines);
}

fn joined(header: &DataSet, tags: &[Tag]) -> Option<String> {
    let parts: Vec<String> = tags.iter().filter_map(|tag| header.text(*tag)).collect();
    (!parts.is_empty()).then(|| parts.join("  "))
}

fn measured(header: &DataSet, measures: &[(Tag, &str)]) -> Option<String> {
    let value = |(tag, unit): &(Tag, &str)| header.text(*tag).map(|value| format!("{value} {unit}"));
    let parts: Vec<String> = measures.iter().filter_map(value).collect();
    (!parts.is_empty()).then(|| parts.join("  "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wishes() {
        assert_eq!(Captions::read("patient").unwrap(), Captions { patient: true, technique: false });
        assert_eq!(
            Captions::read("technique, patient").unwrap(),
            Captions { patient: true, technique: true }
        );
        for wrong in ["", "name", "patient;technique", "patient,"] {
            assert!(Captions::read(wrong).is_err(), "{wrong}");
        }
    }
}
