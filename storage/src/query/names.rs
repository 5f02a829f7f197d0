//! Which words of a name lead to its studies.
//!
//! A table holds every word of a study's name beside the study's place in time, so that the studies
//! with a word are read newest first from the index alone, and a second word is one probe.

use pacs_core::query::NamePattern;

use super::condition::Conditions;
use crate::Result;
use crate::database::{Database, params};
use crate::dialect;

/// What a name must have for a pattern to match it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Words {
    /// Whole words.
    pub(crate) whole: Vec<String>,
    /// Beginnings of words.
    pub(crate) beginnings: Vec<String>,
}

/// Words rarer than this are few enough to be read and sorted.
const FEW: i64 = 2000;

/// The words that a pattern asks for. Without wildcards they are all there is to it; with them they
/// are only necessary, and the pattern itself has the last word.
pub(super) fn words(name: &NamePattern, fuzzy: bool) -> Words {
    let mut words = Words::default();
    for word in &name.words {
        if !word.contains(['*', '?']) {
            if fuzzy { words.beginnings.push(word.clone()) } else { words.whole.push(word.clone()) }
        } else if let Some(beginning) = word.split(['*', '?']).next().filter(|beginning| !beginning.is_empty()) {
            words.beginnings.push(beginning.to_owned());
        }
    }
    // The longest beginning is the rarest guess.
    words.beginnings.sort_by_key(|word| std::cmp::Reverse(word.len()));
    words
}

/// Whose names are looked for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Table {
    Studies,
    Patients,
}

/// What the walk begins with.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Lead {
    /// The studies with this word, newest first.
    Word(String),
    /// The few studies with a word that begins so, to be sorted.
    Beginning(String),
    /// No word is rare enough to help.
    Nothing,
}

/// Chooses the rarest whole word, or a beginning that is rare. Counting stops at [`FEW`].
pub(crate) async fn lead(database: &Database, table: Table, words: &Words) -> Result<Lead> {
    let mut rarest: Option<(i64, &String)> = None;
    for word in &words.whole {
        let count = count(database, table, word, &format!("{word}\u{1}")).await?;
        // Of two frequent words the later is more often a given name, which is rarer.
        if rarest.is_none_or(|(other, _)| count <= other) {
            rarest = Some((count, word));
        }
    }
    if let Some((count, word)) = rarest
        && (count < FEW || words.beginnings.is_empty())
    {
        return Ok(Lead::Word(word.clone()));
    }
    for beginning in words.beginnings.iter().take(3) {
        let Some(after) = dialect::after_prefix(beginning) else { continue };
        if count(database, table, beginning, &after).await? < FEW {
            return Ok(Lead::Beginning(beginning.clone()));
        }
    }
    Ok(rarest.map_or(Lead::Nothing, |(_, word)| Lead::Word(word.clone())))
}

/// Narrows patients `p` to those with these words in their names. Answers what to select from and
/// the column to walk, newest patients first.
pub(crate) fn narrow_patients(
    conditions: &mut Conditions,
    lead: &Lead,
    words: &Words,
) -> (&'static str, &'static str) {
    let mut walk = ("patient p", "p.id");
    match lead {
        Lead::Word(word) => {
            let bound = conditions.bind(word.as_str());
            conditions.push(format!("w.word = {bound}"));
            walk = ("patient_word w join patient p on p.id = w.patient_id", "w.patient_id");
        }
        Lead::Beginning(beginning) => {
            if let Some(after) = dialect::after_prefix(beginning) {
                let (from, before) = (conditions.bind(beginning.as_str()), conditions.bind(after));
                conditions.push(format!(
                    "p.id in (select patient_id from patient_word where word >= {from} and word < {before})"
                ));
            }
        }
        Lead::Nothing => {}
    }
    let led = |word: &String| *lead == Lead::Word(word.clone());
    for word in words.whole.iter().filter(|word| !led(word)) {
        let bound = conditions.bind(word.as_str());
        conditions
            .push(format!("exists (select 1 from patient_word v where v.word = {bound} and v.patient_id = p.id)"));
    }
    words.beginnings.iter().for_each(|word| conditions.word("p.folded_name", word, true));
    walk
}

/// How many rows lie in a range of words, counted up to [`FEW`].
async fn count(database: &Database, table: Table, from: &str, before: &str) -> Result<i64> {
    let sql = match table {
        Table::Studies => "select count(*) from (select 1 from study_word where word >= $1 and word < $2 limit $3) as few",
        Table::Patients => {
            "select count(*) from (select 1 from patient_word where word >= $1 and word < $2 limit $3) as few"
        }
    };
    let row = database.fetch_optional(sql, params![from, before, FEW]).await?;
    row.map_or(Ok(0), |row| row.at(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_names_the_words_it_needs() {
        let of = |text: &str, fuzzy: bool| {
            let words = words(&NamePattern::new(text), fuzzy);
            (words.whole.join(","), words.beginnings.join(","))
        };
        let want = |whole: &str, beginnings: &str| (whole.to_owned(), beginnings.to_owned());
        assert_eq!(of("NGUYỄN^VĂN A", false), want("nguyen,van,a", ""));
        assert_eq!(of("nguyen va", true), want("", "nguyen,va"));
        assert_eq!(of("Đỗ^V*", false), want("do", "v"));
        assert_eq!(of("*Tuấn*", false), want("", ""));
        assert_eq!(of("T?ấn", false), want("", "t"));
    }
}
