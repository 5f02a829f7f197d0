//! TCVN3 (TCVN 5712:1993, the encoding of the `.Vn` fonts): one byte a letter. Capitals with a tone
//! have no bytes; they are small ones shown in a font of capitals.

use super::{betrays_and_is_vietnamese, syllable::is_syllable};

/// The letters of the bytes from 0xA1, a space where there is none.
const LETTERS: &str =
    "ĂÂÊÔƠƯĐăâêôơưđ      àảãáạ ằẳẵắ       ặầẩẫấậè ẻẽéẹềểễếệìỉ   ĩíịò ỏõóọồổỗốộờởỡớợù ủũúụừửữứựỳỷỹýỵ";

/// Reads bytes labelled Latin-1 that can only be TCVN3: each word with a byte outside ASCII is a
/// syllable of Vietnamese so, and one of them is no word in Latin-1, for a sign such as `¨` stands
/// between its letters or a capital after a small one (`V¨n`, `TrÇn`).
pub(super) fn read(bytes: &[u8]) -> Option<String> {
    let capitals = is_all_capitals(bytes);
    betrays_and_is_vietnamese(bytes, is_impossible, |word| {
        let letter = |&byte: &u8| match byte {
            0..0x80 => Some(char::from(byte)),
            _ => letter(byte).map(|c| if capitals { c.to_uppercase().next().unwrap_or(c) } else { c }),
        };
        word.iter().map(letter).collect::<Option<String>>().filter(|text| is_syllable(text))
    })
}

fn letter(byte: u8) -> Option<char> {
    LETTERS.chars().nth(usize::from(byte.checked_sub(0xa1)?)).filter(|&letter| letter != ' ')
}

/// Whether the letters around are capitals, and those that can be small ones alone are so too.
fn is_all_capitals(bytes: &[u8]) -> bool {
    !bytes.iter().any(u8::is_ascii_lowercase)
        && bytes.iter().filter(|byte| byte.is_ascii_uppercase()).count() > 1
}

/// Whether no language that is written in Latin-1 has such a word.
fn is_impossible(word: &[u8]) -> bool {
    let sign_between = word.windows(3).any(|three| match three {
        // The soft hyphen and the dot of Catalan do stand between letters.
        [_, 0xad | 0xb7, _] => false,
        [_, sign, _] => (0xa1..=0xbf).contains(sign),
        _ => false,
    });
    let capital_inside =
        word.windows(2).any(|two| matches!(two, [before, 0xc0..=0xde] if before.is_ascii_lowercase()));
    sign_between || capital_inside
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tcvn3_is_taken_only_where_it_is_certain() {
        for (bytes, want) in [
            (&b"Nguy\xd4n V\xa8n A"[..], Some("Nguyễn Văn A")),
            (b"Tr\xc7n Th\xde H\xad\xacng", Some("Trần Thị Hương")),
            (b"Ph\xb9m^\xa7\xe7 B\xefi", Some("Phạm^Đỗ Bùi")),
            (b"NGUY\xd4N V\xa1N \xae\xd5N", Some("NGUYỄN VĂN ĐẾN")),
            (b"Hoa^Si\xaau \xa9m", Some("Hoa^Siêu âm")),
            // Nothing that Latin-1 could not be.
            (b"NGUY\xd4N", None),
            (b"H\xe5", None),
            (b"10 \xb5m", None),
            (b"\xa7a m\xb9", None),
            (b"\xabNam\xbb", None),
            (b"col\xb7legi", None),
            (b"Anh\xadan", None),
            (b"Mac\xc9an", None),
            (b"V\xa8n M\xfcller", None),
        ] {
            assert_eq!(read(bytes).as_deref(), want, "{bytes:x?}");
        }
    }
}
