//! The attributes that people may change, each with the form that its value has to have.

use std::collections::BTreeMap;

use crate::dataset::{DataSet, Element, keyword_of, tag_of, vr_of};
use crate::{Tag, date_time, tags};

/// Whose attributes they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Level {
    /// Of the study, and of the patient as they stand in it.
    Study,
    /// Of one series.
    Series,
}

/// What a value has to look like (PS3.5 6.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// A person's name: up to three groups of 64 characters, each of up to five components.
    Name,
    /// Text of so many characters.
    Text(usize),
    /// `YYYYMMDD`.
    Date,
    /// `HHMMSS`, with or without a fraction.
    Time,
    /// Capitals, digits, space and underscore, at most 16.
    Code,
    /// One of these codes.
    OneOf(&'static [&'static str]),
    /// Three digits and a unit, `045Y`.
    Age,
    /// A whole number of up to twelve characters.
    Number,
}

/// An attribute that may be changed.
#[derive(Debug, Clone, Copy)]
pub struct Editable {
    /// Which.
    pub tag: Tag,
    /// Of which level.
    pub level: Level,
    form: Form,
    /// Whether it may be left without a value.
    pub may_be_empty: bool,
}

/// Why a value cannot be taken; the words are keys of the pages' messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The attribute is none that may be changed at this level.
    NotEditable,
    /// A value has to be given.
    Required,
    /// Longer than its value representation allows.
    TooLong,
    /// Of another form.
    Invalid,
}

impl Fault {
    /// The fault's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotEditable => "notEditable",
            Self::Required => "required",
            Self::TooLong => "tooLong",
            Self::Invalid => "invalid",
        }
    }
}

const fn of(level: Level, tag: Tag, form: Form) -> Editable {
    Editable { tag, level, form, may_be_empty: true }
}

const EDITABLE: &[Editable] = &[
    of(Level::Study, tags::PATIENT_NAME, Form::Name),
    of(Level::Study, tags::PATIENT_ID, Form::Text(64)),
    of(Level::Study, tags::ISSUER_OF_PATIENT_ID, Form::Text(64)),
    of(Level::Study, tags::PATIENT_BIRTH_DATE, Form::Date),
    of(Level::Study, tags::PATIENT_SEX, Form::OneOf(&["M", "F", "O"])),
    of(Level::Study, tags::PATIENT_AGE, Form::Age),
    of(Level::Study, tags::STUDY_DATE, Form::Date),
    of(Level::Study, tags::STUDY_TIME, Form::Time),
    of(Level::Study, tags::ACCESSION_NUMBER, Form::Text(16)),
    of(Level::Study, tags::STUDY_ID, Form::Text(16)),
    of(Level::Study, tags::STUDY_DESCRIPTION, Form::Text(64)),
    of(Level::Study, tags::REFERRING_PHYSICIAN_NAME, Form::Name),
    Editable { may_be_empty: false, ..of(Level::Series, tags::MODALITY, Form::Code) },
    of(Level::Series, tags::SERIES_NUMBER, Form::Number),
    of(Level::Series, tags::SERIES_DESCRIPTION, Form::Text(64)),
    of(Level::Series, tags::BODY_PART_EXAMINED, Form::Code),
    of(Level::Series, tags::LATERALITY, Form::OneOf(&["L", "R"])),
    of(Level::Series, tags::PROTOCOL_NAME, Form::Text(64)),
    of(Level::Series, tags::SERIES_DATE, Form::Date),
    of(Level::Series, tags::SERIES_TIME, Form::Time),
    of(Level::Series, tags::STATION_NAME, Form::Text(16)),
    of(Level::Series, tags::INSTITUTION_NAME, Form::Text(64)),
    of(Level::Series, tags::PERFORMING_PHYSICIAN_NAME, Form::Name),
    of(Level::Series, tags::OPERATORS_NAME, Form::Name),
];

/// The attribute of that level with this tag, if it may be changed.
pub fn editable(level: Level, tag: Tag) -> Option<&'static Editable> {
    EDITABLE.iter().find(|editable| editable.level == level && editable.tag == tag)
}

/// All attributes of a level that may be changed, in the order in which a form shows them.
pub fn of_level(level: Level) -> impl Iterator<Item = &'static Editable> {
    EDITABLE.iter().filter(move |editable| editable.level == level)
}

impl Editable {
    /// The attribute's keyword, by which interfaces name it.
    pub fn keyword(&self) -> &'static str {
        keyword_of(self.tag).unwrap_or_default()
    }

    /// The value on one line, or what is wrong with it. `None` stands for no value.
    fn checked(&self, given: Option<&str>) -> Result<Option<String>, Fault> {
        let words: Vec<&str> = given.unwrap_or_default().split_whitespace().collect();
        let value = words.join(" ");
        if value.is_empty() {
            return if self.may_be_empty { Ok(None) } else { Err(Fault::Required) };
        }
        if value.chars().any(|c| c == '\\' || c.is_control()) {
            return Err(Fault::Invalid);
        }
        self.form.check(&value).map(|()| Some(value))
    }
}

