//! The modality worklist (PS3.4 K.6): steps that are still to be done, as response data sets.

mod answer;
mod model;
mod physicians;
mod steps;

use std::collections::{HashMap, VecDeque};

use futures::stream::{self, Stream};
use pacs_core::access::Scope;
use pacs_core::dataset::DataSet;
use pacs_core::query::{Filter, Query, Returns};
use pacs_core::uid::AeTitle;
use pacs_core::{Tag, tags};

use crate::Result;
use crate::database::Database;
use crate::exams::{self, Exam, ExamId};
use crate::query::condition::Conditions;

/// Steps read at a time.
const PAGE: usize = 500;
const PAGE_ROWS: i64 = PAGE as i64;

/// Who asks, and when.
#[derive(Debug, Clone)]
pub struct Asker {
    /// The device that asks: it keeps the steps it has begun. `None` when nobody in particular asks.
    pub ae_title: Option<AeTitle>,
    /// What it may see.
    pub scope: Scope,
    /// The moment that today is told from.
    pub now_ms: i64,
    /// Whether it gets nothing but the steps that it has or could do, whatever it asks for.
    pub own: bool,
    /// How many days ahead it sees; 0 is today. `None`: as far as it asks.
    pub days_ahead: Option<u32>,
}

impl Asker {
    /// Somebody who sees all of a scope.
    pub fn new(scope: Scope, now_ms: i64) -> Self {
        Self { ae_title: None, scope, now_ms, own: false, days_ahead: None }
    }
}

/// Whether every key of the query is one that the worklist knows: matched on where it has a value, answered where it
/// has none (PS3.4 K.4.1.1.4). What nothing is known of is answered too, without a value.
pub fn supports(query: &Query) -> bool {
    let returned = match &query.returns {
        Returns::Tags(paths) => paths.iter().all(|path| answer::holds(path)),
        Returns::All => true,
    };
    let is_matched = |filter: &Filter| steps::is_matched(filter) || physicians::is_key(&filter.path);
    returned && query.filters.iter().all(is_matched)
}

/// The paths of all attributes that a worklist query is matched by.
pub fn matched() -> Vec<Vec<Tag>> {
    steps::matched().into_iter().chain(physicians::KEYS.map(<[Tag]>::to_vec)).collect()
}

/// The paths of all attributes of an answer that may have a value.
pub fn returned() -> Vec<Vec<Tag>> {
    answer::paths()
}

/// The paths of those that are answered without one, whatever is ordered.
pub fn returned_without_value() -> Vec<Vec<Tag>> {
    answer::paths_without_value()
}

/// The steps that wait for a device, and those that one has begun, as answers: emergencies first,
/// then by time. Read in pages, whatever their number.
pub fn worklist(
    database: &Database,
    query: &Query,
    asker: Asker,
) -> impl Stream<Item = Result<DataSet>> + Send + Unpin + use<> {
    let walk = Walk {
        database: database.clone(),
        left: query.limit.map_or(usize::MAX, |limit| limit as usize),
        query: query.clone(),
        asker,
        matching: None,
        after: None,
        read: VecDeque::new(),
        ended: false,
    };
    Box::pin(stream::try_unfold(walk, |mut walk| async move {
        let answer = walk.next().await?;
        Ok(answer.map(|answer| (answer, walk)))
    }))
}

/// A step's place in the order of answers.
struct Place {
    routine: i64,
    date: String,
    time: String,
    id: ExamId,
}

/// A query on its way through the steps.
struct Walk {
    database: Database,
    query: Query,
    asker: Asker,
    /// Which steps match; known from the first page on.
    matching: Option<Conditions>,
    after: Option<Place>,
    read: VecDeque<DataSet>,
    left: usize,
    ended: bool,
}

impl Walk {
    async fn next(&mut self) -> Result<Option<DataSet>> {
        if self.left == 0 {
            return Ok(None);
        }
        while self.read.is_empty() && !self.ended {
            self.page().await?;
        }
        self.left -= 1;
        Ok(self.read.pop_front())
    }

    /// Whether answers are to carry an attribute of the top.
    fn asks(&self, tag: Tag) -> bool {
        match &self.query.returns {
            Returns::All => true,
            Returns::Tags(paths) => paths.iter().any(|path| path.first() == Some(&tag)),
        }
    }

    async fn page(&mut self) -> Result<()> {
        let mut conditions = match &self.matching {
            Some(matching) => matching.clone(),
            None => {
                let matching = steps::conditions(&self.database, &self.query, &self.asker).await?;
                self.matching.insert(matching).clone()
            }
        };
        if let Some(after) = self.after.take() {
            let place = [
                conditions.bind(after.routine),
                conditions.bind(after.date),
                conditions.bind(after.time),
                conditions.bind(after.id),
            ];
            conditions.push(format!("{PLACE} > ({})", place.join(", ")));
        }
        let sql = format!("{}{} order by {ORDER} limit {PAGE_ROWS}", exams::SELECT, conditions.clause());
        let rows = self.database.fetch(sqlx::AssertSqlSafe(sql), conditions.params).await?;
        let found: Vec<Exam> = rows.iter().map(exams::read).collect::<Result<_>>()?;
        self.ended = found.len() < PAGE;
        self.after = found.last().map(|exam| Place {
            routine: i64::from(!exam.emergency),
            date: exam.scheduled_date.clone(),
            time: exam.scheduled_time.clone(),
            id: exam.id,
        });
        let mut eligible = steps::eligible_devices(&self.database, &found).await?;
        let others = match self.asks(tags::OTHER_PATIENT_I_DS_SEQUENCE) {
            true => steps::other_numbers(&self.database, &found).await?,
            false => HashMap::new(),
        };
        for exam in found.iter().filter(|exam| physicians::match_step(&self.query, exam)) {
            let stations = stations(&self.query, exam, &mut eligible);
            let mut answer = answer::of(exam, &stations, others.get(&exam.id).map(String::as_str));
            answer::keep_asked(&mut answer, &self.query.returns);
            self.read.push_back(answer);
        }
        Ok(())
    }
}

const PLACE: &str = "(1 - o.emergency, s.scheduled_date, s.scheduled_time, s.id)";
const ORDER: &str = "1 - o.emergency, s.scheduled_date, s.scheduled_time, s.id";

/// The titles an answer names: the station the step has, else the one that was asked for, else all
/// that could do it.
fn stations(query: &Query, exam: &Exam, eligible: &mut HashMap<ExamId, Vec<String>>) -> Vec<String> {
    match (exam.station(), steps::asked_station(query)) {
        (Some(own), _) => vec![own.to_owned()],
        (None, Some(asked)) => vec![asked.to_owned()],
        (None, None) => eligible.remove(&exam.id).unwrap_or_default(),
    }
}
