//! What both directions of RLE Lossless share: the header of a frame (PS3.5 G.5).

/// Number of segments and fifteen offsets, 32 bits each.
pub(super) const HEADER_BYTES: usize = 64;
/// As many segments as the header has offsets for.
pub(super) const MAX_SEGMENTS: usize = 15;
