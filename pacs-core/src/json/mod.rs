//! DICOM JSON (PS3.18 annex F), written and read without a detour over a general JSON tree.

mod number;
mod object;
mod parse;
mod text;
mod value;
mod write;

pub use object::{Head, Object};
pub use parse::{BulkReference, BulkValue, JsonError, JsonLimits, parse, parse_with};
pub use write::{BulkDataUri, INLINE_BYTES, PathStep, to_string, write};

/// Digits of base 16 as tags are written in.
const HEX: &[u8; 16] = b"0123456789ABCDEF";

/// A tag as the key of its attribute, `GGGGEEEE`.
fn key(tag: crate::Tag) -> [u8; 8] {
    let number = u32::from(tag.0) << 16 | u32::from(tag.1);
    std::array::from_fn(|at| {
        let digit = (number >> (28 - 4 * at)) & 0xf;
        HEX.get(digit as usize).copied().unwrap_or(b'0')
    })
}
