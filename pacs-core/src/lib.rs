//! The words and the rules of the archive: no socket, no database, no file, no clock of its own.
//!
//! Everything here is a value or a pure function. `storage` puts these values into rows and
//! objects, the doors (`dimse-scp`, `dicomweb`, `ris`) translate their protocols into them, so a
//! rule that two doors share is written once, here.

pub mod access;
pub mod attributes;
pub mod audit;
pub mod clock;
pub mod correction;
pub mod dataset;
pub mod date_time;
pub mod exam;
pub mod extraction;
pub mod identity;
pub mod ingest;
pub mod json;
pub mod matching;
pub mod mpps;
pub mod native_model;
pub mod non_patient;
pub mod part10;
pub mod pixels;
pub mod query;
pub mod reconciliation;
pub mod rejection;
pub mod routing;
pub mod text;
pub mod transfer_syntax;
pub mod uid;
pub mod ups;
pub mod why;

pub use dicom_core::{Tag, VR};
pub use dicom_dictionary_std::{tags, uids};
