//! What a walk comes by: rows of `study t`, `series s` and `instance i` whose first columns are their place in the order.

use std::future::Future;

use pacs_core::query::Level;

use super::packed::{self, Line};
use super::position::{Numbered, Position};
use crate::database::{Database, Engine, Param, Row};
use crate::{Error, Result};

/// The columns that rows of a walk at a level begin with.
const fn place(level: Level) -> &'static [&'static str] {
    match level {
        Level::Patient | Level::Study => &["t.id", "t.newest_key"],
        Level::Series => &["t.id", "t.newest_key", "s.number", "s.id"],
        Level::Instance => &["t.id", "t.newest_key", "s.number", "s.id", "i.number", "i.id"],
    }
}

/// What is read of each row.
#[derive(Debug, Clone, Default)]
pub(super) struct Columns {
    /// Numbers and texts, one expression each, or several with commas between where rows are read by name; the first
    /// ones are the row's place.
    pub values: Vec<String>,
    /// Texts that are JSON as they lie there.
    pub json: Vec<String>,
}

impl Columns {
    /// The place of the rows of a walk at a level, and nothing else of them.
    pub fn of_place(level: Level) -> Self {
        Self { values: place(level).iter().map(|column| (*column).to_owned()).collect(), json: Vec::new() }
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.values.len() + self.json.len()
    }
}

/// A row of a walk, as it is handed over: by itself, or packed with the others of its page.
pub(super) trait Stop: Sized + Send {
    /// The select list of such rows; the first `places` columns are their place.
    fn select(engine: Engine, columns: &Columns, places: usize) -> String;

    /// The rows that a statement with such a select list finds, of so many columns.
    fn fetch(
        database: &Database,
        sql: String,
        params: Vec<Param>,
        columns: usize,
    ) -> impl Future<Output = Result<Vec<Self>>> + Send;

    /// The number in a column of its place.
    fn number(&self, index: usize) -> Result<Option<i64>>;

    /// The row of its study.
    fn study(&self) -> Result<i64> {
        self.some(0)
    }

    /// Its place among studies.
    fn cursor(&self) -> Result<(i64, i64)> {
        Ok((self.some(1)?, self.some(0)?))
    }

    /// Number and row of its series.
    fn series(&self) -> Result<Numbered> {
        Ok((self.number(2)?, self.some(3)?))
    }

    /// Number and row of its instance.
    fn instance(&self) -> Result<Numbered> {
        Ok((self.number(4)?, self.some(5)?))
    }

    /// The place as a position that can be gone on behind.
    fn position(&self, level: Level) -> Result<Position> {
        let (newest_key, study) = self.cursor()?;
        let series = (level >= Level::Series).then(|| self.series()).transpose()?;
        let instance = (level >= Level::Instance).then(|| self.instance()).transpose()?;
        Ok(Position { newest_key, study, series, instance })
    }

    /// A number that all rows have.
    fn some(&self, index: usize) -> Result<i64> {
        self.number(index)?.ok_or_else(|| Error::Corrupt(format!("a row has no number in column {index}")))
    }
}

impl Stop for Line {
    fn select(engine: Engine, columns: &Columns, _places: usize) -> String {
        packed::select(engine, columns)
    }

    async fn fetch(
        database: &Database,
        sql: String,
        params: Vec<Param>,
        columns: usize,
    ) -> Result<Vec<Self>> {
        packed::fetch(database, &sql, params, columns).await
    }

    fn number(&self, index: usize) -> Result<Option<i64>> {
        self.number(index)
    }
}

/// Whoever walks over rows reads the columns behind the place by their names.
impl Stop for Row {
    fn select(_engine: Engine, columns: &Columns, places: usize) -> String {
        let named = columns.values.iter().enumerate().map(|(index, column)| match index < places {
            true => format!("{column} as place_{index}"),
            false => column.clone(),
        });
        named.chain(columns.json.iter().cloned()).collect::<Vec<_>>().join(", ")
    }

    async fn fetch(
        database: &Database,
        sql: String,
        params: Vec<Param>,
        _columns: usize,
    ) -> Result<Vec<Self>> {
        database.fetch(sqlx::AssertSqlSafe(sql), params).await
    }

    fn number(&self, index: usize) -> Result<Option<i64>> {
        self.at(index)
    }
}
