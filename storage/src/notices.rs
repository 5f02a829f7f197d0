//! What devices are told and asked beside images, as people see it: forwarded reports of consoles (MPPS), which images
//! are available (IAN), reports of unified procedure steps (UPS), and storage commitment both ways. Each is a job; the
//! modules of those make them.

use std::collections::HashMap;

use pacs_core::access::Scope;
use serde_json::Value;

use crate::database::{Database, Durability, Param, Row, params, placeholders};
use crate::exams::{self, ExamId};
use crate::index::instances::push_scope;
use crate::jobs::{JobId, JobState, lanes};
use crate::transfers::commitments::COMMITMENT_REQUEST;
use crate::transfers::{STUDY_COLUMNS, Show, StudyWords, study_words};
use crate::{Error, Result, availability, commitment, forwarding, ups};

/// What a device is told or asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// What a console reported of its work.
    PerformedStep,
    /// Which images are available.
    Availability,
    /// What has happened to a unified procedure step.
    StepReport,
    /// Whether it keeps what was sent to it.
    CommitmentRequest,
    /// Whether what it asked about is kept here.
    Commitment,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 5] = [
        Self::PerformedStep,
        Self::Availability,
        Self::StepReport,
        Self::CommitmentRequest,
        Self::Commitment,
    ];

    fn of_jobs(self) -> &'static str {
        match self {
            Self::PerformedStep => forwarding::PERFORMED_STEP,
            Self::Availability => availability::AVAILABILITY,
            Self::StepReport => ups::EVENT_REPORT,
            Self::CommitmentRequest => COMMITMENT_REQUEST,
            Self::Commitment => commitment::KIND,
        }
    }
}

/// Something that a device is told or asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Its job.
    pub job: JobId,
    /// What.
    pub kind: Kind,
    /// Which device.
    pub device: String,
    /// Study Instance UID of the study that it is about, where that is here.
    pub study_uid: Option<String>,
    /// What is known of that study, or of the exam that is to become it.
    pub study: Option<StudyWords>,
    /// Where it stands.
    pub state: JobState,
    /// Why the last try ended.
    pub error: Option<String>,
    /// How often it was tried.
    pub attempts: i64,
    /// When it is tried next, while it waits.
    pub due_ms: i64,
    /// When it was made.
    pub created_ms: i64,
    /// When it last changed its state.
    pub updated_ms: i64,
}

/// Lines that are looked through for those that a scope sees; what lies behind them is not found.
const LOOKED_THROUGH: usize = 5000;

/// A part of them that the scope sees, at most `limit`. Who does not see every facility sees those about studies of
/// his own.
pub async fn list(database: &Database, scope: &Scope, show: Show, limit: u32) -> Result<Vec<Line>> {
    let most = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut seen = Vec::new();
    let mut looked = 0;
    loop {
        let page = page(database, scope, show, looked, limit).await?;
        let is_last = page.len() < most;
        looked += page.len();
        seen.extend(page.into_iter().filter(|line| *scope == Scope::All || line.study.is_some()));
        if is_last || seen.len() >= most || looked >= LOOKED_THROUGH {
            seen.truncate(most);
            return Ok(seen);
        }
    }
}

/// So many lines behind the first ones, of whatever facility; those that the scope does not see are about nothing.
async fn page(
    database: &Database,
    scope: &Scope,
    show: Show,
    offset: usize,
    limit: u32,
) -> Result<Vec<Line>> {
    let (states, order) = match show {
        Show::Open => ("'running', 'waiting'", "created_ms, id"),
        Show::Failed => ("'failed'", "updated_ms desc, id desc"),
        Show::Ended => ("'done', 'cancelled'", "updated_ms desc, id desc"),
    };
    let kinds: Vec<Param> = Kind::ALL.iter().map(|kind| kind.of_jobs().into()).collect();
    let sql = format!(
        "select id, kind, payload, lane, state, error, attempts, due_ms, created_ms, updated_ms from job
         where kind in ({}) and state in ({states}) order by {order} limit {limit} offset {offset}",
        placeholders(1, kinds.len())
    );
    let rows = database.fetch(sqlx::AssertSqlSafe(sql), kinds).await?;
    let mut lines = rows.iter().map(read).collect::<Result<Vec<_>>>()?;
    let named = name_studies(database, &lines).await?;
    let words = studies(database, scope, &named).await?;
    let exams = planned(database, scope, &named).await?;
    for (line, about) in &mut lines {
        let here = about.of(&named).and_then(|uid| words.get_key_value(uid));
        line.study_uid = here.map(|(uid, _)| uid.clone());
        line.study = match here {
            Some((_, words)) => Some(words.clone()),
            None => about.exam(&named).and_then(|exam| exams.get(&exam).cloned()),
        };
    }
    Ok(lines.into_iter().map(|(line, _)| line).collect())
}