impl Form {
    fn check(self, value: &str) -> Result<(), Fault> {
        let chars = value.chars().count();
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let bound = |most: usize| if chars <= most { Ok(()) } else { Err(Fault::TooLong) };
        let is = |valid: bool| if valid { Ok(()) } else { Err(Fault::Invalid) };
        match self {
            Self::Name => {
                let groups: Vec<&str> = value.split('=').collect();
                is(groups.len() <= 3 && groups.iter().all(|group| group.split('^').count() <= 5))?;
                let fits = groups.iter().all(|group| group.chars().count() <= 64);
                if fits { Ok(()) } else { Err(Fault::TooLong) }
            }
            Self::Text(most) => bound(most),
            Self::Date => is(value.len() == 8 && date_time::date(value).is_some()),
            Self::Time => {
                let (whole, fraction) = value.split_once('.').unwrap_or((value, "0"));
                is(matches!(whole.len(), 2 | 4 | 6)
                    && (1..=6).contains(&fraction.len())
                    && digits(fraction)
                    && date_time::time(whole).is_some())
            }
            Self::Code => {
                bound(16)?;
                is(value.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b" _".contains(&b)))
            }
            Self::OneOf(codes) => is(codes.contains(&value)),
            Self::Age => {
                let parts = value.split_at_checked(3);
                is(parts.is_some_and(|(number, unit)| digits(number) && ["D", "W", "M", "Y"].contains(&unit)))
            }
            Self::Number => {
                bound(12)?;
                is(value.parse::<i32>().is_ok())
            }
        }
    }
}

/// Changes of attributes of one level that can be made. An attribute without a value is emptied.
#[derive(Debug, Clone, PartialEq)]
pub struct Edit {
    level: Level,
    attributes: DataSet,
}

impl Edit {
    /// Reads changes given by keyword. What is wrong is told by keyword too, all at once.
    pub fn read<'a>(
        level: Level,
        given: impl IntoIterator<Item = (&'a str, Option<&'a str>)>,
    ) -> Result<Self, BTreeMap<String, Fault>> {
        let mut attributes = DataSet::new();
        let mut faults = BTreeMap::new();
        for (keyword, value) in given {
            let found = tag_of(keyword).and_then(|tag| editable(level, tag));
            match found.ok_or(Fault::NotEditable).and_then(|found| Ok((found.tag, found.checked(value)?))) {
                Ok((tag, Some(value))) => attributes.put_text(tag, &value),
                Ok((tag, None)) => attributes.put(Element::new(tag, vr_of(tag), Vec::new())),
                Err(fault) => {
                    faults.insert(keyword.to_owned(), fault);
                }
            }
        }
        attributes.remove(tags::SPECIFIC_CHARACTER_SET);
        if faults.is_empty() { Ok(Self { level, attributes }) } else { Err(faults) }
    }

    /// Whose attributes are changed.
    pub fn level(&self) -> Level {
        self.level
    }

    /// The new values.
    pub fn attributes(&self) -> &DataSet {
        &self.attributes
    }

    /// Leaves out what stands so already; says whether anything is left.
    pub fn without(mut self, standing: &DataSet) -> Option<Self> {
        let attributes = self.attributes.clone();
        self.attributes.retain(|element| attributes.text(element.tag) != standing.text(element.tag));
        (!self.attributes.is_empty()).then_some(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn study(keyword: &str, value: &str) -> Option<Fault> {
        Edit::read(Level::Study, [(keyword, Some(value))])
            .err()
            .and_then(|faults| faults.get(keyword).copied())
    }

    #[test]
    fn values_have_the_form_of_their_representation() {
        for (keyword, value, want) in [
            ("PatientName", "NGUYỄN^VĂN A", None),
            ("PatientName", "a^b^c^d^e^f", Some(Fault::Invalid)),
            ("PatientName", "a=b=c=d", Some(Fault::Invalid)),
            ("PatientID", "BN\\1", Some(Fault::Invalid)),
            ("PatientBirthDate", "19800230", Some(Fault::Invalid)),
            ("PatientBirthDate", "1980.02.03", Some(Fault::Invalid)),
            ("PatientBirthDate", "19800203", None),
            ("PatientSex", "X", Some(Fault::Invalid)),
            ("PatientAge", "045Y", None),
            ("PatientAge", "45 Y", Some(Fault::Invalid)),
            ("StudyTime", "081500.25", None),
            ("StudyTime", "0815", None),
            ("StudyTime", "250000", Some(Fault::Invalid)),
            ("StudyTime", "081500.", Some(Fault::Invalid)),
            ("AccessionNumber", "12345678901234567", Some(Fault::TooLong)),
            ("StudyInstanceUID", "1.2", Some(Fault::NotEditable)),
            ("SeriesDescription", "Ngực", Some(Fault::NotEditable)),
            ("nothing", "1", Some(Fault::NotEditable)),
        ] {
            assert_eq!(study(keyword, value), want, "{keyword} {value}");
        }
        let long = "ễ".repeat(65);
        assert_eq!(study("StudyDescription", &long), Some(Fault::TooLong));
        let series = |keyword, value| Edit::read(Level::Series, [(keyword, value)]);
        assert!(series("BodyPartExamined", Some("CHEST")).is_ok());
        assert!(series("BodyPartExamined", Some("ngực")).is_err());
        assert!(series("SeriesNumber", Some("1.5")).is_err());
        assert_eq!(series("Modality", None).unwrap_err()["Modality"], Fault::Required);
    }

    #[test]
    fn what_stands_already_is_no_change() {
        let mut standing = DataSet::new();
        standing.put_text(tags::PATIENT_NAME, "Nguyễn^A");
        standing.put_text(tags::STUDY_ID, "7");
        let given = [("PatientName", Some("  Nguyễn^A ")), ("StudyID", None), ("PatientSex", Some(""))];
        let edit = Edit::read(Level::Study, given).unwrap().without(&standing).unwrap();
        let left: Vec<Tag> = edit.attributes().iter().map(|element| element.tag).collect();
        assert_eq!(left, [tags::STUDY_ID]);
        assert_eq!(Edit::read(Level::Study, [("PatientSex", None)]).unwrap().without(&standing), None);
    }
}
