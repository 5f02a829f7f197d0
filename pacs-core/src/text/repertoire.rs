//! The repertoires that a Specific Character Set can name (PS3.3 C.12.1.1.2).

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
        let number = plain.strip_prefix("ISO2022IR").or_else(|| plain.strip_prefix("ISOIR"));
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
}
