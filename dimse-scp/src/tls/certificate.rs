//! Whose certificate it is.

use std::collections::BTreeSet;

use rustls::pki_types::CertificateDer;
use sha2::{Digest, Sha256};
use storage::devices::Binding;
use x509_cert::der::Decode;

/// A certificate that a peer has shown, and whose key it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// SHA-256 of the certificate, in lower-case hexadecimal digits.
    pub fingerprint: String,
    /// Its subject as in RFC 4514; empty when it cannot be read.
    pub subject: String,
    /// The parts of the subject, such as `CN=CT1`.
    parts: Vec<String>,
    /// Whether an authority that is trusted here has issued it.
    pub trusted: bool,
}

/// Why a certificate is not a device's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotBound {
    /// It is another one.
    Other,
    /// It bears the right name, and anybody may have issued it.
    Untrusted,
}

impl Certificate {
    pub(super) fn of(der: &CertificateDer<'_>, trusted: bool) -> Self {
        let read = x509_cert::Certificate::from_der(der.as_ref());
        let name = read.map(|read| read.tbs_certificate.subject).unwrap_or_default();
        let parts = name.0.iter().flat_map(|part| part.0.iter().map(ToString::to_string)).collect();
        Self { fingerprint: fingerprint(der), subject: name.to_string(), parts, trusted }
    }

    /// Whether it is the certificate that a device is bound to.
    pub fn is_bound(&self, binding: &Binding) -> Result<(), NotBound> {
        match binding {
            Binding::Fingerprint(digits) if *digits == self.fingerprint => Ok(()),
            Binding::Fingerprint(_) => Err(NotBound::Other),
            Binding::Subject(name) if !self.is_named(name) => Err(NotBound::Other),
            Binding::Subject(_) if self.trusted => Ok(()),
            Binding::Subject(_) => Err(NotBound::Untrusted),
        }
    }

    /// Whether a name is the whole subject, whatever its spaces, capitals and order, which programs write from either
    /// end; or its common name.
    fn is_named(&self, name: &str) -> bool {
        let plain = |text: &str| text.trim().to_lowercase();
        let own: BTreeSet<String> = self.parts.iter().map(|part| plain(part)).collect();
        let asked: BTreeSet<String> = name.split(',').map(plain).collect();
        own == asked || own.contains(&format!("cn={}", plain(name)))
    }
}

/// SHA-256 of a certificate, in lower-case hexadecimal digits.
pub(super) fn fingerprint(der: &CertificateDer<'_>) -> String {
    Sha256::digest(der.as_ref()).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_alone_need_an_authority() {
        let certificate = |trusted| Certificate {
            fingerprint: "ab".repeat(32),
            subject: "O=BVTW,CN=CT1".into(),
            parts: vec!["CN=CT1".into(), "O=BVTW".into()],
            trusted,
        };
        let bound = |text: &str, trusted| certificate(trusted).is_bound(&Binding::parse(text).unwrap());
        for (text, trusted, want) in [
            ("cn=ct1, o=bvtw", true, Ok(())),
            ("CT1", true, Ok(())),
            ("CT1", false, Err(NotBound::Untrusted)),
            ("BVTW", true, Err(NotBound::Other)),
            ("CT2", false, Err(NotBound::Other)),
        ] {
            assert_eq!(bound(text, trusted), want, "{text}");
        }
        assert_eq!(bound(&"ab".repeat(32), false), Ok(()));
        assert_eq!(bound(&"ac".repeat(32), true), Err(NotBound::Other));
    }

    #[test]
    fn what_is_no_certificate_has_no_subject() {
        let none = Certificate::of(&CertificateDer::from(vec![1, 2, 3]), false);
        assert_eq!((none.subject.as_str(), none.fingerprint.len()), ("", 64));
        assert_eq!(none.is_bound(&Binding::Subject("CT1".into())), Err(NotBound::Other));
    }
}
