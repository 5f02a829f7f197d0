//! Specific Character Set (0008,0005): bytes to text and back.

use std::borrow::Cow;

use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

use super::iso2022::{self, Resets};
use super::repair;
use super::repertoire::Repertoire;
use crate::VR;

/// What the Specific Character Set of a data set says (PS3.3 C.12.1.1.2). Small and `Copy`; items
/// of sequences inherit it from the data set around them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CharacterSet {
    initial: Repertoire,
    /// Reads bytes of the upper half that no escape sequence announced.
    undesignated: Repertoire,
    extended: bool,
}

impl Default for CharacterSet {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl CharacterSet {
    /// The default repertoire, ISO_IR 6: what holds when (0008,0005) is absent.
    pub const DEFAULT: Self = Self::of(Repertoire::Ascii);
    /// ISO_IR 100.
    pub const LATIN_1: Self = Self::of(Repertoire::Latin1);
    /// ISO_IR 192, which everything that we make is in.
    pub const UTF_8: Self = Self::of(Repertoire::Utf8);

    const fn of(repertoire: Repertoire) -> Self {
        Self { initial: repertoire, undesignated: repertoire, extended: false }
    }

    /// Reads the value of (0008,0005): defined terms parted by backslashes, the first of which may
    /// be empty. Unknown terms count as the default repertoire; nothing is refused for its label.
    pub fn parse(value: &str) -> Self {
        let terms: Vec<&str> = value.split('\\').map(|term| term.trim_matches([' ', '\0'])).collect();
        let repertoires: Vec<Repertoire> =
            terms.iter().map(|term| Repertoire::of_term(term).unwrap_or(Repertoire::Ascii)).collect();
        // Sets without code extensions stand alone (PS3.3 C.12.1.1.2); where one is listed among
        // others by mistake the bytes are in it.
        if let Some(&alone) =
            repertoires.iter().find(|r| matches!(r, Repertoire::Utf8 | Repertoire::Gb18030 | Repertoire::Gbk))
        {
            return Self::of(alone);
        }
        let initial = repertoires.first().copied().unwrap_or(Repertoire::Ascii);
        let undesignated = repertoires.iter().copied().find(|r| r.in_upper_half()).unwrap_or(initial);
        let extended = terms.len() > 1 || terms.iter().any(|term| term.contains("2022"));
        Self { initial, undesignated, extended }
    }

    /// The defined term of the set in which [`CharacterSet::encode`] writes, for (0008,0005);
    /// `None` for the default repertoire, which is said by absence.
    pub fn term(self) -> Option<&'static str> {
        (self.initial != Repertoire::Ascii).then(|| self.initial.term())
    }

    /// Whether escape sequences switch between several repertoires (PS3.5 6.1.2.5), so that
    /// [`CharacterSet::term`] does not tell all of it.
    pub(crate) fn has_extensions(self) -> bool {
        self.extended
    }

