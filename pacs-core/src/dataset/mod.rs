//! Data sets: a tree of elements, read from and written to every encoding of PS3.5.
//!
//! The reader never believes a declared length: nothing is allocated for bytes that are not there,
//! what is retained is bounded by [`Limits`], large values are left where they lie
//! ([`Value::Elsewhere`]) and nesting is walked without recursion. The entrances are
//! [`read_slice`] and [`read_bytes`] (all in memory), [`read_file`] (seeks over large values), and
//! [`Incremental`] for bytes as they arrive from a network.

mod access;
pub mod anew;
mod arena;
mod dictionary;
mod edit;
mod element;
mod error;
mod header;
mod incremental;
mod inflate;
mod limits;
mod open;
mod read;
mod swap;
mod tree;
mod walker;
mod writer;

pub use dictionary::{keyword_of, tag_of, vr_of};
pub use element::{Element, Fragment, Value};
pub use error::ReadError;
pub use incremental::{Incremental, Progress};
pub use limits::{Limits, MAX_DEPTH, Until};
pub use read::{PixelDataPlace, Reading, read_bytes, read_file, read_slice};
pub use tree::DataSet;
pub use writer::{Piece, WriteError, write, write_around};

pub(crate) use access::{attribute_tags, units, values};
pub(crate) use edit::{decimal_string, float_bytes, in_range, integer_bytes};
