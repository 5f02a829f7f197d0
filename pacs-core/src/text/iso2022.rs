//! Code extensions by escape sequences (PS3.5 6.1.2.5).

use super::repertoire::Repertoire;

/// The escape sequences of PS3.3 tables C.12-3 and C.12-4, without the leading ESC.
const DESIGNATIONS: &[(&[u8], Repertoire)] = &[
    (b"(B", Repertoire::Ascii),
    (b"(J", Repertoire::Ascii), // JIS X 0201 romaji, see Repertoire::Katakana
    (b")I", Repertoire::Katakana),
    (b"-A", Repertoire::Latin1),
    (b"-B", Repertoire::Latin2),
    (b"-C", Repertoire::Latin3),
    (b"-D", Repertoire::Latin4),
    (b"-L", Repertoire::Cyrillic),
    (b"-G", Repertoire::Arabic),
    (b"-F", Repertoire::Greek),
    (b"-H", Repertoire::Hebrew),
    (b"-M", Repertoire::Latin5),
    (b"-b", Repertoire::Latin9),
    (b"-T", Repertoire::Thai),
    (b"$B", Repertoire::Kanji),
    (b"$@", Repertoire::Kanji), // JIS C 6226-1978, met in old files
    (b"$(D", Repertoire::SupplementaryKanji),
    (b"$)C", Repertoire::Korean),
    (b"$)A", Repertoire::SimplifiedChinese),
];

pub(super) const ESC: u8 = 0x1b;
/// JIS X 0201 romaji, the lower half that belongs to [`Repertoire::Katakana`].
pub(super) const TO_ROMAJI: &[u8] = b"\x1b(J";

/// Which characters end the effect of escape sequences, besides control characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Resets {
    /// The backslash between values.
    pub values: bool,
    /// The `^` and `=` of person names.
    pub names: bool,
}

/// Reads text with escape sequences. `initial` is what holds at the beginning and after every
/// delimiter; `undesignated` reads bytes of the upper half that no escape sequence announced.
pub(super) fn decode(bytes: &[u8], initial: Repertoire, undesignated: Repertoire, resets: Resets) -> String {
    let upper_at_start = if initial.in_upper_half() { initial } else { undesignated };
    let mut lower = Repertoire::Ascii;
    let mut upper = upper_at_start;
    let mut text = String::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((&byte, after)) = rest.split_first() {
        if byte == ESC {
            match designation(after) {
                Some((length, repertoire)) => {
                    if repertoire.in_upper_half() {
                        upper = repertoire;
                    } else {
                        lower = repertoire;
                    }
                    rest = after.get(length..).unwrap_or_default();
                }
                // An escape sequence that DICOM does not know: nothing after it can be trusted to
                // be more than what it looks like, so only the ESC itself is dropped.
                None => rest = after,
            }
            continue;
        }
        let run = run_length(rest, lower != Repertoire::Ascii);
        let (now, later) = rest.split_at(run.max(1));
        rest = later;
        if byte < 0x80 {
            let reset = byte < 0x20
                || (lower == Repertoire::Ascii
                    && ((resets.values && byte == b'\\') || (resets.names && matches!(byte, b'^' | b'='))));
            if reset {
                lower = Repertoire::Ascii;
                upper = upper_at_start;
            }
            match lower {
                Repertoire::Kanji | Repertoire::SupplementaryKanji => push_kanji(now, lower, &mut text),
                _ => text.extend(now.iter().map(|&b| char::from(b))),
            }
        } else {
            push(now, upper, &mut text);
        }
    }
    text
}

/// Whether an escape sequence names a repertoire. It can have no other meaning, whatever the label.
pub(super) fn switches(bytes: &[u8]) -> bool {
    bytes
        .iter()
        .enumerate()
        .filter(|(_, byte)| **byte == ESC)
        .any(|(at, _)| bytes.get(at + 1..).and_then(designation).is_some())
}

/// The escape sequence, ESC included, that makes a repertoire readable.
pub(super) fn escape_to(repertoire: Repertoire) -> impl Iterator<Item = u8> {
    let known = DESIGNATIONS.iter().find(|(_, designated)| *designated == repertoire);
    known.into_iter().flat_map(|(sequence, _)| std::iter::once(ESC).chain(sequence.iter().copied()))
}

fn designation(after_escape: &[u8]) -> Option<(usize, Repertoire)> {
    DESIGNATIONS
        .iter()
        .find(|(sequence, _)| after_escape.starts_with(sequence))
        .map(|(sequence, repertoire)| (sequence.len(), *repertoire))
}

