//! Exams: scheduled steps with their order, their patient and the images that fulfil them.
//!
//! The states and the moves allowed are `pacs_core::exam`'s; here they become rows, with a history
//! and an event in the same transaction.

pub mod finding;
pub mod linking;
pub(crate) mod matching;
pub mod moves;
pub mod search;
pub mod undo;
pub mod unmatched;

use pacs_core::access::Scope;
use pacs_core::exam::{Label, StepAct, StepState};

use crate::database::{Database, Param, Row, Transaction, params};
use crate::index::instances::push_scope;
use crate::{Error, Result};

/// Row of a scheduled step: what people call an exam.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct ExamId(pub i64);

impl From<ExamId> for Param {
    fn from(id: ExamId) -> Self {
        Self::from(id.0)
    }
}

/// A patient as lists show them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Identifier within its issuer; empty when the images named none.
    pub id: String,
    /// Code of the issuer.
    pub issuer: String,
    /// PN as sent or registered, with its `^`.
    pub name: String,
    /// `YYYYMMDD` as sent.
    pub birth_date: Option<String>,
    /// `M`, `F`, `O` as sent.
    pub sex: Option<String>,
}

/// One line of a worklist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exam {
    /// The scheduled step's row.
    pub id: ExamId,
    /// The order's row.
    pub order_id: i64,
    /// Where the step stands.
    pub state: StepState,
    /// Code of the facility that performs it.
    pub facility: String,
    /// Whom it is for.
    pub patient: Person,
    /// Accession number of the order.
    pub accession_number: String,
    /// Code of who gave the accession number: the facility's issuer, unless a hospital system said otherwise.
    pub accession_issuer: String,
    /// Requested Procedure ID (0040,1001).
    pub procedure_id: String,
    /// Scheduled Procedure Step ID (0040,0009).
    pub step_id: String,
    /// The Study Instance UID that the worklist gives to the device.
    pub planned_study_uid: String,
    /// Code of the requested procedure.
    pub procedure_code: String,
    /// Name of the requested procedure.
    pub procedure_name: String,
    /// Modality it is to be made on.
    pub modality: String,
    /// AE title of the device, when one was chosen.
    pub station_ae: Option<String>,
    /// AE title of the device that has begun it, while it is in progress.
    pub performing_ae: Option<String>,
    /// Code of the room, when one was chosen.
    pub room: Option<String>,
    /// `yyyymmdd` on the facility's wall.
    pub scheduled_date: String,
    /// `hhmmss` on the facility's wall.
    pub scheduled_time: String,
    /// Zone of the facility's wall, as an IANA name.
    pub time_zone: String,
    /// When the first image or performed step came.
    pub started_ms: Option<i64>,
    /// Who asked for it.
    pub referring_physician: Option<String>,
    /// Why it was asked for.
    pub reason: Option<String>,
    /// Reason of the last act that asked for one.
    pub act_reason: Option<String>,
    /// Whether it cannot wait.
    pub emergency: bool,
    /// The study that was matched to it, when there is one.
    pub study_uid: Option<String>,
    /// Instances that were matched to it.
    pub instance_count: i64,
}

impl Exam {
    /// The one word that people see.
    pub fn label(&self) -> Label {
        Label::of(self.state)
    }

    /// AE title of the device that has it: the one that has begun it, else the one that was chosen.
    pub fn station(&self) -> Option<&str> {
        self.performing_ae.as_deref().or(self.station_ae.as_deref())
    }

    /// What a person may do with it now.
    pub fn acts(&self) -> Vec<StepAct> {
        self.state.offers().collect()
    }
}

macro_rules! accession_issuer {
    () => {
        "coalesce(o.accession_issuer, (select a.code from facility g join issuer a on a.id = g.issuer_id
             where g.code = o.facility))"
    };
}

/// Who gave the accession number of order `o`: whoever was named, else its facility. What is answered is matched so.
pub(crate) const ACCESSION_ISSUER: &str = accession_issuer!();

