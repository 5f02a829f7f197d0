//! The header of one element: tag, value representation, length (PS3.5 7.1), with the faults of
//! the field told apart from garbage.

use super::dictionary::{lookup, vr_in_context};
use crate::{Tag, VR};

/// How the elements of one data set or item are encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    ImplicitLittle,
    ExplicitLittle,
    ExplicitBig,
}

/// A decoded header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub tag: Tag,
    pub vr: VR,
    /// `None`: undefined.
    pub length: Option<u32>,
    /// Size of the header itself.
    pub bytes: u64,
    /// How the items are encoded, should it be a sequence.
    pub inside: Encoding,
}

pub(super) const ITEM: Tag = Tag(0xfffe, 0xe000);
pub(super) const ITEM_END: Tag = Tag(0xfffe, 0xe00d);
pub(super) const SEQUENCE_END: Tag = Tag(0xfffe, 0xe0dd);

const UNDEFINED: u32 = u32::MAX;

impl Encoding {
    fn u16(self, bytes: [u8; 2]) -> u16 {
        match self {
            Self::ExplicitBig => u16::from_be_bytes(bytes),
            _ => u16::from_le_bytes(bytes),
        }
    }

    fn u32(self, bytes: [u8; 4]) -> u32 {
        match self {
            Self::ExplicitBig => u32::from_be_bytes(bytes),
            _ => u32::from_le_bytes(bytes),
        }
    }

    fn tag(self, [a, b, c, d]: [u8; 4]) -> Tag {
        Tag(self.u16([a, b]), self.u16([c, d]))
    }

    /// The encoding that a data set or an item really has, judged by its first element. `room` is
    /// how many bytes the set can have.
    ///
    /// Two faults are common: implicit items in an explicit data set, and explicit content where
    /// implicit was announced. A VR that the dictionary confirms is no accident; neither are VR
    /// bytes that are no letters while the four bytes together make a length that fits.
    pub(super) fn of_first_element(self, first: &[u8; 8], room: u64) -> Self {
        let [a, b, c, d, v, r, m, n] = *first;
        let implicit_length = u32::from_le_bytes([v, r, m, n]);
        let fits = implicit_length == UNDEFINED || u64::from(implicit_length) + 8 <= room;
        match (self, vr_of_bytes([v, r])) {
            (Self::ImplicitLittle, Some(vr)) => {
                let confirmed = lookup(self.tag([a, b, c, d])).is_some_and(|known| known.relaxed() == vr);
                if confirmed || !fits { Self::ExplicitLittle } else { self }
            }
            (Self::ExplicitLittle, None) if fits && is_length([v, r, m, n]) => Self::ImplicitLittle,
            _ => self,
        }
    }

    /// Reads a header from the bytes that begin with it; `None` when more are needed. `room` is how
    /// many bytes there can be from the tag on, `signed` whether Pixel Representation says so.
    #[inline]
    pub(super) fn header(self, bytes: &[u8], room: u64, signed: bool) -> Option<Header> {
        let (&[a, b, c, d, v, r, m, n], rest) = bytes.split_first_chunk::<8>()?;
        let tag = self.tag([a, b, c, d]);
        if tag.0 == 0xfffe {
            let length = self.u32([v, r, m, n]);
            return Some(Header { tag, vr: VR::UN, length: defined(length), bytes: 8, inside: self });
        }
        if self == Self::ImplicitLittle {
            return Some(implicit(tag, u32::from_le_bytes([v, r, m, n]), signed));
        }
        let short = |vr| Header { tag, vr, length: Some(self.u16([m, n]).into()), bytes: 8, inside: self };
        let long = |vr| {
            let length = self.u32(*rest.first_chunk::<4>()?);
            // Items of an unknown VR are implicit little endian (PS3.5 6.2.2).
            let inside = if vr == VR::UN { Self::ImplicitLittle } else { self };
            Some(Header { tag, vr, length: defined(length), bytes: 12, inside })
        };
        match vr_of_bytes([v, r]) {
            Some(vr) if has_long_length(vr) => long(vr),
            Some(vr) => Some(short(vr)),
            // A VR of a later edition has the long form (PS3.5 7.1.2), whose reserved bytes are zero.
            None if is_letters([v, r]) => {
                if [m, n] == [0, 0] {
                    long(VR::UN)
                } else {
                    Some(short(VR::UN))
                }
            }
            // No VR at all: an implicit element has strayed in, if its length makes sense.
            None => {
                let length = u32::from_le_bytes([v, r, m, n]);
                let fits = length == UNDEFINED || u64::from(length) + 8 <= room;
                if fits && is_length([v, r, m, n]) && self == Self::ExplicitLittle {
                    Some(implicit(tag, length, signed))
                } else {
                    Some(short(vr_in_context(tag, signed).filter(|&vr| vr != VR::SQ).unwrap_or(VR::UN)))
                }
            }
        }
    }
}

