//! Patient, study, series, equipment and SOP common: what every instance carries.

use crate::instance::Identity;
use crate::order::Order;
use crate::patient::Patient;
use jiff::civil::DateTime;
use pacs_core::dataset::DataSet;
use pacs_core::tags;

/// What is known of a series besides its order.
pub(crate) struct SeriesFacts<'a> {
    pub(crate) number: i64,
    pub(crate) description: &'a str,
    pub(crate) protocol: &'a str,
    pub(crate) started_at: DateTime,
    pub(crate) operator: &'a str,
}

/// A day as DA writes it.
pub(crate) fn da(at: DateTime) -> String {
    format!("{:04}{:02}{:02}", at.year(), at.month(), at.day())
}

/// A time as TM writes it.
pub(crate) fn tm(at: DateTime) -> String {
    format!("{:02}{:02}{:02}", at.hour(), at.minute(), at.second())
}

/// Patient and Patient Study modules (PS3.3 C.7.1.1, C.7.2.2).
pub(crate) fn put_patient(set: &mut DataSet, patient: &Patient, order: &Order) {
    let name = if order.device.ascii_names { patient.name.console() } else { patient.name.dicom() };
    set.put_text(tags::PATIENT_NAME, &name);
    set.put_text(tags::PATIENT_ID, &patient.id_at(order.hospital.code));
    set.put_text(tags::ISSUER_OF_PATIENT_ID, order.hospital.code);
    set.put_text(tags::PATIENT_BIRTH_DATE, &da(patient.birth_date.at(0, 0, 0, 0)));
    set.put_text(tags::PATIENT_SEX, patient.sex.code());
    set.put_items(
        tags::OTHER_PATIENT_I_DS_SEQUENCE,
        vec![other_id(&patient.national_id, "CCCD"), other_id(&patient.insurance_card, "BHYT")],
    );
    set.put_text(tags::PATIENT_AGE, &patient.age_on(order.scheduled_at.date()));
    set.put_text(tags::PATIENT_SIZE, &format!("{:.2}", patient.height_m));
    set.put_text(tags::PATIENT_WEIGHT, &format!("{:.0}", patient.weight_kg));
}

/// General Study module (PS3.3 C.7.2.1).
pub(crate) fn put_study(set: &mut DataSet, order: &Order, started_at: DateTime) {
    set.put_uid(tags::STUDY_INSTANCE_UID, &order.study);
    set.put_text(tags::STUDY_DATE, &da(started_at));
    set.put_text(tags::STUDY_TIME, &tm(started_at));
    set.put_text(tags::REFERRING_PHYSICIAN_NAME, &order.referring_physician.dicom());
    set.put_text(tags::STUDY_ID, &order.accession_number);
    set.put_text(tags::ACCESSION_NUMBER, &order.accession_number);
    set.put_items(tags::ISSUER_OF_ACCESSION_NUMBER_SEQUENCE, vec![issuer_item(order.hospital.code)]);
    set.put_text(tags::STUDY_DESCRIPTION, order.procedure.name);
    set.put_text(tags::ADMITTING_DIAGNOSES_DESCRIPTION, order.reason);
    set.put_items(
        tags::PROCEDURE_CODE_SEQUENCE,
        vec![code(order.procedure.code, "99SEN", order.procedure.name)],
    );
}

