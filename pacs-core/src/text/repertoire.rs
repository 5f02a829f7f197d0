//! The repertoires that a Specific Character Set can name (PS3.3 C.12.1.1.2).

use std::collections::HashMap;
use std::sync::LazyLock;

use encoding_rs::Encoding;

/// One coded character set. Graphic characters of ASCII are the lower half of every one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Repertoire {
    /// ISO_IR 6, the default.
    Ascii,
    /// ISO_IR 100.
    Latin1,
    /// ISO_IR 101.
    Latin2,
    /// ISO_IR 109.
    Latin3,
    /// ISO_IR 110.
    Latin4,
    /// ISO_IR 144.
    Cyrillic,
    /// ISO_IR 127.
    Arabic,
    /// ISO_IR 126.
    Greek,
    /// ISO_IR 138.
    Hebrew,
    /// ISO_IR 148.
    Latin5,
    /// ISO_IR 203.
    Latin9,
    /// ISO_IR 13, JIS X 0201: half-width katakana in the upper half. Its lower half differs from
    /// ASCII in the yen sign and the overline only; both are read as ASCII, because 0x5C is the
    /// delimiter of values and existing files mean the backslash.
    Katakana,
    /// ISO_IR 166.
    Thai,
    /// ISO 2022 IR 87, JIS X 0208, two bytes, in the lower half.
    Kanji,
    /// ISO 2022 IR 159, JIS X 0212, two bytes, in the lower half.
    SupplementaryKanji,
    /// ISO 2022 IR 149, KS X 1001, two bytes, in the upper half.
    Korean,
    /// ISO 2022 IR 58, GB 2312, two bytes, in the upper half.
    SimplifiedChinese,
    /// ISO_IR 192.
    Utf8,
    /// GB18030.
    Gb18030,
    /// GBK.
    Gbk,
}

impl Repertoire {
    /// The repertoire of a defined term, with or without code extensions; spelling errors of the
    /// field (`ISO-IR 100`, `iso_ir_100`, `UTF-8`) are taken as meant.
    pub(crate) fn of_term(term: &str) -> Option<Self> {
        let plain: String =
            term.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_uppercase();
        let number =
            ["ISO2022IR", "ISO2022", "ISOIR", "IR"].iter().find_map(|start| plain.strip_prefix(start));
        Some(match number.unwrap_or(&plain) {
            "6" => Self::Ascii,
            "100" | "ISO88591" | "LATIN1" => Self::Latin1,
            "101" | "ISO88592" => Self::Latin2,
            "109" | "ISO88593" => Self::Latin3,
            "110" | "ISO88594" => Self::Latin4,
            "144" | "ISO88595" => Self::Cyrillic,
            "127" | "ISO88596" => Self::Arabic,
            "126" | "ISO88597" => Self::Greek,
            "138" | "ISO88598" => Self::Hebrew,
            "148" | "ISO88599" => Self::Latin5,
            "203" | "ISO885915" => Self::Latin9,
            "13" => Self::Katakana,
            "166" => Self::Thai,
            "87" => Self::Kanji,
            "159" => Self::SupplementaryKanji,
            "149" => Self::Korean,
            "58" => Self::SimplifiedChinese,
            "192" | "UTF8" => Self::Utf8,
            "GB18030" => Self::Gb18030,
            "GBK" | "GB2312" => Self::Gbk,
            _ => return None,
        })
    }

    /// The repertoires that code extensions can add to another one, in the order in which one of them
    /// is looked for that has a character.
    pub(crate) const EXTENSIONS: [Self; 16] = [
        Self::Latin1,
        Self::Latin2,
        Self::Latin3,
        Self::Latin4,
        Self::Cyrillic,
        Self::Arabic,
        Self::Greek,
        Self::Hebrew,
        Self::Latin5,
        Self::Latin9,
        Self::Katakana,
        Self::Thai,
        Self::Kanji,
        Self::SupplementaryKanji,
        Self::Korean,
        Self::SimplifiedChinese,
    ];

    /// Whether it can be named with code extensions alone, and never as the first of several
    /// (PS3.3 table C.12-4).
    pub(crate) fn needs_extensions(self) -> bool {
        matches!(self, Self::Kanji | Self::SupplementaryKanji | Self::Korean | Self::SimplifiedChinese)
    }

    /// Whether it stands alone, without code extensions, and has all of Unicode or of Chinese.
    pub(crate) fn stands_alone(self) -> bool {
        matches!(self, Self::Utf8 | Self::Gb18030 | Self::Gbk)
    }