/// Stops one. [`Error::NotFound`] when there is none, [`Error::Conflict`] when it has ended.
pub async fn cancel(database: &Database, id: JobId, now_ms: i64) -> Result<()> {
    act(database, id, now_ms, false).await
}

/// Has one tried now that waits, has failed or was cancelled.
pub async fn again(database: &Database, id: JobId, now_ms: i64) -> Result<()> {
    act(database, id, now_ms, true).await
}

async fn act(database: &Database, id: JobId, now_ms: i64, again: bool) -> Result<()> {
    let mut tx = database.begin(Durability::Synced).await?;
    let row = tx.fetch_optional("select kind from job where id = $1", params![id.0]).await?;
    let kind: String = row.ok_or(Error::NotFound)?.at(0)?;
    if !Kind::ALL.iter().any(|known| known.of_jobs() == kind) {
        return Err(Error::NotFound);
    }
    let done = match again {
        true => lanes::again_in(&mut tx, id, now_ms).await?,
        false => lanes::cancel_in(&mut tx, id, now_ms).await?,
    };
    if !done {
        return Err(Error::Conflict("it is done, under way, or done by another one".into()));
    }
    tx.hint_jobs();
    tx.commit().await
}

/// By what the study of a line is found.
enum About {
    Study(String),
    Step(String),
    Workitem(String),
    Transfer(i64),
    Instance(String),
    Nothing,
}

/// Studies by what names them.
#[derive(Default)]
struct Named {
    studies: Vec<String>,
    of_step: HashMap<String, String>,
    exam_of_step: HashMap<String, ExamId>,
    of_workitem: HashMap<String, String>,
    of_transfer: HashMap<i64, String>,
    of_instance: HashMap<String, String>,
}

impl About {
    fn of<'a>(&'a self, named: &'a Named) -> Option<&'a String> {
        match self {
            Self::Study(uid) => Some(uid),
            Self::Step(uid) => named.of_step.get(uid),
            Self::Workitem(uid) => named.of_workitem.get(uid),
            Self::Transfer(id) => named.of_transfer.get(id),
            Self::Instance(uid) => named.of_instance.get(uid),
            Self::Nothing => None,
        }
    }

    /// The exam that a console reported of.
    fn exam(&self, named: &Named) -> Option<ExamId> {
        match self {
            Self::Step(uid) => named.exam_of_step.get(uid).copied(),
            _ => None,
        }
    }
}

async fn name_studies(database: &Database, lines: &[(Line, About)]) -> Result<Named> {
    let (mut steps, mut workitems, mut transfers, mut instances) = (vec![], vec![], vec![], vec![]);
    let mut named = Named::default();
    for (_, about) in lines {
        match about {
            About::Study(uid) => named.studies.push(uid.clone()),
            About::Step(uid) => steps.push(Param::from(uid)),
            About::Workitem(uid) => workitems.push(Param::from(uid)),
            About::Transfer(id) => transfers.push(Param::Int(Some(*id))),
            About::Instance(uid) => instances.push(Param::from(uid)),
            About::Nothing => {}
        }
    }
    let step = "select p.uid, min(r.study_uid), min(r.scheduled_step_id) from performed_step p
         join performed_request r on r.performed_step_id = p.id where p.uid in (?) group by p.uid";
    let workitem = "select w.uid, w.study_uid from workitem w where w.uid in (?) and w.study_uid is not null";
    let transfer = "select x.job_id, x.study_uid from transfer x where x.job_id in (?)";
    let instance = "select i.uid, t.uid from instance i join series s on s.id = i.series_id
         join study t on t.id = s.study_id where i.uid in (?)";
    for row in look_up(database, step, steps).await? {
        let step: String = row.at(0)?;
        if let Some(exam) = row.at::<Option<i64>>(2)? {
            named.exam_of_step.insert(step.clone(), ExamId(exam));
        }
        named.of_step.insert(step, row.at(1)?);
    }
    for row in look_up(database, workitem, workitems).await? {
        named.of_workitem.insert(row.at(0)?, row.at(1)?);
    }
    for row in look_up(database, transfer, transfers).await? {
        named.of_transfer.insert(row.at(0)?, row.at(1)?);
    }
    for row in look_up(database, instance, instances).await? {
        named.of_instance.insert(row.at(0)?, row.at(1)?);
    }
    let found = named.of_step.values().chain(named.of_workitem.values());
    let found = found.chain(named.of_transfer.values()).chain(named.of_instance.values());
    let found: Vec<String> = found.cloned().collect();
    named.studies.extend(found);
    named.studies.sort_unstable();
    named.studies.dedup();
    Ok(named)
}