    /// The text of a whole value field, in Unicode normal form C, with the backslashes between
    /// values left in (they are found only after decoding: several sets use 0x5C as a second byte).
    ///
    /// Undecodable bytes become U+FFFD. Well-formed UTF-8 under the default repertoire or Latin-1
    /// is read as UTF-8, and what can only be Windows-1258 as that.
    pub fn decode<'a>(self, bytes: &'a [u8], vr: VR) -> Cow<'a, str> {
        if bytes.is_ascii() && !(self.extended && iso2022::has_escapes(bytes)) {
            return std::str::from_utf8(bytes).map_or(Cow::Borrowed(""), Cow::Borrowed);
        }
        normalise(self.decode_as_labelled(bytes, vr))
    }

    fn decode_as_labelled(self, bytes: &[u8], vr: VR) -> Cow<'_, str> {
        if matches!(self.undesignated, Repertoire::Ascii | Repertoire::Latin1) {
            if let Some(text) = repair::as_utf8(bytes)
                && !iso2022::has_escapes(bytes)
            {
                return Cow::Borrowed(text);
            }
            if !self.extended
                && let Some(text) = repair::as_windows_1258(bytes)
            {
                return Cow::Owned(text);
            }
        }
        if self.extended {
            let resets = Resets { values: has_many_values(vr), names: vr == VR::PN };
            return Cow::Owned(iso2022::decode(bytes, self.initial, self.undesignated, resets));
        }
        self.initial.encoding().decode_without_bom_handling(bytes).0
    }

    /// The bytes of a text in this set. A character outside the set is written as its base letter
    /// (`ễ` as `e`, `Đ` as `D`) and, when it has none, as `_`: never as `?`, which would be a
    /// wildcard when a console sends the value back in a query. Sets with code extensions are
    /// written in their first repertoire alone.
    pub fn encode(self, text: &str) -> Vec<u8> {
        if text.is_ascii() || self.initial == Repertoire::Utf8 {
            return text.as_bytes().to_vec();
        }
        let mut bytes = Vec::with_capacity(text.len());
        for character in text.nfc() {
            if !self.push_encoded(character, &mut bytes) {
                let start = bytes.len();
                for base in std::iter::once(character).nfkd() {
                    match super::fold::base_letters(base) {
                        Some(letters) => bytes.extend_from_slice(letters.as_bytes()),
                        // A full-width form must not become a delimiter or a wildcard.
                        None if is_syntax(base) => bytes.push(b'_'),
                        None => {
                            self.push_encoded(base, &mut bytes);
                        }
                    }
                }
                if bytes.len() == start && !super::fold::is_mark(character) {
                    bytes.push(b'_');
                }
            }
        }
        bytes
    }

    fn push_encoded(self, character: char, bytes: &mut Vec<u8>) -> bool {
        if character.is_ascii() {
            bytes.push(character as u8);
            return true;
        }
        match self.initial {
            // Two-byte sets need escape sequences, which are not written.
            Repertoire::Ascii
            | Repertoire::Kanji
            | Repertoire::SupplementaryKanji
            | Repertoire::Korean
            | Repertoire::SimplifiedChinese => false,
            Repertoire::Latin1 => {
                let code = u32::from(character);
                (0xa0..=0xff).contains(&code) && {
                    bytes.push(code as u8);
                    true
                }
            }
            Repertoire::Katakana => {
                let code = u32::from(character);
                (0xff61..=0xff9f).contains(&code) && {
                    bytes.push((code - 0xff61 + 0xa1) as u8);
                    true
                }
            }
            other => {
                let mut utf8 = [0u8; 4];
                let (encoded, _, unmappable) = other.encoding().encode(character.encode_utf8(&mut utf8));
                // What only the superset of Windows has lies among the control characters.
                let beside_the_set = matches!(&*encoded, [0x80..=0x9f]);
                if unmappable || beside_the_set {
                    return false;
                }
                bytes.extend_from_slice(&encoded);
                true
            }
        }
    }
}

/// Whether the character means something beside itself in a value or a query.
fn is_syntax(character: char) -> bool {
    character.is_ascii_control() || matches!(character, '\\' | '^' | '=' | '*' | '?')
}

/// Whether a backslash parts values in this VR (PS3.5 6.2).
pub(crate) fn has_many_values(vr: VR) -> bool {
    !matches!(vr, VR::LT | VR::ST | VR::UT | VR::UR)
}

/// Whether the VR's text is in the Specific Character Set; the others are ASCII (PS3.5 6.1.2.3).
pub(crate) fn uses_character_set(vr: VR) -> bool {
    matches!(vr, VR::LO | VR::LT | VR::PN | VR::SH | VR::ST | VR::UC | VR::UT | VR::UN)
}

