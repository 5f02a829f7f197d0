//! Text whose label is wrong, where the bytes themselves leave no doubt.

use encoding_rs::WINDOWS_1258;

/// Bytes labelled Latin-1 (or not at all) that are well-formed UTF-8 with a character outside
/// ASCII: the commonest fault of modalities. Text in Latin-1 that happens to be well-formed UTF-8
/// would have to consist of pairs such as `Ã©`.
pub(super) fn as_utf8(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}

/// Bytes labelled Latin-1 (or not at all) that can only be Windows-1258, the Vietnamese code page.
///
/// It writes a tone as a combining mark after its vowel, at places where Latin-1 has capital or
/// small letters (`Ì Ò Þ ì ò`). Taken as Windows-1258 only when every tone follows a vowel and at
/// least one stands where no language written in Latin-1 has such a letter: after a vowel that
/// already bears a circumflex, breve or horn in Vietnamese (`ÊÞ`, `âÌ`), or a capital after a small
/// letter. Anything less certain stays as labelled.
pub(super) fn as_windows_1258(bytes: &[u8]) -> Option<String> {
    let mut certain = false;
    let mut previous = 0u8;
    for &byte in bytes {
        if matches!(byte, GRAVE | HOOK | TILDE | ACUTE | DOT_BELOW) {
            let marked = matches!(
                previous,
                0xc2 | 0xca | 0xd4 | 0xc3 | 0xd5 | 0xdd | 0xe2 | 0xea | 0xf4 | 0xe3 | 0xf5 | 0xfd
            );
            let plain = matches!(previous.to_ascii_lowercase(), b'a' | b'e' | b'i' | b'o' | b'u' | b'y');
            if !marked && !plain {
                return None;
            }
            let capital_after_small =
                matches!(byte, GRAVE | HOOK | TILDE) && (previous.is_ascii_lowercase() || previous >= 0xe0);
            certain |= marked || capital_after_small;
        }
        previous = byte;
    }
    certain.then(|| WINDOWS_1258.decode_without_bom_handling(bytes).0.into_owned())
}

const GRAVE: u8 = 0xcc;
const HOOK: u8 = 0xd2;
const TILDE: u8 = 0xde;
const ACUTE: u8 = 0xec;
const DOT_BELOW: u8 = 0xf2;

#[cfg(test)]
mod tests {
    use super::*;
    use unicode_normalization::UnicodeNormalization;

    #[test]
    fn windows_1258_is_taken_only_where_it_is_certain() {
        for (bytes, want) in [
            (&b"Nguy\xea\xden V\xe3n A"[..], Some("Nguyễn Văn A")),
            (b"TR\xc2\xccN TH\xd2", None),
            (b"TR\xc2\xccN", Some("TRẦN")),
            (b"Tr\xe2\xccn Th\xcd B", Some("Trần ThÍ B")),
            (b"pu\xf2", None),
            (b"Niccol\xf2", None),
            (b"luned\xec", None),
            (b"\xdeorvaldur", None),
            (b"NGUY\xcaN TH\xdaY \xd0\xd4", None),
            (b"M\xfcller", None),
        ] {
            let got = as_windows_1258(bytes).map(|text| text.nfc().collect::<String>());
            assert_eq!(got.as_deref(), want, "{bytes:x?}");
        }
    }
}
