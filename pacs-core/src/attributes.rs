//! What a data set lifts into the rows of patient, study, series and instance.
//!
//! Lifting never refuses demographics: whatever is missing or odd is `None` or kept as sent. Only
//! the three UIDs are needed, because they are the keys ([`lift`] says which one is unusable).

use serde::{Deserialize, Serialize};

use crate::dataset::DataSet;
use crate::ingest::{Refusal, RefusalKind};
use crate::uid::Uid;
use crate::{Tag, tags};

/// Everything that rows hold of one instance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Lifted {
    /// The patient as this instance names them.
    pub patient: PatientAttributes,
    /// The study level.
    pub study: StudyAttributes,
    /// The series level.
    pub series: SeriesAttributes,
    /// The instance level.
    pub instance: InstanceAttributes,
}

/// Patient module (PS3.3 C.7.1.1), text as UTF-8 NFC.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct PatientAttributes {
    /// Patient ID (0010,0020), empty when the device sent none.
    pub id: String,
    /// Issuer of Patient ID (0010,0021).
    pub issuer: Option<String>,
    /// Patient's Name (0010,0010) with its `^` and `=`.
    pub name: String,
    /// Patient's Birth Date (0010,0030), `YYYYMMDD` as sent.
    pub birth_date: Option<String>,
    /// Patient's Sex (0010,0040).
    pub sex: Option<String>,
    /// Universal Entity ID (0040,0032) of the Issuer of Patient ID Qualifiers Sequence (0010,0024).
    #[serde(default)]
    pub issuer_universal_id: Option<String>,
    /// Other Patient IDs Sequence (0010,1002), as far as its items name an identifier and an issuer.
    #[serde(default)]
    pub others: Vec<OtherPatientId>,
}

/// An item of the Other Patient IDs Sequence (PS3.3 C.2.2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OtherPatientId {
    /// Patient ID (0010,0020).
    pub id: String,
    /// Issuer of Patient ID (0010,0021).
    pub issuer: Option<String>,
    /// Universal Entity ID (0040,0032) of its issuer's qualifiers.
    pub issuer_universal_id: Option<String>,
}

/// General Study and Patient Study modules (PS3.3 C.7.2.1, C.7.2.2).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StudyAttributes {
    /// Study Instance UID (0020,000D).
    pub uid: Uid,
    /// Study Date (0008,0020).
    pub date: Option<String>,
    /// Study Time (0008,0030).
    pub time: Option<String>,
    /// Accession Number (0008,0050).
    pub accession_number: Option<String>,
    /// Local namespace of the Issuer of Accession Number Sequence (0008,0051).
    pub accession_issuer: Option<String>,
    /// Study ID (0020,0010).
    pub id: Option<String>,
    /// Study Description (0008,1030).
    pub description: Option<String>,
    /// Referring Physician's Name (0008,0090).
    pub referring_physician: Option<String>,
    /// Institution Name (0008,0080).
    pub institution: Option<String>,
    /// Patient's Age (0010,1010).
    pub patient_age: Option<String>,
}

/// General Series and General Equipment modules (PS3.3 C.7.3.1, C.7.5.1).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SeriesAttributes {
    /// Series Instance UID (0020,000E).
    pub uid: Uid,
    /// Modality (0008,0060), empty when the device sent none.
    pub modality: String,
    /// Series Number (0020,0011).
    pub number: Option<i64>,
    /// Series Description (0008,103E).
    pub description: Option<String>,
    /// Body Part Examined (0018,0015).
    pub body_part: Option<String>,
    /// Protocol Name (0018,1030).
    pub protocol_name: Option<String>,
    /// Series Date (0008,0021).
    pub date: Option<String>,
    /// Series Time (0008,0031).
    pub time: Option<String>,
    /// Station Name (0008,1010).
    pub station_name: Option<String>,
    /// Manufacturer (0008,0070).
    pub manufacturer: Option<String>,
    /// Laterality (0020,0060).
    pub laterality: Option<String>,
    /// Performed Procedure Step Start Date (0040,0244).
    pub performed_date: Option<String>,
    /// Performed Procedure Step Start Time (0040,0245).
    pub performed_time: Option<String>,
    /// Scheduled Procedure Step ID (0040,0009) of the first request attributes item.
    pub scheduled_step_id: Option<String>,
    /// Requested Procedure ID (0040,1001) of the first request attributes item.
    pub requested_procedure_id: Option<String>,
}

