//! From text to the bytes of a character set, letters that it lacks brought to those that it has.

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization;

use super::fold;
use super::iso2022::{ESC, TO_ROMAJI, escape_to, is_delimiter};
use super::repertoire::{Code, Repertoire};

/// The bytes of a text in `initial`, and with escape sequences (PS3.5 6.1.2.5.3) in the extensions.
pub(super) fn encode(text: &str, initial: Repertoire, extensions: Option<Vec<Repertoire>>) -> Vec<u8> {
    let means_itself = text.is_ascii() && (extensions.is_none() || !text.as_bytes().contains(&ESC));
    if means_itself || initial == Repertoire::Utf8 {
        return text.as_bytes().to_vec();
    }
    let mut writer = Writer {
        initial,
        upper: initial.in_upper_half().then_some(initial),
        lower: Repertoire::Ascii,
        extensions,
        bytes: Vec::with_capacity(text.len()),
    };
    let text = match writer.find('\u{ff71}') {
        None if text.contains(is_half_width) => Cow::Owned(widened(text)),
        _ => Cow::Borrowed(text),
    };
    for character in text.nfc() {
        if !writer.push(character) {
            writer.push_base_letters(character);
        }
    }
    writer.restore();
    writer.bytes
}

/// The text with katakana of half the width as those of the full one, their voicing marks joined.
fn widened(text: &str) -> String {
    let mut wide = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(is_half_width) {
        let (before, from) = rest.split_at(start);
        let (narrow, after) = from.split_at(from.find(|c| !is_half_width(c)).unwrap_or(from.len()));
        wide.push_str(before);
        wide.extend(narrow.nfkc());
        rest = after;
    }
    wide.push_str(rest);
    wide
}

fn is_half_width(character: char) -> bool {
    matches!(character, '\u{ff61}'..='\u{ff9f}')
}

struct Writer {
    initial: Repertoire,
    extensions: Option<Vec<Repertoire>>,
    /// What the upper half holds; `None` before anything has been put there.
    upper: Option<Repertoire>,
    lower: Repertoire,
    bytes: Vec<u8>,
}

impl Writer {
    /// Writes a character, or says that no repertoire has it.
    fn push(&mut self, character: char) -> bool {
        if let Ok(byte) = u8::try_from(character)
            && byte.is_ascii()
        {
            self.push_ascii(byte);
            return true;
        }
        let Some((repertoire, code)) = self.find(character) else { return false };
        self.designate(repertoire);
        self.bytes.extend_from_slice(code.bytes());
        true
    }

    /// The repertoire that a character is to be written in: one that holds already where it can be.
    fn find(&self, character: char) -> Option<(Repertoire, Code)> {
        let candidates = [self.upper.unwrap_or(self.lower), self.lower, self.initial].into_iter();
        let extensions = self.extensions.iter().flatten().copied();
        candidates.chain(extensions).find_map(|one| Some((one, one.code(character)?)))
    }

    fn push_ascii(&mut self, byte: u8) {
        if self.extensions.is_none() {
            self.bytes.push(byte);
        } else if byte == ESC {
            // In a text of its own it would be read as a change of repertoire.
            self.bytes.push(b'_');
        } else if byte < b' ' || is_delimiter(byte) {
            self.restore();
            self.bytes.push(byte);
            // Readers begin anew here.
            self.upper = self.initial.in_upper_half().then_some(self.initial);
        } else {
            self.lower_to_ascii();
            self.bytes.push(byte);
        }
    }

    fn designate(&mut self, repertoire: Repertoire) {
        if repertoire.in_upper_half() {
            if self.upper != Some(repertoire) {
                self.bytes.extend(escape_to(repertoire));
                self.upper = Some(repertoire);
            }
        } else if self.lower != repertoire {
            self.bytes.extend(escape_to(repertoire));
            self.lower = repertoire;
        }
    }

    /// Goes back to what the first term says, as is asked for before delimiters, control characters
    /// and the end.
    fn restore(&mut self) {
        self.lower_to_ascii();
        if self.initial.in_upper_half() {
            self.designate(self.initial);
        }
    }

    fn lower_to_ascii(&mut self) {
        if self.lower != Repertoire::Ascii {
            match self.initial {
                Repertoire::Katakana => self.bytes.extend_from_slice(TO_ROMAJI),
                _ => self.bytes.extend(escape_to(Repertoire::Ascii)),
            }
            self.lower = Repertoire::Ascii;
        }
    }

    fn push_base_letters(&mut self, character: char) {
        let start = self.bytes.len();
        for base in std::iter::once(character).nfkd() {
            match fold::base_letters(base) {
                Some(letters) => letters.bytes().for_each(|letter| self.push_ascii(letter)),
                // A full-width form must not become a delimiter or a wildcard.
                None if is_syntax(base) => self.push_ascii(b'_'),
                None => {
                    self.push(base);
                }
            }
        }
        if self.bytes.len() == start && !fold::is_mark(character) {
            self.push_ascii(b'_');
        }
    }
}

/// Whether the character means something beside itself in a value or a query.
fn is_syntax(character: char) -> bool {
    character.is_ascii_control() || matches!(character, '\\' | '^' | '=' | '*' | '?')
}

