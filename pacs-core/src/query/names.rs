//! Names of persons as they are looked for, and wildcards.

use crate::text::fold;

/// A person name to look for, folded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamePattern {
    /// The whole folded text, wildcards kept: what a folded name is compared with where the
    /// pattern has wildcards.
    pub pattern: String,
    /// The folded words. Without wildcards each has to be a word of the name (when fuzzy: the
    /// beginning of one), in whatever order.
    pub words: Vec<String>,
    /// Whether the text has `*` or `?`.
    pub wildcard: bool,
}

impl NamePattern {
    /// Folds what somebody typed or a device sent.
    pub fn new(text: &str) -> Self {
        let wildcard = text.contains(['*', '?']);
        let pattern = if wildcard { fold_around_wildcards(text) } else { fold(text) };
        let words = pattern.split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect();
        Self { pattern, words, wildcard }
    }

    /// Whether a name is meant: the same rule that rows are found by.
    pub fn matches(&self, name: &str, fuzzy: bool) -> bool {
        let folded = fold(name);
        if self.wildcard {
            let (pattern, text): (Vec<char>, Vec<char>) =
                (self.pattern.chars().collect(), folded.chars().collect());
            return matches_wildcards(&pattern, &text);
        }
        let has = |word: &String| {
            folded.split(' ').any(|own| own == word || (fuzzy && own.starts_with(word.as_str())))
        };
        self.words.iter().all(has)
    }
}

/// `*` stands for any characters and `?` for one (PS3.4 C.2.2.2.4). Goes back to the last `*` only, so that no pattern
/// takes longer than both lengths multiplied.
pub(crate) fn matches_wildcards(pattern: &[char], text: &[char]) -> bool {
    let (mut at, mut reached) = (0, 0);
    let mut last_star: Option<(usize, usize)> = None;
    while let Some(character) = text.get(reached) {
        match pattern.get(at) {
            Some('*') => {
                last_star = Some((at, reached));
                at += 1;
            }
            Some(wanted) if *wanted == '?' || wanted == character => {
                at += 1;
                reached += 1;
            }
            _ => {
                let Some((star, from)) = last_star else { return false };
                last_star = Some((star, from + 1));
                at = star + 1;
                reached = from + 1;
            }
        }
    }
    pattern.get(at..).unwrap_or_default().iter().all(|rest| *rest == '*')
}

/// Folding turns punctuation into spaces; the wildcards have to survive it.
fn fold_around_wildcards(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['*', '?']) {
        let (before, from) = rest.split_at(at);
        push_folded(&mut folded, before);
        let (wildcard, after) = from.split_at(1);
        folded.push_str(wildcard);
        rest = after;
    }
    push_folded(&mut folded, rest);
    folded.truncate(folded.trim_end().len());
    folded
}

/// Appends a folded piece, keeping one space where the piece began or ended with a separator.
fn push_folded(folded: &mut String, piece: &str) {
    let separates = |c: Option<char>| c.is_some_and(|c| c == '^' || c == '=' || c.is_whitespace());
    let word = fold(piece);
    if separates(piece.chars().next()) && !folded.is_empty() && !folded.ends_with(' ') {
        folded.push(' ');
    }
    folded.push_str(&word);
    if !word.is_empty() && separates(piece.chars().next_back()) {
        folded.push(' ');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_match_as_rows_are_found() {
        for (pattern, name, exact, fuzzy) in [
            ("nguyen van a", "NGUYỄN^Văn A", true, true),
            ("van nguyen", "NGUYỄN^Văn A", true, true),
            ("ngu", "NGUYỄN^Văn A", false, true),
            ("Nguyễn*", "NGUYEN^VAN A", true, true),
            ("*v?n*", "NGUYEN^VAN A", true, true),
            ("*v?n", "NGUYEN^VAN A", false, false),
            ("*a*a*a*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false, false),
            ("*", "", true, true),
            ("tran", "", false, false),
        ] {
            let pattern = NamePattern::new(pattern);
            assert_eq!(
                (pattern.matches(name, false), pattern.matches(name, true)),
                (exact, fuzzy),
                "{pattern:?}"
            );
        }
    }

    #[test]
    fn names_fold_around_wildcards() {
        let name = NamePattern::new("NGUYỄN^Văn A");
        assert_eq!((name.pattern.as_str(), name.wildcard), ("nguyen van a", false));
        assert_eq!(name.words, ["nguyen", "van", "a"]);
        let name = NamePattern::new("Đỗ^V*");
        assert_eq!((name.pattern.as_str(), name.wildcard), ("do v*", true));
        assert_eq!(NamePattern::new("*Tuấn*").pattern, "*tuan*");
        assert_eq!(NamePattern::new("Trần^*^^").pattern, "tran *");
    }
}
