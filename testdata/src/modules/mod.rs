//! The modules of the information objects (PS3.3 annex A, C), one file a family. Every attribute of type 1 and 2
//! is there, and those of type 3 that a radiologist or a worklist looks for.

pub(crate) mod common;
pub(crate) mod ct;
pub(crate) mod dx;
pub(crate) mod image;
pub(crate) mod mr;
pub(crate) mod us;
