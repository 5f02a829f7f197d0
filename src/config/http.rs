//! The HTTP listener.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;

use url::Url;

use super::ConfigError;
use super::keys::{Keys, List};

/// Where and how browsers and programs reach the archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Http {
    /// Address and port; port 0 takes a free one.
    pub listen: SocketAddr,
    /// What absolute URIs begin with; otherwise Host or X-Forwarded-* say it.
    pub public_url: Option<Url>,
    /// Addresses whose X-Forwarded-* headers are believed.
    pub trusted_proxies: Vec<IpAddr>,
    /// Origins (`https://viewer.example.vn`) whose pages may use DICOMweb, as browsers write them.
    pub cors_origins: Vec<String>,
    /// Certificate and key, when this listener speaks TLS itself.
    pub tls: Option<Tls>,
}

/// A certificate chain and its key, both PEM files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tls {
    /// The chain, the listener's own certificate first.
    pub certificate: PathBuf,
    /// The private key.
    pub key: PathBuf,
}

impl Http {
    pub(super) fn from_keys(keys: &Keys) -> Result<Self, ConfigError> {
        let listen = keys.http_listen.parse().map_err(|_| {
            ConfigError::value("http_listen", "must be an address and a port, such as 127.0.0.1:8080")
        })?;
        let public_url = keys
            .public_url
            .as_deref()
            .map(|text| match Url::parse(text) {
                Ok(url) if matches!(url.scheme(), "http" | "https") && url.host().is_some() => Ok(url),
                _ => Err(ConfigError::value("public_url", "must be a URL such as https://pacs.example.vn")),
            })
            .transpose()?;
        let trusted_proxies = match &keys.trusted_proxies {
            None => vec![IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)],
            Some(list) => list
                .items()
                .into_iter()
                .map(|text| {
                    text.parse().map_err(|_| {
                        ConfigError::value("trusted_proxies", format!("{text:?} is no IP address"))
                    })
                })
                .collect::<Result<_, _>>()?,
        };
        let cors_origins = keys.cors_origins.as_ref().map(List::items).unwrap_or_default();
        let cors_origins = cors_origins.into_iter().map(origin).collect::<Result<_, _>>()?;
        let tls = match (&keys.tls_certificate, &keys.tls_key) {
            (None, None) => None,
            (Some(certificate), Some(key)) => {
                Some(Tls { certificate: PathBuf::from(certificate), key: PathBuf::from(key) })
            }
            _ => return Err(ConfigError::value("tls_certificate", "a certificate and tls_key go together")),
        };
        Ok(Self { listen, public_url, trusted_proxies, cors_origins, tls })
    }
}

/// An origin as a browser's Origin header has it: scheme, host, and the port where it is not the usual one.
fn origin(text: &str) -> Result<String, ConfigError> {
    let url = Url::parse(text).ok().filter(|url| {
        let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
        matches!(url.scheme(), "http" | "https") && bare && url.username().is_empty()
    });
    url.map(|url| url.origin().ascii_serialization()).ok_or_else(|| {
        let reason = format!("{text:?} is no origin such as https://viewer.example.vn; `*` is not taken");
        ConfigError::value("cors_origins", reason)
    })
}
