//! Why images are rejected: the codes of IHE's Imaging Object Change Management (RAD TF-3 4.66), which
//! are titles of key object documents too (PS3.16 CID 7010).

use std::fmt;

/// A reason to reject images. What is rejected is kept, and shown and given to nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Rejection {
    /// The images are of no use.
    Quality,
    /// The images endanger the patient, such as those of the wrong side or person.
    PatientSafety,
    /// The wrong entry of the worklist was picked.
    WrongWorklistEntry,
    /// They need not be kept any longer.
    RetentionExpired,
}

impl Rejection {
    /// Every reason.
    pub const ALL: [Self; 4] =
        [Self::Quality, Self::PatientSafety, Self::WrongWorklistEntry, Self::RetentionExpired];

    /// Code Value; the scheme is DCM.
    pub fn code(self) -> &'static str {
        match self {
            Self::Quality => "113001",
            Self::PatientSafety => "113037",
            Self::WrongWorklistEntry => "113038",
            Self::RetentionExpired => "113039",
        }
    }

    /// Code Meaning.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Quality => "Rejected for Quality Reasons",
            Self::PatientSafety => "Rejected for Patient Safety Reasons",
            Self::WrongWorklistEntry => "Incorrect Modality Worklist Entry",
            Self::RetentionExpired => "Data Retention Policy Expired",
        }
    }

    /// The reason that `code^scheme` names, as [`fmt::Display`] writes it.
    pub fn parse(text: &str) -> Option<Self> {
        let code = text.strip_suffix("^DCM")?;
        Self::ALL.into_iter().find(|reason| reason.code() == code)
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}^DCM", self.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_read_back() {
        for reason in Rejection::ALL {
            assert_eq!(Rejection::parse(&reason.to_string()), Some(reason));
        }
        for text in ["", "113001", "113001^SRT", "113002^DCM", "^DCM"] {
            assert_eq!(Rejection::parse(text), None, "{text}");
        }
    }
}