/// How many bytes from the start belong together: a run of the same half, or one delimiter or
/// control character. In a two-byte set of the lower half everything printable is one run.
fn run_length(bytes: &[u8], two_byte_lower: bool) -> usize {
    let Some(&first) = bytes.first() else { return 0 };
    if first >= 0x80 {
        return bytes.iter().take_while(|&&b| b >= 0x80).count();
    }
    if first < 0x20 || (!two_byte_lower && is_delimiter(first)) {
        return 1;
    }
    bytes.iter().take_while(|&&b| (0x20..0x80).contains(&b) && (two_byte_lower || !is_delimiter(b))).count()
}

/// The characters that part values and, in person names, components.
pub(super) fn is_delimiter(byte: u8) -> bool {
    matches!(byte, b'\\' | b'^' | b'=')
}

fn push_kanji(run: &[u8], repertoire: Repertoire, text: &mut String) {
    let mut euc = Vec::with_capacity(run.len() * 3 / 2);
    for pair in run.chunks(2) {
        if repertoire == Repertoire::SupplementaryKanji && pair.len() == 2 {
            euc.push(0x8f);
        }
        match pair {
            [first, second] if *first > 0x20 && *second > 0x20 => euc.extend([first | 0x80, second | 0x80]),
            // A space, or one byte left over: not a pair, read as ASCII.
            other => {
                if euc.last() == Some(&0x8f) {
                    euc.pop();
                }
                euc.extend_from_slice(other);
            }
        }
    }
    push(&euc, repertoire, text);
}

fn push(run: &[u8], repertoire: Repertoire, text: &mut String) {
    text.push_str(&repertoire.encoding().decode_without_bom_handling(run).0);
}

#[cfg(test)]
mod tests {
    use super::*;

    const PN: Resets = Resets { values: true, names: true };

    /// The examples of PS3.5 annexes H, I and J.
    #[test]
    fn the_examples_of_the_standard() {
        let japanese =
            b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B=\x1b$B$d$^$@\x1b(B^\x1b$B$?$m$&\x1b(B";
        assert_eq!(
            decode(japanese, Repertoire::Ascii, Repertoire::Ascii, PN),
            "Yamada^Tarou=山田^太郎=やまだ^たろう"
        );
        let half_width =
            b"\xd4\xcf\xc0\xde^\xc0\xdb\xb3=\x1b$B;3ED\x1b(J^\x1b$BB@O:\x1b(J=\x1b$B$d$^$@\x1b(J^\x1b$B$?$m$&\x1b(J";
        assert_eq!(
            decode(half_width, Repertoire::Katakana, Repertoire::Katakana, PN),
            "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう"
        );
        let korean =
            b"Hong^Gildong=\x1b$)C\xfb\xf3^\x1b$)C\xd1\xce\xd4\xd7=\x1b$)C\xc8\xab^\x1b$)C\xb1\xe6\xb5\xbf";
        assert_eq!(decode(korean, Repertoire::Ascii, Repertoire::Ascii, PN), "Hong^Gildong=洪^吉洞=홍^길동");
        let chinese = b"Zhang^XiaoDong=\x1b$)A\xd5\xc5^\x1b$)A\xd0\xa1\xb6\xab=";
        assert_eq!(decode(chinese, Repertoire::Ascii, Repertoire::Ascii, PN), "Zhang^XiaoDong=张^小东=");
    }

    #[test]
    fn delimiters_and_control_characters_end_an_escape() {
        let greek_then_latin = b"\x1b-F\xc4\\\xc4";
        assert_eq!(decode(greek_then_latin, Repertoire::Latin1, Repertoire::Latin1, PN), "Δ\\Ä");
        let text = b"\x1b-F\xc4\r\n\xc4";
        let no_delimiters = Resets { values: false, names: false };
        assert_eq!(decode(text, Repertoire::Latin1, Repertoire::Latin1, no_delimiters), "Δ\r\nÄ");
        assert_eq!(decode(b"\x1b-F\xc4^\xc4", Repertoire::Latin1, Repertoire::Latin1, no_delimiters), "Δ^Δ");
    }

    #[test]
    fn a_backslash_inside_kanji_is_no_delimiter() {
        // JIS X 0208 0x255C is the katakana "bo", whose second byte is a backslash in ASCII.
        assert_eq!(decode(b"\x1b$B%\\\x1b(B\\A", Repertoire::Ascii, Repertoire::Ascii, PN), "ボ\\A");
    }

    #[test]
    fn broken_sequences_end_in_text_and_not_in_a_panic() {
        for bytes in
            [&b"\x1b"[..], b"\x1b$", b"\x1b$B;", b"\x1b$(D\x21", b"\x1b$B; 3\x80\xff", b"\x1b$)C\xfb"]
        {
            decode(bytes, Repertoire::Ascii, Repertoire::Ascii, PN);
        }
    }
}
