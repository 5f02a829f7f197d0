//! Which SOP classes are served, and as what: the table that negotiation asks.

use std::collections::HashSet;
use std::ops::RangeInclusive;

use dicom_core::dictionary::UidDictionary;
use dicom_dictionary_std::StandardSopClassDictionary;
use pacs_core::non_patient::Kind;
use pacs_core::query::Level;
use pacs_core::uid::Uid;
use pacs_core::uids;

/// The root of a query/retrieve information model (PS3.4 C.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Root {
    /// Patient, study, series, image.
    Patient,
    /// Study (with the patient's attributes), series, image.
    Study,
    /// Patient and study; retired, and still what some consoles ask (PS3.4 of 2004, C.6.3).
    PatientStudyOnly,
    /// Single instances, by their UIDs alone; for retrieval (PS3.4 Y, Z).
    Instance,
    /// Single objects that are of no patient (PS3.4 U, X, BB, HH, II).
    NonPatient(Kind),
}

impl Root {
    /// The levels of the model, from the top down.
    pub fn levels(self) -> RangeInclusive<Level> {
        match self {
            Self::Patient => Level::Patient..=Level::Instance,
            Self::Study => Level::Study..=Level::Instance,
            Self::PatientStudyOnly => Level::Patient..=Level::Study,
            Self::Instance | Self::NonPatient(_) => Level::Instance..=Level::Instance,
        }
    }
}

/// A part of the unified procedure step service: whoever negotiates it may do its part with every step (PS3.4 CC.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Steps {
    /// Creates steps.
    Push,
    /// Follows them.
    Watch,
    /// Performs them.
    Pull,
    /// Finds them.
    Query,
}

/// A service and, for query and retrieve, its information model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Service {
    /// C-ECHO (PS3.4 A).
    Verification,
    /// C-STORE (PS3.4 B), and the C-STORE sub-operations of C-GET.
    Storage,
    /// C-FIND (PS3.4 C.4.1).
    Find(Root),
    /// C-MOVE (PS3.4 C.4.2).
    Move(Root),
    /// C-GET (PS3.4 C.4.3).
    Get(Root),
    /// C-GET of instances without their bulk data (PS3.4 Z).
    GetWithoutBulk,
    /// C-FIND of the modality worklist (PS3.4 K).
    Worklist,
    /// N-CREATE and N-SET of performed steps (PS3.4 F.7).
    PerformedStep,
    /// N-GET of performed steps (PS3.4 F.8).
    PerformedStepRetrieve,
    /// N-ACTION and N-EVENT-REPORT of storage commitment (PS3.4 J).
    StorageCommitment,
    /// C-FIND, N-CREATE, N-SET, N-GET and N-ACTION of unified procedure steps (PS3.4 CC).
    ProcedureStep(Steps),
}

/// The SOP classes an application entity serves.
#[derive(Debug, Clone, Default)]
pub struct SopClasses {
    private_storage: HashSet<Uid>,
}

impl SopClasses {
    /// The standard's classes and these private storage classes.
    pub fn new(private_storage: impl IntoIterator<Item = Uid>) -> Self {
        Self { private_storage: private_storage.into_iter().collect() }
    }

    /// What a SOP class is for; `None` when it is not served.
    pub fn service(&self, class: &Uid) -> Option<Service> {
        let known = SERVICES.iter().find(|(uid, _)| class == uid).map(|(_, service)| *service);
        known.or_else(|| self.is_storage(class).then_some(Service::Storage))
    }

    fn is_storage(&self, class: &Uid) -> bool {
        is_standard_storage(class) || self.private_storage.contains(class)
    }
}

