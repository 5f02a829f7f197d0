//! VNI: a letter of ASCII and after it a byte for its marks.

use unicode_normalization::UnicodeNormalization;

use super::{betrays_and_is_vietnamese, syllable::is_syllable};

/// Reads bytes labelled Latin-1 that can only be VNI: each word with a byte outside ASCII is a
/// syllable of Vietnamese so, and one has two letters beside each other that no word in Latin-1 has
/// (`Traàn`, `Höông`).
pub(super) fn read(bytes: &[u8]) -> Option<String> {
    betrays_and_is_vietnamese(bytes, is_impossible, |word| {
        let mut text = String::with_capacity(word.len() * 2);
        let mut previous = 0;
        for &byte in word {
            push(byte, previous, &mut text)?;
            previous = byte;
        }
        let text: String = text.nfc().collect();
        is_syllable(&text).then_some(text)
    })
}

/// Writes a letter, or the marks that a byte adds to the one before it.
fn push(byte: u8, previous: u8, text: &mut String) -> Option<()> {
    if byte.is_ascii() {
        text.push(char::from(byte));
    } else if let Some(marks) = marks(small(byte), small(previous)) {
        text.push_str(marks);
    } else {
        let letter = match small(byte) {
            0xec => 'ì',
            0xed => 'í',
            0xe6 => 'ỉ',
            0xf3 => 'ĩ',
            0xf2 => 'ị',
            0xee => 'ỵ',
            0xf1 => 'đ',
            0xf4 => 'ơ',
            0xf6 => 'ư',
            _ => return None,
        };
        match byte == small(byte) {
            true => text.push(letter),
            false => text.extend(letter.to_uppercase()),
        }
    }
    Some(())
}

fn marks(byte: u8, letter: u8) -> Option<&'static str> {
    Some(match (letter, byte) {
        (b'a' | b'e' | b'o' | b'u' | b'y' | 0xf4 | 0xf6, 0xf8) => "\u{300}",
        (b'a' | b'e' | b'o' | b'u' | b'y' | 0xf4 | 0xf6, 0xf9) => "\u{301}",
        (b'a' | b'e' | b'o' | b'u' | b'y' | 0xf4 | 0xf6, 0xfb) => "\u{309}",
        (b'a' | b'e' | b'o' | b'u' | b'y' | 0xf4 | 0xf6, 0xf5) => "\u{303}",
        (b'a' | b'e' | b'o' | b'u' | b'y' | 0xf4 | 0xf6, 0xef) => "\u{323}",
        (b'a' | b'e' | b'o', 0xe2) => "\u{302}",
        (b'a' | b'e' | b'o', 0xe0) => "\u{302}\u{300}",
        (b'a' | b'e' | b'o', 0xe1) => "\u{302}\u{301}",
        (b'a' | b'e' | b'o', 0xe5) => "\u{302}\u{309}",
        (b'a' | b'e' | b'o', 0xe3) => "\u{302}\u{303}",
        (b'a' | b'e' | b'o', 0xe4) => "\u{302}\u{323}",
        (b'a', 0xea) => "\u{306}",
        (b'a', 0xe8) => "\u{306}\u{300}",
        (b'a', 0xe9) => "\u{306}\u{301}",
        (b'a', 0xfa) => "\u{306}\u{309}",
        (b'a', 0xfc) => "\u{306}\u{303}",
        (b'a', 0xeb) => "\u{306}\u{323}",
        _ => return None,
    })
}

fn small(byte: u8) -> u8 {
    match byte {
        b'A'..=b'Z' | 0xc0..=0xde => byte | 0x20,
        _ => byte,
    }
}

/// Whether no language that is written in Latin-1 has such a word. Pairs that a name has somewhere
/// (`Seán`, `Loïc`) do not count.
fn is_impossible(word: &[u8]) -> bool {
    let impossible = |first: u8, second: u8| {
        matches!(
            (small(first), small(second)),
            (b'a', 0xe0..=0xe5 | 0xea)
                | (b'e' | b'o', 0xe3..=0xe5)
                | (0xf6, 0xf4)
                | (0xf4 | 0xf6, 0xef | 0xf5 | 0xf8 | 0xf9 | 0xfb)
        )
    };
    word.iter().zip(word.iter().skip(1)).any(|(first, second)| impossible(*first, *second))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vni_is_taken_only_where_it_is_certain() {
        for (bytes, want) in [
            (&b"Nguye\xe3n Va\xean A"[..], Some("Nguyễn Văn A")),
            (b"Tra\xe0n Th\xf2 H\xf6\xf4ng", Some("Trần Thị Hương")),
            (b"NGUYE\xc3N^\xd1\xd6\xd9C HUY\xd8NH", Some("NGUYỄN^ĐỨC HUỲNH")),
            (b"\xd1o\xe3 Ph\xf6\xf4\xefng", Some("Đỗ Phượng")),
            (b"\xd1A\xcbNG THU\xdbY TIE\xc2N", None),
            (b"LE\xc2 \xd1A\xcbNG TRA\xc0N", Some("LÊ ĐẶNG TRẦN")),
            (b"Sie\xe2u a\xe2m bu\xefng", Some("Siêu âm bụng")),
            (b"Th\xf2", None),
            (b"Se\xe1n", None),
            (b"Lo\xefc Ca\xefn", None),
            (b"LE\xc3O", None),
            (b"Jo\xe3o", None),
            (b"teko\xe4ly", None),
            (b"Tra\xe0n M\xfcller", None),
        ] {
            assert_eq!(read(bytes).as_deref(), want, "{bytes:x?}");
        }
    }
}
