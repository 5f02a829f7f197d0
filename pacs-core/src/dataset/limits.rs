//! How much a reader holds, and how far it goes.

use crate::VR;

/// How deep sequences may be nested. The deepest of the standard's information objects stay below
/// twenty; what is deeper is an attack or garbage and is refused.
pub const MAX_DEPTH: usize = 64;

/// How much of a data set is held in memory. The defaults hold everything but pixels and documents
/// of any ordinary instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Longer values become [`super::Value::Elsewhere`]; text is held up to 1 MiB.
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

    /// The longest value of this VR that is held.
    pub(super) fn held(&self, vr: VR) -> u64 {
        let text = matches!(
            vr,
            VR::DS | VR::IS | VR::LO | VR::LT | VR::PN | VR::SH | VR::ST | VR::UC | VR::UI | VR::UR | VR::UT
        );
        let bytes = if text { self.value_bytes.max(Self::TEXT_BYTES) } else { self.value_bytes };
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