/// The text in normal form C, in which equal text has equal bytes.
pub fn normalise(text: Cow<'_, str>) -> Cow<'_, str> {
    match is_nfc_quick(text.chars()) {
        IsNormalized::Yes => text,
        _ => Cow::Owned(text.nfc().collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_in_their_set() {
        for (label, bytes, want) in [
            ("", &b"Nguyen"[..], "Nguyen"),
            ("", "NGUYỄN".as_bytes(), "NGUYỄN"),
            ("ISO_IR 100", "NGUYỄN".as_bytes(), "NGUYỄN"),
            ("ISO_IR 192", "NGUYE\u{302}\u{303}N".as_bytes(), "NGUYỄN"),
            ("ISO_IR 100", b"M\xfcller", "Müller"),
            ("ISO-IR 100", b"M\xfcller", "Müller"),
            ("", b"M\xfcller", "Müller"),
            ("ISO_IR 101", b"\xb1", "ą"),
            ("ISO_IR 109", b"\xb1", "ħ"),
            ("ISO_IR 110", b"\xb1", "ą"),
            ("ISO_IR 144", b"\xbb\xee\xda", "Люк"),
            ("ISO_IR 126", b"\xc4\xe9", "Δι"),
            ("ISO_IR 127", b"\xe2\xc8", "قب"),
            ("ISO_IR 138", b"\xf9\xf8", "שר"),
            ("ISO_IR 148", b"\xfd\xfe", "ış"),
            ("ISO_IR 203", b"\xa4", "€"),
            ("ISO_IR 13", b"\xd4\xcf", "ﾔﾏ"),
            ("ISO_IR 166", b"\xa1\xd2", "กา"),
            ("GB18030", b"\xcd\xf5", "王"),
            ("GB18030", b"NGUY\x81\x36\x84\x30N", "NGUYỄN"),
            ("GBK", b"\xcd\xf5", "王"),
            ("\\ISO 2022 IR 149", b"\x1b$)C\xc8\xab", "홍"),
            // The escape sequence forgotten.
            ("\\ISO 2022 IR 149", b"\xc8\xab", "홍"),
            ("ISO_IR 192", b"A\xffB", "A\u{fffd}B"),
            ("nonsense", b"abc", "abc"),
        ] {
            assert_eq!(CharacterSet::parse(label).decode(bytes, VR::LO), want, "{label} {bytes:x?}");
        }
    }

    #[test]
    fn a_limited_set_gets_base_letters_and_never_a_wildcard() {
        for (set, text, want) in [
            (CharacterSet::LATIN_1, "NGUYỄN^VĂN ĐỨC", &b"NGUYEN^VAN DUC"[..]),
            (CharacterSet::LATIN_1, "Müller é", b"M\xfcller \xe9"),
            (CharacterSet::LATIN_1, "Mu\u{308}ller", b"M\xfcller"),
            (CharacterSet::DEFAULT, "Müller ß", b"Muller ss"),
            (CharacterSet::DEFAULT, "王", b"_"),
            (CharacterSet::LATIN_1, "Ａ？＼＝", b"A___"),
            (CharacterSet::UTF_8, "NGUYỄN", "NGUYỄN".as_bytes()),
            (CharacterSet::parse("ISO_IR 144"), "Люк", b"\xbb\xee\xda"),
            (CharacterSet::parse("ISO_IR 148"), "ış “€”", b"\xfd\xfe ___"),
            (CharacterSet::parse("ISO_IR 166"), "กา…", b"\xa1\xd2..."),
            (CharacterSet::parse("GB18030"), "Ễ王", b"\x81\x36\x84\x30\xcd\xf5"),
        ] {
            let bytes = set.encode(text);
            assert_eq!(bytes, want, "{text}");
            assert!(!bytes.contains(&b'?'));
        }
    }

    #[test]
    fn terms_name_what_is_written() {
        assert_eq!(CharacterSet::DEFAULT.term(), None);
        assert_eq!(CharacterSet::UTF_8.term(), Some("ISO_IR 192"));
        assert_eq!(CharacterSet::parse("iso_ir_100").term(), Some("ISO_IR 100"));
    }
}
