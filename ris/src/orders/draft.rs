//! The order form as it is sent, and its check.

use pacs_core::uid::AeTitle;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::dates;
use crate::error::FieldErrors;
use crate::field::{LONG_CHARS, REASON_CHARS, SHORT_CHARS, filled, matching, required, text};

/// The name of a patient of an emergency whose identity nobody knows yet; the time keeps two of them
/// apart on a worklist.
const UNKNOWN_NAME: &str = "CHƯA RÕ DANH TÍNH";

/// What a clerk fills in.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderForm {
    /// Whom it is for: found by its identifiers, or made.
    pub patient: PatientForm,
    /// Code of the facility that performs it; the default facility when left out.
    pub facility: Option<String>,
    /// What is to be done.
    pub procedure: ProcedureForm,
    /// Where; nothing means any station of the modality.
    #[serde(default)]
    pub station: StationForm,
    /// Date and time on the facility's wall, `YYYY-MM-DDTHH:MM`; without an offset.
    pub scheduled_at: String,
    /// Number of the order at whoever asks for it; made here when left out.
    pub accession_number: Option<String>,
    /// Who asks for it.
    pub referring_physician: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// Before all others.
    #[serde(default)]
    pub emergency: bool,
}

/// The patient of an order.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PatientForm {
    /// Patient ID; made here when left out.
    pub id: Option<String>,
    /// Who gave the ID; the facility when left out.
    pub issuer: Option<String>,
    /// The full name; an emergency may leave it out.
    #[serde(default)]
    pub name: String,
    /// `YYYY-MM-DD`.
    pub birth_date: Option<String>,
    /// `M`, `F` or `O`.
    pub sex: Option<String>,
    /// Number of the identity card: 12 digits, or 9 on old ones.
    pub national_id: Option<String>,
    /// Number of the health insurance card: 10 digits or 15 characters.
    pub insurance_id: Option<String>,
}

/// The procedure of an order.
#[derive(Debug, Clone, Deserialize, ToSchema)]
pub struct ProcedureForm {
    /// Its code; its name stands for it when left out.
    #[serde(default)]
    pub code: String,
    /// Its name.
    #[serde(default)]
    pub name: String,
    /// Which kind of device does it.
    #[serde(default)]
    pub modality: String,
}

/// The place of an order.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StationForm {
    /// One device.
    pub ae_title: Option<String>,
    /// One room.
    pub room: Option<String>,
}

/// An order form that can be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    pub patient: PatientDraft,
    pub facility: Option<String>,
    pub procedure_code: String,
    pub procedure_name: String,
    pub modality: String,
    pub station_ae: Option<AeTitle>,
    pub room: Option<String>,
    /// `YYYYMMDD` on the facility's wall.
    pub scheduled_date: String,
    /// `HHMMSS` on the facility's wall.
    pub scheduled_time: String,
    pub accession_number: Option<String>,
    pub referring_physician: Option<String>,
    pub reason: Option<String>,
    pub emergency: bool,
}

/// The patient of a [`Draft`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PatientDraft {
    pub id: Option<String>,
    pub issuer: Option<String>,
    pub name: String,
    /// `YYYYMMDD`.
    pub birth_date: Option<String>,
    pub sex: Option<String>,
    pub national_id: Option<String>,
    pub insurance_id: Option<String>,
}

impl OrderForm {
    /// Checks every field, so that a form shows all that is wrong with it at once. `today` is
    /// `YYYYMMDD` at the hospital.
    pub fn check(self, today: &str) -> Result<Draft, FieldErrors> {
        let mut errors = FieldErrors::new();
        let scheduled = dates::dicom_date_time(self.scheduled_at.trim());
        if scheduled.is_none() {
            errors.insert(
                "scheduledAt",
                if self.scheduled_at.trim().is_empty() { "required" } else { "invalid" },
            );
        }
        let (scheduled_date, scheduled_time) = scheduled.unwrap_or_default();
        let patient = PatientDraft {
            id: text(&mut errors, "patient.id", self.patient.id, LONG_CHARS),
            issuer: text(&mut errors, "patient.issuer", self.patient.issuer, SHORT_CHARS),
            name: match filled(Some(self.patient.name)) {
                // Whoever is brought in without a name is somebody all the same, and found by the number.
                None if self.emergency => format!("{UNKNOWN_NAME} {scheduled_time}"),
                name => required(&mut errors, "patient.name", name.unwrap_or_default(), LONG_CHARS),
            },
            birth_date: filled(self.patient.birth_date).and_then(|date| {
                let checked = dates::dicom_date(&date);
                match &checked {
                    None => drop(errors.insert("patient.birthDate", "invalid")),
                    Some(date) if date.as_str() > today => drop(errors.insert("patient.birthDate", "future")),
                    Some(_) => {}
                }
                checked
            }),
            sex: matching(&mut errors, "patient.sex", self.patient.sex, |sex| matches!(sex, "M" | "F" | "O")),
            national_id: matching(&mut errors, "patient.nationalId", self.patient.national_id, |number| {
                matches!(number.len(), 9 | 12) && number.bytes().all(|b| b.is_ascii_digit())
            }),
            insurance_id: matching(&mut errors, "patient.insuranceId", self.patient.insurance_id, |number| {
                matches!(number.len(), 10 | 15) && number.bytes().all(|b| b.is_ascii_alphanumeric())
            }),
        };
        let procedure_name = required(&mut errors, "procedure.name", self.procedure.name, LONG_CHARS);
        let procedure_code = text(&mut errors, "procedure.code", Some(self.procedure.code), SHORT_CHARS);
        let modality = required(&mut errors, "procedure.modality", self.procedure.modality, SHORT_CHARS);
        if !modality.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_') {
            errors.insert("procedure.modality", "invalid");
        }
        let station_ae = filled(self.station.ae_title).and_then(|title| {
            let checked = AeTitle::parse(&title).ok();
            if checked.is_none() {
                errors.insert("station.aeTitle", "invalid");
            }
            checked
        });
        let draft = Draft {
            patient,
            facility: text(&mut errors, "facility", self.facility, SHORT_CHARS),
            procedure_code: procedure_code.unwrap_or_else(|| first_chars(&procedure_name, SHORT_CHARS)),
            procedure_name,
            modality,
            station_ae,
            room: text(&mut errors, "station.room", self.station.room, SHORT_CHARS),
            scheduled_date,
            scheduled_time,
            accession_number: text(&mut errors, "accessionNumber", self.accession_number, SHORT_CHARS),
            referring_physician: text(
                &mut errors,
                "referringPhysician",
                self.referring_physician,
                LONG_CHARS,
            ),
            reason: text(&mut errors, "reason", self.reason, REASON_CHARS),
            emergency: self.emergency,
        };
        if errors.is_empty() { Ok(draft) } else { Err(errors) }
    }
}

