//! Person names (PS3.5 6.2.1): three groups of five components.

/// One value of VR PN.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PersonName {
    /// The alphabetic group, the first.
    pub alphabetic: NameComponents,
    /// The ideographic group.
    pub ideographic: NameComponents,
    /// The phonetic group.
    pub phonetic: NameComponents,
}

/// The five components of one group; absent ones are empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NameComponents {
    /// Family name complex.
    pub family: String,
    /// Given name complex.
    pub given: String,
    /// Middle name.
    pub middle: String,
    /// Name prefix.
    pub prefix: String,
    /// Name suffix.
    pub suffix: String,
}

impl PersonName {
    /// Reads a decoded value. Components beyond the fifth stay with the suffix, groups beyond the
    /// third are dropped; nothing is an error.
    pub fn parse(value: &str) -> Self {
        let mut groups = value.split('=').map(NameComponents::parse);
        let mut next = || groups.next().unwrap_or_default();
        Self { alphabetic: next(), ideographic: next(), phonetic: next() }
    }

    /// The name in one line for people: of the alphabetic group, else the ideographic, else the
    /// phonetic one, in the order in which the components are stored, which for Vietnamese names is
    /// the order in which they are spoken.
    pub fn display(&self) -> String {
        [&self.alphabetic, &self.ideographic, &self.phonetic]
            .into_iter()
            .map(NameComponents::display)
            .find(|text| !text.is_empty())
            .unwrap_or_default()
    }
}

impl NameComponents {
    fn parse(group: &str) -> Self {
        let mut components = group.splitn(5, '^').map(|component| component.trim().to_owned());
        let mut next = || components.next().unwrap_or_default();
        Self { family: next(), given: next(), middle: next(), prefix: next(), suffix: next() }
    }

    fn display(&self) -> String {
        let words = [&self.prefix, &self.family, &self.given, &self.middle, &self.suffix];
        let present: Vec<&str> =
            words.into_iter().map(String::as_str).filter(|word| !word.is_empty()).collect();
        present.join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn components_and_groups_are_told_apart() {
        let name = PersonName::parse("Adams^John Robert Quincy^^Rev.^B.A. M.Div.");
        assert_eq!(name.alphabetic.family, "Adams");
        assert_eq!(name.alphabetic.given, "John Robert Quincy");
        assert_eq!(name.alphabetic.prefix, "Rev.");
        assert_eq!(name.alphabetic.suffix, "B.A. M.Div.");
        let name = PersonName::parse("Yamada^Tarou=山田^太郎=やまだ^たろう");
        assert_eq!(name.ideographic.family, "山田");
        assert_eq!(name.phonetic.given, "たろう");
        assert_eq!(PersonName::parse(""), PersonName::default());
    }

    #[test]
    fn one_line_for_people() {
        for (value, want) in [
            ("NGUYỄN^VĂN A", "NGUYỄN VĂN A"),
            ("NGUYỄN VĂN A", "NGUYỄN VĂN A"),
            ("Adams^John^^Rev.", "Rev. Adams John"),
            ("=山田^太郎", "山田 太郎"),
            ("^^^^", ""),
        ] {
            assert_eq!(PersonName::parse(value).display(), want);
        }
    }
}
