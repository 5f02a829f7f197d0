//! TLS as the side that calls.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, RootCertStore, SignatureScheme};
use storage::devices::{Binding, Device};
use tokio::net::TcpStream;
use tokio_rustls::{TlsConnector, TlsStream};

use super::certificate::{Certificate, NotBound, fingerprint};
use super::{Tls, VERSIONS};

/// How an association that this side opens is encrypted, and whom it may reach.
#[derive(Debug, Clone)]
pub struct Secured {
    tls: Arc<Tls>,
    host: String,
    certificate: Option<Binding>,
}

impl Secured {
    /// To a device: to the certificate it is bound to, else to one for its host that a trusted authority has issued.
    pub fn to(tls: Arc<Tls>, device: &Device) -> Self {
        let host = device.host.clone().unwrap_or_default();
        Self { tls, host, certificate: device.rules.certificate.clone() }
    }

    /// Shakes hands over a connection.
    pub(crate) async fn connect(&self, stream: TcpStream) -> std::io::Result<TlsStream<TcpStream>> {
        let in_force = self.tls.in_force();
        let name = ServerName::try_from(self.host.clone()).map_err(std::io::Error::other)?;
        let expected = Expected {
            certificate: self.certificate.clone(),
            authorities: in_force.authorities.clone(),
            algorithms: in_force.provider.signature_verification_algorithms,
        };
        let config = rustls::ClientConfig::builder_with_provider(in_force.provider.clone())
            .with_protocol_versions(&VERSIONS)
            .map_err(std::io::Error::other)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(expected))
            .with_client_auth_cert(in_force.chain.clone(), in_force.key.clone_key())
            .map_err(std::io::Error::other)?;
        Ok(TlsConnector::from(Arc::new(config)).connect(name, stream).await?.into())
    }
}

/// What the called side has to show.
#[derive(Debug)]
struct Expected {
    certificate: Option<Binding>,
    authorities: Arc<RootCertStore>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for Expected {
    fn verify_server_cert(
        &self,
        own: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if let Some(Binding::Fingerprint(digits)) = &self.certificate {
            return match fingerprint(own) == *digits {
                true => Ok(ServerCertVerified::assertion()),
                false => Err(CertificateError::ApplicationVerificationFailure.into()),
            };
        }
        let parsed = ParsedCertificate::try_from(own)?;
        verify_server_cert_signed_by_trust_anchor(
            &parsed,
            &self.authorities,
            between,
            now,
            self.algorithms.all,
        )?;
        match &self.certificate {
            Some(binding) => Certificate::of(own, true).is_bound(binding).map_err(|why| match why {
                NotBound::Other => CertificateError::NotValidForName.into(),
                NotBound::Untrusted => rustls::Error::from(CertificateError::UnknownIssuer),
            })?,
            None => verify_server_name(&parsed, name)?,
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
