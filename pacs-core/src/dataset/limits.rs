//! How much a reader holds, and how far it goes.

use crate::{Tag, VR, tags};

/// How deep sequences may be nested. The deepest of the standard's information objects stay below
/// twenty; what is deeper is an attack or garbage and is refused.
pub const MAX_DEPTH: usize = 64;

/// How much of a data set is held in memory. The defaults hold everything but pixels and documents
/// of any ordinary instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Longer values become [`super::Value::Elsewhere`]; text, and the tables and overlays that
    /// drawing needs, are held up to 1 MiB.
    pub value_bytes: usize,
    /// All that is retained, with a fixed charge an element, an item and a fragment. Beyond it
    /// values, then whole top-level sequences, become [`super::Value::Elsewhere`]; elements and
    /// fragments too many for it even so are an error.
    pub retained_bytes: usize,
    /// How long a deflated data set may be once inflated.
    pub inflated_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { value_bytes: 64 << 10, retained_bytes: 16 << 20, inflated_bytes: 2 << 30 }
    }
}

impl Limits {
    const TEXT_BYTES: usize = 1 << 20;
    /// A table of 65536 entries, an overlay of 2048 by 4096 pixels.
    const DRAWING_BYTES: usize = 1 << 20;

    /// The longest value of this element that is held.
    pub(super) fn held(&self, tag: Tag, vr: VR) -> u64 {
        let text = matches!(
            vr,
            VR::DS | VR::IS | VR::LO | VR::LT | VR::PN | VR::SH | VR::ST | VR::UC | VR::UI | VR::UR | VR::UT
        );
        let bytes = match tag {
            _ if text => self.value_bytes.max(Self::TEXT_BYTES),
            tags::LUT_DATA
            | tags::RED_PALETTE_COLOR_LOOKUP_TABLE_DATA
            | tags::GREEN_PALETTE_COLOR_LOOKUP_TABLE_DATA
            | tags::BLUE_PALETTE_COLOR_LOOKUP_TABLE_DATA
            | tags::SEGMENTED_RED_PALETTE_COLOR_LOOKUP_TABLE_DATA
            | tags::SEGMENTED_GREEN_PALETTE_COLOR_LOOKUP_TABLE_DATA
            | tags::SEGMENTED_BLUE_PALETTE_COLOR_LOOKUP_TABLE_DATA
            | Tag(0x6000..=0x601e, 0x3000) => self.value_bytes.max(Self::DRAWING_BYTES),
            _ => self.value_bytes,
        };
        bytes as u64
    }
}

/// How far to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// Stop at the first of the top-level (7FE0,0008), (7FE0,0009) and (7FE0,0010), whose place
    /// [`super::Reading::pixel_data`] tells.
    PixelData,
    /// Walk all of it, list the fragments of encapsulated pixel data.
    End,
}
