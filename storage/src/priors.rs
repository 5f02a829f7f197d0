//! What a patient had before, fetched from other archives when an exam is ordered.

use pacs_core::text::fold;
use pacs_core::uid::AeTitle;
use serde_json::json;

use crate::database::{Database, Durability, Row, params};
use crate::events::EventKind;
use crate::jobs::lanes::{self, Priority};
use crate::jobs::{Job, NewJob};
use crate::remote_queries::Match;
use crate::transfers::{self, Direction, NewTransfer, Origin, Selection, Task};
use crate::{Error, Result, followers};

/// The kind of the jobs.
pub const PRIORS: &str = "priors";
/// How often an archive is asked: for as long as the exam may be about to be read.
const MAX_ATTEMPTS: u32 = 20;
/// Numbers of one patient that an archive is asked by.
const MOST_IDENTIFIERS: u32 = 8;
/// The most studies that are fetched for an exam from one archive.
const MOST: usize = 5;

/// Words of procedures, folded, that say how and not what is examined.
const GENERIC: &[&str] = &[
    "chup", "phim", "quang", "sieu", "cat", "lop", "cong", "huong", "tiem", "thuoc", "can", "khong", "thang",
    "nghieng", "scan", "with", "without", "contrast", "and", "the",
];

/// What is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The numbers that the patient is known by.
    pub identifiers: Vec<String>,
    name_words: Vec<String>,
    birth_date: Option<String>,
    modality: String,
    procedure_words: Vec<String>,
    facility: String,
}

/// Asks every archive for what patients had before whose exams have been ordered since the last time. Says
/// whether there may be more.
pub async fn follow(database: &Database, now_ms: i64) -> Result<bool> {
    let Some((mut tx, events)) = followers::next(database, "priors").await? else { return Ok(false) };
    let archives = tx.fetch("select ae_title from device where is_archive = 1 order by ae_title", params![]);
    let archives = archives.await?.iter().map(|row: &Row| row.at(0)).collect::<Result<Vec<String>>>()?;
    let ordered = events.iter().filter(|event| event.kind == EventKind::OrderCreated);
    for exam in ordered.filter_map(|event| event.exam_id) {
        for archive in &archives {
            let key = format!("{PRIORS}:{archive}:{exam}");
            let job = NewJob {
                kind: PRIORS,
                payload: json!({ "exam": exam }),
                dedupe: Some(&key),
                due_ms: now_ms,
                max_attempts: MAX_ATTEMPTS,
                created_by: None,
            };
            lanes::enqueue_in_lane(&mut tx, &job, archive, Priority::Normal, now_ms).await?;
        }
    }
    tx.commit().await?;
    Ok(true)
}

/// What a job looks for; `None` when the order is no longer there, or the patient has no number.
pub async fn wanted(database: &Database, job: &Job) -> Result<Option<Wanted>> {
    let exam = job.payload.get("exam").and_then(serde_json::Value::as_i64);
    let exam = exam.ok_or_else(|| Error::Corrupt("priors of no exam".into()))?;
    let row = database
        .fetch_optional(
            "select p.id, p.identifier, p.name, p.birth_date, s.modality, s.facility, r.name as procedure_name
             from scheduled_step s join requested_procedure r on r.id = s.requested_procedure_id
             join order_ o on o.id = r.order_id join patient p on p.id = o.patient_id where s.id = $1",
            params![exam],
        )
        .await?;
    let Some(row) = row else { return Ok(None) };
    let others = database
        .fetch(
            sqlx::AssertSqlSafe(format!(
                "select identifier from patient_identifier where patient_id = $1 order by issuer_id limit {MOST_IDENTIFIERS}"
            )),
            params![row.get::<i64>("id")?],
        )
        .await?;
    let mut identifiers = vec![row.get::<String>("identifier")?];
    for other in &others {
        identifiers.push(other.at(0)?);
    }
    identifiers.retain(|identifier| !identifier.is_empty());
    identifiers.sort();
    identifiers.dedup();
    let wanted = Wanted {
        identifiers,
        name_words: words(&row.get::<String>("name")?),
        birth_date: row.get("birth_date")?,
        modality: row.get("modality")?,
        procedure_words: words(&row.get::<String>("procedure_name")?),
        facility: row.get("facility")?,
    };
    Ok(Some(wanted).filter(|wanted| !wanted.identifiers.is_empty()))
}

fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = fold(text).split_whitespace().map(str::to_owned).collect();
    words.sort();
    words
}

impl Wanted {
    fn names_a_part(&self, word: &String) -> bool {
        word.len() > 2 && !GENERIC.contains(&word.as_str()) && self.procedure_words.contains(word)
    }

    /// The newest of these studies that are worth comparing with: the patient's, of the same modality or
    /// described by words of the ordered procedure. Two hospitals may have given one number to two people, so
    /// the name, and the birth date where both know it, have to be the same.
    pub fn choose(&self, mut found: Vec<Match>) -> Vec<Match> {
        let same_birth = |other: &Option<String>| match (&self.birth_date, other) {
            (Some(one), Some(other)) => one == other,
            _ => true,
        };
        found.retain(|study| {
            let described = words(study.description.as_deref().unwrap_or_default());
            let is_alike = study.modalities.contains(&self.modality)
                || described.iter().any(|word| self.names_a_part(word));
            words(&study.patient_name) == self.name_words && same_birth(&study.birth_date) && is_alike
        });
        found.sort_by(|one, other| (&other.date, &other.time).cmp(&(&one.date, &one.time)));
        found.dedup_by(|one, other| one.study == other.study);
        found.truncate(MOST);
        found
    }
}

/// Puts these studies of an archive into the queue of what comes here, as far as they are not here.
pub async fn fetch(
    database: &Database,
    archive: &AeTitle,
    wanted: &Wanted,
    chosen: &[Match],
    now_ms: i64,
) -> Result<u64> {
    let mut queued = 0;
    for study in chosen {
        let here = database
            .fetch_optional("select instance_count from study where uid = $1", params![&study.study])
            .await?;
        let here: i64 = here.map_or(Ok(0), |row| row.at(0))?;
        if here > 0 && study.instances.is_none_or(|there| here >= there) {
            continue;
        }
        let task = Task { device: archive.clone(), study: study.study.clone(), selection: Selection::Study };
        let new = NewTransfer {
            direction: Direction::Pull,
            task: &task,
            facility: &wanted.facility,
            sender: None,
            origin: &Origin::Priors,
            created_by: "system",
            priority: Priority::Low,
        };
        let mut tx = database.begin(Durability::Synced).await?;
        queued += u64::from(transfers::enqueue_in(&mut tx, &new, now_ms).await?.is_some());
        tx.commit().await?;
    }
    Ok(queued)
}

#[cfg(test)]
mod tests {
    use pacs_core::uid::Uid;

    use super::*;

    fn study(number: usize, date: &str, modality: &str, description: &str) -> Match {
        Match {
            study: Uid::parse(&format!("1.2.{number}")).unwrap(),
            patient_id: "P1".into(),
            issuer: String::new(),
            patient_name: "NGUYEN^VAN A".into(),
            birth_date: Some("19800102".into()),
            sex: None,
            date: Some(date.into()),
            time: None,
            accession_number: None,
            description: Some(description.into()),
            modalities: vec![modality.into()],
            instances: Some(1),
        }
    }

    #[test]
    fn the_newest_alike_of_the_same_patient_are_chosen() {
        let wanted = Wanted {
            identifiers: vec!["P1".into()],
            name_words: words("Nguyễn Văn A"),
            birth_date: Some("19800102".into()),
            modality: "CT".into(),
            procedure_words: words("Chụp CT lồng ngực"),
            facility: "A".into(),
        };
        let mut found: Vec<Match> =
            (1..=7).map(|at| study(at, &format!("2026010{at}"), "CT", "Sọ não")).collect();
        found.push(study(8, "20260201", "DX", "X-quang ngực thẳng"));
        found.push(study(9, "20260202", "MR", "Chụp cột sống"));
        found.push(Match { patient_name: "TRAN^THI B".into(), ..study(10, "20260203", "CT", "") });
        found.push(Match { birth_date: Some("19900102".into()), ..study(11, "20260204", "CT", "") });
        found.push(study(8, "20260201", "DX", "X-quang ngực thẳng"));
        let chosen: Vec<String> =
            wanted.choose(found).into_iter().map(|study| study.study.to_string()).collect();
        assert_eq!(chosen, ["1.2.8", "1.2.7", "1.2.6", "1.2.5", "1.2.4"]);
    }
}
