//! When two notices speak of one person.
//!
//! An identifier means something only beside its issuer; names are compared folded, because a
//! console without Vietnamese letters sends `NGUYEN VAN A` for `NGUYỄN VĂN A`.

use crate::attributes::PatientAttributes;
use crate::text::name_key;

/// A patient identifier with the authority that gave it. Unique in the database.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PatientIdentifier {
    /// The identifier as given, without padding.
    pub value: String,
    /// Code of the issuer.
    pub issuer: String,
}

/// The issuer code of the national personal identification number.
pub const NATIONAL_ISSUER: &str = "CCCD";
/// The issuer code of the health insurance card.
pub const INSURANCE_ISSUER: &str = "BHYT";

/// How the demographics of two notices under one identifier compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Likeness {
    /// Nothing contradicts.
    Same,
    /// Name, birth date or sex differ: kept, and flagged for a person to look at.
    Doubtful,
}

/// Compares two notices of what should be one person. What one of them does not say contradicts
/// nothing.
pub fn compare(known: &PatientAttributes, sent: &PatientAttributes) -> Likeness {
    let names = known.name.is_empty() || sent.name.is_empty() || alike(&known.name, &sent.name);
    let agree = |a: &Option<String>, b: &Option<String>| match (a, b) {
        (Some(a), Some(b)) => a == b,
        _ => true,
    };
    let sexes =
        agree(&known.sex, &sent.sex) || [&known.sex, &sent.sex].iter().any(|s| s.as_deref() == Some("O"));
    let births = match (&known.birth_date, &sent.birth_date) {
        (Some(known), Some(sent)) => born_alike(known, sent),
        _ => true,
    };
    if names && sexes && births { Likeness::Same } else { Likeness::Doubtful }
}

/// Whether two birth dates may be one person's. Many who are old know their year of birth alone, and
/// consoles write it as `1980` or as the first of January: such a date agrees with every day of its
/// year. A wrong day of the right year is missed where one side says the first of January; taking it
/// for a contradiction would flag every second old patient, and nobody would read the flags any more.
fn born_alike(known: &str, sent: &str) -> bool {
    let digits = |date: &str| -> String { date.chars().filter(char::is_ascii_digit).collect() };
    let (known, sent) = (digits(known), digits(sent));
    known == sent
        || ((is_year_alone(&known) || is_year_alone(&sent))
            && known.get(..4).is_some_and(|year| sent.get(..4) == Some(year)))
}

/// Whether a birth date says a year and no day: `YYYY`, or the first of January.
pub fn is_year_alone(birth_date: &str) -> bool {
    birth_date.len() == 4 || (birth_date.len() == 8 && birth_date.ends_with("0101"))
}

/// Whether two names agree, group by group (PS3.5 6.2.1): a console that keeps the alphabetic group
/// alone contradicts nothing. Names without a group in common are compared whole.
fn alike(known: &str, sent: &str) -> bool {
    let shared = known.split('=').map(name_key).zip(sent.split('=').map(name_key));
    let shared: Vec<_> = shared.filter(|(known, sent)| !known.is_empty() && !sent.is_empty()).collect();
    if shared.is_empty() {
        return name_key(known) == name_key(sent);
    }
    shared.iter().all(|(known, sent)| known == sent)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(name: &str, birth_date: Option<&str>, sex: Option<&str>) -> PatientAttributes {
        PatientAttributes {
            name: name.into(),
            birth_date: birth_date.map(Into::into),
            sex: sex.map(Into::into),
            ..PatientAttributes::default()
        }
    }

    #[test]
    fn marks_and_missing_values_raise_no_doubt() {
        let known = person("NGUYỄN^VĂN A", Some("19800102"), Some("M"));
        for (sent, want) in [
            (person("NGUYEN VAN A", None, None), Likeness::Same),
            (person("Văn A^Nguyễn", Some("19800102"), Some("O")), Likeness::Same),
            (person("", None, Some("M")), Likeness::Same),
            (person("NGUYEN VAN B", Some("19800102"), Some("M")), Likeness::Doubtful),
            (person("NGUYEN VAN A", Some("19810102"), None), Likeness::Doubtful),
            (person("NGUYEN VAN A", None, Some("F")), Likeness::Doubtful),
        ] {
            assert_eq!(compare(&known, &sent), want, "{}", sent.name);
        }
    }

    #[test]
    fn a_year_of_birth_agrees_with_every_day_of_it() {
        let born = |date| person("A", Some(date), None);
        for (known, sent, want) in [
            ("19800520", "1980", Likeness::Same),
            ("1980", "19800520", Likeness::Same),
            ("19800520", "19800101", Likeness::Same),
            ("1980.05.20", "19800520", Likeness::Same),
            ("1980", "19800101", Likeness::Same),
            ("19800520", "19810101", Likeness::Doubtful),
            ("19800520", "1981", Likeness::Doubtful),
            ("19800520", "19800521", Likeness::Doubtful),
            ("19800520", "unknown", Likeness::Doubtful),
        ] {
            assert_eq!(compare(&born(known), &born(sent)), want, "{known} {sent}");
        }
    }

    #[test]
    fn groups_of_a_name_are_compared_with_their_like() {
        let known = person("Yamada^Tarou=山田^太郎", None, None);
        for (sent, want) in [
            ("YAMADA^TAROU", Likeness::Same),
            ("=山田^太郎", Likeness::Same),
            ("Yamada^Tarou=山田^太郎=やまだ^たろう", Likeness::Same),
            ("Yamada^Jirou=山田^太郎", Likeness::Doubtful),
            ("==やまだ^たろう", Likeness::Doubtful),
        ] {
            assert_eq!(compare(&known, &person(sent, None, None)), want, "{sent}");
        }
    }
}
