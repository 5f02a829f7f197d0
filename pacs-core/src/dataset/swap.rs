//! Byte order.

use crate::VR;

/// The size of the units whose bytes are in the order of the transfer syntax (PS3.5 7.3).
pub(crate) fn unit_bytes(vr: VR) -> usize {
    match vr {
        VR::US | VR::SS | VR::OW | VR::AT => 2,
        VR::UL | VR::SL | VR::FL | VR::OF | VR::OL => 4,
        VR::FD | VR::OD | VR::OV | VR::SV | VR::UV => 8,
        _ => 1,
    }
}

/// Turns the bytes of every unit around; an incomplete last unit is left alone.
pub(super) fn swap(vr: VR, bytes: &mut [u8]) {
    let unit = unit_bytes(vr);
    if unit > 1 {
        bytes.chunks_exact_mut(unit).for_each(<[u8]>::reverse);
    }
}
