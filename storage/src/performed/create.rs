//! A console reports that it has begun.

use std::collections::BTreeSet;

use pacs_core::dataset::DataSet;
use pacs_core::mpps::{self, Request, State};
use pacs_core::uid::Uid;

use super::{PerformedId, ReportError, Reported, Reporter, Result, beside, exams, lifted};
use crate::database::{Database, Durability, Transaction, params, placeholders};
use crate::exams::{ExamId, moves};
use crate::forwarding::{self, Operation};
use crate::index::arrivals::clip;
use crate::index::facilities;

/// Keeps a step that has begun, under that UID or one of its own, and moves the exams that it is for. One that is for
/// no exam is kept, and moves nothing until its images are matched.
pub async fn create(
    database: &Database,
    reporter: Reporter<'_>,
    sent: &DataSet,
    uid: Option<&Uid>,
) -> Result<Reported> {
    let (set, lifted) = {
        let sent = sent.clone();
        beside(move || {
            let set = mpps::create(&sent)?;
            let lifted = lifted::values(&set, State::InProgress)?;
            Ok((set, lifted))
        })
        .await?
    };
    let uid = uid.cloned().unwrap_or_else(|| Uid::generate(rand::random()));
    let mut tx = database.begin(Durability::Synced).await?;
    let facility = facilities::ensure(&mut tx, reporter.facility).await?;
    let columns = lifted::COLUMNS;
    let sql = format!(
        "insert into performed_step (uid, facility, calling_ae, created_ms, updated_ms, {}) values ({})
         on conflict (uid) do nothing returning id",
        columns.join(", "),
        placeholders(1, 5 + columns.len())
    );
    let mut values =
        params![&uid, &facility.code, reporter.calling_ae.as_str(), reporter.now_ms, reporter.now_ms];
    values.extend(lifted);
    let row = tx.fetch_optional(sqlx::AssertSqlSafe(sql), values).await?;
    let id = PerformedId(row.ok_or(ReportError::Exists)?.get("id")?);
    lifted::write_series(&mut tx, id, &set).await?;
    let requests = mpps::requests(&set);
    let mut meant = Vec::with_capacity(requests.len());
    for request in &requests {
        meant.push(exams::meant(&mut tx, &set, request, &facility).await?);
    }
    let exams: BTreeSet<ExamId> = meant.iter().flatten().copied().collect();
    // Before the rows that refer to them: two consoles that begin one exam would wait for each other.
    for exam in &exams {
        moves::lock(&mut tx, *exam).await?;
    }
    for ((request, exam), position) in requests.iter().zip(meant).zip(0i64..) {
        write_request(&mut tx, id, position, request, exam).await?;
    }
    let mut moved = Vec::new();
    for exam in exams {
        let has_moved = exams::follow(&mut tx, exam, (&reporter.actor.id, None), reporter.now_ms).await?;
        moved.extend(has_moved.then_some(exam));
    }
    forwarding::forward_in(&mut tx, Operation::Create, &uid, sent, reporter.calling_ae, reporter.now_ms)
        .await?;
    exams::tell(&mut tx, &moved, &[], reporter.now_ms).await?;
    tx.commit().await?;
    Ok(Reported { uid, state: State::InProgress, moved })
}

async fn write_request(
    tx: &mut Transaction,
    id: PerformedId,
    position: i64,
    request: &Request,
    exam: Option<ExamId>,
) -> crate::Result<()> {
    let text = |value: &Option<String>| value.as_deref().map(|value| clip(value).to_owned());
    tx.execute(
        "insert into performed_request (performed_step_id, position, scheduled_step_id, study_uid,
             accession_number, procedure_id, step_id) values ($1, $2, $3, $4, $5, $6, $7)",
        params![
            id,
            position,
            exam.map(|exam| exam.0),
            &request.study_uid,
            text(&request.accession_number),
            text(&request.procedure_id),
            text(&request.step_id)
        ],
    )
    .await
    .map(drop)
}
