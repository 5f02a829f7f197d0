//! Windows-1258, the Vietnamese code page.

use encoding_rs::WINDOWS_1258;
use unicode_normalization::UnicodeNormalization;

use super::{betrays_and_is_vietnamese, syllable::is_syllable};

/// Reads bytes labelled Latin-1 that can only be Windows-1258.
///
/// It writes a tone as a combining mark after its vowel, at places where Latin-1 has capital or
/// small letters (`Ì Ò Þ ì ò`). Taken as Windows-1258 when every tone follows a vowel and at least
/// one stands where no language written in Latin-1 has such a letter: after a vowel that already
/// bears a circumflex, breve or horn in Vietnamese (`ÊÞ`, `âÌ`), or a capital after a small letter.
/// Without such tones, when a word begins with `Ð`, as none in Latin-1 does, and all are syllables.
pub(super) fn read(bytes: &[u8]) -> Option<String> {
    by_tones(bytes).or_else(|| {
        betrays_and_is_vietnamese(
            bytes,
            |word| matches!(word, [0xd0 | 0xf0, _, ..]),
            |word| {
                let text: String = decoded(word).nfc().collect();
                is_syllable(&text).then_some(text)
            },
        )
    })
}

fn decoded(bytes: &[u8]) -> String {
    WINDOWS_1258.decode_without_bom_handling(bytes).0.into_owned()
}

fn by_tones(bytes: &[u8]) -> Option<String> {
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
    certain.then(|| decoded(bytes))
}

const GRAVE: u8 = 0xcc;
const HOOK: u8 = 0xd2;
const TILDE: u8 = 0xde;
const ACUTE: u8 = 0xec;
const DOT_BELOW: u8 = 0xf2;

#[cfg(test)]
mod tests {
    use super::*;

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
            (b"NGUY\xcaN TH\xdaY \xd0\xd4", Some("NGUYÊN THÚY ĐÔ")),
            (b"NGUY\xcaN TH\xdaY", None),
            (b"\xd0", None),
            (b"GU\xd0R\xdaN", None),
            (b"M\xfcller", None),
        ] {
            let got = read(bytes).map(|text| text.nfc().collect::<String>());
            assert_eq!(got.as_deref(), want, "{bytes:x?}");
        }
    }
}
