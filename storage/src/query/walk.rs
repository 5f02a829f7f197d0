//! Studies, series and instances in pages.

use std::cmp::Ordering;
use std::collections::VecDeque;
use std::future::ready;
use std::sync::Arc;

use futures::stream::{self, Stream, TryStreamExt as _};
use pacs_core::access::Scope;
use pacs_core::query::{Level, Query};

use super::ahead::Rows;
use super::answer::Answer;
use super::columns::matched_by;
use super::condition::Conditions;
use super::packed::Line;
use super::plan::{Cursor, Plan, plan};
use super::position::{Numbered, Position};
use super::shape::Shape;
use super::stop::{Columns, Stop};
use super::window::{self, Windows};
use crate::Result;
use crate::database::Database;
use crate::dialect;

/// Studies read at a time, and below them the studies whose series are read at a time.
const STUDIES: i64 = 200;
const STUDIES_OF_SERIES: i64 = 25;
/// Instances read at a time.
const INSTANCES: i64 = 500;

/// Answers at the study, series or instance level, a page at a time.
pub(super) fn pages(
    database: Database,
    query: Query,
    scope: Scope,
    after: Option<Position>,
) -> impl Stream<Item = Result<Vec<Answer>>> + Send {
    let shape = Arc::new(Shape::of(&query, &scope, database.engine()));
    let lines = stops::<Line>(database, query, scope, shape.columns.clone(), after);
    lines.and_then(move |page| {
        ready(Ok(page.into_iter().map(|line| Answer::new(line, Arc::clone(&shape))).collect()))
    })
}

/// Rows of `study t`, `series s` and `instance i`, down to the query's level, a page at a time. The first columns are
/// to be their place.
pub(super) fn stops<S: Stop>(
    database: Database,
    query: Query,
    scope: Scope,
    columns: Columns,
    after: Option<Position>,
) -> impl Stream<Item = Result<Vec<S>>> + Send {
    let walk = Walk {
        windows: Windows::at(query.level),
        left: query.limit.map_or(i64::MAX, i64::from),
        skip: i64::from(query.offset),
        columns,
        database,
        query,
        scope,
        plan: None,
        after: after.map(|position| position.cursor()),
        start: after,
        ended: false,
        series: VecDeque::new(),
        passed: None,
        held: None,
    };
    stream::try_unfold(walk, |mut walk| async move {
        let page = walk.next().await?;
        Ok(page.map(|page| (page, walk)))
    })
}

struct Walk {
    database: Database,
    query: Query,
    scope: Scope,
    columns: Columns,
    plan: Option<Plan>,
    /// Of a plan that sifts.
    windows: Windows,
    after: Option<Cursor>,
    /// The position that the walk begins behind, until its series has been reached.
    start: Option<Position>,
    /// Whether the last page of studies has been read.
    ended: bool,
    /// Series whose instances are still to be read, and the last of the first one's that has been.
    series: VecDeque<i64>,
    passed: Option<Numbered>,
    skip: i64,
    left: i64,
    /// What the page that was read last may hold.
    held: Option<Rows>,
}

impl Walk {
    /// The next page that is not empty.
    async fn next<S: Stop>(&mut self) -> Result<Option<Vec<S>>> {
        loop {
            if self.left <= 0 || (self.ended && self.series.is_empty()) {
                return Ok(None);
            }
            let page = match (self.query.level, self.series.front().copied()) {
                (Level::Instance, Some(series)) => self.instances(series).await?,
                (Level::Instance, None) => {
                    let studies = self.studies(STUDIES_OF_SERIES, &Columns::of_place(Level::Study)).await?;
                    let series: Vec<Line> =
                        self.series_of(&studies, &Columns::of_place(Level::Series)).await?;
                    let rows = series.iter().map(|series| Ok(series.series()?.1));
                    self.series = rows.collect::<Result<_>>()?;
                    continue;
                }
                (Level::Series, _) => {
                    let studies = self.studies(STUDIES_OF_SERIES, &Columns::of_place(Level::Study)).await?;
                    let columns = self.columns.clone();
                    self.series_of(&studies, &columns).await?
                }
                (Level::Patient | Level::Study, _) => {
                    let columns = self.columns.clone();
                    self.studies(STUDIES, &columns).await?
                }
            };
            let taken = self.take(page);
            if !taken.is_empty() {
                return Ok(Some(taken));
            }
        }
    }