    /// The defined term without code extensions; those that need them have the other one.
    pub(crate) fn term(self) -> &'static str {
        match self {
            Self::Ascii => "ISO_IR 6",
            Self::Latin1 => "ISO_IR 100",
            Self::Latin2 => "ISO_IR 101",
            Self::Latin3 => "ISO_IR 109",
            Self::Latin4 => "ISO_IR 110",
            Self::Cyrillic => "ISO_IR 144",
            Self::Arabic => "ISO_IR 127",
            Self::Greek => "ISO_IR 126",
            Self::Hebrew => "ISO_IR 138",
            Self::Latin5 => "ISO_IR 148",
            Self::Latin9 => "ISO_IR 203",
            Self::Katakana => "ISO_IR 13",
            Self::Thai => "ISO_IR 166",
            Self::Kanji => "ISO 2022 IR 87",
            Self::SupplementaryKanji => "ISO 2022 IR 159",
            Self::Korean => "ISO 2022 IR 149",
            Self::SimplifiedChinese => "ISO 2022 IR 58",
            Self::Utf8 => "ISO_IR 192",
            Self::Gb18030 => "GB18030",
            Self::Gbk => "GBK",
        }
    }

    /// Whether its characters lie in the upper half (G1) and are read without an escape sequence
    /// once designated.
    pub(crate) fn in_upper_half(self) -> bool {
        !matches!(self, Self::Ascii | Self::Kanji | Self::SupplementaryKanji)
    }

    /// The encoding that reads a whole value of this repertoire. Latin-1, Latin-5 and Thai are read
    /// by the supersets of Windows, whose additional letters take the place of control characters
    /// that mean nothing here.
    pub(crate) fn encoding(self) -> &'static Encoding {
        match self {
            Self::Ascii | Self::Latin1 => encoding_rs::WINDOWS_1252,
            Self::Latin2 => encoding_rs::ISO_8859_2,
            Self::Latin3 => encoding_rs::ISO_8859_3,
            Self::Latin4 => encoding_rs::ISO_8859_4,
            Self::Cyrillic => encoding_rs::ISO_8859_5,
            Self::Arabic => encoding_rs::ISO_8859_6,
            Self::Greek => encoding_rs::ISO_8859_7,
            Self::Hebrew => encoding_rs::ISO_8859_8,
            Self::Latin5 => encoding_rs::WINDOWS_1254,
            Self::Latin9 => encoding_rs::ISO_8859_15,
            Self::Katakana => encoding_rs::SHIFT_JIS,
            Self::Thai => encoding_rs::WINDOWS_874,
            Self::Kanji | Self::SupplementaryKanji => encoding_rs::EUC_JP,
            Self::Korean => encoding_rs::EUC_KR,
            Self::SimplifiedChinese | Self::Gbk => encoding_rs::GBK,
            Self::Utf8 => encoding_rs::UTF_8,
            Self::Gb18030 => encoding_rs::GB18030,
        }
    }

    /// The bytes of a character outside ASCII, those of the lower half without their high bit;
    /// `None` when the repertoire does not have it.
    pub(crate) fn code(self, character: char) -> Option<Code> {
        let number = u32::from(character);
        match self {
            Self::Ascii => None,
            Self::Latin1 => (0xa0..=0xff).contains(&number).then(|| Code::new(&[number as u8])),
            Self::Katakana => {
                (0xff61..=0xff9f).contains(&number).then(|| Code::new(&[(number - 0xff61 + 0xa1) as u8]))
            }
            Self::Kanji => match self.superset(wide(character))?.bytes() {
                // What the encoding has beyond JIS X 0208 lies in other rows, or is one byte.
                [row @ (0xa1..=0xa8 | 0xb0..=0xf4), cell] => Some(Code::new(&[row & 0x7f, cell & 0x7f])),
                _ => None,
            },
            Self::SupplementaryKanji => SUPPLEMENTARY_KANJI.get(&character).copied(),
            Self::Korean => {
                self.superset(character).filter(|code| matches!(code.bytes(), [0xa1..=0xff, 0xa1..=0xff]))
            }
            Self::SimplifiedChinese => {
                // GBK's own characters: other rows and cells, and a few between those of GB 2312.
                self.superset(character).filter(|code| match code.bytes() {
                    [0xa2, cell] => *cell > 0xaa,
                    [0xa6, cell] => (0xa1..=0xd8).contains(cell),
                    [0xa8, cell] => *cell >= 0xa1 && !(0xbb..=0xc0).contains(cell),
                    [row, cell] => matches!(row, 0xa1..=0xa9 | 0xb0..=0xf7) && *cell >= 0xa1,
                    _ => false,
                })
            }
            // What only the superset of Windows has lies among the control characters.
            _ => self.superset(character).filter(|code| !matches!(code.bytes(), [0..=0x9f])),
        }
    }

    /// The bytes of a character in [`Repertoire::encoding`], which may have more.
    pub(crate) fn superset(self, character: char) -> Option<Code> {
        let mut utf8 = [0u8; 4];
        let (bytes, _, unmappable) = self.encoding().encode(character.encode_utf8(&mut utf8));
        (!unmappable).then(|| Code::new(&bytes))
    }
}

/// The few bytes of one character.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Code {
    bytes: [u8; 4],
    length: usize,
}

impl Code {
    fn new(from: &[u8]) -> Self {
        let mut bytes = [0u8; 4];
        bytes.iter_mut().zip(from).for_each(|(byte, from)| *byte = *from);
        Self { bytes, length: from.len() }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

/// Characters of JIS X 0208 that Unicode has twice, as the encoding of the web knows them.
fn wide(character: char) -> char {
    match character {
        '\u{301c}' => '\u{ff5e}', // wave dash
        '\u{2016}' => '\u{2225}', // double vertical line
        '\u{2014}' => '\u{2015}', // dash
        '¢' => '\u{ffe0}',
        '£' => '\u{ffe1}',
        '¬' => '\u{ffe2}',
        other => other,
    }
}

/// JIS X 0212 by character: the encoding only reads it.
static SUPPLEMENTARY_KANJI: LazyLock<HashMap<char, Code>> = LazyLock::new(|| {
    let mut table = HashMap::new();
    for (row, cell) in (0xa1..=0xfe_u8).flat_map(|row| (0xa1..=0xfe_u8).map(move |cell| (row, cell))) {
        let bytes = [0x8f, row, cell];
        let text = encoding_rs::EUC_JP.decode_without_bom_handling_and_without_replacement(&bytes);
        let mut characters = text.as_deref().unwrap_or_default().chars();
        if let (Some(character), None) = (characters.next(), characters.next()) {
            table.insert(character, Code::new(&[row & 0x7f, cell & 0x7f]));
        }
    }
    table
});