/// SOP Common and image modules, as far as a query asks for them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InstanceAttributes {
    /// SOP Instance UID (0008,0018).
    pub uid: Uid,
    /// SOP Class UID (0008,0016).
    pub class: Uid,
    /// Instance Number (0020,0013).
    pub number: Option<i64>,
    /// Rows (0028,0010), in pixels.
    pub rows: Option<i64>,
    /// Columns (0028,0011), in pixels.
    pub columns: Option<i64>,
    /// Bits Allocated (0028,0100).
    pub bits_allocated: Option<i64>,
    /// Number of Frames (0028,0008).
    pub frames: Option<i64>,
    /// Content Date (0008,0023).
    pub content_date: Option<String>,
    /// Content Time (0008,0033).
    pub content_time: Option<String>,
}

/// Attributes that the standard has retired, which devices send and ask for all the same.
pub mod retired {
    use crate::Tag;

    /// Other Patient IDs.
    pub const OTHER_PATIENT_IDS: Tag = Tag(0x0010, 0x1000);
    /// Ethnic Group.
    pub const ETHNIC_GROUP: Tag = Tag(0x0010, 0x2160);
    /// Other Study Numbers.
    pub const OTHER_STUDY_NUMBERS: Tag = Tag(0x0020, 0x1070);
}

/// The study-level attributes that a study row keeps whole, for answers that ask for more than the
/// columns hold (`includefield=all`).
pub const STUDY_TAGS: &[Tag] = &[
    tags::SPECIFIC_CHARACTER_SET,
    tags::STUDY_DATE,
    tags::STUDY_TIME,
    tags::ACCESSION_NUMBER,
    tags::ISSUER_OF_ACCESSION_NUMBER_SEQUENCE,
    tags::REFERRING_PHYSICIAN_NAME,
    tags::TIMEZONE_OFFSET_FROM_UTC,
    tags::STUDY_DESCRIPTION,
    tags::PROCEDURE_CODE_SEQUENCE,
    tags::PHYSICIANS_OF_RECORD,
    tags::NAME_OF_PHYSICIANS_READING_STUDY,
    tags::CONSULTING_PHYSICIAN_NAME,
    tags::ADMITTING_DIAGNOSES_DESCRIPTION,
    tags::ADMITTING_DIAGNOSES_CODE_SEQUENCE,
    tags::REFERENCED_STUDY_SEQUENCE,
    tags::REFERENCED_PATIENT_SEQUENCE,
    tags::PATIENT_NAME,
    tags::PATIENT_ID,
    tags::ISSUER_OF_PATIENT_ID,
    tags::ISSUER_OF_PATIENT_ID_QUALIFIERS_SEQUENCE,
    tags::PATIENT_BIRTH_DATE,
    tags::PATIENT_BIRTH_TIME,
    tags::PATIENT_SEX,
    retired::OTHER_PATIENT_IDS,
    tags::OTHER_PATIENT_NAMES,
    tags::OTHER_PATIENT_I_DS_SEQUENCE,
    tags::PATIENT_AGE,
    tags::PATIENT_SIZE,
    tags::PATIENT_WEIGHT,
    tags::MEDICAL_ALERTS,
    tags::ALLERGIES,
    retired::ETHNIC_GROUP,
    tags::ETHNIC_GROUP_CODE_SEQUENCE,
    tags::ETHNIC_GROUPS,
    tags::OCCUPATION,
    tags::SMOKING_STATUS,
    tags::ADDITIONAL_PATIENT_HISTORY,
    tags::PREGNANCY_STATUS,
    tags::LAST_MENSTRUAL_DATE,
    tags::PATIENT_COMMENTS,
    tags::STUDY_INSTANCE_UID,
    tags::STUDY_ID,
    retired::OTHER_STUDY_NUMBERS,
    tags::ADMISSION_ID,
    tags::PATIENT_STATE,
];

/// Those of [`STUDY_TAGS`] that are the patient's (PS3.4 table C.6-1) and that the patient's own row does not hold: at
/// the patient level their newest study tells them.
pub const PATIENT_TAGS: &[Tag] = &[
    tags::REFERENCED_PATIENT_SEQUENCE,
    tags::ISSUER_OF_PATIENT_ID_QUALIFIERS_SEQUENCE,
    tags::PATIENT_BIRTH_TIME,
    retired::OTHER_PATIENT_IDS,
    tags::OTHER_PATIENT_NAMES,
    retired::ETHNIC_GROUP,
    tags::ETHNIC_GROUP_CODE_SEQUENCE,
    tags::ETHNIC_GROUPS,
    tags::PATIENT_COMMENTS,
];

