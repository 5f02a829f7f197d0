//! Bodies that do not exist, drawn as scanners would see them.
//!
//! Lengths are millimetres in the patient's space: x to the left, y to the back, z to the head.

pub(crate) mod anatomy;
pub(crate) mod brain;
pub(crate) mod cage;
pub(crate) mod canvas;
pub(crate) mod ct;
pub(crate) mod field;
pub(crate) mod film;
pub(crate) mod organs;
pub(crate) mod radiograph;
pub(crate) mod shape;
pub(crate) mod thorax;
pub(crate) mod tree;
pub(crate) mod ultrasound;