    /// How many rows the next page may have: the one before it has been taken.
    fn page_of(&mut self, most: i64) -> i64 {
        self.held = None;
        self.held.insert(Rows::up_to(most)).count
    }

    /// The next page of studies.
    async fn studies<S: Stop>(&mut self, most: i64, columns: &Columns) -> Result<Vec<S>> {
        let plan = match self.plan.take() {
            Some(plan) => plan,
            None => plan(&self.database, &self.query, &self.scope).await?,
        };
        let rows = match plan.sifts() {
            true => self.sifted(&plan, most, columns).await,
            false => self.led(&plan, most, columns).await,
        };
        self.plan = Some(plan);
        rows
    }

    async fn led<S: Stop>(&mut self, plan: &Plan, most: i64, columns: &Columns) -> Result<Vec<S>> {
        let at_level = self.query.level == Level::Study;
        let limit = self.page_of(if at_level { most.min(self.left) } else { most });
        // What the caller leaves out is left out by the engine, without being read.
        let offset = if at_level { std::mem::take(&mut self.skip) } else { 0 };
        let (sql, conditions) =
            plan.page(&self.select::<S>(columns, Level::Study), self.after, limit, offset);
        let rows = S::fetch(&self.database, sql, conditions.params, columns.count()).await?;
        self.ended = i64::try_from(rows.len()).is_ok_and(|count| count < limit);
        if let Some(last) = rows.last() {
            self.after = Some(last.cursor()?);
        }
        Ok(rows)
    }

    /// The same within a window, of which all may be looked at in vain: there may be more where nothing was found.
    async fn sifted<S: Stop>(&mut self, plan: &Plan, most: i64, columns: &Columns) -> Result<Vec<S>> {
        let _turn = window::turn().await;
        let end = self.windows.end(&self.database, plan, self.after).await?;
        let at_level = self.query.level == Level::Study;
        // How many of those that the caller leaves out lie in a window is not known before they are read.
        let wanted = self.left.saturating_add(self.skip);
        let limit = self.page_of(if at_level { most.min(wanted) } else { most });
        let (sql, conditions) = plan.window(&self.select::<S>(columns, Level::Study), self.after, end, limit);
        let rows = S::fetch(&self.database, sql, conditions.params, columns.count()).await?;
        match rows.last() {
            Some(last) if i64::try_from(rows.len()).is_ok_and(|count| count >= limit) => {
                self.after = Some(last.cursor()?);
            }
            _ => {
                self.windows.passed();
                self.ended = end.is_none();
                self.after = end.or(self.after);
            }
        }
        Ok(rows)
    }

    /// The matching series of these studies, study by study.
    async fn series_of<S: Stop>(&mut self, studies: &[Line], columns: &Columns) -> Result<Vec<S>> {
        if studies.is_empty() {
            return Ok(Vec::new());
        }
        let ids = studies.iter().map(Stop::study).collect::<Result<Vec<_>>>()?;
        let mut conditions = Conditions::new(self.database.engine());
        let list = conditions.bind_all(ids);
        conditions.push(format!("s.study_id in ({list})"));
        filter(&mut conditions, &self.query, Level::Series);
        let sql = format!(
            "select {} from series s join study t on t.id = s.study_id{}
             order by t.newest_key desc, t.id desc, s.number, s.id",
            self.select::<S>(columns, Level::Series),
            conditions.clause()
        );
        let rows = S::fetch(&self.database, sql, conditions.params, columns.count()).await?;
        self.behind_start(rows)
    }

    fn select<S: Stop>(&self, columns: &Columns, level: Level) -> String {
        S::select(self.database.engine(), columns, Columns::of_place(level).count())
    }