/// General Series module (PS3.3 C.7.3.1) with the request it answers.
pub(crate) fn put_series(set: &mut DataSet, order: &Order, identity: &Identity, facts: &SeriesFacts<'_>) {
    set.put_text(tags::MODALITY, order.procedure.modality);
    set.put_uid(tags::SERIES_INSTANCE_UID, &identity.series);
    set.put_int(tags::SERIES_NUMBER, facts.number);
    set.put_text(tags::SERIES_DATE, &da(facts.started_at));
    set.put_text(tags::SERIES_TIME, &tm(facts.started_at));
    set.put_text(tags::SERIES_DESCRIPTION, facts.description);
    set.put_text(tags::PROTOCOL_NAME, facts.protocol);
    set.put_text(tags::BODY_PART_EXAMINED, order.procedure.body_part);
    set.put_text(tags::OPERATORS_NAME, facts.operator);
    set.put_text(tags::PERFORMED_PROCEDURE_STEP_ID, &order.step_id);
    set.put_text(tags::PERFORMED_PROCEDURE_STEP_START_DATE, &da(facts.started_at));
    set.put_text(tags::PERFORMED_PROCEDURE_STEP_START_TIME, &tm(facts.started_at));
    set.put_text(tags::PERFORMED_PROCEDURE_STEP_DESCRIPTION, order.procedure.name);
    let mut request = DataSet::new();
    request.put_text(tags::ACCESSION_NUMBER, &order.accession_number);
    request.put_items(tags::ISSUER_OF_ACCESSION_NUMBER_SEQUENCE, vec![issuer_item(order.hospital.code)]);
    request.put_uid(tags::STUDY_INSTANCE_UID, &order.study);
    request.put_text(tags::REQUESTED_PROCEDURE_ID, &order.requested_procedure_id);
    request.put_text(tags::REQUESTED_PROCEDURE_DESCRIPTION, order.procedure.name);
    request.put_text(tags::SCHEDULED_PROCEDURE_STEP_ID, &order.step_id);
    request.put_text(tags::SCHEDULED_PROCEDURE_STEP_DESCRIPTION, order.procedure.name);
    set.put_items(tags::REQUEST_ATTRIBUTES_SEQUENCE, vec![request]);
}

/// General Equipment module (PS3.3 C.7.5.1).
pub(crate) fn put_equipment(set: &mut DataSet, order: &Order) {
    set.put_text(tags::MANUFACTURER, order.device.manufacturer);
    set.put_text(tags::MANUFACTURER_MODEL_NAME, order.device.model);
    set.put_text(tags::INSTITUTION_NAME, order.hospital.name);
    set.put_text(tags::INSTITUTION_ADDRESS, order.hospital.address);
    set.put_text(tags::INSTITUTIONAL_DEPARTMENT_NAME, "Khoa Chẩn đoán hình ảnh");
    set.put_text(tags::STATION_NAME, order.device.ae_title.as_str());
    let serial = crate::random::number_of(order.device.ae_title.as_str()) % 100_000;
    set.put_text(tags::DEVICE_SERIAL_NUMBER, &format!("{serial:05}"));
    set.put_text(tags::SOFTWARE_VERSIONS, "synthetic 1.0");
}

/// SOP Common module (PS3.3 C.12.1) and the General Image attributes that go with it (C.7.6.1).
pub(crate) fn put_instance(set: &mut DataSet, identity: &Identity, number: i64, made_at: DateTime) {
    set.put_text(tags::SPECIFIC_CHARACTER_SET, "ISO_IR 192");
    set.put_uid(tags::SOP_CLASS_UID, &identity.class);
    set.put_uid(tags::SOP_INSTANCE_UID, &identity.uid);
    set.put_text(tags::TIMEZONE_OFFSET_FROM_UTC, "+0700");
    set.put_int(tags::INSTANCE_NUMBER, number);
    for (date, time) in [
        (tags::INSTANCE_CREATION_DATE, tags::INSTANCE_CREATION_TIME),
        (tags::CONTENT_DATE, tags::CONTENT_TIME),
        (tags::ACQUISITION_DATE, tags::ACQUISITION_TIME),
    ] {
        set.put_text(date, &da(made_at));
        set.put_text(time, &tm(made_at));
    }
    set.put_text(tags::BURNED_IN_ANNOTATION, "NO");
}

/// An item of a code sequence (PS3.3 8.8).
pub(crate) fn code(value: &str, scheme: &str, meaning: &str) -> DataSet {
    let mut item = DataSet::new();
    item.put_text(tags::CODE_VALUE, value);
    item.put_text(tags::CODING_SCHEME_DESIGNATOR, scheme);
    item.put_text(tags::CODE_MEANING, meaning);
    item
}

fn other_id(id: &str, issuer: &str) -> DataSet {
    let mut item = DataSet::new();
    item.put_text(tags::PATIENT_ID, id);
    item.put_text(tags::ISSUER_OF_PATIENT_ID, issuer);
    item.put_text(tags::TYPE_OF_PATIENT_ID, "TEXT");
    item
}

fn issuer_item(facility: &str) -> DataSet {
    let mut item = DataSet::new();
    item.put_text(tags::LOCAL_NAMESPACE_ENTITY_ID, facility);
    item
}
