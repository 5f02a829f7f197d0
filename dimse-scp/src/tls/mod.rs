//! DICOM over TLS (PS3.15 B.9 and B.10, the BCP 195 profiles): TLS 1.2 and 1.3, authenticated encryption and ephemeral
//! keys only, which is all that rustls speaks.
//!
//! One set of files serves both roles: the certificate is shown to whoever connects and to those that are called, and
//! the authorities are those that peers' certificates are judged by. A client that shows a certificate proves only that
//! it holds the key; whose it is, is decided when it has said its AE title, where the reason for a refusal can be told
//! to somebody (`caller`).

mod certificate;
mod client;
mod server;

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use rustls::RootCertStore;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::version::{TLS12, TLS13};
use tokio_rustls::TlsAcceptor;

pub use certificate::{Certificate, NotBound};
pub use client::Secured;

/// The protocol versions that are spoken.
pub(crate) static VERSIONS: [&rustls::SupportedProtocolVersion; 2] = [&TLS13, &TLS12];

/// Where certificate, key and authorities lie, as PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Files {
    /// Our certificate, followed by those between it and its authority.
    pub certificate: PathBuf,
    /// Its key.
    pub key: PathBuf,
    /// The authorities that peers' certificates have to come from.
    pub authorities: Option<PathBuf>,
}

/// Why TLS cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read, or holds something else.
    #[error("cannot read {0}: {1}")]
    Unreadable(PathBuf, String),
    /// Certificate and key do not fit, or are of a kind that is not spoken.
    #[error("the certificate and its key cannot be used: {0}")]
    Unusable(#[from] rustls::Error),
}

/// The certificates in force; shared, and reread while associations go on.
#[derive(Debug)]
pub struct Tls {
    files: Files,
    in_force: RwLock<Arc<InForce>>,
}

struct InForce {
    acceptor: TlsAcceptor,
    provider: Arc<CryptoProvider>,
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    authorities: Arc<RootCertStore>,
    /// Judges the chains that clients show; `None` where no authority is named.
    clients: Option<Arc<dyn ClientCertVerifier>>,
}

impl std::fmt::Debug for InForce {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("InForce").finish_non_exhaustive()
    }
}

impl Tls {
    /// Reads the files.
    pub fn read(files: Files) -> Result<Self, TlsError> {
        let in_force = RwLock::new(Arc::new(InForce::read(&files)?));
        Ok(Self { files, in_force })
    }

    /// Reads the files anew, for connections that come from now on. On an error all stays as it is.
    pub fn reread(&self) -> Result<(), TlsError> {
        let read = Arc::new(InForce::read(&self.files)?);
        *self.in_force.write().unwrap_or_else(PoisonError::into_inner) = read;
        Ok(())
    }

    fn in_force(&self) -> Arc<InForce> {
        Arc::clone(&self.in_force.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl InForce {
    fn read(files: &Files) -> Result<Self, TlsError> {
        let chain = certificates(&files.certificate)?;
        let key = PrivateKeyDer::from_pem_file(&files.key).map_err(|why| unreadable(&files.key, why))?;
        let mut authorities = RootCertStore::empty();
        if let Some(path) = &files.authorities {
            for authority in certificates(path)? {
                authorities.add(authority).map_err(|why| unreadable(path, why))?;
            }
        }
        let (authorities, provider) =
            (Arc::new(authorities), Arc::new(rustls::crypto::ring::default_provider()));
        let clients = WebPkiClientVerifier::builder_with_provider(authorities.clone(), provider.clone());
        let config = rustls::ServerConfig::builder_with_provider(provider.clone())
            .with_protocol_versions(&VERSIONS)?
            .with_client_cert_verifier(Arc::new(server::Anybody::new(&provider)))
            .with_single_cert(chain.clone(), key.clone_key())?;
        Ok(Self {
            acceptor: TlsAcceptor::from(Arc::new(config)),
            provider,
            chain,
            key,
            authorities,
            clients: clients.build().ok(),
        })
    }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let found = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let found = found.map_err(|why| unreadable(path, why))?;
    if found.is_empty() { Err(unreadable(path, "it holds no certificate")) } else { Ok(found) }
}

fn unreadable(path: &Path, why: impl std::fmt::Display) -> TlsError {
    TlsError::Unreadable(path.to_owned(), why.to_string())
}
