//! Specific Character Set (0008,0005): bytes to text and back.

use std::borrow::Cow;
use std::fmt;

use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

use super::encode;
use super::iso2022::{self, ESC, Resets};
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
    /// What escape sequences may switch to; `None` when there are no code extensions.
    extensions: Option<Extensions>,
}

/// Some of [`Repertoire::EXTENSIONS`], a bit for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Extensions(u16);

impl Extensions {
    fn of(repertoires: &[Repertoire]) -> Self {
        let listed =
            Repertoire::EXTENSIONS.iter().enumerate().filter(|(_, known)| repertoires.contains(known));
        Self(listed.fold(0, |bits, (place, _)| bits | 1 << place))
    }

    fn iter(self) -> impl Iterator<Item = Repertoire> {
        let places = Repertoire::EXTENSIONS.into_iter().enumerate();
        places.filter(move |(place, _)| self.0 & 1 << place != 0).map(|(_, repertoire)| repertoire)
    }
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
        Self { initial: repertoire, undesignated: repertoire, extensions: None }
    }

    /// Reads the value of (0008,0005): defined terms parted by backslashes, the first of which may
    /// be empty. Unknown terms count as the default repertoire; nothing is refused for its label.
    pub fn parse(value: &str) -> Self {
        let terms: Vec<&str> = terms(value).collect();
        let repertoires: Vec<Repertoire> =
            terms.iter().map(|term| Repertoire::of_term(term).unwrap_or(Repertoire::Ascii)).collect();
        // Sets without code extensions stand alone (PS3.3 C.12.1.1.2); where one is listed among
        // others by mistake the bytes are in it.
        if let Some(&alone) = repertoires.iter().find(|r| r.stands_alone()) {
            return Self::of(alone);
        }
        let first = repertoires.first().copied().unwrap_or(Repertoire::Ascii);
        let initial = if first.needs_extensions() { Repertoire::Ascii } else { first };
        let undesignated = repertoires.iter().copied().find(|r| r.in_upper_half()).unwrap_or(initial);
        let extended =
            terms.len() > 1 || first.needs_extensions() || terms.iter().any(|term| term.contains("2022"));
        Self { initial, undesignated, extensions: extended.then(|| Extensions::of(&repertoires)) }
    }

    /// Reads a value of (0008,0005) by which somebody says what they can read: `None` when it is
    /// empty or has a term that we do not know.
    pub fn named(value: &str) -> Option<Self> {
        let mut known = terms(value).filter(|term| !term.is_empty()).map(Repertoire::of_term).peekable();
        known.peek()?;
        known.all(|term| term.is_some()).then(|| Self::parse(value))
    }

    /// The value of (0008,0005) for text that [`CharacterSet::encode`] writes; `None` for the default
    /// repertoire, which is said by absence.
    pub fn name(self) -> Option<String> {
        Some(self.to_string()).filter(|name| name != Repertoire::Ascii.term())
    }

    /// The text of a whole value field, in Unicode normal form C, with the backslashes between
    /// values left in (they are found only after decoding: several sets use 0x5C as a second byte).
    ///
    /// Undecodable bytes become U+FFFD. Text whose bytes say for certain that its label is wrong is
    /// read as what it is: UTF-8, also when it was encoded twice, the Vietnamese encodings from before
    /// Unicode under Latin-1 or no label, and escape sequences that no label announced.
    pub fn decode<'a>(self, bytes: &'a [u8], vr: VR) -> Cow<'a, str> {
        if bytes.is_ascii() && !bytes.contains(&ESC) {
            return std::str::from_utf8(bytes).map_or(Cow::Borrowed(""), Cow::Borrowed);
        }
        normalise(self.decode_as_meant(bytes, vr))
    }

    fn decode_as_meant(self, bytes: &[u8], vr: VR) -> Cow<'_, str> {
        let switches = iso2022::switches(bytes);
        if !switches {
            if let Some(text) = repair::as_utf8(bytes, self.undesignated) {
                return text;
            }
            if self.extensions.is_none()
                && matches!(self.initial, Repertoire::Ascii | Repertoire::Latin1 | Repertoire::Utf8)
                && let Some(text) = repair::as_vietnamese(bytes)
            {
                return Cow::Owned(text);
            }
        }
        if switches || self.extensions.is_some() {
            let resets = Resets { values: has_many_values(vr), names: vr == VR::PN };
            return Cow::Owned(iso2022::decode(bytes, self.initial, self.undesignated, resets));
        }
        self.initial.encoding().decode_without_bom_handling(bytes).0
    }

    /// The bytes of a text in this set, with escape sequences where it has code extensions. A
    /// character outside the set is written as its base letter (`ễ` as `e`, `Đ` as `D`) and, when it
    /// has none, as `_`: never as `?`, which would be a wildcard when a console sends the value back
    /// in a query.
    pub fn encode(self, text: &str) -> Vec<u8> {
        let extensions = self.extensions.map(Extensions::iter);
        encode::encode(text, self.initial, extensions.map(Iterator::collect))
    }
}

