//! Byte order.

use crate::VR;

/// Bytes of one number of the representation, which lie in the order of the transfer syntax (PS3.5 7.3); 1 where there
/// is no order.
pub fn unit_bytes(vr: VR) -> usize {
    match vr {
        VR::US | VR::SS | VR::OW | VR::AT => 2,
        VR::UL | VR::SL | VR::FL | VR::OF | VR::OL => 4,
        VR::FD | VR::OD | VR::OV | VR::SV | VR::UV => 8,
        _ => 1,
    }
}

/// Turns the bytes of every unit around; an incomplete last unit is left alone.
pub(super) fn swap(vr: VR, bytes: &mut [u8]) {
    swap_units(unit_bytes(vr), bytes);
}

/// The same of units of that size.
pub(super) fn swap_units(unit: usize, bytes: &mut [u8]) {
    if unit > 1 {
        bytes.chunks_exact_mut(unit).for_each(<[u8]>::reverse);
    }
}
