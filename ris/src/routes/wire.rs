//! A route as the pages see it.

use pacs_core::routing::{Conditions, Hours};
use pacs_core::uid::AeTitle;
use serde::{Deserialize, Serialize};
use storage::devices::Source;
use storage::jobs::lanes::Priority;
use storage::routes::Route as Row;
use utoipa::ToSchema;

use crate::error::FieldErrors;
use crate::{Error, Result};

/// As many values as one condition may have.
const MOST_VALUES: usize = 50;
/// The longest of them, and the longest name, in characters.
const MOST_CHARS: usize = 64;

/// A route.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Route {
    /// What people call it, the key.
    name: String,
    #[serde(flatten)]
    rule: Rule,
    /// `file`: read-only here; `rows`: may be changed.
    source: &'static str,
}

/// Which images go where.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Rule {
    /// AE title of the device they go to.
    device: String,
    /// AE titles, one of which sent them; empty for any.
    #[serde(default)]
    calling_ae: Vec<String>,
    /// Modalities of their series; empty for any.
    #[serde(default)]
    modality: Vec<String>,
    /// Body parts of their series; empty for any.
    #[serde(default)]
    body_part: Vec<String>,
    /// Codes of the facilities that made them; empty for any.
    #[serde(default)]
    facility: Vec<String>,
    /// When they came, on the facility's wall, such as `18:00-06:00`; null for any time.
    hours: Option<String>,
    /// `low`, `normal` or `high`.
    #[serde(default = "normal")]
    priority: String,
    /// Whether what it has sent goes again when people correct it.
    #[serde(default)]
    after_corrections: bool,
    /// Whether it is followed.
    #[serde(default = "yes")]
    is_enabled: bool,
}

fn normal() -> String {
    Priority::Normal.as_str().to_owned()
}

fn yes() -> bool {
    true
}

impl From<Row> for Route {
    fn from(row: Row) -> Self {
        Self {
            name: row.name,
            source: row.source.as_str(),
            rule: Rule {
                device: row.device.to_string(),
                calling_ae: row.conditions.calling_ae,
                modality: row.conditions.modality,
                body_part: row.conditions.body_part,
                facility: row.conditions.facility,
                hours: row.conditions.hours.map(|hours| hours.to_string()),
                priority: row.priority.as_str().to_owned(),
                after_corrections: row.after_corrections,
                is_enabled: row.is_enabled,
            },
        }
    }
}

impl Rule {
    /// The rule under a name, checked.
    pub fn named(self, name: &str) -> Result<Row> {
        let mut errors = FieldErrors::new();
        let name = name.trim().to_owned();
        if name.is_empty() {
            errors.insert("name", "required");
        } else if name.chars().count() > MOST_CHARS {
            errors.insert("name", "tooLong");
        }
        let hours = self.hours.as_deref().map(str::trim).filter(|text| !text.is_empty());
        let hours = match hours.map(Hours::parse) {
            Some(None) => {
                errors.insert("hours", "invalid");
                None
            }
            known => known.flatten(),
        };
        let mut values = |field: &'static str, values: Vec<String>| {
            let values: Vec<String> = values
                .iter()
                .map(|value| value.trim().to_owned())
                .filter(|value| !value.is_empty())
                .collect();
            if values.len() > MOST_VALUES || values.iter().any(|value| value.chars().count() > MOST_CHARS) {
                errors.insert(field, "tooLong");
            }
            values
        };
        let conditions = Conditions {
            calling_ae: values("callingAe", self.calling_ae),
            modality: values("modality", self.modality),
            body_part: values("bodyPart", self.body_part),
            facility: values("facility", self.facility),
            hours,
        };
        let device = AeTitle::parse(&self.device);
        if device.is_err() {
            errors.insert("device", "invalid");
        }
        let priority = Priority::parse(&self.priority);
        match (device, priority) {
            (Ok(device), Some(priority)) if errors.is_empty() => {
                let (after_corrections, is_enabled) = (self.after_corrections, self.is_enabled);
                Ok(Row {
                    name,
                    device,
                    conditions,
                    priority,
                    after_corrections,
                    is_enabled,
                    source: Source::Rows,
                })
            }
            (_, None) => Err(Error::BadRequest("there is no such priority".into())),
            _ => Err(Error::Fields(errors)),
        }
    }
}
