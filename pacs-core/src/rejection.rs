//! Why images are rejected: the codes of IHE's Imaging Object Change Management (RAD TF-3 4.66), which
//! are titles of key object documents too (PS3.16 CID 7010).

use std::fmt;

use crate::dataset::DataSet;
use crate::uid::Uid;
use crate::{tags, uids};

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
        Self::of_code(code)
    }

    /// The reason with that Code Value of the scheme DCM.
    pub fn of_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.code() == code)
    }

    /// The reason that a history has in words.
    pub fn of_meaning(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.meaning() == text)
    }
}

/// What a key object document rejects (IHE RAD TF-2 4.66.4.1.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RejectionNote {
    /// Its title.
    pub reason: Rejection,
    /// The instances that its evidence names.
    pub instances: Vec<Uid>,
}

impl RejectionNote {
    /// Reads a document; `None` for every other object, and for a document whose title is not a reason to
    /// reject.
    pub fn of(document: &DataSet) -> Option<Self> {
        document
            .text(tags::SOP_CLASS_UID)
            .filter(|class| class == uids::KEY_OBJECT_SELECTION_DOCUMENT_STORAGE)?;
        let title = document.items(tags::CONCEPT_NAME_CODE_SEQUENCE).first()?;
        title.text(tags::CODING_SCHEME_DESIGNATOR).filter(|scheme| scheme == "DCM")?;
        let code = title.text(tags::CODE_VALUE)?;
        let reason = Rejection::of_code(&code)?;
        let studies = document.items(tags::CURRENT_REQUESTED_PROCEDURE_EVIDENCE_SEQUENCE).iter();
        let series = studies.flat_map(|study| study.items(tags::REFERENCED_SERIES_SEQUENCE));
        let referenced = series.flat_map(|series| series.items(tags::REFERENCED_SOP_SEQUENCE));
        let named = referenced.filter_map(|item| item.uid(tags::REFERENCED_SOP_INSTANCE_UID)?.ok());
        Some(Self { reason, instances: named.collect() })
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
    fn a_document_rejects_what_it_names_by_its_title() {
        let document = |code: &str, class: &str| {
            let mut title = DataSet::new();
            title.put_text(tags::CODE_VALUE, code);
            title.put_text(tags::CODING_SCHEME_DESIGNATOR, "DCM");
            let referenced = |uid: &str| {
                let mut item = DataSet::new();
                item.put_text(tags::REFERENCED_SOP_INSTANCE_UID, uid);
                item
            };
            let mut series = DataSet::new();
            series.put_items(tags::REFERENCED_SOP_SEQUENCE, vec![referenced("1.2.3"), referenced("1.2.4")]);
            let mut study = DataSet::new();
            study.put_items(tags::REFERENCED_SERIES_SEQUENCE, vec![series]);
            let mut document = DataSet::new();
            document.put_text(tags::SOP_CLASS_UID, class);
            document.put_items(tags::CONCEPT_NAME_CODE_SEQUENCE, vec![title]);
            document.put_items(tags::CURRENT_REQUESTED_PROCEDURE_EVIDENCE_SEQUENCE, vec![study]);
            document
        };
        let class = uids::KEY_OBJECT_SELECTION_DOCUMENT_STORAGE;
        let note = RejectionNote::of(&document("113037", class)).unwrap();
        assert_eq!(note.reason, Rejection::PatientSafety);
        assert_eq!(note.instances.iter().map(Uid::as_str).collect::<Vec<_>>(), ["1.2.3", "1.2.4"]);
        assert_eq!(RejectionNote::of(&document("113000", class)), None, "of interest, not rejected");
        assert_eq!(RejectionNote::of(&document("113037", uids::CT_IMAGE_STORAGE)), None);
    }

    #[test]
    fn codes_read_back() {
        for reason in Rejection::ALL {
            assert_eq!(Rejection::parse(&reason.to_string()), Some(reason));
            assert_eq!(Rejection::of_meaning(reason.meaning()), Some(reason));
        }
        for text in ["", "113001", "113001^SRT", "113002^DCM", "^DCM"] {
            assert_eq!(Rejection::parse(text), None, "{text}");
        }
    }
}