/// The defined terms as we write them, `ISO_IR 6` for the default repertoire.
impl fmt::Display for CharacterSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(extensions) = self.extensions else { return f.write_str(self.initial.term()) };
        let others: Vec<Repertoire> = extensions.iter().filter(|other| *other != self.initial).collect();
        match self.initial {
            Repertoire::Ascii if others.is_empty() => return f.write_str(self.initial.term()),
            // The first term may be left out, which stands for the default repertoire.
            Repertoire::Ascii => {}
            initial => f.write_str(&with_extensions(initial))?,
        }
        others.into_iter().try_for_each(|other| write!(f, "\\{}", with_extensions(other)))
    }
}

fn with_extensions(repertoire: Repertoire) -> String {
    repertoire.term().replace("ISO_IR", "ISO 2022 IR")
}

fn terms(value: &str) -> impl Iterator<Item = &str> {
    value.split('\\').map(|term| term.trim_matches([' ', '\0']))
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
            ("ISO_IR 192", b"Tr\xc7n V\xa8n", "Trần Văn"),
            ("ISO_IR 100", b"Tra\xe0n Va\xean", "Trần Văn"),
            ("ISO_IR 192", "Nguyá»…n".as_bytes(), "Nguyễn"),
            ("ISO_IR 148", "NGUYỄN".as_bytes(), "NGUYỄN"),
            ("ISO_IR 100", b"\x1b$B;3ED\x1b(B", "山田"),
            ("ISO_IR 149", b"\x1b$)C\xc8\xab", "홍"),
            ("ISO_IR 100", b"a\x1bb", "a\u{1b}b"),
            // Shift JIS under the label of its half-width letters.
            ("ISO_IR 13", b"\x8eR\x93c", "山田"),
            ("nonsense", b"abc", "abc"),
        ] {
            assert_eq!(CharacterSet::parse(label).decode(bytes, VR::LO), want, "{label} {bytes:x?}");
        }
    }

    #[test]
    fn terms_are_named_as_the_standard_spells_them() {
        for (label, name) in [
            ("", None),
            ("ISO_IR 6", None),
            ("ISO 2022 IR 6", None),
            ("iso_ir_100", Some("ISO_IR 100")),
            ("utf-8", Some("ISO_IR 192")),
            ("ISO 2022 IR 100", Some("ISO 2022 IR 100")),
            ("\\ISO 2022 IR 149", Some("\\ISO 2022 IR 149")),
            ("ISO 2022 IR 6\\ISO 2022 IR 87", Some("\\ISO 2022 IR 87")),
            ("ISO 2022 IR 87", Some("\\ISO 2022 IR 87")),
            ("ISO_IR 13\\ISO_IR 159\\ISO_IR 87", Some("ISO 2022 IR 13\\ISO 2022 IR 87\\ISO 2022 IR 159")),
            ("ISO_IR 192\\ISO 2022 IR 87", Some("ISO_IR 192")),
        ] {
            let set = CharacterSet::parse(label);
            assert_eq!(set.name().as_deref(), name, "{label}");
            assert_eq!(CharacterSet::parse(&set.to_string()).name(), set.name(), "{label}");
        }
        assert_eq!(CharacterSet::DEFAULT.to_string(), "ISO_IR 6");
    }

    #[test]
    fn only_known_terms_say_what_somebody_reads() {
        for (label, known) in [
            ("", false),
            ("\\", false),
            ("ISO_IR 999", false),
            ("ISO_IR 100\\junk", false),
            ("ISO_IR 6", true),
            ("ISO_IR 100", true),
            ("\\ISO 2022 IR 87", true),
        ] {
            assert_eq!(CharacterSet::named(label).is_some(), known, "{label}");
        }
    }
}