/// Exams with everything that [`read`] wants; a condition on `s`, `r`, `o`, `p` follows.
pub(crate) const SELECT: &str = concat!(
    "select s.id, s.state, s.facility, s.step_id, s.modality, s.station_ae, s.room,
     s.scheduled_date, s.scheduled_time, s.started_ms, s.reason as act_reason, r.procedure_id,
     r.study_uid as planned_study_uid, r.code as procedure_code, r.name as procedure_name, o.id as order_id,
     o.accession_number, ",
    accession_issuer!(),
    " as accession_issuer, o.referring_physician, o.reason, o.emergency, p.identifier,
     i.code as issuer, p.name, p.birth_date, p.sex, f.time_zone,
     case when s.state = 'started' then coalesce(
         (select m.calling_ae from performed_request q join performed_step m on m.id = q.performed_step_id
             where q.scheduled_step_id = s.id and m.state = 'IN PROGRESS' order by m.id limit 1),
         (select t.calling_ae from study t where t.step_id = s.id and t.instance_count > 0 order by t.id limit 1))
     end as performing_ae,
     (select t.uid from study t where t.step_id = s.id and t.instance_count > 0 order by t.id limit 1) as study_uid,
     (select cast(coalesce(sum(t.instance_count), 0) as bigint) from study t where t.step_id = s.id) as instance_count
     from scheduled_step s join requested_procedure r on r.id = s.requested_procedure_id
     join order_ o on o.id = r.order_id join patient p on p.id = o.patient_id join issuer i on i.id = p.issuer_id
     join facility f on f.code = s.facility"
);

/// One exam, if it is within the scope.
pub async fn by_id(database: &Database, scope: &Scope, id: ExamId) -> Result<Option<Exam>> {
    let mut params = params![id];
    let mut sql = format!("{SELECT} where s.id = $1");
    push_scope(&mut sql, &mut params, scope, "s.facility");
    database.fetch_optional(sqlx::AssertSqlSafe(sql), params).await?.as_ref().map(read).transpose()
}

/// One exam within a transaction.
pub(crate) async fn within(tx: &mut Transaction, id: ExamId) -> Result<Exam> {
    let sql = format!("{SELECT} where s.id = $1");
    read(&tx.fetch_one(sqlx::AssertSqlSafe(sql), params![id]).await?)
}

/// Reads a row of [`SELECT`].
pub(crate) fn read(row: &Row) -> Result<Exam> {
    Ok(Exam {
        id: ExamId(row.get("id")?),
        order_id: row.get("order_id")?,
        state: state(&row.get::<String>("state")?)?,
        facility: row.get("facility")?,
        patient: Person {
            id: row.get("identifier")?,
            issuer: row.get("issuer")?,
            name: row.get("name")?,
            birth_date: row.get("birth_date")?,
            sex: row.get("sex")?,
        },
        accession_number: row.get("accession_number")?,
        accession_issuer: row.get("accession_issuer")?,
        procedure_id: row.get("procedure_id")?,
        step_id: row.get("step_id")?,
        planned_study_uid: row.get("planned_study_uid")?,
        procedure_code: row.get("procedure_code")?,
        procedure_name: row.get("procedure_name")?,
        modality: row.get("modality")?,
        station_ae: row.get("station_ae")?,
        performing_ae: row.get("performing_ae")?,
        room: row.get("room")?,
        scheduled_date: row.get("scheduled_date")?,
        scheduled_time: row.get("scheduled_time")?,
        time_zone: row.get("time_zone")?,
        started_ms: row.get("started_ms")?,
        referring_physician: row.get("referring_physician")?,
        reason: row.get("reason")?,
        act_reason: row.get("act_reason")?,
        emergency: row.flag("emergency")?,
        study_uid: row.get("study_uid")?,
        instance_count: row.get("instance_count")?,
    })
}

/// A state column.
pub(crate) fn state(word: &str) -> Result<StepState> {
    StepState::parse(word).ok_or_else(|| Error::Corrupt(format!("a step is in the unknown state {word}")))
}