/// The classes that are served, without those of storage.
pub const SERVICES: &[(&str, Service)] = &[
    (uids::VERIFICATION, Service::Verification),
    (uids::PATIENT_ROOT_QUERY_RETRIEVE_INFORMATION_MODEL_FIND, Service::Find(Root::Patient)),
    (uids::PATIENT_ROOT_QUERY_RETRIEVE_INFORMATION_MODEL_MOVE, Service::Move(Root::Patient)),
    (uids::PATIENT_ROOT_QUERY_RETRIEVE_INFORMATION_MODEL_GET, Service::Get(Root::Patient)),
    (uids::STUDY_ROOT_QUERY_RETRIEVE_INFORMATION_MODEL_FIND, Service::Find(Root::Study)),
    (uids::STUDY_ROOT_QUERY_RETRIEVE_INFORMATION_MODEL_MOVE, Service::Move(Root::Study)),
    (uids::STUDY_ROOT_QUERY_RETRIEVE_INFORMATION_MODEL_GET, Service::Get(Root::Study)),
    (PATIENT_STUDY_ONLY_FIND, Service::Find(Root::PatientStudyOnly)),
    (PATIENT_STUDY_ONLY_MOVE, Service::Move(Root::PatientStudyOnly)),
    (PATIENT_STUDY_ONLY_GET, Service::Get(Root::PatientStudyOnly)),
    (uids::COMPOSITE_INSTANCE_ROOT_RETRIEVE_MOVE, Service::Move(Root::Instance)),
    (uids::COMPOSITE_INSTANCE_ROOT_RETRIEVE_GET, Service::Get(Root::Instance)),
    (uids::COMPOSITE_INSTANCE_RETRIEVE_WITHOUT_BULK_DATA_GET, Service::GetWithoutBulk),
    (uids::HANGING_PROTOCOL_INFORMATION_MODEL_FIND, Service::Find(Root::NonPatient(Kind::HangingProtocol))),
    (uids::HANGING_PROTOCOL_INFORMATION_MODEL_MOVE, Service::Move(Root::NonPatient(Kind::HangingProtocol))),
    (uids::HANGING_PROTOCOL_INFORMATION_MODEL_GET, Service::Get(Root::NonPatient(Kind::HangingProtocol))),
    (
        uids::COLOR_PALETTE_QUERY_RETRIEVE_INFORMATION_MODEL_FIND,
        Service::Find(Root::NonPatient(Kind::ColorPalette)),
    ),
    (
        uids::COLOR_PALETTE_QUERY_RETRIEVE_INFORMATION_MODEL_MOVE,
        Service::Move(Root::NonPatient(Kind::ColorPalette)),
    ),
    (
        uids::COLOR_PALETTE_QUERY_RETRIEVE_INFORMATION_MODEL_GET,
        Service::Get(Root::NonPatient(Kind::ColorPalette)),
    ),
    (
        uids::GENERIC_IMPLANT_TEMPLATE_INFORMATION_MODEL_FIND,
        Service::Find(Root::NonPatient(Kind::ImplantTemplate)),
    ),
    (
        uids::GENERIC_IMPLANT_TEMPLATE_INFORMATION_MODEL_MOVE,
        Service::Move(Root::NonPatient(Kind::ImplantTemplate)),
    ),
    (
        uids::GENERIC_IMPLANT_TEMPLATE_INFORMATION_MODEL_GET,
        Service::Get(Root::NonPatient(Kind::ImplantTemplate)),
    ),
    (
        uids::IMPLANT_ASSEMBLY_TEMPLATE_INFORMATION_MODEL_FIND,
        Service::Find(Root::NonPatient(Kind::ImplantAssembly)),
    ),
    (
        uids::IMPLANT_ASSEMBLY_TEMPLATE_INFORMATION_MODEL_MOVE,
        Service::Move(Root::NonPatient(Kind::ImplantAssembly)),
    ),
    (
        uids::IMPLANT_ASSEMBLY_TEMPLATE_INFORMATION_MODEL_GET,
        Service::Get(Root::NonPatient(Kind::ImplantAssembly)),
    ),
    (
        uids::IMPLANT_TEMPLATE_GROUP_INFORMATION_MODEL_FIND,
        Service::Find(Root::NonPatient(Kind::ImplantGroup)),
    ),
    (
        uids::IMPLANT_TEMPLATE_GROUP_INFORMATION_MODEL_MOVE,
        Service::Move(Root::NonPatient(Kind::ImplantGroup)),
    ),
    (uids::IMPLANT_TEMPLATE_GROUP_INFORMATION_MODEL_GET, Service::Get(Root::NonPatient(Kind::ImplantGroup))),
    (
        uids::DEFINED_PROCEDURE_PROTOCOL_INFORMATION_MODEL_FIND,
        Service::Find(Root::NonPatient(Kind::DefinedProcedureProtocol)),
    ),
    (
        uids::DEFINED_PROCEDURE_PROTOCOL_INFORMATION_MODEL_MOVE,
        Service::Move(Root::NonPatient(Kind::DefinedProcedureProtocol)),
    ),
    (
        uids::DEFINED_PROCEDURE_PROTOCOL_INFORMATION_MODEL_GET,
        Service::Get(Root::NonPatient(Kind::DefinedProcedureProtocol)),
    ),
    (uids::PROTOCOL_APPROVAL_INFORMATION_MODEL_FIND, Service::Find(Root::NonPatient(Kind::ProtocolApproval))),
    (uids::PROTOCOL_APPROVAL_INFORMATION_MODEL_MOVE, Service::Move(Root::NonPatient(Kind::ProtocolApproval))),
    (uids::PROTOCOL_APPROVAL_INFORMATION_MODEL_GET, Service::Get(Root::NonPatient(Kind::ProtocolApproval))),
    (uids::INVENTORY_FIND, Service::Find(Root::NonPatient(Kind::Inventory))),
    (uids::INVENTORY_MOVE, Service::Move(Root::NonPatient(Kind::Inventory))),
    (uids::INVENTORY_GET, Service::Get(Root::NonPatient(Kind::Inventory))),
    (uids::MODALITY_WORKLIST_INFORMATION_MODEL_FIND, Service::Worklist),
    (uids::MODALITY_PERFORMED_PROCEDURE_STEP, Service::PerformedStep),
    (uids::MODALITY_PERFORMED_PROCEDURE_STEP_RETRIEVE, Service::PerformedStepRetrieve),
    (uids::STORAGE_COMMITMENT_PUSH_MODEL, Service::StorageCommitment),
    (uids::UNIFIED_PROCEDURE_STEP_PUSH, Service::ProcedureStep(Steps::Push)),
    (uids::UNIFIED_PROCEDURE_STEP_WATCH, Service::ProcedureStep(Steps::Watch)),
    (uids::UNIFIED_PROCEDURE_STEP_PULL, Service::ProcedureStep(Steps::Pull)),
    (uids::UNIFIED_PROCEDURE_STEP_QUERY, Service::ProcedureStep(Steps::Query)),
];

