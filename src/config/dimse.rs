//! The DIMSE listener.

use std::net::SocketAddr;

use pacs_core::uid::{AeTitle, Uid};

use super::keys::Keys;
use super::{ConfigError, facilities};

/// Where and as whom modalities reach the archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dimse {
    /// Address and port; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The archive's own AE title: it answers to it and calls others by it.
    pub ae_title: AeTitle,
    /// Further AE titles that it answers to.
    pub further: Vec<CalledAe>,
    /// Whether a calling AE title without a device may push and query.
    pub accept_unknown_callers: bool,
    /// Private storage SOP classes, beside all of the standard's.
    pub extra_storage_classes: Vec<Uid>,
}

/// A further called AE title.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CalledAe {
    /// The title.
    pub title: AeTitle,
    /// Facility of what is pushed to it, when the device names none.
    pub facility: Option<String>,
}

impl Dimse {
    pub(super) fn from_keys(keys: &Keys) -> Result<Self, ConfigError> {
        let listen = keys.dimse_listen.parse().map_err(|_| {
            ConfigError::value("dimse_listen", "must be an address and a port, such as 0.0.0.0:11112")
        })?;
        let ae_title = title("ae_title", &keys.ae_title)?;
        let mut further: Vec<CalledAe> = Vec::with_capacity(keys.ae.len());
        for ae in &keys.ae {
            let title = title("ae", &ae.ae_title)?;
            if title == ae_title || further.iter().any(|known| known.title == title) {
                return Err(ConfigError::value("ae", format!("the AE title {title} is there twice")));
            }
            further
                .push(CalledAe { title, facility: facilities::optional_code("ae", ae.facility.as_deref())? });
        }
        let accept_unknown_callers = match keys.unknown_ae.as_str() {
            "accept" => true,
            "reject" => false,
            _ => return Err(ConfigError::value("unknown_ae", "must be accept or reject")),
        };
        let extra_storage_classes = keys
            .storage_sop_classes
            .iter()
            .flat_map(|list| list.items())
            .map(|uid| {
                Uid::parse(uid)
                    .map_err(|error| ConfigError::value("storage_sop_classes", format!("{uid}: {error}")))
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { listen, ae_title, further, accept_unknown_callers, extra_storage_classes })
    }

    /// The same in the words of the DIMSE crate.
    pub fn to_scp(&self) -> dimse_scp::Config {
        let own = (self.ae_title.clone(), None);
        let further = self.further.iter().map(|ae| (ae.title.clone(), ae.facility.clone()));
        dimse_scp::Config {
            ae_titles: std::iter::once(own).chain(further).collect(),
            unknown_ae: match self.accept_unknown_callers {
                true => dimse_scp::UnknownAe::Accept,
                false => dimse_scp::UnknownAe::Reject,
            },
            extra_storage_classes: self.extra_storage_classes.clone(),
            ..dimse_scp::Config::new(self.listen, self.ae_title.clone())
        }
    }
}

/// Checks an AE title of the key `key`.
pub(super) fn title(key: &'static str, text: &str) -> Result<AeTitle, ConfigError> {
    AeTitle::parse(text).map_err(|error| ConfigError::value(key, format!("{text:?} is no AE title: {error}")))
}