/// Whether the first eight bytes can begin a data set at all.
pub(super) fn can_begin(encoding: Encoding, first: &[u8; 8], room: u64) -> bool {
    let [a, b, c, d, v, r, m, n] = *first;
    let tag = encoding.tag([a, b, c, d]);
    if tag.0 == 0xfffe {
        return false;
    }
    match encoding {
        Encoding::ImplicitLittle => {
            let length = u32::from_le_bytes([v, r, m, n]);
            let fits = length == UNDEFINED || u64::from(length) + 8 <= room;
            fits && (lookup(tag).is_some() || !tag.0.is_multiple_of(2))
        }
        _ => is_letters([v, r]) || lookup(tag).is_some(),
    }
}

fn implicit(tag: Tag, length: u32, signed: bool) -> Header {
    let vr = vr_in_context(tag, signed).unwrap_or(VR::UN);
    Header { tag, vr, length: defined(length), bytes: 8, inside: Encoding::ImplicitLittle }
}

fn defined(length: u32) -> Option<u32> {
    (length != UNDEFINED).then_some(length)
}

fn is_letters(bytes: [u8; 2]) -> bool {
    bytes.iter().all(u8::is_ascii_uppercase)
}

/// Whether bytes where VR and length should be are rather the length of an implicit element than a
/// VR that its writer did not know (`??`, blanks, zeros) and a short length.
fn is_length([v, r, m, n]: [u8; 4]) -> bool {
    let printable = (b' '..=b'~').contains(&v) && (b' '..=b'~').contains(&r);
    match [v, r] {
        [0, 0] | [b'?', b'?'] => false,
        // Between 8 KiB and 32 KiB as a length; as a VR, something with an empty value.
        _ if printable => [m, n] == [0, 0] && !is_letters([v, r]),
        _ => true,
    }
}

/// Whether the explicit header has two reserved bytes and a length of 32 bits (PS3.5 table 7.1-1).
pub(super) fn has_long_length(vr: VR) -> bool {
    matches!(
        vr,
        VR::OB
            | VR::OW
            | VR::OF
            | VR::OD
            | VR::OL
            | VR::OV
            | VR::SQ
            | VR::UC
            | VR::UR
            | VR::UT
            | VR::UN
            | VR::SV
            | VR::UV
    )
}

