//! Person names as they are read.

/// A person name (PS3.5 6.2.1) as people in Vietnam write it: of the first component group that says
/// anything the prefix, the family name, the middle name, the given name, and the suffix.
pub fn display_name(name: &str) -> String {
    let group = name.split('=').find(|group| !group.trim_matches(['^', ' ']).is_empty()).unwrap_or_default();
    let mut components = group.split('^').map(str::trim);
    let mut next = || components.next().unwrap_or_default();
    let (family, given, middle, prefix, suffix) = (next(), next(), next(), next(), next());
    let words = [prefix, family, middle, given, suffix].map(str::split_whitespace);
    words.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_as_people_write_them() {
        for (name, shown) in [
            ("NGUYỄN^VĂN A", "NGUYỄN VĂN A"),
            ("Nguyễn Văn A", "Nguyễn Văn A"),
            ("Trần^Hồng^Thị Bích", "Trần Thị Bích Hồng"),
            ("Yamada^Tarou=山田^太郎=やまだ^たろう", "Yamada Tarou"),
            ("=山田^太郎", "山田 太郎"),
            ("^^^^", ""),
            ("", ""),
        ] {
            assert_eq!(display_name(name), shown, "{name:?}");
        }
    }
}
