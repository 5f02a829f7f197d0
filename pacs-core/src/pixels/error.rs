//! Why pixels could not be found, decoded or drawn.

/// What a caller can act on: answer 400, 404, 406, 413 or 500, or show the image as undrawable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PixelError {
    /// The data set has no image, or an attribute an image needs is missing or empty.
    #[error("{0} is missing: the data set has no image that can be read")]
    Missing(&'static str),
    /// The frame number is past the last frame, or its bytes are not there.
    #[error("frame {frame} is not there; the object has {frames}")]
    NoSuchFrame {
        /// Frame asked for, from 0.
        frame: u32,
        /// Frames that there are.
        frames: u32,
    },
    /// Of the region that is to be drawn nothing is within the image.
    #[error("the region is outside the image")]
    OutsideImage,
    /// Headers or compressed bytes contradict the standard or each other.
    #[error("the pixel data is malformed: {0}")]
    Malformed(String),
    /// Valid, but not among what can be decoded or drawn.
    #[error("{0} cannot be decoded here")]
    Unsupported(String),
    /// What codecs cannot hold of a frame.
    #[error("{0} cannot be encoded here")]
    Unencodable(String),
    /// More bytes would be needed than the caller grants.
    #[error("decoding needs {needed_bytes} bytes, {budget_bytes} are granted")]
    TooLarge {
        /// Bytes that the headers ask for.
        needed_bytes: u64,
        /// Bytes that the caller grants.
        budget_bytes: u64,
    },
}

impl PixelError {
    pub(crate) fn malformed(what: impl Into<String>) -> PixelError {
        PixelError::Malformed(what.into())
    }
}