#[cfg(test)]
mod tests {
    use crate::VR;
    use crate::text::CharacterSet;

    #[test]
    fn a_limited_set_gets_base_letters_and_never_a_wildcard() {
        for (label, text, want) in [
            ("ISO_IR 100", "NGUYỄN^VĂN ĐỨC", &b"NGUYEN^VAN DUC"[..]),
            ("ISO_IR 100", "Müller é", b"M\xfcller \xe9"),
            ("ISO_IR 100", "Mu\u{308}ller", b"M\xfcller"),
            ("ISO_IR 6", "Müller ß", b"Muller ss"),
            ("ISO_IR 6", "王", b"_"),
            ("ISO_IR 100", "Ａ？＼＝", b"A___"),
            ("ISO_IR 192", "NGUYỄN", "NGUYỄN".as_bytes()),
            ("ISO_IR 144", "Люк", b"\xbb\xee\xda"),
            ("ISO_IR 148", "ış “€”", b"\xfd\xfe ___"),
            ("ISO_IR 166", "กา…", b"\xa1\xd2..."),
            ("GB18030", "Ễ王", b"\x81\x36\x84\x30\xcd\xf5"),
            ("GBK", "Ễ王", b"E\xcd\xf5"),
            ("GBK", "€", b"_"),
            ("ISO_IR 13", "ﾔﾏﾀﾞ", b"\xd4\xcf\xc0\xde"),
        ] {
            let bytes = CharacterSet::parse(label).encode(text);
            assert_eq!(bytes, want, "{text}");
            assert!(!bytes.contains(&b'?'));
        }
    }

    /// The examples of PS3.5 annexes H, I, J and K, byte for byte.
    #[test]
    fn code_extensions_are_written_as_in_the_standard() {
        for (label, text, want) in [
            (
                "\\ISO 2022 IR 87",
                "Yamada^Tarou=山田^太郎=やまだ^たろう",
                &b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B=\x1b$B$d$^$@\x1b(B^\x1b$B$?$m$&\x1b(B"[..],
            ),
            (
                "ISO 2022 IR 13\\ISO 2022 IR 87",
                "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう",
                b"\xd4\xcf\xc0\xde^\xc0\xdb\xb3=\x1b$B;3ED\x1b(J^\x1b$BB@O:\x1b(J=\x1b$B$d$^$@\x1b(J^\x1b$B$?$m$&\x1b(J",
            ),
            (
                "\\ISO 2022 IR 149",
                "Hong^Gildong=洪^吉洞=홍^길동",
                b"Hong^Gildong=\x1b$)C\xfb\xf3^\x1b$)C\xd1\xce\xd4\xd7=\x1b$)C\xc8\xab^\x1b$)C\xb1\xe6\xb5\xbf",
            ),
            (
                "\\ISO 2022 IR 58",
                "Zhang^XiaoDong=张^小东=",
                b"Zhang^XiaoDong=\x1b$)A\xd5\xc5^\x1b$)A\xd0\xa1\xb6\xab=",
            ),
            // A second single-byte set: the first one's upper half is back before each delimiter.
            ("ISO 2022 IR 100\\ISO 2022 IR 126", "éΔ^é", b"\xe9\x1b-F\xc4\x1b-A^\xe9"),
            // Letters that none of them has.
            ("\\ISO 2022 IR 87", "Nguyễn 山", b"Nguyen \x1b$B;3\x1b(B"),
            ("\\ISO 2022 IR 87\\ISO 2022 IR 159", "丂 Müller", b"\x1b$(D0!\x1b(B M\x1b$(D+d\x1b(Bller"),
            // Beyond KS X 1001, GB 2312 and JIS X 0208, though not beyond what reads them.
            ("\\ISO 2022 IR 149", "똠", b"_"),
            ("\\ISO 2022 IR 58", "丂ⅰ", b"_i"),
            ("\\ISO 2022 IR 87", "①ｱ", "1\x1b$B%\x22\x1b(B".as_bytes()),
            ("\\ISO 2022 IR 87", "ﾔﾏﾀﾞ", b"\x1b$B%d%^%@\x1b(B"),
            ("\\ISO 2022 IR 87", "a\x1b$Bb", b"a_$Bb"),
        ] {
            assert_eq!(
                String::from_utf8_lossy(&CharacterSet::parse(label).encode(text)),
                String::from_utf8_lossy(want),
                "{label} {text}"
            );
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        for (label, text) in [
            ("\\ISO 2022 IR 87", "山田 taro\\ボ^ソ\r\n表=～"),
            ("ISO 2022 IR 100\\ISO 2022 IR 144\\ISO 2022 IR 149", "é Люк 홍^길동 é"),
            ("\\ISO 2022 IR 13\\ISO 2022 IR 87\\ISO 2022 IR 159", "ﾔﾏ山丂ﾔ^ﾏ"),
            ("ISO 2022 IR 166\\ISO 2022 IR 58", "กา张^小东กา"),
            ("GB18030", "小東 Ễ\\ ễ"),
        ] {
            let set = CharacterSet::parse(label);
            for vr in [VR::PN, VR::LO, VR::LT] {
                assert_eq!(set.decode(&set.encode(text), vr), text, "{label}");
            }
        }
    }
}
