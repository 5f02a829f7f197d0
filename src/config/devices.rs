//! Devices named in the file.

use pacs_core::text::CharacterSet;
use pacs_core::uid::AeTitle;
use storage::devices::{Binding, Dealings, RetrieveBy, Rules};

use super::dimse::title;
use super::keys::{DeviceKeys, Keys, List, Number};
use super::{ConfigError, facilities};

/// Longest value of a code string, such as a modality, and of the short string that a room becomes
/// on the worklist (PS3.5 6.2).
const MAX_CHARS: usize = 16;

/// The most associations by which queued images may be sent to a device at a time.
const MAX_SENDS: u8 = 16;

/// A peer: may push and query, and is a destination of C-MOVE.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// Its AE title.
    pub ae_title: AeTitle,
    /// Host name or address.
    pub host: String,
    /// Port of its own listener.
    pub port: u16,
    /// Facility of what it pushes.
    pub facility: Option<String>,
    /// For people.
    pub description: Option<String>,
    /// Modality it makes, when it is a station of the worklist.
    pub modality: Option<String>,
    /// Code of the room it stands in.
    pub room: Option<String>,
    /// What its console can read.
    pub character_set: Option<CharacterSet>,
    /// What is done for it, and asked of it.
    pub dealings: Dealings,
    /// What it may do and has to show.
    pub rules: Rules,
}

/// Checks all `[[device]]` tables.
pub(super) fn from_keys(keys: &Keys) -> Result<Vec<Device>, ConfigError> {
    let mut devices: Vec<Device> = Vec::with_capacity(keys.device.len());
    for device in &keys.device {
        let ae_title = title("device", &device.ae_title)?;
        if devices.iter().any(|known| known.ae_title == ae_title) {
            return Err(ConfigError::value("device", format!("the AE title {ae_title} is there twice")));
        }
        if device.host.trim().is_empty() || device.port == 0 {
            return Err(ConfigError::value("device", format!("{ae_title} needs a host and a port")));
        }
        let wrong = |what: &str| ConfigError::value("device", format!("{ae_title}: {what}"));
        devices.push(Device {
            host: device.host.trim().to_owned(),
            port: device.port,
            facility: facilities::optional_code("device", device.facility.as_deref())?,
            description: device.description.clone(),
            modality: modality(device).map_err(wrong)?,
            room: room(device).map_err(wrong)?,
            character_set: character_set(device).map_err(wrong)?,
            dealings: dealings(device).map_err(wrong)?,
            rules: rules(device).map_err(wrong)?,
            ae_title,
        });
    }
    Ok(devices)
}

/// A modality is compared letter by letter with those of orders and images, so a lower-case one
/// would never be offered anything.
fn modality(device: &DeviceKeys) -> Result<Option<String>, &'static str> {
    let Some(text) = &device.modality else { return Ok(None) };
    let is_code = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    if text.is_empty() || text.len() > MAX_CHARS || !text.chars().all(is_code) {
        return Err("modality must be a code such as CT or US");
    }
    Ok(Some(text.clone()))
}

fn room(device: &DeviceKeys) -> Result<Option<String>, &'static str> {
    let Some(text) = device.room.as_deref().map(str::trim) else { return Ok(None) };
    if text.is_empty() || text.chars().count() > MAX_CHARS {
        return Err("room must be a code of 1 to 16 characters");
    }
    Ok(Some(text.to_owned()))
}

fn character_set(device: &DeviceKeys) -> Result<Option<CharacterSet>, &'static str> {
    let Some(terms) = &device.character_set else { return Ok(None) };
    let known = CharacterSet::named(terms);
    known.map(Some).ok_or("character_set must be defined terms of Specific Character Set, such as ISO_IR 100")
}

fn dealings(device: &DeviceKeys) -> Result<Dealings, &'static str> {
    let usual = Dealings::default();
    let send_limit = device.send_limit.unwrap_or(usual.send_limit);
    if !(1..=MAX_SENDS).contains(&send_limit) {
        return Err("send_limit must be a number of associations from 1 to 16");
    }
    let retrieve_by = device.retrieve_by.as_deref().map_or(Some(usual.retrieve_by), RetrieveBy::parse);
    let retrieve_by = retrieve_by.ok_or("retrieve_by must be move or get")?;
    Ok(Dealings {
        send_limit,
        retrieve_by,
        is_archive: device.priors,
        asks_commitment: device.commitment,
        takes_performed_steps: device.performed_steps,
        takes_availability: device.availability,
    })
}

fn rules(device: &DeviceKeys) -> Result<Rules, &'static str> {
    let number = |number: &Option<Number>, least: u32, wrong: &'static str| match number {
        None => Ok(None),
        Some(number) => {
            let number = number.value().and_then(|number| u32::try_from(number).ok());
            number.filter(|number| *number >= least).map(Some).ok_or(wrong)
        }
    };
    // A word in place of a switch, so that a file says what it means.
    let word = |word: &Option<String>, on: &str, off: &str, wrong: &'static str| match word.as_deref() {
        None => Ok(false),
        Some(word) if word == on => Ok(true),
        Some(word) if word == off => Ok(false),
        Some(_) => Err(wrong),
    };
    let titles = device.called_ae.as_ref().map(List::items).unwrap_or_default();
    let called = titles.into_iter().map(AeTitle::parse).collect::<Result<_, _>>();
    Ok(Rules {
        called: called.map_err(|_| "called_ae must be AE titles of this archive")?,
        max_associations: number(&device.max_associations, 1, "max_associations must be a number from 1 on")?,
        max_answers: number(&device.max_answers, 1, "max_answers must be a number from 1 on")?,
        requires_tls: word(&device.tls, "required", "optional", "tls must be required or optional")?,
        certificate: device.certificate.as_deref().and_then(Binding::parse),
        requires_user: word(&device.user, "required", "optional", "user must be required or optional")?,
        worklist_own: word(&device.worklist, "own", "all", "worklist must be own or all")?,
        worklist_days: number(&device.worklist_days, 0, "worklist_days must be a number")?,
    })
}
