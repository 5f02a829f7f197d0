//! Schemas of what stands in paths, parameters and bodies.

use pacs_core::VR;
use pacs_core::query::Query;
use pacs_core::rejection::Rejection;
use serde_json::{Value, json};

/// A UID, PS3.5 9.1.
const UID: &str = r"(0|[1-9][0-9]{0,8})(\.(0|[1-9][0-9]{0,8})){0,5}";
const DATE: &str = "[0-9]{4}(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])";
const TIME: &str = "([01][0-9]|2[0-3])([0-5][0-9]){0,2}";

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
        "ValuePath": {
            "type": "string",
            "description": "A tag, or tags and item numbers that lead into sequences: 54000100/0/54001010",
            "pattern": "^[0-9A-Fa-f]{8}$",
        },
        "DataSet": {
            "type": "object",
            "description": "A data set as DICOM JSON (PS3.18 annex F)",
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
        },
        "DataSets": { "type": "array", "items": reference("DataSet") },
        "Count": {
            "type": "object",
            "properties": { "count": { "type": "integer" }, "exact": { "type": "boolean" } },
            "required": ["count", "exact"],
        },
        "Reason": { "type": "string", "enum": Rejection::ALL.map(|reason| reason.to_string()) },
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
        VR::IS | VR::US => "^(-?[0-9]{1,12})?$".to_owned(),
        _ => r"^[^\x00]*$".to_owned(),
    };
    json!({ "type": "string", "pattern": pattern, "maxLength": Query::MAX_VALUE_BYTES })
}
