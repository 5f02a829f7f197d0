//! What a transfer syntax UID says of the bytes (PS3.5 10 and annex A).
//!
//! Only the encoding of the data set is described here; codecs are the business of `pixels`.

use dicom_dictionary_std::uids;

use crate::uid::Uid;

/// How a data set is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TransferSyntax {
    /// The UID, when it is one of the standard's; `None` for a private or future one.
    pub uid: Option<&'static str>,
    /// The name that PS3.6 gives it.
    pub name: &'static str,
    /// Whether every element carries its value representation.
    pub explicit: bool,
    /// Whether numbers are big endian (retired, still met).
    pub big_endian: bool,
    /// Whether the data set is one raw deflate stream (PS3.5 A.5).
    pub deflated: bool,
    /// Whether top-level pixel data is encapsulated in fragments (PS3.5 A.4).
    pub encapsulated: bool,
}

impl TransferSyntax {
    /// Implicit VR little endian, the default of DICOM and the encoding of command sets.
    pub const IMPLICIT_LITTLE_ENDIAN: Self = Self {
        uid: Some(uids::IMPLICIT_VR_LITTLE_ENDIAN),
        name: "Implicit VR Little Endian",
        explicit: false,
        big_endian: false,
        deflated: false,
        encapsulated: false,
    };
    /// Explicit VR little endian.
    pub const EXPLICIT_LITTLE_ENDIAN: Self =
        Self::explicit(uids::EXPLICIT_VR_LITTLE_ENDIAN, "Explicit VR Little Endian");
    /// Explicit VR big endian (retired).
    pub const EXPLICIT_BIG_ENDIAN: Self =
        Self { big_endian: true, ..Self::explicit("1.2.840.10008.1.2.2", "Explicit VR Big Endian") };
    /// Deflated explicit VR little endian.
    pub const DEFLATED_EXPLICIT_LITTLE_ENDIAN: Self =
        Self::deflated("1.2.840.10008.1.2.1.99", "Deflated Explicit VR Little Endian");

    /// Whether the UID is one of the standard's.
    pub fn known(&self) -> bool {
        self.uid.is_some()
    }

    const fn explicit(uid: &'static str, name: &'static str) -> Self {
        Self { uid: Some(uid), name, explicit: true, big_endian: false, deflated: false, encapsulated: false }
    }

    const fn deflated(uid: &'static str, name: &'static str) -> Self {
        Self { deflated: true, ..Self::explicit(uid, name) }
    }

    const fn encapsulated(uid: &'static str, name: &'static str) -> Self {
        Self { encapsulated: true, ..Self::explicit(uid, name) }
    }
}

/// The transfer syntax of that UID. One that the standard does not know is read as PS3.5 A.4
/// demands of every compressed one: explicit VR little endian with encapsulated pixel data.
pub fn of(uid: &Uid) -> TransferSyntax {
    KNOWN
        .iter()
        .find(|syntax| syntax.uid == Some(uid.as_str()))
        .copied()
        .unwrap_or(TransferSyntax { uid: None, ..TransferSyntax::encapsulated("", "Unknown") })
}

/// Every transfer syntax of PS3.6 table A-1 that names an encoding of data sets.
pub fn known() -> &'static [TransferSyntax] {
    KNOWN
}

