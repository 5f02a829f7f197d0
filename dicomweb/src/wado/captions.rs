//! What `annotation` writes into the corners of a picture (PS3.18 8.3.5.1.1): who it is of, and how it was made.

use crate::error::Error;
use pacs_core::dataset::DataSet;
use pacs_core::pixels::{Corner, Picture, write_corner};
use pacs_core::text::display_name;
use pacs_core::{Tag, date_time, tags};

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
            let about = joined([header.text(tags::PATIENT_SEX), day(header, tags::PATIENT_BIRTH_DATE)]);
            corner(picture, Corner::TopLeft, &[name, id, about]);
        }
        if self.technique {
            let study = header.text(tags::STUDY_DESCRIPTION);
            let series = joined([tags::MODALITY, tags::SERIES_DESCRIPTION].map(|tag| header.text(tag)));
            corner(picture, Corner::TopRight, &[study, series, day(header, tags::STUDY_DATE)]);
            let exposure = measured(header, [(tags::KVP, "kV"), (tags::X_RAY_TUBE_CURRENT, "mA")]);
            let slice = measured(header, [(tags::SLICE_LOCATION, "mm"), (tags::SLICE_THICKNESS, "mm")]);
            let numbers = [tags::SERIES_NUMBER, tags::INSTANCE_NUMBER].map(|tag| header.text(tag));
            let number = numbers.into_iter().flatten().collect::<Vec<_>>().join(":");
            let of_many = header.int(tags::NUMBER_OF_FRAMES).unwrap_or(1) > 1;
            let frame = of_many.then(|| format!("[{}]", u64::from(frame) + 1));
            let image = joined([Some(number), frame]);
            corner(picture, Corner::BottomLeft, &[exposure, slice, image]);
        }
    }
}

fn corner(picture: &mut Picture, corner: Corner, lines: &[Option<String>]) {
    let lines: Vec<&str> =
        lines.iter().flatten().map(String::as_str).filter(|line| !line.is_empty()).collect();
    write_corner(picture, corner, &lines);
}

fn joined<const N: usize>(parts: [Option<String>; N]) -> Option<String> {
    let parts: Vec<String> = parts.into_iter().flatten().filter(|part| !part.is_empty()).collect();
    (!parts.is_empty()).then(|| parts.join("  "))
}

/// A date as people here write it; what is none, as it was sent.
fn day(header: &DataSet, tag: Tag) -> Option<String> {
    let sent = header.text(tag)?;
    Some(date_time::date(&sent).map_or(sent, |date| date.strftime("%d/%m/%Y").to_string()))
}

/// To a tenth: devices send more digits than they measure.
fn measured<const N: usize>(header: &DataSet, measures: [(Tag, &str); N]) -> Option<String> {
    joined(measures.map(|(tag, unit)| {
        header.float(tag).map(|value| format!("{} {unit}", (value * 10.0).round() / 10.0 + 0.0))
    }))
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
