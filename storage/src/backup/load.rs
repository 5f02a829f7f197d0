//! The rows of a snapshot into an empty database, in one transaction.

use std::collections::{BTreeMap, HashSet};

use serde_json::Value;

use super::input::Input;
use super::manifest::{self, Manifest};
use super::rows::{Kind, Said};
use super::{Target, key_of};
use crate::database::{Database, Durability, Engine, Param, Transaction, params, placeholders};
use crate::dialect::whole;
use crate::error::{Error, Result};

/// Values of one statement: SQLite takes 32,766, PostgreSQL 65,535.
const VALUES: usize = 30_000;
const ROWS: usize = 500;
/// About the most bytes of one statement.
const STATEMENT_BYTES: usize = 4 << 20;
/// Says in the rows themselves which snapshot they were restored from.
const RESTORED: &str = "backup.restored";

/// A line of the rows.
enum Line {
    Said(Said),
    Row(Vec<Param>),
}

/// The snapshot that the rows were restored from; `None` when they never were.
pub(super) async fn restored(database: &Database) -> Result<Option<String>> {
    let sql = "select value from setting where key = $1";
    let found = database.fetch_optional(sql, params![RESTORED]).await?;
    found.map(|row| row.get("value")).transpose()
}

/// A table that has rows already, if there is one: nothing is loaded over somebody's data.
pub(super) async fn occupied(database: &Database) -> Result<Option<String>> {
    let mut tables: Vec<String> = Vec::new();
    for row in database.fetch(whole::columns(database.engine()), params![]).await? {
        tables.push(row.get("table_name")?);
    }
    tables.dedup();
    for table in tables.into_iter().filter(|table| table != "migration") {
        let sql = format!("select 1 from {table} limit 1");
        if database.fetch_optional(sqlx::AssertSqlSafe(sql), params![]).await?.is_some() {
            return Ok(Some(table));
        }
    }
    Ok(None)
}

/// Loads the rows; all of them are there when this returns, or none.
pub(super) async fn load(
    database: &Database,
    target: &Target,
    manifest: &Manifest,
    now_ms: i64,
) -> Result<u64> {
    let path = key_of(&manifest.snapshot, manifest::ROWS);
    let mut columns: Vec<(String, Kind)> = Vec::new();
    let parse = move |line: &[u8]| {
        let parsed = parse(line, &columns);
        if let Ok(Line::Said(Said { table: Some(_), columns: of_table, .. })) = &parsed {
            columns.clone_from(of_table);
        }
        parsed
    };
    let mut input = Input::begin(target, &path, manifest.rows.clone(), parse).await?;
    let mut tx = database.begin(Durability::Synced).await?;
    if tx.engine() == Engine::Postgres {
        // Rows come as fast as the backup gives them.
        tx.execute("set local idle_in_transaction_session_timeout = 0", params![]).await?;
    }
    let suspended = whole::suspend_references(&mut tx).await?;
    let known = known_columns(&mut tx).await?;
    let mut batch = Batch::default();
    let (mut rows, mut numbers, mut said_rows) = (0u64, BTreeMap::new(), None);
    while let Some(line) = input.next().await? {
        match line {
            Line::Row(values) => {
                rows += 1;
                batch.add(values, &mut tx).await?;
            }
            Line::Said(said) => {
                batch.flush(&mut tx).await?;
                if let Some(table) = said.table {
                    let names: Vec<String> = said.columns.into_iter().map(|(name, _)| name).collect();
                    // Only names that the schema has become part of a statement.
                    if let Some(name) =
                        names.iter().find(|name| !known.contains(&(table.clone(), (*name).clone())))
                    {
                        return Err(Error::Corrupt(format!(
                            "the rows name a column {table}.{name} that is not there"
                        )));
                    }
                    batch = Batch::of(table, names);
                }
                numbers.extend(said.numbers.unwrap_or_default());
                said_rows = said.rows.or(said_rows);
            }
        }
    }
    if said_rows != Some(rows) {
        return Err(Error::Corrupt("the rows end early".to_owned()));
    }
    for table in whole::numbered_tables(&mut tx).await? {
        let number = numbers.get(&table).copied().unwrap_or(0);
        whole::number_from(&mut tx, &table, number).await?;
    }
    tx.execute(
        "insert into setting (key, value) values ($1, $2) on conflict (key) do update set value = excluded.value",
        params![RESTORED, &manifest.snapshot],
    )
    .await?;
    manifest.lineage.restored(now_ms).note(&mut tx).await?;
    whole::resume_references(&mut tx, suspended).await?;
    tx.commit().await?;
    Ok(rows)
}

