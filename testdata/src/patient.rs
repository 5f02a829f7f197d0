//! The people of the province.

use crate::name::{Name, Sex};
use crate::random::{digits, pick, pick_weighted, stream};
use jiff::ToSpan;
use jiff::civil::Date;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// One person, the same for the same seed and number.
#[derive(Debug, Clone, PartialEq)]
pub struct Patient {
    /// Number within the province, from 0.
    pub number: u64,
    /// Name.
    pub name: Name,
    /// Sex.
    pub sex: Sex,
    /// Day of birth.
    pub birth_date: Date,
    /// National personal number: twelve digits that agree with place, sex, century and year of birth.
    pub national_id: String,
    /// Health insurance card: two letters, benefit level, two digits of the place, ten of the insured.
    pub insurance_card: String,
    /// Height in metres, today's value for grown-ups.
    pub height_m: f64,
    /// Weight in kilograms.
    pub weight_kg: f64,
    /// Where the person lives.
    pub address: String,
    /// Telephone number.
    pub telephone: String,
}

/// Places of birth with the codes that open a national number, most from the province's neighbourhood.
const BIRTH_PLACES: &[(&str, u32)] =
    &[("001", 6), ("034", 4), ("036", 5), ("037", 8), ("038", 40), ("040", 9), ("042", 3), ("079", 4)];

const CARD_KINDS: &[(&str, u32)] =
    &[("DN4", 30), ("GD4", 28), ("HT3", 16), ("TE1", 8), ("HN2", 5), ("HS4", 10)];

const PLACES: &[&str] = &[
    "phường Hồ Sen, thành phố An Hà",
    "phường Bến Cát, thành phố An Hà",
    "xã Đồng Mơ, huyện Thạch Lũng",
    "thị trấn Thạch Lũng, huyện Thạch Lũng",
    "xã Bãi Ngô, huyện Phú Hạnh",
    "xã Yên Trại, huyện Phú Hạnh",
    "phường Cửa Sông, thị xã Sông Đò",
    "xã Cồn Nhãn, thị xã Sông Đò",
];

impl Patient {
    pub(crate) fn make(seed: u64, number: u64, today: Date) -> Patient {
        let mut random = stream(seed, "patient", number);
        let sex = if random.random_bool(0.49) { Sex::Male } else { Sex::Female };
        let name = Name::random(&mut random, sex);
        let age = age_in_years(&mut random);
        Patient::with(random, number, name, sex, age, today)
    }

    /// A person whose name, sex and age are given; the rest follows from the seed.
    pub(crate) fn named(seed: u64, number: u64, name: Name, sex: Sex, age: i32, today: Date) -> Patient {
        Patient::with(stream(seed, "patient", number), number, name, sex, age, today)
    }

    fn with(
        mut random: ChaCha8Rng,
        number: u64,
        name: Name,
        sex: Sex,
        age_years: i32,
        today: Date,
    ) -> Patient {
        let days_since_birthday = random.random_range(0..365);
        let birth_date = today
            .checked_sub(age_years.years())
            .and_then(|date| date.checked_sub(days_since_birthday.days()))
            .unwrap_or(Date::MIN);
        let place = *pick_weighted(&mut random, BIRTH_PLACES);
        let card = *pick_weighted(&mut random, CARD_KINDS);
        let street = random.random_range(1..200);
        let (height_m, weight_kg) = stature(&mut random, sex, age_years);
        Patient {
            number,
            national_id: national_id(place, sex, birth_date, &digits(&mut random, 6)),
            insurance_card: format!("{card}{}{}", &place[1..], digits(&mut random, 10)),
            height_m,
            weight_kg,
            address: format!("Số {street}, {}", pick(&mut random, PLACES)),
            telephone: format!("09{}", digits(&mut random, 8)),
            name,
            sex,
            birth_date,
        }
    }

    /// The identifier a hospital gives this person: two digits of a year and six of a counter.
    pub fn id_at(&self, facility: &str) -> String {
        let spread = crate::random::number_of(facility) % 97;
        format!("{:02}{:06}", 18 + self.number % 8, (self.number * 7919 + spread * 1009) % 1_000_000)
    }

    /// Patient's Age (0010,1010) on a day: years, or months and days for the small ones.
    pub fn age_on(&self, day: Date) -> String {
        let Ok(span) = self.birth_date.until((jiff::Unit::Year, day)) else { return "000Y".to_owned() };
        match (span.get_years(), span.get_months(), span.get_days()) {
            (0, 0, days) => format!("{:03}D", days.max(0)),
            (years, months, _) if years < 2 => format!("{:03}M", i32::from(years) * 12 + months),
            (years, ..) => format!("{years:03}Y"),
        }
    }
}

/// Twelve digits: place (3), sex and century (1: 0/1 for the 1900s, 2/3 for the 2000s), year (2), number (6).
fn national_id(place: &str, sex: Sex, birth_date: Date, tail: &str) -> String {
    let century = (birth_date.year() / 100 - 19).clamp(0, 4) * 2;
    let sex_digit = century + if sex == Sex::Female { 1 } else { 0 };
    format!("{place}{sex_digit}{:02}{tail}", birth_date.year() % 100)
}

/// Ages as radiology sees them: few children, many over fifty.
fn age_in_years(random: &mut ChaCha8Rng) -> i32 {
    let bracket =
        *pick_weighted(random, &[(1, 4), (5, 5), (15, 8), (25, 16), (40, 22), (55, 26), (70, 14), (82, 5)]);
    bracket + random.random_range(0..13)
}

fn stature(random: &mut ChaCha8Rng, sex: Sex, age_years: i32) -> (f64, f64) {
    let grown = if sex == Sex::Male { 1.66 } else { 1.55 };
    let height = if age_years >= 17 {
        grown + random.random_range(-0.09..0.10)
    } else {
        0.75 + (grown - 0.75) * f64::from(age_years) / 17.0
    };
    let mass_index = if age_years >= 17 { random.random_range(18.0..27.5) } else { 16.5 };
    ((height * 100.0).round() / 100.0, (mass_index * height * height).round())
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn national_numbers_agree_with_sex_and_year() {
        let today = date(2026, 11, 23);
        for number in 0..2_000 {
            let patient = Patient::make(1, number, today);
            let id = patient.national_id.as_bytes();
            assert_eq!(id.len(), 12);
            assert!(id.iter().all(u8::is_ascii_digit));
            let year = patient.birth_date.year();
            let expected = (year / 100 - 19) * 2 + i16::from(patient.sex == Sex::Female);
            assert_eq!(i16::from(id[3] - b'0'), expected);
            assert_eq!(patient.national_id[4..6], format!("{:02}", year % 100));
            assert_eq!(patient.insurance_card.len(), 15);
            assert!(patient.birth_date <= today);
        }
    }

    #[test]
    fn ages_use_the_unit_that_fits() {
        let today = date(2026, 11, 23);
        let mut patient = Patient::make(1, 1, today);
        for (born, age) in [
            (date(1960, 11, 23), "066Y"),
            (date(1960, 11, 24), "065Y"),
            (date(2025, 10, 1), "013M"),
            (date(2026, 11, 3), "020D"),
        ] {
            patient.birth_date = born;
            assert_eq!(patient.age_on(today), age);
        }
    }
}
