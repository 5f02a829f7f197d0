//! A device as the form of the page sends it.

use pacs_core::text::CharacterSet;
use pacs_core::uid::AeTitle;
use serde::Deserialize;
use storage::devices::{Binding, Dealings, Device, Rules};
use utoipa::ToSchema;

use super::dealings::DealingsForm;
use crate::error::FieldErrors;
use crate::field::{LONG_CHARS, SHORT_CHARS, matching, text};
use crate::{Error, Result};

/// Names of hosts are no longer (RFC 1035 2.3.4).
const HOST_CHARS: usize = 253;
/// Fingerprints and subjects.
const CERTIFICATE_CHARS: usize = 1024;
/// As many as there are places of a listener.
const MOST_ASSOCIATIONS: u32 = 1000;
/// More days than anybody plans ahead.
const MOST_DAYS: u32 = 3650;

/// What is known of a device, beside its AE title.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeviceForm {
    host: Option<String>,
    port: Option<u32>,
    facility: Option<String>,
    description: Option<String>,
    modality: Option<String>,
    room: Option<String>,
    character_set: Option<String>,
    #[serde(default)]
    called_ae: Vec<String>,
    max_associations: Option<u32>,
    max_answers: Option<u32>,
    #[serde(default)]
    requires_tls: bool,
    certificate: Option<String>,
    #[serde(default)]
    requires_user: bool,
    #[serde(default)]
    worklist_own: bool,
    worklist_days: Option<u32>,
    #[serde(flatten)]
    dealings: DealingsForm,
}

/// A new device.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewDevice {
    ae_title: String,
    #[serde(flatten)]
    form: DeviceForm,
}

impl NewDevice {
    /// The device, when nothing is wrong with it.
    pub fn checked(self) -> Result<Device> {
        let mut errors = FieldErrors::new();
        let title = AeTitle::parse(&self.ae_title).ok();
        if title.is_none() {
            errors.insert("aeTitle", "invalid");
        }
        // Whatever the title is, the other fields are looked at too.
        let device = self.form.fill(title, Dealings::default(), &mut errors);
        finished(device, errors)
    }
}

impl DeviceForm {
    /// The device as it is changed, when nothing is wrong with it.
    pub fn checked(self, known: Device) -> Result<Device> {
        let mut errors = FieldErrors::new();
        let device = self.fill(Some(known.ae_title), known.dealings, &mut errors);
        finished(device, errors)
    }

    fn fill(self, title: Option<AeTitle>, dealings: Dealings, errors: &mut FieldErrors) -> Option<Device> {
        let host = matching(errors, "host", self.host, |host| {
            host.len() <= HOST_CHARS && host.chars().all(|c| c.is_ascii_alphanumeric() || ".-:_".contains(c))
        });
        let port = within(errors, "port", self.port, 1..=u32::from(u16::MAX));
        if port.is_some() && host.is_none() {
            errors.entry("host").or_insert("required");
        }
        let is_code = |text: &str| {
            text.len() <= SHORT_CHARS
                && text.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
        };
        let character_set = self.character_set.filter(|terms| !terms.trim().is_empty());
        let character_set = character_set.and_then(|terms| {
            let known = CharacterSet::named(terms.trim());
            if known.is_none() {
                errors.insert("characterSet", "invalid");
            }
            known
        });
        let called: std::result::Result<Vec<_>, _> = self
            .called_ae
            .iter()
            .filter(|title| !title.trim().is_empty())
            .map(|title| AeTitle::parse(title))
            .collect();
        if called.is_err() {
            errors.insert("calledAe", "invalid");
        }
        let certificate = text(errors, "certificate", self.certificate, CERTIFICATE_CHARS);
        let rules = Rules {
            called: called.unwrap_or_default(),
            max_associations: within(errors, "maxAssociations", self.max_associations, 1..=MOST_ASSOCIATIONS),
            max_answers: within(errors, "maxAnswers", self.max_answers, 1..=u32::MAX),
            requires_tls: self.requires_tls,
            certificate: certificate.as_deref().and_then(Binding::parse),
            requires_user: self.requires_user,
            worklist_own: self.worklist_own,
            worklist_days: within(errors, "worklistDays", self.worklist_days, 0..=MOST_DAYS),
        };
        Some(Device {
            host,
            port: port.and_then(|port| u16::try_from(port).ok()),
            facility: text(errors, "facility", self.facility, SHORT_CHARS),
            description: text(errors, "description", self.description, LONG_CHARS).unwrap_or_default(),
            modality: matching(errors, "modality", self.modality, is_code),
            room: text(errors, "room", self.room, SHORT_CHARS),
            character_set,
            dealings: self.dealings.over(dealings, errors),
            rules,
            ..Device::named(title?)
        })
    }
}

/// The number, if there is one, with an error when it lies elsewhere.
pub(super) fn within(
    errors: &mut FieldErrors,
    field: &'static str,
    number: Option<u32>,
    range: std::ops::RangeInclusive<u32>,
) -> Option<u32> {
    if number.is_some_and(|number| !range.contains(&number)) {
        errors.insert(field, "invalid");
    }
    number
}

fn finished(device: Option<Device>, errors: FieldErrors) -> Result<Device> {
    match device {
        Some(device) if errors.is_empty() => Ok(device),
        _ => Err(Error::Fields(errors)),
    }
}
