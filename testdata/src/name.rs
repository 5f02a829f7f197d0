//! Vietnamese names in the proportions one meets in a waiting room.

use crate::random::{pick, pick_weighted};
use rand_chacha::ChaCha8Rng;

/// A sex as (0010,0040) writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Sex {
    /// `M`
    Male,
    /// `F`
    Female,
}

impl Sex {
    /// The code of (0010,0040).
    pub fn code(self) -> &'static str {
        match self {
            Sex::Male => "M",
            Sex::Female => "F",
        }
    }
}

/// A personal name: family name first, as it is spoken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// Family name: `Nguyễn`.
    pub family: String,
    /// Middle name, which may have two words or be empty: `Văn`.
    pub middle: String,
    /// Given name: `An`.
    pub given: String,
}

impl Name {
    /// A name by its three parts.
    pub fn new(family: &str, middle: &str, given: &str) -> Name {
        Name { family: family.to_owned(), middle: middle.to_owned(), given: given.to_owned() }
    }

    /// As one says it: `Nguyễn Văn An`.
    pub fn spoken(&self) -> String {
        if self.middle.is_empty() {
            format!("{} {}", self.family, self.given)
        } else {
            format!("{} {} {}", self.family, self.middle, self.given)
        }
    }

    /// As a PN value (PS3.5 6.2.1.1): `Nguyễn^An^Văn`.
    pub fn dicom(&self) -> String {
        if self.middle.is_empty() {
            format!("{}^{}", self.family, self.given)
        } else {
            format!("{}^{}^{}", self.family, self.given, self.middle)
        }
    }

    /// As an old console without Vietnamese letters sends it: `NGUYEN VAN AN`.
    pub fn console(&self) -> String {
        pacs_core::text::fold(&self.spoken()).to_uppercase()
    }

    pub(crate) fn random(random: &mut ChaCha8Rng, sex: Sex) -> Name {
        let family = *pick_weighted(random, FAMILY);
        let (middle, given) = match sex {
            Sex::Male => (*pick_weighted(random, MIDDLE_MALE), *pick(random, GIVEN_MALE)),
            Sex::Female => (*pick_weighted(random, MIDDLE_FEMALE), *pick(random, GIVEN_FEMALE)),
        };
        Name::new(family, middle, given)
    }
}

const FAMILY: &[(&str, u32)] = &[
    ("Nguyễn", 384),
    ("Trần", 110),
    ("Lê", 95),
    ("Phạm", 70),
    ("Hoàng", 30),
    ("Huỳnh", 21),
    ("Phan", 45),
    ("Vũ", 22),
    ("Võ", 17),
    ("Đặng", 21),
    ("Bùi", 20),
    ("Đỗ", 14),
    ("Hồ", 13),
    ("Ngô", 13),
    ("Dương", 10),
    ("Lý", 5),
    ("Đinh", 8),
    ("Trương", 8),
    ("Lương", 6),
    ("Mai", 5),
    ("Tô", 4),
    ("Hà", 5),
    ("Tạ", 3),
    ("Cao", 5),
    ("Lâm", 4),
    ("Trịnh", 5),
    ("Châu", 3),
    ("Quách", 2),
    ("Thái", 3),
    ("Đoàn", 5),
    ("Nông", 2),
    ("Hứa", 1),
];

const MIDDLE_MALE: &[(&str, u32)] = &[
    ("Văn", 60),
    ("Hữu", 10),
    ("Đức", 12),
    ("Minh", 12),
    ("Quốc", 8),
    ("Công", 6),
    ("Thanh", 8),
    ("Xuân", 7),
    ("Ngọc", 7),
    ("Đình", 8),
    ("Quang", 8),
    ("Trọng", 5),
    ("Thành", 5),
    ("Bá", 3),
    ("Duy", 4),
    ("Gia", 4),
    ("Tuấn", 3),
    ("Hoàng", 5),
    ("Viết", 2),
    ("", 2),
];

const MIDDLE_FEMALE: &[(&str, u32)] = &[
    ("Thị", 70),
    ("Ngọc", 10),
    ("Thu", 7),
    ("Thị Thanh", 6),
    ("Thị Hồng", 6),
    ("Thị Kim", 5),
    ("Thanh", 6),
    ("Mỹ", 3),
    ("Bích", 4),
    ("Kim", 4),
    ("Phương", 5),
    ("Hoài", 3),
    ("Diệu", 2),
    ("Khánh", 3),
    ("Thùy", 3),
    ("Thị Minh", 4),
    ("Thị Ngọc", 5),
];

const GIVEN_MALE: &[&str] = &[
    "An", "Anh", "Bảo", "Bình", "Cường", "Chiến", "Dũng", "Duy", "Đạt", "Đông", "Đức", "Hải", "Hiếu", "Hòa",
    "Hoàng", "Hùng", "Huy", "Khải", "Khánh", "Khoa", "Kiên", "Lâm", "Long", "Lộc", "Lực", "Mạnh", "Minh",
    "Nam", "Nghĩa", "Nhân", "Phong", "Phúc", "Phước", "Quân", "Quang", "Quý", "Sơn", "Tài", "Tâm", "Tân",
    "Thái", "Thắng", "Thành", "Thịnh", "Thuận", "Tiến", "Toàn", "Trí", "Trung", "Tú", "Tuấn", "Tùng", "Việt",
    "Vinh", "Vũ", "Vượng",
];

const GIVEN_FEMALE: &[&str] = &[
    "Anh",
    "Ánh",
    "Bình",
    "Châu",
    "Chi",
    "Cúc",
    "Diệp",
    "Dung",
    "Duyên",
    "Đào",
    "Giang",
    "Hà",
    "Hạnh",
    "Hằng",
    "Hiền",
    "Hoa",
    "Hòa",
    "Hồng",
    "Huệ",
    "Hương",
    "Huyền",
    "Lan",
    "Liên",
    "Linh",
    "Loan",
    "Lý",
    "Ly",
    "Mai",
    "My",
    "Nga",
    "Ngân",
    "Ngọc",
    "Nguyệt",
    "Nhung",
    "Oanh",
    "Phượng",
    "Phương",
    "Quỳnh",
    "Sen",
    "Thảo",
    "Thơm",
    "Thu",
    "Thủy",
    "Thư",
    "Trang",
    "Trâm",
    "Trinh",
    "Tuyết",
    "Uyên",
    "Vân",
    "Xuân",
    "Yến",
];
