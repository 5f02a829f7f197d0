//! Facilities named in the file, and the codes by which everything else names them.

use storage::index::facilities::{DEFAULT_ZONE, Entry, known_zone};

use super::ConfigError;
use super::keys::Keys;

/// Longest code, in characters.
const MAX_CODE_CHARS: usize = 16;

/// Checks all `[[facility]]` tables. Without a name the code is it, without a zone Vietnam's.
pub(super) fn from_keys(keys: &Keys) -> Result<Vec<Entry>, ConfigError> {
    let mut facilities: Vec<Entry> = Vec::with_capacity(keys.facility.len());
    for facility in &keys.facility {
        let code = code("facility", &facility.code)?;
        if facilities.iter().any(|known| known.code == code) {
            return Err(ConfigError::value("facility", format!("the code {code} is there twice")));
        }
        let name = facility.name.as_deref().map(str::trim).filter(|name| !name.is_empty());
        let time_zone = match &facility.time_zone {
            None => DEFAULT_ZONE.to_owned(),
            Some(name) => known_zone(name).ok_or_else(|| {
                ConfigError::value(
                    "facility",
                    format!(
                        "{code}: time_zone {name:?} is not in the zone database of this machine (Debian's package \
                         tzdata); write a name such as {DEFAULT_ZONE}"
                    ),
                )
            })?,
        };
        facilities.push(Entry { name: name.unwrap_or(&code).to_owned(), time_zone, code });
    }
    Ok(facilities)
}

/// Checks the code of a facility that the key `key` names.
pub(super) fn code(key: &'static str, text: &str) -> Result<String, ConfigError> {
    let code = text.trim();
    if code.is_empty() || code.chars().count() > MAX_CODE_CHARS {
        let reason = format!("{text:?} is no code of a facility: 1 to {MAX_CODE_CHARS} characters");
        return Err(ConfigError::value(key, reason));
    }
    Ok(code.to_owned())
}

/// The same where none may be named.
pub(super) fn optional_code(key: &'static str, text: Option<&str>) -> Result<Option<String>, ConfigError> {
    text.map(|text| code(key, text)).transpose()
}
