//! Which words of a name lead to its studies and patients.
//!
//! A table holds every word of a study's name beside the study's place in time, so that the studies
//! with a word are read newest first from the index alone; another holds every two words. Of patients there are the same
//! two tables, in the order in which they became known.

use pacs_core::query::NamePattern;

use super::condition::Conditions;
use crate::Result;
use crate::database::{Database, params};
use crate::dialect::{self, Piece};
use crate::index::name_words;

/// What a name must have for a pattern to match it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Words {
    /// Whole words.
    pub(crate) whole: Vec<String>,
    /// Beginnings of words.
    pub(crate) beginnings: Vec<String>,
    /// Runs of letters that lie within some word.
    pub(crate) within: Vec<String>,
}

/// Rows of words and numbers that are few enough to be read and sorted.
pub(crate) const FEW: i64 = 2000;
/// Of whole words the rarest leads. How much more frequent than this another is does not matter.
const RARE: i64 = 250;
/// Studies of a pair of words by which its frequency is told: with fewer it is rare.
const SOUNDED: i64 = 32;
/// More than any newest key, which has fourteen digits.
const REACH: i64 = 100_000_000_000_000;
/// Words of a query that are tried in pairs.
const PAIRED_MAX: usize = 4;

/// The words that a pattern asks for. Without wildcards they are all there is to it; with them they
/// are only necessary, and the pattern itself has the last word.
pub(super) fn words(name: &NamePattern, fuzzy: bool) -> Words {
    let mut words = Words::default();
    for word in &name.words {
        if !word.contains(['*', '?']) {
            if fuzzy { words.beginnings.push(word.clone()) } else { words.whole.push(word.clone()) }
        } else {
            let mut runs = word.split(['*', '?']);
            words.beginnings.extend(runs.next().filter(|beginning| !beginning.is_empty()).map(str::to_owned));
            words.within.extend(runs.filter(|run| !run.is_empty()).map(str::to_owned));
        }
    }
    // The longest is the rarest guess.
    words.beginnings.sort_by_key(|word| std::cmp::Reverse(word.len()));
    words.within.sort_by_key(|run| std::cmp::Reverse(run.len()));
    words
}

/// Whose names are looked for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Table {
    Studies,
    Patients,
}

impl Table {
    fn name(self) -> &'static str {
        match self {
            Self::Studies => "study_word",
            Self::Patients => "patient_word",
        }
    }

    /// The table of pairs of words, and the columns that it is walked by within a pair.
    fn pairs(self) -> (&'static str, &'static [&'static str]) {
        match self {
            Self::Studies => ("study_pair", &["newest_key", "study_id"]),
            Self::Patients => ("patient_pair", &["patient_id"]),
        }
    }
}

/// What the walk begins with.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Lead {
    /// The studies with this word, newest first.
    Word(String),
    /// The studies or patients with two words, newest first: of these pairs the one that is rare.
    Pairs(Vec<String>),
    /// The few studies with a word that begins so, to be sorted.
    Beginning(String),
    /// The few studies with one of these words, to be sorted; without words there is none.
    AnyOf(Vec<String>),
    /// No word is rare enough to help.
    Nothing,
}

/// Chooses the pairs of whole words, where a statement then finds which is rare ([`rarest`]); else a whole word that is
/// rare, or a beginning of which there are few, or a whole word that is frequent.
pub(crate) async fn lead(database: &Database, table: Table, words: &Words) -> Result<Lead> {
    let pairs = pairs(&words.whole);
    // Of patients a rare beginning leads better than a frequent pair, which is not walked in windows.
    if !pairs.is_empty() && (matches!(table, Table::Studies) || words.beginnings.is_empty()) {
        return Ok(Lead::Pairs(pairs));
    }
    let mut rarest: Option<(i64, &String)> = None;
    for word in &words.whole {
        let count = count(database, table.name(), (word, &format!("{word}\u{1}")), RARE).await?;
        // Of two frequent words the later is more often a given name, which is rarer.
        if rarest.is_none_or(|(other, _)| count <= other) {
            rarest = Some((count, word));
        }
    }
    if let Some((count, word)) = rarest
        && (count < RARE || words.beginnings.is_empty())
    {
        return Ok(Lead::Word(word.clone()));
    }
    for beginning in words.beginnings.iter().take(3) {
        let Some(after) = dialect::after_prefix(beginning) else { continue };
        if count(database, table.name(), (beginning, &after), FEW).await? < FEW {
            return Ok(Lead::Beginning(beginning.clone()));
        }
    }
    if let Some((_, word)) = rarest {
        return Ok(Lead::Word(word.clone()));
    }
    match words.within.first() {
        Some(run) => any_of(database, table, run).await,
        None => Ok(Lead::Nothing),
    }
}