/// The rows of a statement whose `?` stands for a list of values; none for an empty one.
async fn look_up(database: &Database, sql: &str, values: Vec<Param>) -> Result<Vec<Row>> {
    if values.is_empty() {
        return Ok(Vec::new());
    }
    let sql = sql.replacen('?', &placeholders(1, values.len()), 1);
    database.fetch(sqlx::AssertSqlSafe(sql), values).await
}

async fn studies(database: &Database, scope: &Scope, named: &Named) -> Result<HashMap<String, StudyWords>> {
    if named.studies.is_empty() {
        return Ok(HashMap::new());
    }
    let mut params: Vec<Param> = named.studies.iter().map(Param::from).collect();
    let list = placeholders(1, params.len());
    let mut sql = format!("select {STUDY_COLUMNS} from study t where t.uid in ({list})");
    push_scope(&mut sql, &mut params, scope, "t.facility");
    let rows = database.fetch(sqlx::AssertSqlSafe(sql), params).await?;
    rows.iter().map(|row| Ok((row.get("known_uid")?, study_words(row)?))).collect()
}

/// What is planned, of exams whose images are not here yet.
async fn planned(database: &Database, scope: &Scope, named: &Named) -> Result<HashMap<ExamId, StudyWords>> {
    if named.exam_of_step.is_empty() {
        return Ok(HashMap::new());
    }
    let mut params: Vec<Param> = named.exam_of_step.values().map(|exam| Param::from(*exam)).collect();
    let list = placeholders(1, params.len());
    let mut sql = format!("{} where s.id in ({list})", exams::SELECT);
    push_scope(&mut sql, &mut params, scope, "s.facility");
    let rows = database.fetch(sqlx::AssertSqlSafe(sql), params).await?;
    let words = |row: &Row| {
        let exam = exams::read(row)?;
        let words = StudyWords {
            patient: exam.patient,
            date: Some(exam.scheduled_date),
            description: Some(exam.procedure_name),
            modalities: vec![exam.modality],
        };
        Ok((exam.id, words))
    };
    rows.iter().map(words).collect()
}

fn read(row: &Row) -> Result<(Line, About)> {
    let (word, state): (String, String) = (row.get("kind")?, row.get("state")?);
    let kind = Kind::ALL.into_iter().find(|kind| kind.of_jobs() == word);
    let kind = kind.ok_or_else(|| Error::Corrupt(format!("a notice of the unknown kind {word}")))?;
    let payload: Value = serde_json::from_str(&row.get::<String>("payload")?)
        .map_err(|error| Error::Corrupt(format!("a notice: {error}")))?;
    let text = |path: &str| payload.pointer(path).and_then(Value::as_str).map(str::to_owned);
    let about = match kind {
        Kind::PerformedStep => text("/uid").map(About::Step),
        Kind::Availability => text("/task/study").map(About::Study),
        Kind::StepReport => text("/report/00001000/Value/0").map(About::Workitem),
        Kind::CommitmentRequest => payload.pointer("/transfer").and_then(Value::as_i64).map(About::Transfer),
        Kind::Commitment => text("/references/0/1").map(About::Instance),
    };
    let line = Line {
        job: JobId(row.get("id")?),
        kind,
        device: row.get::<Option<String>>("lane")?.or_else(|| text("/device")).unwrap_or_default(),
        study_uid: None,
        study: None,
        state: JobState::parse(&state)
            .ok_or_else(|| Error::Corrupt(format!("a job is in the unknown state {state}")))?,
        error: row.get("error")?,
        attempts: row.get("attempts")?,
        due_ms: row.get("due_ms")?,
        created_ms: row.get("created_ms")?,
        updated_ms: row.get("updated_ms")?,
    };
    Ok((line, about.unwrap_or(About::Nothing)))
}
