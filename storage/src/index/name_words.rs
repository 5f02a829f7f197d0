//! The words of the names of studies and patients, alone and in pairs: what a search by name begins with.

use super::{PatientId, StudyId};
use crate::Result;
use crate::database::{Param, Transaction, params, placeholders};

/// The words of a name that are indexed; nobody is looked for by the seventeenth.
pub(crate) const MAX_WORDS: usize = 16;

/// The distinct words of a folded name that are indexed, in order.
fn words(folded: &str) -> Vec<&str> {
    let mut words: Vec<&str> = folded.split(' ').filter(|word| !word.is_empty()).take(MAX_WORDS).collect();
    words.sort_unstable();
    words.dedup();
    words
}

/// Two words as they are indexed together, in either order.
pub(crate) fn pair(one: &str, other: &str) -> String {
    format!("{} {}", one.min(other), one.max(other))
}

/// Every two of these words, once.
pub(crate) fn every_two<W>(words: &[W]) -> impl Iterator<Item = (&W, &W)> {
    let behind = |at: usize| words.get(at + 1..).unwrap_or_default();
    words.iter().enumerate().flat_map(move |(at, one)| behind(at).iter().map(move |other| (one, other)))
}

fn pairs(words: &[&str]) -> Vec<Param> {
    every_two(words).map(|(one, other)| pair(one, other).into()).collect()
}

/// Notes a new patient's name.
pub(super) async fn insert_patient(tx: &mut Transaction, id: PatientId, folded: &str) -> Result<()> {
    let words = words(folded);
    let pairs = pairs(&words);
    let words: Vec<Param> = words.into_iter().map(Into::into).collect();
    insert_each(tx, "patient_word (patient_id, word)", params![id], words).await?;
    insert_each(tx, "patient_pair (patient_id, pair)", params![id], pairs).await
}

/// Notes a new study's name.
pub(super) async fn insert(tx: &mut Transaction, id: StudyId, newest_key: i64, folded: &str) -> Result<()> {
    let words = words(folded);
    let whole = format!(" {} ", words.join(" "));
    let pairs = pairs(&words);
    let words: Vec<Param> = words.into_iter().map(Into::into).collect();
    let place = || params![newest_key, id];
    insert_each(tx, "study_word (newest_key, study_id, word)", place(), words).await?;
    let mut place = place();
    place.push(whole.into());
    insert_each(tx, "study_pair (newest_key, study_id, words, pair)", place, pairs).await
}

/// Inserts a row for each of the values of its last column; the others are the same in all.
async fn insert_each(
    tx: &mut Transaction,
    into: &str,
    mut params: Vec<Param>,
    values: Vec<Param>,
) -> Result<()> {
    if values.is_empty() {
        return Ok(());
    }
    let same = placeholders(1, params.len());
    let own = params.len() + 1;
    let rows: Vec<String> = (0..values.len()).map(|n| format!("({same}, ${})", own + n)).collect();
    params.extend(values);
    let sql = format!("insert into {into} values {}", rows.join(", "));
    tx.execute(sqlx::AssertSqlSafe(sql), params).await.map(drop)
}

/// Forgets a study's name. Its pairs are found by their keys, which its words make.
pub(super) async fn remove(tx: &mut Transaction, id: StudyId) -> Result<()> {
    let rows = tx.fetch("select word, newest_key from study_word where study_id = $1", params![id]).await?;
    let Some(first) = rows.first() else { return Ok(()) };
    let newest_key: i64 = first.get("newest_key")?;
    let words = rows.iter().map(|row| row.get::<String>("word")).collect::<Result<Vec<_>>>()?;
    for (one, other) in every_two(&words) {
        tx.execute(
            "delete from study_pair where pair = $1 and newest_key = $2 and study_id = $3",
            params![pair(one, other), newest_key, id],
        )
        .await?;
    }
    tx.execute("delete from study_word where study_id = $1", params![id]).await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_two_words_are_a_pair_once() {
        let of = |folded| {
            let words = words(folded);
            every_two(&words).map(|(one, other)| pair(one, other)).collect::<Vec<_>>().join(",")
        };
        assert_eq!(of("nguyen van nguyen an"), "an nguyen,an van,nguyen van");
        assert_eq!(of("an an"), "");
        assert_eq!(pair("van", "an"), "an van");
    }
}
