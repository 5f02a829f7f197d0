//! What a device may do and has to show, beside its rights.

use pacs_core::uid::AeTitle;

use crate::Result;
use crate::database::Row;

/// The rules of one device. The default restricts nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rules {
    /// Titles of this archive that it may call; empty: all.
    pub called: Vec<AeTitle>,
    /// Associations that it may have open at a time; `None`: what the listener allows each title.
    pub max_associations: Option<u32>,
    /// Answers to one of its queries, after which no more are given; `None`: no limit.
    pub max_answers: Option<u32>,
    /// Whether associations with it have to be encrypted, whoever opens them.
    pub requires_tls: bool,
    /// The certificate it has to show where there is TLS.
    pub certificate: Option<Binding>,
    /// Whether it has to name an account and its password.
    pub requires_user: bool,
    /// Whether its worklist holds nothing but the steps that it has or could do by modality, room and facility,
    /// whatever it asks for.
    pub worklist_own: bool,
    /// How many days ahead its worklist reaches; 0 is today. `None`: as far as it asks.
    pub worklist_days: Option<u32>,
}

/// Which certificate is a device's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Binding {
    /// The one of this SHA-256 fingerprint, 64 lower-case hexadecimal digits; whoever issued it.
    Fingerprint(String),
    /// One of this subject, in the words of RFC 4514 (`CN=CT1,O=BVTW`), or with this common name, that an authority of
    /// the configuration issued.
    Subject(String),
}

impl Binding {
    /// Reads what people write: a fingerprint with or without colons and `sha256:` before it, or else a subject.
    /// `None` for nothing but spaces.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let bare = match text.split_at_checked(7) {
            Some((head, rest)) if head.eq_ignore_ascii_case("sha256:") => rest,
            _ => text,
        };
        let digits: String = bare.chars().filter(|c| *c != ':').collect::<String>().to_ascii_lowercase();
        if digits.len() == 64 && digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Some(Self::Fingerprint(digits));
        }
        (!text.is_empty()).then(|| Self::Subject(text.to_owned()))
    }

    /// As it is written in rows and on pages.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Fingerprint(text) | Self::Subject(text) => text,
        }
    }
}

/// The columns of the rules, in the order of [`Rules::read`].
pub(super) const COLUMNS: &str = "called_ae, max_associations, max_answers, requires_tls, certificate, requires_user, \
     worklist_own, worklist_days";

impl Rules {
    pub(super) fn read(row: &Row) -> Result<Self> {
        let number = |name| -> Result<Option<u32>> {
            Ok(row.get::<Option<i64>>(name)?.and_then(|number| u32::try_from(number).ok()))
        };
        let called: Option<String> = row.get("called_ae")?;
        let called = called.unwrap_or_default();
        Ok(Self {
            called: called.split('\\').filter_map(|title| AeTitle::parse(title).ok()).collect(),
            max_associations: number("max_associations")?,
            max_answers: number("max_answers")?,
            requires_tls: row.flag("requires_tls")?,
            certificate: row.get::<Option<String>>("certificate")?.as_deref().and_then(Binding::parse),
            requires_user: row.flag("requires_user")?,
            worklist_own: row.flag("worklist_own")?,
            worklist_days: number("worklist_days")?,
        })
    }

    /// The titles as their column holds them.
    pub(super) fn called_text(&self) -> Option<String> {
        let titles: Vec<&str> = self.called.iter().map(AeTitle::as_str).collect();
        (!titles.is_empty()).then(|| titles.join("\\"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certificates_are_named_by_fingerprint_or_subject() {
        let digits = "ab".repeat(32);
        let colons = ["AB"; 32].join(":");
        for text in [digits.as_str(), &colons, &format!("SHA256:{colons}"), &format!(" sha256:{digits} ")] {
            assert_eq!(Binding::parse(text), Some(Binding::Fingerprint(digits.clone())), "{text}");
        }
        for text in ["CN=CT1,O=BVTW", "CT1", "máy CT"] {
            assert_eq!(Binding::parse(text), Some(Binding::Subject(text.into())), "{text}");
        }
        assert_eq!(Binding::parse("  "), None);
    }
}