    /// Leaves out the series up to the one that the walk begins behind, which may have gone meanwhile. That one itself
    /// is gone on with where its instances are asked for.
    fn behind_start<S: Stop>(&mut self, rows: Vec<S>) -> Result<Vec<S>> {
        let Some(start) = self.start.take() else { return Ok(rows) };
        let Some(series) = start.series else { return Ok(rows) };
        let nulls_first = dialect::sorts_nulls_first(self.database.engine());
        let order = |(number, id): Numbered| (number.is_some() == nulls_first, number, id);
        let mut behind = Vec::with_capacity(rows.len());
        for row in rows {
            if row.study()? == start.study {
                match order(row.series()?).cmp(&order(series)) {
                    Ordering::Less => continue,
                    Ordering::Equal if start.instance.is_none() => continue,
                    Ordering::Equal => self.passed = start.instance,
                    Ordering::Greater => {}
                }
            }
            behind.push(row);
        }
        Ok(behind)
    }

    /// The next matching instances of the series at hand.
    async fn instances<S: Stop>(&mut self, series: i64) -> Result<Vec<S>> {
        let mut conditions = Conditions::new(self.database.engine());
        let bound = conditions.bind(series);
        conditions.push(format!("i.series_id = {bound}"));
        if let Some(passed) = self.passed {
            behind(&mut conditions, passed);
        }
        filter(&mut conditions, &self.query, Level::Instance);
        let clause = conditions.clause();
        let most = self.page_of(INSTANCES);
        let limit = conditions.bind(most);
        let sql = format!(
            "select {} from instance i join series s on s.id = i.series_id join study t on t.id = s.study_id{clause}
             order by i.number, i.id limit {limit}",
            self.select::<S>(&self.columns, Level::Instance)
        );
        let rows = S::fetch(&self.database, sql, conditions.params, self.columns.count()).await?;
        match rows.last() {
            Some(last) if i64::try_from(rows.len()).is_ok_and(|count| count >= most) => {
                self.passed = Some(last.instance()?);
            }
            _ => {
                self.series.pop_front();
                self.passed = None;
            }
        }
        Ok(rows)
    }

    /// The rows that are neither skipped nor beyond the limit.
    fn take<S>(&mut self, rows: Vec<S>) -> Vec<S> {
        let count = i64::try_from(rows.len()).unwrap_or(i64::MAX);
        let skipped = self.skip.min(count);
        self.skip -= skipped;
        let taken = (count - skipped).min(self.left);
        self.left -= taken;
        let (skipped, taken) = (usize::try_from(skipped).unwrap_or(0), usize::try_from(taken).unwrap_or(0));
        rows.into_iter().skip(skipped).take(taken).collect()
    }
}

/// Adds the filters of the query on attributes of that level, and that nothing rejected is shown at it.
pub(super) fn filter(conditions: &mut Conditions, query: &Query, level: Level) {
    match (level, query.level) {
        (Level::Series, Level::Series | Level::Instance) => conditions.push("s.instance_count > 0".into()),
        (Level::Instance, Level::Instance) => conditions.push("i.rejection_id is null".into()),
        _ => {}
    }
    for filter in &query.filters {
        if let Some(column) = matched_by(&filter.path, query.level).filter(|column| column.level == level) {
            conditions.matching(column, &filter.matching);
        }
    }
}

/// The instances of a series that come behind one, in the order of their index.
fn behind(conditions: &mut Conditions, (number, id): Numbered) {
    let id = conditions.bind(id);
    let condition = match (number, dialect::sorts_nulls_first(conditions.engine)) {
        (None, true) => format!("(i.number is not null or i.id > {id})"),
        (None, false) => format!("i.number is null and i.id > {id}"),
        (Some(number), nulls_first) => {
            let number = conditions.bind(number);
            let greater = format!("(i.number, i.id) > ({number}, {id})");
            if nulls_first { greater } else { format!("({greater} or i.number is null)") }
        }
    };
    conditions.push(condition);
}
