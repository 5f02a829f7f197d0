//! What follows from a move: counts, exams, and who is told.

use pacs_core::exam::Disagreement;

use crate::Result;
use crate::database::{Transaction, params};
use crate::events::{self, EventKind, NewEvent};
use crate::exams::linking::{self, Parting};
use crate::exams::{self, Exam, ExamId, matching};
use crate::index::arrivals::moves_exams;
use crate::index::studies::{self, Shown};
use crate::index::{SeriesId, StudyId, series};

/// Who moves, for the history of exams.
pub(super) struct By<'a> {
    /// The word of the act.
    pub word: &'a str,
    pub actor: &'a str,
    pub reason: Option<&'a str>,
}

/// Brings counts and exams of studies in line, each given with how many instances it showed before.
pub(super) async fn after(
    tx: &mut Transaction,
    studies: &[(StudyId, i64)],
    by: &By<'_>,
    now_ms: i64,
) -> Result<()> {
    let mut seen = Vec::new();
    for (study, before) in studies {
        if seen.contains(study) {
            continue;
        }
        seen.push(*study);
        let shown = count(tx, *study).await?;
        follow(tx, *study, *before, &shown, by, now_ms).await?;
    }
    // Events come last: whoever writes some holds back all others, and would wait for rows that these hold.
    for study in seen {
        tell(tx, study, now_ms).await?;
    }
    Ok(())
}

async fn count(tx: &mut Transaction, study: StudyId) -> Result<Shown> {
    let rows = tx.fetch("select id from series where study_id = $1 order by id", params![study]).await?;
    for row in &rows {
        let id = SeriesId(row.get("id")?);
        let counted = tx
            .fetch_one(
                "select count(*) as kept, count(rejection_id) as rejected from instance where series_id = $1",
                params![id],
            )
            .await?;
        series::recount(tx, id, counted.get::<i64>("kept")? - counted.get::<i64>("rejected")?).await?;
    }
    studies::count(tx, study).await
}

/// An exam whose images have gone goes back, one whose images come back goes on; a study that shows images
/// for the first time is matched by the rule.
async fn follow(
    tx: &mut Transaction,
    study: StudyId,
    before: i64,
    shown: &Shown,
    by: &By<'_>,
    now_ms: i64,
) -> Result<()> {
    let row = tx.fetch_one("select uid, step_id from study where id = $1", params![study]).await?;
    let (uid, step): (String, Option<i64>) = (row.get("uid")?, row.get("step_id")?);
    match (before > 0, shown.instances > 0, step) {
        (true, false, Some(step)) => {
            linking::images_left(tx, ExamId(step), by.word, by.actor, by.reason, now_ms).await.map(drop)
        }
        (false, true, None) => matching::after_correction(tx, study, by.actor, now_ms).await,
        (false, true, Some(step)) if shown.modalities.iter().any(|modality| moves_exams(modality)) => {
            matching::on_images(tx, (study, &uid), ExamId(step), now_ms).await.map(drop)
        }
        _ => Ok(()),
    }
}

/// The exam of one study becomes that of another, which has none. Answers the exam.
pub(super) async fn hand_over(
    tx: &mut Transaction,
    from: StudyId,
    to: StudyId,
    by: &By<'_>,
    now_ms: i64,
) -> Result<Option<Exam>> {
    let sql = "select a.uid as from_uid, b.uid as to_uid, a.step_id, b.step_id as taken, b.unmatched_reason
         from study a join study b on b.id = $2 where a.id = $1";
    let row = tx.fetch_one(sql, params![from, to]).await?;
    let (step, taken): (Option<i64>, Option<i64>) = (row.get("step_id")?, row.get("taken")?);
    let (Some(step), None) = (step.map(ExamId), taken) else { return Ok(None) };
    let exam = exams::within(tx, step).await?;
    let why = Disagreement::NoOrder;
    let parting = Parting { exam: step, why, actor: by.actor, reason: by.reason };
    let uid: String = row.get("from_uid")?;
    linking::part(tx, from, &uid, &parting, now_ms).await?;
    let uid: String = row.get("to_uid")?;
    let reason = row.get::<Option<String>>("unmatched_reason")?;
    linking::join(tx, (to, &uid), &exam, reason, (by.actor, by.reason), now_ms).await?;
    Ok(Some(exam))
}

/// Tells whoever has requested an exam that a study is no longer its images, where another facility made them.
pub(super) async fn tell_requester(
    tx: &mut Transaction,
    study_uid: &str,
    facility: &str,
    exam: &Exam,
    now_ms: i64,
) -> Result<()> {
    if exam.facility == facility {
        return Ok(());
    }
    linking::tell(tx, study_uid, &exam.facility, exam.id, now_ms).await
}

/// Tells routes of series that are another study's now.
pub(super) async fn tell_routes(
    tx: &mut Transaction,
    series: impl Iterator<Item = &String>,
    now_ms: i64,
) -> Result<()> {
    for series in series {
        let sql = "select t.uid, t.facility from series s join study t on t.id = s.study_id where s.uid = $1";
        let Some(row) = tx.fetch_optional(sql, params![series]).await? else { continue };
        let (uid, facility): (String, String) = (row.get("uid")?, row.get("facility")?);
        let moved = NewEvent {
            facility: Some(&facility),
            study_uid: Some(&uid),
            series_uid: Some(series),
            ..NewEvent::new(EventKind::ImagesCorrected)
        };
        events::append(tx, now_ms, &[moved]).await?;
    }
    Ok(())
}

async fn tell(tx: &mut Transaction, study: StudyId, now_ms: i64) -> Result<()> {
    let sql = "select uid, facility, requested_by, step_id from study where id = $1";
    let row = tx.fetch_one(sql, params![study]).await?;
    let uid: String = row.get("uid")?;
    let facilities = [Some(row.get::<String>("facility")?), row.get::<Option<String>>("requested_by")?];
    let exam_id = row.get("step_id")?;
    let mut happened = Vec::new();
    for facility in facilities.iter().flatten() {
        let kinds = [EventKind::StudyChanged, EventKind::ExamChanged, EventKind::UnmatchedChanged];
        happened.extend(kinds.map(|kind| NewEvent {
            facility: Some(facility),
            study_uid: Some(&uid),
            exam_id,
            ..NewEvent::new(kind)
        }));
    }
    events::append(tx, now_ms, &happened).await
}