async fn known_columns(tx: &mut Transaction) -> Result<HashSet<(String, String)>> {
    let rows = tx.fetch(whole::columns(tx.engine()), params![]).await?;
    rows.iter().map(|row| Ok((row.get("table_name")?, row.get("column_name")?))).collect()
}

fn parse(line: &[u8], columns: &[(String, Kind)]) -> Result<Line> {
    let damaged = |why: String| Error::Corrupt(format!("the rows of a backup: {why}"));
    if line.first() != Some(&b'[') {
        return serde_json::from_slice(line).map(Line::Said).map_err(|error| damaged(error.to_string()));
    }
    let values: Vec<Value> = serde_json::from_slice(line).map_err(|error| damaged(error.to_string()))?;
    if values.len() != columns.len() {
        return Err(damaged("a row has another number of values".to_owned()));
    }
    let values = values.into_iter().zip(columns).map(|(value, (name, kind))| {
        param(value, *kind).ok_or_else(|| damaged(format!("a value of {name} is of another kind")))
    });
    values.collect::<Result<_>>().map(Line::Row)
}

fn param(value: Value, kind: Kind) -> Option<Param> {
    Some(match (kind, value) {
        (Kind::Int, Value::Null) => Param::Int(None),
        (Kind::Int, Value::Number(number)) => Param::Int(Some(number.as_i64()?)),
        (Kind::Text, Value::Null) => Param::Text(None),
        (Kind::Text, Value::String(text)) => Param::from(text),
        (Kind::Bytes, Value::Null) => Param::Bytes(None),
        (Kind::Bytes, Value::String(digits)) => Param::Bytes(Some(bytes(&digits)?)),
        _ => return None,
    })
}

fn bytes(digits: &str) -> Option<Vec<u8>> {
    let pairs = digits.as_bytes().chunks(2);
    pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}

/// Rows of one table that go into one statement.
#[derive(Default)]
struct Batch {
    table: String,
    columns: Vec<String>,
    values: Vec<Param>,
    rows: usize,
    bytes: usize,
}

impl Batch {
    fn of(table: String, columns: Vec<String>) -> Self {
        Self { table, columns, ..Self::default() }
    }

    async fn add(&mut self, values: Vec<Param>, tx: &mut Transaction) -> Result<()> {
        let size = |value: &Param| match value {
            Param::Int(_) => 8,
            Param::Text(text) => text.as_ref().map_or(0, String::len),
            Param::Bytes(bytes) => bytes.as_ref().map_or(0, Vec::len),
        };
        self.bytes += values.iter().map(size).sum::<usize>();
        self.values.extend(values);
        self.rows += 1;
        let is_full = self.rows >= ROWS || self.values.len() + self.columns.len() > VALUES;
        if is_full || self.bytes >= STATEMENT_BYTES { self.flush(tx).await } else { Ok(()) }
    }

    async fn flush(&mut self, tx: &mut Transaction) -> Result<()> {
        if self.rows == 0 {
            return Ok(());
        }
        let width = self.columns.len();
        let rows: Vec<String> =
            (0..self.rows).map(|row| format!("({})", placeholders(row * width + 1, width))).collect();
        let sql =
            format!("insert into {} ({}) values {}", self.table, self.columns.join(", "), rows.join(", "));
        tx.execute(sqlx::AssertSqlSafe(sql), std::mem::take(&mut self.values)).await?;
        (self.rows, self.bytes) = (0, 0);
        Ok(())
    }
}