static KNOWN: &[TransferSyntax] = &[
    TransferSyntax::IMPLICIT_LITTLE_ENDIAN,
    TransferSyntax::EXPLICIT_LITTLE_ENDIAN,
    TransferSyntax::EXPLICIT_BIG_ENDIAN,
    TransferSyntax::DEFLATED_EXPLICIT_LITTLE_ENDIAN,
    TransferSyntax::encapsulated(
        "1.2.840.10008.1.2.1.98",
        "Encapsulated Uncompressed Explicit VR Little Endian",
    ),
    TransferSyntax::encapsulated("1.2.840.10008.1.2.4.50", "JPEG Baseline (Process 1)"),
    TransferSyntax::encapsulated("1.2.840.10008.1.2.4.51", "JPEG Extended (Process 2 and 4)"),
    TransferSyntax::encapsulated("1.2.840.10008.1.2.4.52", "JPEG Extended (Process 3 and 5)"),
    TransferSyntax::encapsulated("1.2.840.10008.1.2.4.53", "JPEG Spectral Selection (Process 6 and 8)"),
    TransferSyntax::encapsulated("1.2.840.10008.1.2.4.54", "JPEG Spectral Selection (Process 7 and 9)"),
    TransferSyntax::encapsulated("1.2.840.10008.1.2.4.55", "JPEG Full Progression (Process 10 and 12)"),
    TransferSyntax::encapsulated("1.2.840.10008.1.2.4.56", "JPEG Full Progression (Process 11 and 13)"),
    TransferSyntax::encapsulated("1.2.840.10008.1.2.4.57", "JPEG Lossless (Process 14)"),
    TransferSyntax::encapsulated("1.2.840.10008.1.2.4.58", "JPEG Lossless (Process 15)"),
    TransferSyntax::encapsulated("1.2.840.10008.1.2.4.59", "JPEG Extended, Hierarchical (Process 16 and 18)"),
    TransferSyntax::encapsulated("1.2.840.10008.1.2.4.60", "JPEG Extended, Hierarchical (Process 17 and 19)"),
    TransferSyntax::encapsulated(
        "1.2.840.10008.1.2.4.61",
        "JPEG Spectral Selection, Hierarchical (Process 20 and 22)",
    ),
    TransferSyntax::encapsulated(
        "1.2.840.10008.1.2.4.62",
        "JPEG Spectral Selection, Hierarchical (Process 21 and 23)",
    ),
    TransferSyntax::encapsulated(
        "1.2.840.10008.1.2.4.63",
        "JPEG Full Progression, Hierarchical (Process 24 and 26)",
    ),
    TransferSyntax::encapsulated(
        "1.2.840.10008.1.2.4.64",
        "JPEG Full Progression, Hierarchical (Process 25 and 27)",
    ),
    TransferSyntax::encapsulated("1.2.840.10008.1.2.4.65", "JPEG Lossless, Hierarchical (Process 28)"),
    TransferSyntax::encapsulated("1.2.840.10008.1.2.4.66", "JPEG Lossless, Hierarchical (Process 29)"),
    TransferSyntax::encapsulated(
        "1.2.840.10008.1.2.4.70",
        "JPEG Lossless, First-Order Prediction (Process 14, SV1)",
    ),
    TransferSyntax::encapsulated("1.2.840.10008.1.2.4.80", "JPEG-LS Lossless"),
    TransferSyntax::encapsulated("1.2.840.10008.1.2.4.81", "JPEG-LS Near-Lossless"),
    TransferSyntax::encapsulated("1.2.840.10008.1.2.4.90", "JPEG 2000 (Lossless Only)"),
    TransferSyntax::encapsulated("1.2.840.10008.1.2.4.91", "JPEG 2000"),
    TransferSyntax::encapsulated(
        "1.2.840.10008.1.2.4.92",
        "JPEG 2000 Part 2 Multi-component (Lossless Only)",
    ),
    TransferSyntax::encapsulated("1.2.840.10008.1.2.4.93", "JPEG 2000 Part 2 Multi-component"),
    TransferSyntax::explicit("1.2.840.10008.1.2.4.94", "JPIP Referenced"),
    TransferSyntax::deflated("1.2.840.10008.1.2.4.95", "JPIP Referenced Deflate"),
    TransferSyntax::encapsulated("1.2.840.10008.1.2.4.100", "MPEG2 Main Profile / Main Level"),
    TransferSyntax::encapsulated("1.2.840.10008.1.2.4.100.1", "Fragmentable MPEG2 Main Profile / Main Level"),
    TransferSyntax::encapsulated("1.2.840.10008.1.2.4.101", "MPEG2 Main Profile / High Level"),
    TransferSyntax::encapsulated("1.2.840.10008.1.2.4.101.1", "Fragmentable MPEG2 Main Profile / High Level"),
    TransferSyntax::encapsulated("1.2.840.10008.1.2.4.102", "MPEG-4 AVC/H.264 High Profile / Level 4.1"),
    TransferSyntax::encapsulated(
        "1.2.840.10008.1.2.4.102.1",
        "Fragmentable MPEG-4 AVC/H.264 High Profile / Level 4.1",
    ),
    TransferSyntax::encapsulated(
        "1.2.840.10008.1.2.4.103",
        "MPEG-4 AVC/H.264 BD-compatible High Profile / Level 4.1",
    ),
    TransferSyntax::encapsulated(
        "1.2.840.10008.1.2.4.103.1",
        "Fragmentable MPEG-4 AVC/H.264 BD-compatible High Profile / Level 4.1",
    ),
    TransferSyntax::encapsulated(
        "1.2.840.10008.1.2.4.104",
        "MPEG-4 AVC/H.264 High Profile / Level 4.2 for 2D Video",
    ),
    TransferSyntax::encapsulated(
        "1.2.840.10008.1.2.4.104.1",
        "Fragmentable MPEG-4 AVC/H.264 High Profile / Level 4.2 for 2D Video",
    ),
    TransferSyntax::encapsulated(
        "1.2.840.10008.1.2.4.105",
        "MPEG-4 AVC/H.264 High Profile / Level 4.2 for 3D Video",
    ),
    TransferSyntax::encapsulated(
        "1.2.840.10008.1.2.4.105.1",
        "Fragmentable MPEG-4 AVC/H.264 High Profile / Level 4.2 for 3D Video",
    ),
    TransferSyntax::encapsulated(
        "1.2.840.10008.1.2.4.106",
        "MPEG-4 AVC/H.264 Stereo High Profile / Level 4.2",
    ),
    TransferSyntax::encapsulated(
        "1.2.840.10008.1.2.4.106.1",
        "Fragmentable MPEG-4 AVC/H.264 Stereo High Profile / Level 4.2",
    ),
    TransferSyntax::encapsulated("1.2.840.10008.1.2.4.107", "HEVC/H.265 Main Profile / Level 5.1"),
    TransferSyntax::encapsulated("1.2.840.10008.1.2.4.108", "HEVC/H.265 Main 10 Profile / Level 5.1"),
    TransferSyntax::encapsulated("1.2.840.10008.1.2.4.110", "JPEG XL Lossless"),
    TransferSyntax::encapsulated("1.2.840.10008.1.2.4.111", "JPEG XL JPEG Recompression"),
    TransferSyntax::encapsulated("1.2.840.10008.1.2.4.112", "JPEG XL"),
    TransferSyntax::encapsulated("1.2.840.10008.1.2.4.201", "High-Throughput JPEG 2000 (Lossless Only)"),
    TransferSyntax::encapsulated(
        "1.2.840.10008.1.2.4.202",
        "High-Throughput JPEG 2000 with RPCL Options (Lossless Only)",
    ),
    TransferSyntax::encapsulated("1.2.840.10008.1.2.4.203", "High-Throughput JPEG 2000"),
    TransferSyntax::explicit("1.2.840.10008.1.2.4.204", "JPIP HTJ2K Referenced"),
    TransferSyntax::deflated("1.2.840.10008.1.2.4.205", "JPIP HTJ2K Referenced Deflate"),
    TransferSyntax::encapsulated("1.2.840.10008.1.2.5", "RLE Lossless"),
    TransferSyntax::explicit(
        "1.2.840.10008.1.2.7.1",
        "SMPTE ST 2110-20 Uncompressed Progressive Active Video",
    ),
    TransferSyntax::explicit(
        "1.2.840.10008.1.2.7.2",
        "SMPTE ST 2110-20 Uncompressed Interlaced Active Video",
    ),
    TransferSyntax::explicit("1.2.840.10008.1.2.7.3", "SMPTE ST 2110-30 PCM Digital Audio"),
    TransferSyntax::encapsulated("1.2.840.10008.1.2.8.1", "Deflated Image Frame Compression"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_follow_from_the_uid() {
        for (uid, explicit, big_endian, deflated, encapsulated, known) in [
            ("1.2.840.10008.1.2", false, false, false, false, true),
            ("1.2.840.10008.1.2.1", true, false, false, false, true),
            ("1.2.840.10008.1.2.2", true, true, false, false, true),
            ("1.2.840.10008.1.2.1.99", true, false, true, false, true),
            ("1.2.840.10008.1.2.4.90", true, false, false, true, true),
            ("1.2.840.10008.1.2.4.94", true, false, false, false, true),
            ("1.2.840.10008.1.2.5", true, false, false, true, true),
            ("1.2.840.113619.5.2", true, false, false, true, false),
        ] {
            let syntax = of(&Uid::parse(uid).unwrap());
            assert_eq!(
                (syntax.explicit, syntax.big_endian, syntax.deflated, syntax.encapsulated, syntax.known()),
                (explicit, big_endian, deflated, encapsulated, known),
                "{uid}"
            );
        }
    }

    #[test]
    fn no_uid_is_listed_twice() {
        let mut uids: Vec<_> = known().iter().map(|syntax| syntax.uid).collect();
        uids.sort_unstable();
        uids.dedup();
        assert_eq!(uids.len(), known().len());
    }
}