/// The series-level attributes that a series row keeps whole.
pub const SERIES_TAGS: &[Tag] = &[
    tags::SERIES_DATE,
    tags::SERIES_TIME,
    tags::MODALITY,
    tags::MANUFACTURER,
    tags::INSTITUTION_NAME,
    tags::INSTITUTION_ADDRESS,
    tags::INSTITUTIONAL_DEPARTMENT_NAME,
    tags::STATION_NAME,
    tags::SERIES_DESCRIPTION,
    tags::SERIES_DESCRIPTION_CODE_SEQUENCE,
    tags::PERFORMING_PHYSICIAN_NAME,
    tags::OPERATORS_NAME,
    tags::MANUFACTURER_MODEL_NAME,
    tags::REFERENCED_PERFORMED_PROCEDURE_STEP_SEQUENCE,
    tags::BODY_PART_EXAMINED,
    tags::DEVICE_SERIAL_NUMBER,
    tags::SOFTWARE_VERSIONS,
    tags::PROTOCOL_NAME,
    tags::PATIENT_POSITION,
    tags::SERIES_INSTANCE_UID,
    tags::SERIES_NUMBER,
    tags::LATERALITY,
    tags::FRAME_OF_REFERENCE_UID,
    tags::POSITION_REFERENCE_INDICATOR,
    tags::PERFORMED_PROCEDURE_STEP_START_DATE,
    tags::PERFORMED_PROCEDURE_STEP_START_TIME,
    tags::PERFORMED_PROCEDURE_STEP_END_DATE,
    tags::PERFORMED_PROCEDURE_STEP_END_TIME,
    tags::PERFORMED_PROCEDURE_STEP_ID,
    tags::PERFORMED_PROCEDURE_STEP_DESCRIPTION,
    tags::PERFORMED_PROTOCOL_CODE_SEQUENCE,
    tags::REQUEST_ATTRIBUTES_SEQUENCE,
];

/// Those of [`STUDY_TAGS`] and [`SERIES_TAGS`] that were not among them once: a row of before does not hold them,
/// whatever its images say.
pub const NOT_IN_OLD_ROWS: &[Tag] = &[
    tags::CONSULTING_PHYSICIAN_NAME,
    tags::ADMITTING_DIAGNOSES_CODE_SEQUENCE,
    tags::REFERENCED_STUDY_SEQUENCE,
    tags::REFERENCED_PATIENT_SEQUENCE,
    retired::OTHER_PATIENT_IDS,
    tags::OTHER_PATIENT_NAMES,
    tags::MEDICAL_ALERTS,
    tags::ALLERGIES,
    retired::ETHNIC_GROUP,
    tags::ETHNIC_GROUP_CODE_SEQUENCE,
    tags::ETHNIC_GROUPS,
    tags::SMOKING_STATUS,
    tags::PREGNANCY_STATUS,
    tags::LAST_MENSTRUAL_DATE,
    retired::OTHER_STUDY_NUMBERS,
    tags::ADMISSION_ID,
    tags::PATIENT_STATE,
    tags::INSTITUTION_ADDRESS,
    tags::REFERENCED_PERFORMED_PROCEDURE_STEP_SEQUENCE,
    tags::POSITION_REFERENCE_INDICATOR,
    tags::PERFORMED_PROCEDURE_STEP_END_DATE,
    tags::PERFORMED_PROCEDURE_STEP_END_TIME,
    tags::PERFORMED_PROTOCOL_CODE_SEQUENCE,
];

/// Reads what the rows hold. Fails only when one of the UIDs that are keys is missing or unusable.
pub fn lift(set: &DataSet) -> Result<Lifted, Refusal> {
    Ok(Lifted {
        instance: InstanceAttributes {
            uid: key(set, tags::SOP_INSTANCE_UID, "SOP Instance UID")?,
            class: key(set, tags::SOP_CLASS_UID, "SOP Class UID")?,
            number: set.int(tags::INSTANCE_NUMBER),
            rows: set.int(tags::ROWS),
            columns: set.int(tags::COLUMNS),
            bits_allocated: set.int(tags::BITS_ALLOCATED),
            frames: set.int(tags::NUMBER_OF_FRAMES),
            content_date: set.text(tags::CONTENT_DATE),
            content_time: set.text(tags::CONTENT_TIME),
        },
        study: lift_study(set)?,
        series: lift_series(set)?,
        patient: lift_patient(set),
    })
}

/// The patient as a data set, or the attributes of a study, name them.
pub fn lift_patient(set: &DataSet) -> PatientAttributes {
    PatientAttributes {
        id: set.text(tags::PATIENT_ID).unwrap_or_default(),
        issuer: set.text(tags::ISSUER_OF_PATIENT_ID),
        name: set.text(tags::PATIENT_NAME).unwrap_or_default(),
        birth_date: set.text(tags::PATIENT_BIRTH_DATE),
        sex: set.text(tags::PATIENT_SEX),
        issuer_universal_id: universal_id(set),
        others: others(set),
    }
}

