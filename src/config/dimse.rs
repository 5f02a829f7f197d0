//! The DIMSE listener.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use dimse_scp::tls::{Files, Tls, TlsError};
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
    /// Where it listens for associations over TLS.
    pub tls_listen: Option<SocketAddr>,
    /// Certificate, key and authorities of such associations, in both roles.
    pub tls: Option<Files>,
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
        let tls_listen = keys.dimse_tls_listen.as_deref().filter(|listen| *listen != "off");
        let tls_listen = tls_listen.map(str::parse).transpose().map_err(|_| {
            ConfigError::value("dimse_tls_listen", "must be an address and a port, such as 0.0.0.0:2762")
        })?;
        let tls = tls(keys)?;
        if tls_listen.is_some() && tls.is_none() {
            let reason = "needs dimse_tls_certificate and dimse_tls_key, or tls_certificate and tls_key";
            return Err(ConfigError::value("dimse_tls_listen", reason));
        }
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
        Ok(Self { listen, ae_title, further, accept_unknown_callers, extra_storage_classes, tls_listen, tls })
    }

    /// The same in the words of the DIMSE crate, with the certificates that the files hold.
    pub fn to_scp(&self) -> Result<dimse_scp::Config, TlsError> {
        let own = (self.ae_title.clone(), None);
        let further = self.further.iter().map(|ae| (ae.title.clone(), ae.facility.clone()));
        let tls = self.tls.clone().map(Tls::read).transpose()?.map(Arc::new);
        Ok(dimse_scp::Config {
            tls,
            tls_listen: self.tls_listen,
            ae_titles: std::iter::once(own).chain(further).collect(),
            unknown_ae: match self.accept_unknown_callers {
                true => dimse_scp::UnknownAe::Accept,
                false => dimse_scp::UnknownAe::Reject,
            },
            extra_storage_classes: self.extra_storage_classes.clone(),
            ..dimse_scp::Config::new(self.listen, self.ae_title.clone())
        })
    }
}

/// Certificate and key of its own, else those of the HTTP listener.
fn tls(keys: &Keys) -> Result<Option<Files>, ConfigError> {
    let own = (&keys.dimse_tls_certificate, &keys.dimse_tls_key);
    let (certificate, key) = match own {
        (None, None) => (&keys.tls_certificate, &keys.tls_key),
        own => own,
    };
    let authorities = keys.dimse_tls_authorities.as_ref().map(PathBuf::from);
    match (certificate, key) {
        (Some(certificate), Some(key)) => {
            Ok(Some(Files { certificate: certificate.into(), key: key.into(), authorities }))
        }
        (None, None) if authorities.is_none() => Ok(None),
        (None, None) => {
            let reason = "does nothing without dimse_tls_certificate and dimse_tls_key";
            Err(ConfigError::value("dimse_tls_authorities", reason))
        }
        _ => Err(ConfigError::value("dimse_tls_certificate", "a certificate and dimse_tls_key go together")),
    }
}

/// Checks an AE title of the key `key`.
pub(super) fn title(key: &'static str, text: &str) -> Result<AeTitle, ConfigError> {
    AeTitle::parse(text).map_err(|error| ConfigError::value(key, format!("{text:?} is no AE title: {error}")))
}
