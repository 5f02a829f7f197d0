//! What rows hold of a step's attributes, to be searched by.

use std::collections::BTreeSet;

use jiff::tz::TimeZone;
use pacs_core::dataset::DataSet;
use pacs_core::{Tag, date_time, json, tags, text};

use crate::database::{Param, params};
use crate::index::arrivals::clip;
use crate::index::studies::{list, spaced};
use crate::{Error, Result};

/// The columns, in the order of [`values`].
pub(super) const COLUMNS: [&str; 27] = [
    "attributes",
    "priority",
    "label",
    "worklist_label",
    "readiness",
    "start_ms",
    "completion_ms",
    "expiration_ms",
    "modified_ms",
    "folded_name",
    "patient_id",
    "patient_issuer",
    "birth_date",
    "sex",
    "admission_id",
    "study_uid",
    "accession_numbers",
    "requested_procedures",
    "requested_studies",
    "station_names",
    "station_classes",
    "station_locations",
    "workitem_codes",
    "performers",
    "requesting_services",
    "accession_issuers",
    "admission_issuers",
];

/// The longest step, as DICOM JSON: what comes in one request fits, and no number of requests makes more of it.
const MOST_BYTES: usize = 1 << 20;

/// The values of [`COLUMNS`]. Times that name no offset are of `zone`.
pub(super) fn values(set: &DataSet, zone: &TimeZone) -> Result<Vec<Param>> {
    let attributes = json::to_string(set);
    if attributes.len() > MOST_BYTES {
        return Err(Error::TooLarge(format!("a step has at most {MOST_BYTES} bytes")));
    }
    let short = |tag| set.text(tag).map(|value| clip(&value).to_owned());
    let instant = |tag| {
        let span = set.text(tag).and_then(|value| date_time::span(&value))?;
        Some(span.instants_ms(zone).0)
    };
    let requests = set.items(tags::REFERENCED_REQUEST_SEQUENCE);
    let of_requests = |tag| list(&requests.iter().filter_map(|item| item.text(tag)).collect());
    let performers = set.items(tags::SCHEDULED_HUMAN_PERFORMERS_SEQUENCE);
    let performers = performers.iter().flat_map(|item| item.items(tags::HUMAN_PERFORMER_CODE_SEQUENCE));
    Ok(params![
        attributes,
        short(tags::SCHEDULED_PROCEDURE_STEP_PRIORITY),
        short(tags::PROCEDURE_STEP_LABEL),
        short(tags::WORKLIST_LABEL),
        short(tags::INPUT_READINESS_STATE),
        instant(tags::SCHEDULED_PROCEDURE_STEP_START_DATE_TIME),
        instant(tags::EXPECTED_COMPLETION_DATE_TIME),
        instant(tags::SCHEDULED_PROCEDURE_STEP_EXPIRATION_DATE_TIME),
        instant(tags::SCHEDULED_PROCEDURE_STEP_MODIFICATION_DATE_TIME),
        set.text(tags::PATIENT_NAME).map(|name| spaced(&text::fold(&name))),
        short(tags::PATIENT_ID),
        short(tags::ISSUER_OF_PATIENT_ID),
        short(tags::PATIENT_BIRTH_DATE),
        short(tags::PATIENT_SEX),
        short(tags::ADMISSION_ID),
        short(tags::STUDY_INSTANCE_UID),
        of_requests(tags::ACCESSION_NUMBER),
        of_requests(tags::REQUESTED_PROCEDURE_ID),
        of_requests(tags::STUDY_INSTANCE_UID),
        codes_of(set, tags::SCHEDULED_STATION_NAME_CODE_SEQUENCE),
        codes_of(set, tags::SCHEDULED_STATION_CLASS_CODE_SEQUENCE),
        codes_of(set, tags::SCHEDULED_STATION_GEOGRAPHIC_LOCATION_CODE_SEQUENCE),
        codes_of(set, tags::SCHEDULED_WORKITEM_CODE_SEQUENCE),
        codes(performers),
        of_requests(tags::REQUESTING_SERVICE),
        issuers(requests.iter().flat_map(|item| item.items(tags::ISSUER_OF_ACCESSION_NUMBER_SEQUENCE))),
        issuers(set.items(tags::ISSUER_OF_ADMISSION_ID_SEQUENCE).iter()),
    ])
}

/// Who has given numbers (PS3.4 table CC.2.5-2d), as `\local^universal\`.
fn issuers<'a>(items: impl Iterator<Item = &'a DataSet>) -> String {
    let issuer = |item: &DataSet| {
        let names = [tags::LOCAL_NAMESPACE_ENTITY_ID, tags::UNIVERSAL_ENTITY_ID].map(|tag| item.text(tag));
        let [local, universal] = names;
        let is_named = local.is_some() || universal.is_some();
        is_named.then(|| format!("{}^{}", local.unwrap_or_default(), universal.unwrap_or_default()))
    };
    list(&items.filter_map(issuer).collect::<BTreeSet<_>>())
}

fn codes_of(set: &DataSet, sequence: Tag) -> String {
    codes(set.items(sequence).iter())
}

/// Codes as `\value^scheme\`.
fn codes<'a>(items: impl Iterator<Item = &'a DataSet>) -> String {
    let values = [tags::CODE_VALUE, tags::LONG_CODE_VALUE, tags::URN_CODE_VALUE];
    let code = |item: &DataSet| {
        let value = values.into_iter().find_map(|tag| item.text(tag))?;
        Some(format!("{value}^{}", item.text(tags::CODING_SCHEME_DESIGNATOR).unwrap_or_default()))
    };
    list(&items.filter_map(code).collect::<BTreeSet<_>>())
}