/// The study level of a data set, or of the attributes of a study. Fails without a usable UID.
pub fn lift_study(set: &DataSet) -> Result<StudyAttributes, Refusal> {
    Ok(StudyAttributes {
        uid: key(set, tags::STUDY_INSTANCE_UID, "Study Instance UID")?,
        date: set.text(tags::STUDY_DATE),
        time: set.text(tags::STUDY_TIME),
        accession_number: set.text(tags::ACCESSION_NUMBER),
        accession_issuer: set
            .items(tags::ISSUER_OF_ACCESSION_NUMBER_SEQUENCE)
            .first()
            .and_then(|item| item.text(tags::LOCAL_NAMESPACE_ENTITY_ID)),
        id: set.text(tags::STUDY_ID),
        description: set.text(tags::STUDY_DESCRIPTION),
        referring_physician: set.text(tags::REFERRING_PHYSICIAN_NAME),
        institution: set.text(tags::INSTITUTION_NAME),
        patient_age: set.text(tags::PATIENT_AGE),
    })
}

/// The series level of a data set, or of the attributes of a series. Fails without a usable UID.
pub fn lift_series(set: &DataSet) -> Result<SeriesAttributes, Refusal> {
    let request = set.items(tags::REQUEST_ATTRIBUTES_SEQUENCE).first();
    let of_request = |tag| request.and_then(|item| item.text(tag));
    Ok(SeriesAttributes {
        uid: key(set, tags::SERIES_INSTANCE_UID, "Series Instance UID")?,
        modality: set.text(tags::MODALITY).unwrap_or_default(),
        number: set.int(tags::SERIES_NUMBER),
        description: set.text(tags::SERIES_DESCRIPTION),
        body_part: set.text(tags::BODY_PART_EXAMINED),
        protocol_name: set.text(tags::PROTOCOL_NAME),
        date: set.text(tags::SERIES_DATE),
        time: set.text(tags::SERIES_TIME),
        station_name: set.text(tags::STATION_NAME),
        manufacturer: set.text(tags::MANUFACTURER),
        laterality: set.text(tags::LATERALITY),
        performed_date: set.text(tags::PERFORMED_PROCEDURE_STEP_START_DATE),
        performed_time: set.text(tags::PERFORMED_PROCEDURE_STEP_START_TIME),
        scheduled_step_id: of_request(tags::SCHEDULED_PROCEDURE_STEP_ID),
        requested_procedure_id: of_request(tags::REQUESTED_PROCEDURE_ID),
    })
}

/// The Universal Entity ID of the issuer of the Patient ID that a data set or an item names.
fn universal_id(set: &DataSet) -> Option<String> {
    let qualifiers = set.items(tags::ISSUER_OF_PATIENT_ID_QUALIFIERS_SEQUENCE).first()?;
    qualifiers.text(tags::UNIVERSAL_ENTITY_ID)
}

/// What is lifted of one instance's Other Patient IDs Sequence. Nobody has more numbers than that.
const MOST_OTHER_IDS: usize = 16;

fn others(set: &DataSet) -> Vec<OtherPatientId> {
    let named = |item: &DataSet| {
        let other = OtherPatientId {
            id: item.text(tags::PATIENT_ID)?,
            issuer: item.text(tags::ISSUER_OF_PATIENT_ID),
            issuer_universal_id: universal_id(item),
        };
        // A number without an issuer means nothing.
        (other.issuer.is_some() || other.issuer_universal_id.is_some()).then_some(other)
    };
    let items = set.items(tags::OTHER_PATIENT_I_DS_SEQUENCE).iter();
    items.filter_map(named).take(MOST_OTHER_IDS).collect()
}

/// The elements of `set` with these tags, for a row to keep as DICOM JSON.
pub fn excerpt(set: &DataSet, wanted: &[Tag]) -> DataSet {
    let mut excerpt = DataSet::like(set);
    for &tag in wanted {
        if let Some(element) = set.get(tag) {
            excerpt.put(element.clone());
        }
    }
    excerpt
}

fn key(set: &DataSet, tag: Tag, name: &str) -> Result<Uid, Refusal> {
    match set.uid(tag) {
        None => Err(Refusal::new(RefusalKind::MissingUid, format!("the data set has no {name} {tag}"))),
        Some(Err(why)) => Err(Refusal::new(RefusalKind::InvalidUid, format!("{name} {tag}: {why}"))),
        Some(Ok(uid)) => Ok(uid),
    }
}
