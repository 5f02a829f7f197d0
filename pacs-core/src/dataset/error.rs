//! Why bytes are not a data set.

use crate::Tag;

/// Why a data set cannot be read. Offsets are in bytes from the start of the encoded data set.
/// Texts name tags and places, never values.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The bytes have not the structure of a data set in this transfer syntax.
    #[error("not a data set: {what} at byte {at}")]
    Malformed {
        /// What was met.
        what: &'static str,
        /// Where.
        at: u64,
    },
    /// The bytes end inside an element.
    #[error("the data set ends inside element {tag} that begins at byte {at}")]
    Truncated {
        /// The element, or the sequence, that is not whole.
        tag: Tag,
        /// Where it begins.
        at: u64,
    },
    /// An element of a sequence claims more bytes than its item or sequence has.
    #[error("element {tag} at byte {at} is longer than what encloses it")]
    Overrun {
        /// The element.
        tag: Tag,
        /// Where it begins.
        at: u64,
    },
    /// Sequences are nested deeper than [`super::MAX_DEPTH`].
    #[error("sequences are nested too deeply at byte {at}")]
    TooDeep {
        /// Where the sequence begins that is one too many.
        at: u64,
    },
    /// More elements, fragments or inflated bytes than the limits allow.
    #[error("the data set goes beyond the limits of the reader at byte {at}")]
    TooLarge {
        /// Where the limit was reached.
        at: u64,
    },
    /// The deflated stream is damaged.
    #[error("the deflated data set is damaged after {at} inflated bytes")]
    Deflate {
        /// How many bytes came out before.
        at: u64,
    },
    /// The source of the bytes failed.
    #[error("the data set cannot be read: {0}")]
    Source(#[from] std::io::Error),
}
