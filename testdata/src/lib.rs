//! A synthetic province for tests, benches and the demonstration: hospitals, machines, patients with Vietnamese
//! names, orders, and studies whose pixels are computed and look like medicine.
//!
//! Everything is a function of a seed and a day, so the same province comes out on every machine: of `Province::new(7,
//! date(2026, 11, 23))` one reads `studies()`, and of each its `instances()`, whose bytes are whole files.
//!
//! [`ct_slices`] gives quick CT instances where a test only needs something to store.
#![allow(clippy::indexing_slicing, reason = "reads nothing foreign; sizes are this crate's own constants")]

mod case;
mod hospital;
mod instance;
mod modules;
mod name;
mod order;
mod patient;
mod phantom;
mod procedure;
mod province;
mod random;
mod series;
mod skipped;
mod slices;
mod study;

pub use hospital::{Device, Hospital, Tier};
pub use instance::Instance;
pub use name::{Name, Sex};
pub use order::Order;
pub use patient::Patient;
pub use procedure::{Procedure, Subject};
pub use province::Province;
pub use skipped::skipped;
pub use slices::{CtSlices, ct_slices};
pub use study::{Instances, Study};