/// Retired, and therefore deprecated in the dictionary.
const PATIENT_STUDY_ONLY_FIND: &str = "1.2.840.10008.5.1.4.1.2.3.1";
const PATIENT_STUDY_ONLY_MOVE: &str = "1.2.840.10008.5.1.4.1.2.3.2";
const PATIENT_STUDY_ONLY_GET: &str = "1.2.840.10008.5.1.4.1.2.3.3";

/// Keywords with `Storage` in them that are no composite objects: services, and directories of media and prints.
const NO_OBJECTS: &[&str] = &[
    "StorageCommitmentPushModel",
    "StorageCommitmentPullModel",
    "MediaStorageDirectoryStorage",
    "StoredPrintStorage",
];

/// Whether PS3.6 names the class as a composite object's storage class, retired ones included:
/// old archives and modalities still send them.
fn is_standard_storage(class: &Uid) -> bool {
    StandardSopClassDictionary
        .by_uid(class.as_str())
        .is_some_and(|entry| entry.alias.contains("Storage") && !NO_OBJECTS.contains(&entry.alias))
}

/// Keywords of the storage classes whose objects have pixel data and that have no `Image` in them.
const WITH_PIXELS: &[&str] = &[
    "RTDoseStorage",
    "SegmentationStorage",
    "HeightMapSegmentationStorage",
    "LabelMapSegmentationStorage",
    "ParametricMapStorage",
    "OphthalmicThicknessMapStorage",
    "CornealTopographyMapStorage",
    "OphthalmicOpticalCoherenceTomographyBscanVolumeAnalysisStorage",
    "EnhancedUSVolumeStorage",
    "DICOS2DAITStorage",
    "DICOS3DAITStorage",
    "DICOSQuadrupoleResonanceStorage",
];