fn vr_of_bytes(bytes: [u8; 2]) -> Option<VR> {
    Some(match &bytes {
        b"AE" => VR::AE,
        b"AS" => VR::AS,
        b"AT" => VR::AT,
        b"CS" => VR::CS,
        b"DA" => VR::DA,
        b"DS" => VR::DS,
        b"DT" => VR::DT,
        b"FL" => VR::FL,
        b"FD" => VR::FD,
        b"IS" => VR::IS,
        b"LO" => VR::LO,
        b"LT" => VR::LT,
        b"OB" => VR::OB,
        b"OD" => VR::OD,
        b"OF" => VR::OF,
        b"OL" => VR::OL,
        b"OV" => VR::OV,
        b"OW" => VR::OW,
        b"PN" => VR::PN,
        b"SH" => VR::SH,
        b"SL" => VR::SL,
        b"SQ" => VR::SQ,
        b"SS" => VR::SS,
        b"ST" => VR::ST,
        b"SV" => VR::SV,
        b"TM" => VR::TM,
        b"UC" => VR::UC,
        b"UI" => VR::UI,
        b"UL" => VR::UL,
        b"UN" => VR::UN,
        b"UR" => VR::UR,
        b"US" => VR::US,
        b"UT" => VR::UT,
        b"UV" => VR::UV,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tags;

    fn explicit(bytes: &[u8]) -> Option<Header> {
        Encoding::ExplicitLittle.header(bytes, 1000, false)
    }

    #[test]
    fn headers_of_all_forms() {
        let short = explicit(b"\x10\0\x10\0PN\x04\0").unwrap();
        assert_eq!(
            (short.tag, short.vr, short.length, short.bytes),
            (tags::PATIENT_NAME, VR::PN, Some(4), 8)
        );
        let long = explicit(b"\xe0\x7f\x10\0OW\0\0\xff\xff\xff\xff").unwrap();
        assert_eq!((long.vr, long.length, long.bytes), (VR::OW, None, 12));
        assert_eq!(explicit(b"\xe0\x7f\x10\0OW\0\0\xff\xff\xff"), None);
        let big = Encoding::ExplicitBig.header(b"\0\x28\0\x10US\0\x02", 1000, false).unwrap();
        assert_eq!((big.tag, big.vr, big.length), (tags::ROWS, VR::US, Some(2)));
        let implicit = Encoding::ImplicitLittle.header(b"\x28\0\x06\x01\x02\0\0\0", 1000, true).unwrap();
        assert_eq!((implicit.vr, implicit.length), (VR::SS, Some(2)));
    }

    #[test]
    fn faults_are_read_as_they_were_meant() {
        let strayed = explicit(b"\x10\0\x10\0\x04\x01\0\0").unwrap();
        assert_eq!(
            (strayed.vr, strayed.length, strayed.inside),
            (VR::PN, Some(0x104), Encoding::ImplicitLittle)
        );
        let question_marks = explicit(b"\x10\0\x10\0??\x04\0").unwrap();
        assert_eq!((question_marks.vr, question_marks.length), (VR::PN, Some(4)));
        let future = explicit(b"\x10\0\x10\0ZZ\0\0\x04\0\0\0").unwrap();
        assert_eq!((future.vr, future.length, future.bytes), (VR::UN, Some(4), 12));
        let unknown_short = explicit(b"\x10\0\x10\0ZZ\x04\0").unwrap();
        assert_eq!((unknown_short.vr, unknown_short.length, unknown_short.bytes), (VR::UN, Some(4), 8));
        let blanks = Encoding::ExplicitLittle.header(b"\x10\0\x10\0  \x04\0", u64::MAX, false).unwrap();
        assert_eq!((blanks.vr, blanks.length), (VR::PN, Some(4)));
        let zero = explicit(b"\x10\0\x10\0\0\0\x04\0").unwrap();
        assert_eq!((zero.vr, zero.length), (VR::PN, Some(4)));
    }

    #[test]
    fn the_first_element_betrays_the_encoding() {
        let explicit = b"\x08\0\x05\0CS\x0a\0";
        let implicit = b"\x08\0\x05\0\x0a\0\0\0";
        for (announced, bytes, really) in [
            (Encoding::ExplicitLittle, explicit, Encoding::ExplicitLittle),
            (Encoding::ExplicitLittle, implicit, Encoding::ImplicitLittle),
            (Encoding::ImplicitLittle, implicit, Encoding::ImplicitLittle),
            (Encoding::ImplicitLittle, explicit, Encoding::ExplicitLittle),
            (Encoding::ExplicitLittle, b"\x08\0\x05\0??\x0a\0", Encoding::ExplicitLittle),
        ] {
            assert_eq!(announced.of_first_element(bytes, u64::MAX), really);
        }
    }
}