fn first_chars(text: &str, count: usize) -> String {
    text.chars().take(count).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn check(change: impl Fn(&mut Value)) -> Result<Draft, FieldErrors> {
        let mut form = json!({
            "patient": { "name": " Nguyễn  Văn\nA ", "birthDate": "1980-01-02", "sex": "M", "nationalId": "001080000001" },
            "procedure": { "code": "CT.BUNG", "name": "CT bụng", "modality": "CT" },
            "station": { "aeTitle": "CT1" },
            "scheduledAt": "2026-11-23T09:30",
        });
        change(&mut form);
        let form: OrderForm = serde_json::from_value(form).unwrap();
        form.check("20261123")
    }

    #[test]
    fn a_full_form_becomes_a_draft() {
        let draft = check(|_| ()).unwrap();
        assert_eq!(draft.patient.name, "Nguyễn Văn A");
        assert_eq!(draft.patient.birth_date.as_deref(), Some("19800102"));
        assert_eq!(draft.station_ae.unwrap().as_str(), "CT1");
        assert_eq!((draft.scheduled_date.as_str(), draft.scheduled_time.as_str()), ("20261123", "093000"));
    }

    #[test]
    fn an_emergency_is_not_held_up_by_an_unknown_identity() {
        let draft = check(|f| {
            f["patient"] = json!({});
            f["emergency"] = json!(true);
        });
        assert_eq!(draft.unwrap().patient.name, "CHƯA RÕ DANH TÍNH 093000");
    }

    #[test]
    fn every_wrong_field_is_named_with_its_reason() {
        type Change = fn(&mut Value);
        let cases: &[(Change, &str, &str)] = &[
            (|f| f["patient"]["name"] = json!("  "), "patient.name", "required"),
            (|f| f["patient"]["name"] = json!("A".repeat(65)), "patient.name", "tooLong"),
            (|f| f["patient"]["name"] = json!("A\\B"), "patient.name", "invalid"),
            (|f| f["patient"]["name"] = json!("A\u{7}B"), "patient.name", "invalid"),
            (|f| f["patient"]["birthDate"] = json!("1980-02-30"), "patient.birthDate", "invalid"),
            (|f| f["patient"]["birthDate"] = json!("2026-11-24"), "patient.birthDate", "future"),
            (|f| f["patient"]["sex"] = json!("X"), "patient.sex", "invalid"),
            (|f| f["patient"]["nationalId"] = json!("12"), "patient.nationalId", "invalid"),
            (|f| f["patient"]["insuranceId"] = json!("GD-1"), "patient.insuranceId", "invalid"),
            (|f| f["procedure"]["name"] = json!(""), "procedure.name", "required"),
            (|f| f["procedure"]["modality"] = json!("c t"), "procedure.modality", "invalid"),
            (|f| f["procedure"]["code"] = json!("X".repeat(17)), "procedure.code", "tooLong"),
            (|f| f["station"]["aeTitle"] = json!("MORE THAN SIXTEEN"), "station.aeTitle", "invalid"),
            (|f| f["scheduledAt"] = json!(""), "scheduledAt", "required"),
            (|f| f["scheduledAt"] = json!("tomorrow"), "scheduledAt", "invalid"),
            (|f| f["scheduledAt"] = json!("2026-11-23T09:30:00-05:00"), "scheduledAt", "invalid"),
            (|f| f["accessionNumber"] = json!("12345678901234567"), "accessionNumber", "tooLong"),
        ];
        for (change, field, reason) in cases {
            assert_eq!(check(change).expect_err(field), FieldErrors::from([(*field, *reason)]));
        }
        let two = check(|f| {
            f["patient"]["name"] = json!("");
            f["scheduledAt"] = json!("");
        });
        assert_eq!(two.unwrap_err().len(), 2);
    }
}
