//! The rows of the archive, a table a file, and the transaction by which instances arrive.

pub mod arrivals;
pub(crate) mod belongings;
pub mod deletions;
pub mod discrepancies;
pub mod facilities;
pub(crate) mod grounds;
pub mod instances;
pub mod issuers;
pub(crate) mod name_words;
pub mod packs;
pub mod patients;
pub mod place;
pub mod redirects;
pub mod segments;
pub mod series;
pub mod spooled;
pub mod studies;
pub(crate) mod versions;

macro_rules! row_id {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => { $(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
        pub struct $name(pub i64);

        impl From<$name> for crate::database::Param {
            fn from(id: $name) -> Self {
                Self::from(id.0)
            }
        }
    )* };
}

row_id! {
    /// Row of an issuer of identifiers.
    IssuerId,
    /// Row of a patient.
    PatientId,
    /// Row of a study.
    StudyId,
    /// Row of a series.
    SeriesId,
    /// Row of an instance.
    InstanceId,
    /// Row of a segment of the spool.
    SegmentId,
    /// Row of a pack in the object store.
    PackId,
    /// Row of an object that is of no patient.
    NonPatientId,
}