/// The words that hold a run of letters, if the studies with them are few. The words there are,
/// some thousands of syllables, are read by leaping from one to the next along the index.
async fn any_of(database: &Database, table: Table, run: &str) -> Result<Lead> {
    const MOST_WORDS: i64 = 100;
    let name = table.name();
    let sql = format!(
        "with recursive known (word) as (
             select min(word) from {name}
             union all
             select (select min(n.word) from {name} n where n.word > known.word) from known where known.word is not null)
         select word from known where word {} $1 limit $2",
        dialect::matches(database.engine())
    );
    let mut pieces = vec![Piece::Many];
    pieces.extend(run.chars().map(Piece::Literal));
    pieces.push(Piece::Many);
    let params = params![dialect::pattern(database.engine(), &pieces), MOST_WORDS];
    let rows = database.fetch(sqlx::AssertSqlSafe(sql), params).await?;
    let words = rows.iter().map(|row| row.at::<String>(0)).collect::<Result<Vec<_>>>()?;
    let mut studies = 0;
    for word in &words {
        studies += count(database, name, (word, &format!("{word}\u{1}")), FEW).await?;
        if studies >= FEW {
            return Ok(Lead::Nothing);
        }
    }
    Ok(Lead::AnyOf(words))
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
        Lead::AnyOf(any) if any.is_empty() => conditions.push("1 = 0".into()),
        Lead::AnyOf(any) => {
            let list = conditions.bind_all(any.iter());
            conditions.push(format!("p.id in (select patient_id from patient_word where word in ({list}))"));
        }
        Lead::Pairs(pairs) => {
            let rarest = rarest(conditions, Table::Patients, pairs);
            conditions.push(format!("w.pair = {rarest}"));
            walk = ("patient_pair w join patient p on p.id = w.patient_id", "w.patient_id");
        }
        Lead::Nothing => {}
    }
    // A pair alone says all there is of its words.
    let is_pair = words.whole.len() == 2 && matches!(lead, Lead::Pairs(_));
    let led = |word: &String| is_pair || *lead == Lead::Word(word.clone());
    for word in words.whole.iter().filter(|word| !led(word)) {
        let bound = conditions.bind(word.as_str());
        conditions.push(format!(
            "exists (select 1 from patient_word v where v.word = {bound} and v.patient_id = p.id)"
        ));
    }
    words.beginnings.iter().for_each(|word| conditions.word("p.folded_name", word, true));
    walk
}

/// Every two of some words, as the index of pairs has them.
fn pairs(whole: &[String]) -> Vec<String> {
    let mut words: Vec<&String> = whole.iter().take(PAIRED_MAX).collect();
    words.sort_unstable();
    words.dedup();
    name_words::every_two(&words).map(|(one, other)| name_words::pair(one, other)).collect()
}

/// Of several pairs, as an expression, the one of words that are rare together, as far as one can tell quickly: whose
/// newest [`SOUNDED`] rows reach back the furthest, or of which there are not so many. To count all of each pair would
/// take longer than to walk them, and to ask for it beforehand as long as to find the studies.
pub(super) fn rarest(conditions: &mut Conditions, table: Table, pairs: &[String]) -> String {
    let bound: Vec<String> = pairs.iter().map(|pair| conditions.bind(pair.as_str())).collect();
    if let [only] = bound.as_slice() {
        return only.clone();
    }
    let nth = SOUNDED - 1;
    let (table, columns) = table.pairs();
    let (reach, newest) = (columns.first().copied().unwrap_or_default(), columns.join(" desc, "));
    let sounded = bound.iter().map(|pair| {
        format!(
            "select cast({pair} as text) as pair, (select {reach} from {table} where pair = {pair}
                 order by {newest} desc limit 1 offset {nth}) as reach"
        )
    });
    // The least of reach and pair as one text, in which each reach has as many digits: what is not reached is less than
    // anything. To sort them would be another step.
    let least = format!("min(cast({REACH} + coalesce(reach, 0) as text) || pair)");
    let behind = REACH.to_string().len() + 1;
    let all = sounded.collect::<Vec<_>>().join(" union all ");
    format!("(select substr({least}, {behind}) from ({all}) as few)")
}

/// How many rows lie in a range of words, counted up to `most`.
async fn count(database: &Database, table: &str, (from, before): (&str, &str), most: i64) -> Result<i64> {
    let sql = format!(
        "select count(*) from (select 1 from {table} where word >= $1 and word < $2 limit $3) as few"
    );
    let row = database.fetch_optional(sqlx::AssertSqlSafe(sql), params![from, before, most]).await?;
    row.map_or(Ok(0), |row| row.at(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_names_the_words_it_needs() {
        let of = |text: &str, fuzzy: bool| {
            let words = words(&NamePattern::new(text), fuzzy);
            [words.whole.join(","), words.beginnings.join(","), words.within.join(",")]
        };
        assert_eq!(of("NGUYỄN^VĂN A", false), ["nguyen,van,a", "", ""]);
        assert_eq!(of("nguyen va", true), ["", "nguyen,va", ""]);
        assert_eq!(of("Đỗ^V*", false), ["do", "v", ""]);
        assert_eq!(of("*Tuấn*", false), ["", "", "tuan"]);
        assert_eq!(of("T?ấn", false), ["", "t", "an"]);
    }
}
