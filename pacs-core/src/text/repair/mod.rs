//! Text whose label is wrong, read as what its bytes can only be. What is not certain stays as labelled.

mod syllable;
mod tcvn3;
mod vni;
mod windows_1258;

use std::borrow::Cow;

use super::repertoire::Repertoire;

/// Bytes outside ASCII that are well-formed UTF-8 whatever they are labelled: the commonest fault of
/// modalities. Text in Latin-1 that happens to be so would have to consist of pairs such as `Ã©`; in
/// the other single-byte sets, of which some have capitals in both halves of a pair, one byte has to
/// be a control character besides. GBK and GB18030 have characters for most such bytes.
///
/// A value that was too long for its field may have been cut in the middle of its last letter, which is left out then.
pub(super) fn as_utf8(bytes: &[u8], label: Repertoire) -> Option<Cow<'_, str>> {
    let (text, is_cut) = match std::str::from_utf8(bytes.trim_ascii_end()) {
        Ok(_) => (std::str::from_utf8(bytes).ok()?, false),
        Err(error) if error.error_len().is_none() && label != Repertoire::Utf8 => {
            (std::str::from_utf8(bytes.get(..error.valid_up_to())?).ok()?, true)
        }
        Err(_) => return None,
    };
    let certain = match label {
        Repertoire::Utf8 | Repertoire::Ascii | Repertoire::Latin1 if !is_cut => true,
        Repertoire::Gb18030 | Repertoire::Gbk => false,
        _ => text.bytes().any(|byte| matches!(byte, 0x80..=0x9f)),
    };
    certain.then(|| encoded_once(text).map_or(Cow::Borrowed(text), Cow::Owned))
}

/// Text that was UTF-8, was taken for Windows-1252 or Latin-1, and encoded once more (`Nguyá»…n`).
///
/// Certain when all of its characters outside ASCII make well-formed UTF-8, and one is made of three
/// or has a control character: `Ì…` alone may end an Italian word in capitals.
fn encoded_once(text: &str) -> Option<String> {
    let mut certain = false;
    let mut bytes = Vec::new();
    for character in text.chars() {
        let byte = match u32::from(character) {
            code @ ..=0xff => code as u8,
            _ => match Repertoire::Latin1.superset(character)?.bytes() {
                [byte] => *byte,
                _ => return None,
            },
        };
        certain |= matches!(byte, 0xe0..=0xef) || matches!(character, '\u{80}'..='\u{9f}');
        bytes.push(byte);
    }
    if !certain {
        return None;
    }
    String::from_utf8(bytes).ok()
}

/// Bytes labelled Latin-1, or not at all, that can only be one of the Vietnamese encodings from before
/// Unicode.
pub(super) fn as_vietnamese(bytes: &[u8]) -> Option<String> {
    let readings = [windows_1258::read(bytes), tcvn3::read(bytes), vni::read(bytes)];
    let mut readings = readings.into_iter().flatten();
    readings.next().filter(|_| readings.next().is_none())
}

/// Reads bytes word by word, those of ASCII alone as they are; `None` when `read` cannot read one of
/// the others, or when none of these betrays that its label is wrong.
fn betrays_and_is_vietnamese(
    bytes: &[u8],
    betrays: fn(&[u8]) -> bool,
    read: impl Fn(&[u8]) -> Option<String>,
) -> Option<String> {
    let is_letter = |byte: &u8| !byte.is_ascii() || byte.is_ascii_alphabetic();
    let mut betrayed = false;
    let mut text = String::with_capacity(bytes.len() * 2);
    for word in bytes.chunk_by(|a, b| is_letter(a) == is_letter(b)) {
        match std::str::from_utf8(word).ok().filter(|word| word.is_ascii()) {
            Some(plain) => text.push_str(plain),
            None => {
                betrayed |= betrays(word);
                text.push_str(&read(word)?);
            }
        }
    }
    betrayed.then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn utf_8_is_taken_only_where_it_is_certain() {
        for (label, bytes, certain) in [
            (Repertoire::Latin1, "Nguyễn".as_bytes(), true),
            (Repertoire::Ascii, "Jérôme".as_bytes(), true),
            (Repertoire::Latin1, b"M\xfcller", false),
            (Repertoire::Latin2, "Nguyễn".as_bytes(), true),
            (Repertoire::Thai, "Đỗ".as_bytes(), true),
            // Two Cyrillic capitals.
            (Repertoire::Cyrillic, b"\xc2\xb8", false),
            (Repertoire::Gbk, "Nguyễn".as_bytes(), false),
            // Cut in the middle of a letter, which one of Latin-1 may be; the one before it is in no set of one byte.
            (Repertoire::Latin1, &"Nguyễn Văn Trỗ".as_bytes()[..17], true),
            (Repertoire::Ascii, b"Nguy\xe1\xbb\x85n Th\xe1\xbb ", true),
            (Repertoire::Latin1, b"caf\xc3\xa9 \xe1", false),
            (Repertoire::Latin1, b"Tr\xe1\xbb", false),
            (Repertoire::Gbk, &"Nguyễn Văn Trỗ".as_bytes()[..17], false),
        ] {
            assert_eq!(as_utf8(bytes, label).is_some(), certain, "{label:?} {bytes:x?}");
        }
    }

    #[test]
    fn the_letter_that_was_cut_is_left_out() {
        let cut = &"Nguyễn Văn Trỗ".as_bytes()[..17];
        assert_eq!(as_utf8(cut, Repertoire::Latin1).as_deref(), Some("Nguyễn Văn Tr"));
    }

    #[test]
    fn what_was_encoded_twice_is_read_once() {
        for (text, want) in [
            ("Nguyá»…n VÄƒn Ä\u{90}á»©c", Some("Nguyễn Văn Đức")),
            ("Ngá»±c tháº³ng", Some("Ngực thẳng")),
            ("Ä\u{90}ÔNG", None),
            ("COSÌ…", None),
            ("Ã©", None),
            ("Nguyễn", None),
            ("café", None),
        ] {
            assert_eq!(encoded_once(text).as_deref(), want, "{text}");
        }
    }

    #[test]
    fn what_two_encodings_could_be_stays_as_labelled() {
        // `Hò` in Windows-1258, `Hoè` in TCVN3.
        assert_eq!(as_vietnamese(b"Ho\xcc"), None);
        assert_eq!(as_vietnamese(b"Nguy\xea\xden V\xe3n"), Some("Nguyê\u{303}n Văn".to_owned()));
        assert_eq!(as_vietnamese(b"Tr\xc7n V\xa8n"), Some("Trần Văn".to_owned()));
        assert_eq!(as_vietnamese(b"M\xfcller"), None);
    }
}