/// Whether the objects of a storage class of the standard have no pixel data that a transfer syntax could compress.
pub fn is_without_pixels(class: &Uid) -> bool {
    StandardSopClassDictionary
        .by_uid(class.as_str())
        .is_some_and(|entry| !entry.alias.contains("Image") && !WITH_PIXELS.contains(&entry.alias))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(uid: &str) -> Option<Service> {
        SopClasses::new([Uid::parse("1.2.826.0.1.99").unwrap()]).service(&Uid::parse(uid).unwrap())
    }

    #[test]
    fn documents_have_no_pixels() {
        for (uid, want) in [
            ("1.2.840.10008.5.1.4.1.1.88.59", true),  // Key Object Selection
            ("1.2.840.10008.5.1.4.1.1.88.67", true),  // X-Ray Radiation Dose SR
            ("1.2.840.10008.5.1.4.1.1.11.1", true),   // Grayscale Softcopy Presentation State
            ("1.2.840.10008.5.1.4.1.1.9.1.1", true),  // 12-lead ECG
            ("1.2.840.10008.5.1.4.1.1.481.5", true),  // RT Plan
            ("1.2.840.10008.5.1.4.1.1.104.1", true),  // Encapsulated PDF
            ("1.2.840.10008.5.1.4.1.1.104.3", true),  // Encapsulated STL
            ("1.2.840.10008.5.1.4.1.1.66.5", true),   // Surface Segmentation
            ("1.2.840.10008.5.1.4.1.1.67", true),     // Real World Value Mapping
            ("1.2.840.10008.5.1.4.1.1.2", false),     // CT
            ("1.2.840.10008.5.1.4.1.1.481.2", false), // RT Dose
            ("1.2.840.10008.5.1.4.1.1.66.4", false),  // Segmentation
            ("1.2.840.10008.5.1.4.1.1.30", false),    // Parametric Map
            ("1.2.840.10008.5.1.4.1.1.81.1", false),  // Ophthalmic Thickness Map
            ("1.2.826.0.1.99", false),
        ] {
            assert_eq!(is_without_pixels(&Uid::parse(uid).unwrap()), want, "{uid}");
        }
    }

    #[test]
    fn classes_have_their_services() {
        for (uid, want) in [
            ("1.2.840.10008.1.1", Some(Service::Verification)),
            ("1.2.840.10008.5.1.4.1.1.2", Some(Service::Storage)),
            ("1.2.840.10008.5.1.4.1.1.1.1.1", Some(Service::Storage)),
            ("1.2.840.10008.5.1.4.1.1.77.1.1.1", Some(Service::Storage)),
            ("1.2.840.10008.5.1.4.1.1.3", Some(Service::Storage)), // Ultrasound Multi-frame, retired
            ("1.2.840.10008.5.1.4.1.1.104.1", Some(Service::Storage)),
            ("1.2.826.0.1.99", Some(Service::Storage)),
            ("1.2.826.0.1.98", None),
            ("1.2.840.10008.5.1.4.1.2.1.1", Some(Service::Find(Root::Patient))),
            ("1.2.840.10008.5.1.4.1.2.2.2", Some(Service::Move(Root::Study))),
            ("1.2.840.10008.5.1.4.1.2.2.3", Some(Service::Get(Root::Study))),
            ("1.2.840.10008.5.1.4.1.2.3.1", Some(Service::Find(Root::PatientStudyOnly))),
            ("1.2.840.10008.5.1.4.1.2.4.1", None), // a composite instance root has no query
            ("1.2.840.10008.5.1.4.1.2.4.3", Some(Service::Get(Root::Instance))),
            ("1.2.840.10008.5.1.4.1.2.5.3", Some(Service::GetWithoutBulk)),
            ("1.2.840.10008.5.1.4.31", Some(Service::Worklist)),
            ("1.2.840.10008.3.1.2.3.3", Some(Service::PerformedStep)),
            ("1.2.840.10008.3.1.2.3.4", Some(Service::PerformedStepRetrieve)),
            ("1.2.840.10008.3.1.2.3.5", None), // Performed Step Notification
            ("1.2.840.10008.1.20.1", Some(Service::StorageCommitment)),
            ("1.2.840.10008.5.1.4.34.6.1", Some(Service::ProcedureStep(Steps::Push))),
            ("1.2.840.10008.5.1.4.34.6.3", Some(Service::ProcedureStep(Steps::Pull))),
            ("1.2.840.10008.5.1.4.34.6.4", None), // UPS Event: reports go out on associations of their own
            ("1.2.840.10008.5.1.4.34.4.1", None), // its trial version, retired
            ("1.2.840.10008.1.20.2", None),       // Storage Commitment Pull Model, retired
            ("1.2.840.10008.1.3.10", None),       // Media Storage Directory
            ("1.2.840.10008.5.1.4.38.1", Some(Service::Storage)), // Hanging Protocol
            ("1.2.840.10008.5.1.4.38.4", Some(Service::Get(Root::NonPatient(Kind::HangingProtocol)))),
        ] {
            assert_eq!(service(uid), want, "{uid}");
        }
    }
}
