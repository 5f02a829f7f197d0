//! Devices named in the file.

use pacs_core::uid::AeTitle;

use super::ConfigError;
use super::dimse::title;
use super::keys::Keys;

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
        devices.push(Device {
            ae_title,
            host: device.host.trim().to_owned(),
            port: device.port,
            facility: device.facility.clone(),
            description: device.description.clone(),
        });
    }
    Ok(devices)
}
