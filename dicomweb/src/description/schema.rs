//! Schemas of what stands in paths, parameters and bodies.

use pacs_core::VR;
use pacs_core::query::Query;
use pacs_core::rejection::Rejection;
use serde_json::{Value, json};

/// A UID, PS3.5 9.1.
const UID: &str = r"(0|[1-9][0-9]{0,8})(\.(0|[1-9][0-9]{0,8})){0,5}";
const DATE: &str = "[0-9]{4}(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])";
const TIME: &str = "([01][0-9]|2[0-3])([0-5][0-9]){0,2}";

/// A date-time as keys and steps have it; an offset may follow.
const DATE_TIME: &str = "[0-9]{4}((0[1-9]|1[0-2])((0[1-9]|[12][0-9]|3[01])\
                         (([01][0-9]|2[0-3])([0-5][0-9]){0,2})?)?)?";

/// The media types of data sets.
pub const DATA_SETS: [&str; 3] =
    ["application/dicom+json", "application/json", "multipart/related; type=\"application/dicom+xml\""];

/// An answer of data sets, in each of these.
pub fn data_sets() -> [(&'static str, Value); 3] {
    let [dicom_json, json, _] = DATA_SETS;
    [(dicom_json, reference("DataSets")), (json, reference("DataSets")), ("multipart/related", binary())]
}

/// The named schemas.
pub fn all() -> Value {
    json!({
        "Uid": { "type": "string", "pattern": format!("^{UID}$"), "maxLength": 64 },
        "Frame": { "type": "integer", "minimum": 1, "maximum": 2_147_483_647 },
        "Frames": {
            "type": "string",
            "description": "Frame numbers from 1, parted by commas",
            "pattern": "^[1-9][0-9]{0,8}(,[1-9][0-9]{0,8}){0,9}$",
        },
        "AeTitle": {
            "type": "string",
            "description": "Up to 16 printable ASCII characters but the backslash; padding does not count",
            "pattern": r"^[ \x00]*[!-\[\]-~]([ -\[\]-~]{0,14}[!-\[\]-~])?[ \x00]*$",
        },
        "ValuePath": {
            "type": "string",
            "description": "A tag, or tags and item numbers that lead into sequences: 54000100/0/54001010",
            "pattern": "^[0-9A-Fa-f]{8}$",
        },
        "DataSet": data_set("A data set as DICOM JSON (PS3.18 annex F)", &[], &[]),
        "DataSets": { "type": "array", "items": reference("DataSet") },
        "Step": one(reference("DataSet")),
        "NewStep": one(data_set(
            "A step to be created (PS3.4 table CC.2.5-3)",
            &[
                ("00741000", element("CS", json!({ "enum": ["SCHEDULED"] }))),
                ("00741200", element("CS", json!({ "enum": ["HIGH", "MEDIUM", "LOW"] }))),
                ("00741204", element("LO", json!({ "type": "string", "pattern": r"^[^\x00-\x20\\]{1,64}$" }))),
                ("00404005", element("DT", json!({ "type": "string", "pattern": format!("^{DATE_TIME}$") }))),
                ("00404041", element("CS", json!({ "enum": ["INCOMPLETE", "UNAVAILABLE", "READY"] }))),
            ],
            &["00741000", "00741200", "00741204", "00404005", "00404041"],
        )),
        "ChangeOfState": one(data_set(
            "The state that a step is to have, and the UID with which it is, or is to be, claimed",
            &[
                ("00741000", element("CS", json!({ "enum": ["IN PROGRESS", "COMPLETED", "CANCELED"] }))),
                ("00081195", element("UI", reference("Uid"))),
            ],
            &["00741000", "00081195"],
        )),
        "Count": {
            "type": "object",
            "properties": { "count": { "type": "integer" }, "exact": { "type": "boolean" } },
            "required": ["count", "exact"],
        },
        "Reason": { "type": "string", "enum": Rejection::ALL.map(|reason| reason.to_string()) },
        "Why": {
            "type": "object",
            "required": ["reason"],
            "properties": { "reason": { "type": "string", "minLength": 1, "maxLength": 1024 } },
        },
        "Changed": {
            "type": "object",
            "properties": { "count": { "type": "integer" } },
            "required": ["count"],
        },
        "DicomwebProblem": {
            "type": "object",
            "properties": {
                "type": { "type": "string" },
                "title": { "type": "string" },
                "status": { "type": "integer" },
                "detail": { "type": "string" },
                "code": { "type": "string" },
            },
            "required": ["type", "title", "status", "detail", "code"],
        },
    })
}

/// A data set as DICOM JSON, of which some elements are known.
fn data_set(description: &str, elements: &[(&str, Value)], required: &[&str]) -> Value {
    let known: serde_json::Map<String, Value> =
        elements.iter().map(|(tag, element)| ((*tag).to_owned(), element.clone())).collect();
    json!({
        "type": "object",
        "description": description,
        "properties": known,
        "required": required,
        "patternProperties": { "^[0-9A-Fa-f]{8}$": {
            "type": "object",
            "properties": {
                "vr": { "type": "string", "pattern": "^[A-Z]{2}$" },
                "Value": { "type": "array" },
                "BulkDataURI": { "type": "string" },
                "InlineBinary": { "type": "string" },
            },
            "required": ["vr"],
        } },
        "additionalProperties": false,
    })
}

/// An element with one value.
fn element(vr: &str, value: Value) -> Value {
    json!({
        "type": "object",
        "properties": {
            "vr": { "enum": [vr] },
            "Value": { "type": "array", "minItems": 1, "maxItems": 1, "items": value },
        },
        "required": ["vr", "Value"],
        "additionalProperties": false,
    })
}

/// A payload of one data set.
fn one(data_set: Value) -> Value {
    json!({ "type": "array", "minItems": 1, "maxItems": 1, "items": data_set })
}

/// One of the named schemas.
pub fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

/// Bytes.
pub fn binary() -> Value {
    json!({ "type": "string", "format": "binary" })
}

/// What a key of that representation may be (PS3.4 C.2.2.2).
pub fn of_key(vr: VR) -> Value {
    let range = |value: &str| format!("^({value}(-({value})?)?|-{value})?$");
    let pattern = match vr {
        VR::UI => format!("^({UID}(,{UID}){{0,3}})?$"),
        VR::DA => range(DATE),
        VR::TM => range(TIME),
        VR::DT => range(DATE_TIME),
        VR::IS | VR::US => "^(-?[0-9]{1,12})?$".to_owned(),
        _ => r"^[^\x00]*$".to_owned(),
    };
    json!({ "type": "string", "pattern": pattern, "maxLength": Query::MAX_VALUE_BYTES })
}
