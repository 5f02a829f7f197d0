//! A plain stroke font of our own for captions: a file with outlines would be larger than all the rest of drawing, and
//! its licence would have to come along.
//!
//! Places are two digits, across and down, in units of which a letter is five wide at most: row 0 is the top of
//! capitals, row 6 the base line, row 8 the lowest descender. Strokes are parted by spaces; one place twice is a dot.

/// Strokes of a character; `None` where the font has none.
pub(super) fn strokes(character: char) -> Option<&'static str> {
    Some(match character {
        ' ' | '\u{a0}' => "",
        '!' => "2024 2626",
        '"' => "1012 3032",
        '#' => "1016 3036 0242 0444",
        '$' => "413010010213334445361605 2026",
        '%' => "0640 0010110100 3545463635",
        '&' => "46121120310405162644",
        '\'' => "2022",
        '(' => "30212536",
        ')' => "10212516",
        '*' => "2125 0244 0442",
        '+' => "2125 0343",
        ',' => "252617",
        '-' => "0343",
        '.' => "2626",
        '/' => "0640",
        '0' => "100105163645413010",
        '1' => "112026 1636",
        '2' => "01103041420646",
        '3' => "0110304142334445361605 1333",
        '4' => "36300444",
        '5' => "400002324345361605",
        '6' => "4130100105163645443303",
        '7' => "004016",
        '8' => "103041423313020110 1304051636454433",
        '9' => "0516364541301001021343",
        ':' => "2323 2626",
        ';' => "2323 252617",
        '<' => "400346",
        '=' => "0242 0444",
        '>' => "004306",
        '?' => "01103041422324 2626",
        '@' => "322213243332 334441301001051636",
        'A' => "062046 1434",
        'B' => "00063645443303 3342413000",
        'C' => "4130100105163645",
        'D' => "00063645413000",
        'E' => "40000646 0333",
        'F' => "400006 0333",
        'G' => "41301001051636454323",
        'H' => "0006 4046 0343",
        'I' => "1030 2026 1636",
        'J' => "3035261605",
        'K' => "0006 4003 0346",
        'L' => "000646",
        'M' => "0600244046",
        'N' => "06004640",
        'O' => "100105163645413010",
        'P' => "06003041423303",
        'Q' => "100105163645413010 2446",
        'R' => "06003041423303 2346",
        'S' => "413010010213334445361605",
        'T' => "0040 2026",
        'U' => "000516364540",
        'V' => "002640",
        'W' => "0016233640",
        'X' => "0046 4006",
        'Y' => "002340 2326",
        'Z' => "00400646",
        '[' => "30101636",
        '\\' => "0046",
        ']' => "10303616",
        '^' => "022042",
        '_' => "0747",
        '`' => "1021",
        'a' => "4246 4332120305163645",
        'b' => "0006 0312324345361605",
        'c' => "4332120305163645",
        'd' => "4046 4332120305163645",
        'e' => "04444332120305163645",
        'f' => "41302126 1232",
        'g' => "4247381807 4332120305163645",
        'h' => "0006 0312324346",
        'i' => "2226 2020",
        'j' => "22271808 2020",
        'k' => "0006 3204 1336",
        'l' => "2026",
        'm' => "0206 03122326 23324346",
        'n' => "0206 0312324346",
        'o' => "120305163645433212",
        'p' => "0208 0312324345361605",
        'q' => "4248 4332120305163645",
        'r' => "0206 03123243",
        's' => "43321203143445361605",
        't' => "20253646 1232",
        'u' => "0205163645 4246",
        'v' => "022642",
        'w' => "0216243642",
        'x' => "0246 4206",
        'y' => "0226 421808",
        'z' => "02420646",
        '{' => "30212213242536",
        '|' => "2027",
        '}' => "10212233242516",
        '~' => "03123443",
        '°' => "1120312211",
        '±' => "2024 0242 0646",
        '²' => "1020211222",
        'µ' => "0208 05163645 4246",
        '×' => "0244 4204",
        '·' => "2323",
        '–' | '—' | '\u{2010}' | '\u{2011}' => "0343",
        '‘' | '’' => "2022",
        '“' | '”' => "1012 3032",
        // Bars through letters, which are no separable marks.
        'Đ' | 'Ð' => "00063645413000 0323",
        'đ' => "4046 4332120305163645 3151",
        _ => return None,
    })
}

/// Strokes of a mark in the same units: of one above the letter in rows 0 to 2, of one below as they lie.
pub(super) fn mark_strokes(mark: char) -> Option<&'static str> {
    Some(match mark {
        '\u{300}' => "1021",
        '\u{301}' => "3021",
        '\u{302}' => "112031",
        '\u{303}' => "01102130",
        '\u{304}' => "1131",
        '\u{306}' => "10213130",
        '\u{307}' => "2121",
        '\u{308}' => "1111 3131",
        '\u{309}' => "10302122",
        '\u{30a}' => "2011223120",
        '\u{30c}' => "102130",
        '\u{31b}' => "3241",
        '\u{323}' => "2727",
        '\u{327}' => "262718",
        _ => return None,
    })
}

/// Where a mark stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stands {
    Above,
    /// The Vietnamese horn, at the right shoulder.
    Beside,
    Below,
}

/// Where a mark stands.
pub(super) fn stands(mark: char) -> Stands {
    match mark {
        '\u{31b}' => Stands::Beside,
        '\u{323}' | '\u{327}' => Stands::Below,
        _ => Stands::Above,
    }
}

/// The places of the strokes.
pub(super) fn points(strokes: &str) -> impl Iterator<Item = Vec<[f64; 2]>> + '_ {
    let digit = |byte: u8| f64::from(byte.wrapping_sub(b'0'));
    strokes.split(' ').filter(|stroke| !stroke.is_empty()).map(move |stroke| {
        stroke.as_bytes().as_chunks::<2>().0.iter().map(|[x, y]| [digit(*x), digit(*y)]).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use unicode_normalization::UnicodeNormalization;

    #[test]
    fn every_letter_of_vietnamese_can_be_written() {
        let text = "AĂÂBCDĐEÊGHIKLMNOÔƠPQRSTUƯVXY aăâbcdđeêghiklmnoôơpqrstuưvxy àảãáạằẳẵắặầẩẫấậèẻẽéẹềểễếệìỉĩíịòỏõóọ\
            ồổỗốộờởỡớợùủũúụừửữứựỳỷỹýỵ 0123456789 !?%&()*+,-./:;<=>@[]_^°±²µ×";
        for character in text.nfd() {
            let found = strokes(character).or_else(|| mark_strokes(character));
            let found = found.unwrap_or_else(|| panic!("{character}"));
            for stroke in points(found) {
                assert!(
                    !stroke.is_empty() && stroke.iter().all(|[x, y]| *x <= 5.0 && *y <= 8.0),
                    "{character}"
                );
            }
            assert!(found.split(' ').all(|stroke| stroke.len().is_multiple_of(2)), "{character}");
        }
    }
}
