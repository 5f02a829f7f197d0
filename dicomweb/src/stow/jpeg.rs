//! Which process a JPEG was made by (ISO 10918-1 table B.1), and with that its transfer syntax (PS3.5 10.3).

use pacs_core::uids;

/// The transfer syntax of a picture by its first bytes; `None` for what is no JPEG or a process that DICOM has no
/// transfer syntax in use for.
pub fn transfer_syntax(picture: &[u8]) -> Option<&'static str> {
    const START_OF_SCAN: u8 = 0xDA;
    let mut rest = picture.strip_prefix(&[0xFF, 0xD8])?;
    let mut lossless = false;
    loop {
        let [0xFF, marker, segment @ ..] = rest else { return None };
        if *marker == 0xFF {
            rest = rest.get(1..)?;
            continue;
        }
        let length = usize::from(u16::from_be_bytes(*segment.first_chunk()?));
        match marker {
            0xC0 => return Some(uids::JPEG_BASELINE8_BIT),
            0xC1 => return Some(uids::JPEG_EXTENDED12_BIT),
            0xC3 => lossless = true,
            // The predictor stands behind the components of the scan.
            &START_OF_SCAN if lossless => {
                let components = usize::from(*segment.get(2)?);
                let predictor = segment.get(3 + 2 * components)?;
                return Some(if *predictor == 1 { uids::JPEG_LOSSLESS_SV1 } else { uids::JPEG_LOSSLESS });
            }
            &START_OF_SCAN | 0xC2 | 0xC5..=0xC7 | 0xC9..=0xCB | 0xCD..=0xCF => return None,
            _ => {}
        }
        rest = segment.get(length.max(2)..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(segments: &[(u8, &[u8])]) -> Vec<u8> {
        let mut picture = vec![0xFF, 0xD8, 0xFF];
        for (marker, content) in segments {
            picture.extend_from_slice(&[0xFF, *marker]);
            picture.extend_from_slice(&(content.len() as u16 + 2).to_be_bytes());
            picture.extend_from_slice(content);
        }
        picture
    }

    #[test]
    fn the_process_tells() {
        const SCAN: &[u8] = &[1, 0, 0];
        let lossless = |predictor: u8| picture(&[(0xC3, &[8]), (0xDA, &[SCAN, &[predictor, 0, 0]].concat())]);
        for (bytes, expected) in [
            (picture(&[(0xE0, b"JFIF"), (0xC4, &[0]), (0xC0, &[8])]), Some("1.2.840.10008.1.2.4.50")),
            (picture(&[(0xC1, &[12])]), Some("1.2.840.10008.1.2.4.51")),
            (lossless(1), Some("1.2.840.10008.1.2.4.70")),
            (lossless(6), Some("1.2.840.10008.1.2.4.57")),
            (picture(&[(0xC2, &[8])]), None),
            (picture(&[(0xE0, b"JFIF")]), None),
            (vec![0xFF, 0xD8], None),
            (b"\x89PNG".to_vec(), None),
            (Vec::new(), None),
        ] {
            assert_eq!(transfer_syntax(&bytes), expected);
        }
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..80)) {
            let _ = transfer_syntax(&[&[0xFF, 0xD8, 0xFF, 0xC3, 0, 3, 8][..], &bytes].concat());
        }
    }
}
