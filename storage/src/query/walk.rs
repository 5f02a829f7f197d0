//! Studies, series and instances in pages.

use std::collections::VecDeque;

use futures::stream::{self, Stream, StreamExt as _};
use pacs_core::access::Scope;
use pacs_core::dataset::DataSet;
use pacs_core::query::{Level, Query};

use super::answer::{self, Shape};
use super::columns::matched_by;
use super::condition::Conditions;
use super::plan::{Cursor, Plan, plan};
use crate::Result;
use crate::database::{Database, Row};

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
) -> impl Stream<Item = Result<Vec<DataSet>>> + Send {
    let shape = Shape::of(&query, &scope);
    let rows = rows(database, query, scope, shape.select.clone());
    rows.map(move |page| page?.iter().map(|row| answer::of(row, &shape)).collect())
}

/// Rows of `study t`, `series s` and `instance i`, down to the query's level, a page at a time.
/// At the study level the select list has to have `id` and `newest_key`.
pub(super) fn rows(
    database: Database,
    query: Query,
    scope: Scope,
    select: String,
) -> impl Stream<Item = Result<Vec<Row>>> + Send {
    let walk = Walk {
        left: query.limit.map_or(i64::MAX, i64::from),
        skip: i64::from(query.offset),
        select,
        database,
        query,
        scope,
        plan: None,
        after: None,
        ended: false,
        series: VecDeque::new(),
        instance_offset: 0,
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
    select: String,
    plan: Option<Plan>,
    after: Option<Cursor>,
    /// Whether the last page of studies has been read.
    ended: bool,
    /// Series whose instances are still to be read, and how many of the first one's have been.
    series: VecDeque<i64>,
    instance_offset: i64,
    skip: i64,
    left: i64,
}

impl Walk {
    /// The next page that is not empty.
    async fn next(&mut self) -> Result<Option<Vec<Row>>> {
        loop {
            if self.left <= 0 || (self.ended && self.series.is_empty()) {
                return Ok(None);
            }
            let page = match (self.query.level, self.series.front().copied()) {
                (Level::Instance, Some(series)) => self.instances(series).await?,
                (Level::Instance, None) => {
                    let studies = self.studies(STUDIES_OF_SERIES, "t.id, t.newest_key").await?;
                    let rows = self.series_of(&studies, "s.id").await?;
                    self.series = rows.iter().map(|row| row.at(0)).collect::<Result<_>>()?;
                    continue;
                }
                (Level::Series, _) => {
                    let studies = self.studies(STUDIES_OF_SERIES, "t.id, t.newest_key").await?;
                    let select = self.select.clone();
                    self.series_of(&studies, &select).await?
                }
                (Level::Patient | Level::Study, _) => {
                    let select = self.select.clone();
                    self.studies(STUDIES, &select).await?
                }
            };
            let taken = self.take(page);
            if !taken.is_empty() {
                return Ok(Some(taken));
            }
        }
    }

    /// The next page of studies; the first two columns are the cursor.
    async fn studies(&mut self, most: i64, select: &str) -> Result<Vec<Row>> {
        let plan = match &mut self.plan {
            Some(plan) => plan,
            None => self.plan.insert(plan(&self.database, &self.query, &self.scope).await?),
        };
        let at_level = self.query.level == Level::Study;
        let limit = if at_level { most.min(self.left) } else { most };
        // What the caller leaves out is left out by the engine, without being read.
        let offset = if at_level { std::mem::take(&mut self.skip) } else { 0 };
        let (sql, conditions) = plan.page(select, self.after, limit, offset);
        let rows = self.database.fetch(sqlx::AssertSqlSafe(sql), conditions.params).await?;
        self.ended = i64::try_from(rows.len()).is_ok_and(|count| count < limit);
        if let Some(last) = rows.last() {
            self.after = Some((last.get("newest_key")?, last.get("id")?));
        }
        Ok(rows)
    }

    /// The matching series of these studies, study by study.
    async fn series_of(&self, studies: &[Row], select: &str) -> Result<Vec<Row>> {
        if studies.is_empty() {
            return Ok(Vec::new());
        }
        let ids = studies.iter().map(|row| row.get::<i64>("id")).collect::<Result<Vec<_>>>()?;
        let mut conditions = Conditions::new(self.database.engine());
        let list = conditions.bind_all(ids);
        conditions.push(format!("s.study_id in ({list})"));
        self.filter(&mut conditions, Level::Series);
        let sql = format!(
            "select {select} from series s join study t on t.id = s.study_id{}
             order by t.newest_key desc, t.id desc, s.number, s.id",
            conditions.clause()
        );
        self.database.fetch(sqlx::AssertSqlSafe(sql), conditions.params).await
    }

    /// The next matching instances of the series at hand.
    async fn instances(&mut self, series: i64) -> Result<Vec<Row>> {
        let mut conditions = Conditions::new(self.database.engine());
        let bound = conditions.bind(series);
        conditions.push(format!("i.series_id = {bound}"));
        self.filter(&mut conditions, Level::Instance);
        let clause = conditions.clause();
        let (limit, offset) = (conditions.bind(INSTANCES), conditions.bind(self.instance_offset));
        let sql = format!(
            "select {} from instance i join series s on s.id = i.series_id join study t on t.id = s.study_id{clause}
             order by i.number, i.id limit {limit} offset {offset}",
            self.select
        );
        let rows = self.database.fetch(sqlx::AssertSqlSafe(sql), conditions.params).await?;
        if i64::try_from(rows.len()).is_ok_and(|count| count < INSTANCES) {
            self.series.pop_front();
            self.instance_offset = 0;
        } else {
            self.instance_offset += INSTANCES;
        }
        Ok(rows)
    }

    /// The filters on attributes of that level.
    fn filter(&self, conditions: &mut Conditions, level: Level) {
        for filter in &self.query.filters {
            if let Some(column) =
                matched_by(&filter.path, self.query.level).filter(|column| column.level == level)
            {
                conditions.matching(column, &filter.matching);
            }
        }
    }

    /// The rows that are neither skipped nor beyond the limit.
    fn take(&mut self, rows: Vec<Row>) -> Vec<Row> {
        let count = i64::try_from(rows.len()).unwrap_or(i64::MAX);
        let skipped = self.skip.min(count);
        self.skip -= skipped;
        let taken = (count - skipped).min(self.left);
        self.left -= taken;
        let (skipped, taken) = (usize::try_from(skipped).unwrap_or(0), usize::try_from(taken).unwrap_or(0));
        rows.into_iter().skip(skipped).take(taken).collect()
    }
}
