//! All rows of one moment as lines of JSON.
//!
//! ```text
//! {"schema":16}
//! {"table":"patient","columns":[["id","int"],["identifier","text"], …]}
//! [1,"4711", …]                                  bytes as hexadecimal digits
//! {"numbers":{"event":55, …}}                    the last number that a table has given
//! {"rows":1234}
//! ```

use std::collections::{BTreeMap, HashSet};
use std::io::Write as _;

use futures::StreamExt as _;
use serde::{Deserialize, Serialize};

use super::manifest::{self, Part};
use super::output::Output;
use super::{Source, Target, key_of};
use crate::database::{Row, Snapshot, params};
use crate::dialect::whole;
use crate::error::{Error, Result};
use crate::spool::entry::padding_bytes;

/// Tables that belong to this database and are nothing to go back to: how its schema came about, who holds it,
/// which backups there are, and whose browser is signed in.
const OWN: [&str; 4] = ["migration", "node_lease", "backup", "session"];

/// Of what kind a column's values are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    Int,
    Text,
    Bytes,
}

/// What a line that is no row says.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Said {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schema: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub table: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<(String, Kind)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub numbers: Option<BTreeMap<String, i64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rows: Option<u64>,
}

/// Rows that were exported, and what else their moment tells.
pub(super) struct Exported {
    pub part: Part,
    pub rows: u64,
    pub schema: i64,
    /// Segments of the spool that something lies in, with the end of the last entry that has a row.
    pub segments: Vec<(i64, u64)>,
    pub packs: Packs,
}

/// The packs that a moment names: all up to the newest one but those that had been deleted.
pub(super) struct Packs {
    pub newest: i64,
    pub deleted: HashSet<i64>,
}

/// Writes all rows of this moment into a snapshot.
pub(super) async fn export(source: &Source, target: &Target, snapshot: &str) -> Result<Exported> {
    let schema = source.database.schema_version().await?;
    let mut moment = source.database.snapshot().await?;
    let segments = segments(&mut moment).await?;
    let packs = packs(&mut moment).await?;
    let mut output = Output::begin(&target.objects, key_of(snapshot, manifest::ROWS));
    match write_all(&mut moment, &mut output, schema).await {
        Ok(rows) => Ok(Exported { part: output.finish().await?, rows, schema, segments, packs }),
        Err(error) => {
            output.discard().await;
            Err(error)
        }
    }
}

async fn packs(moment: &mut Snapshot) -> Result<Packs> {
    let newest = moment.fetch("select coalesce(max(id), 0) as newest from pack", params![]).await?;
    let newest = newest.first().ok_or(Error::NotFound)?.get("newest")?;
    // Few: their rows go with their objects, an hour later. By the time in a row it cannot be told: a deletion may
    // have looked at the clock before this moment and be committed behind it.
    let deleted = moment.fetch("select id from pack where deleted_ms is not null", params![]).await?;
    let deleted = deleted.iter().map(|row| row.get("id")).collect::<Result<_>>()?;
    Ok(Packs { newest, deleted })
}

async fn segments(moment: &mut Snapshot) -> Result<Vec<(i64, u64)>> {
    let sql =
        "select segment_id, offset_bytes, length_bytes from instance where segment_id is not null union all
         select segment_id, offset_bytes, length_bytes from instance_version where segment_id is not null";
    let mut ends = BTreeMap::<i64, u64>::new();
    let mut rows = moment.stream(sql, params![]);
    while let Some(row) = rows.next().await.transpose()? {
        let unsigned =
            |number: i64| u64::try_from(number).map_err(|_| Error::Corrupt("a place is negative".into()));
        let length = unsigned(row.at(2)?)?;
        let end = unsigned(row.at(1)?)?.saturating_add(length).saturating_add(padding_bytes(length));
        let known = ends.entry(row.at(0)?).or_default();
        *known = end.max(*known);
    }
    Ok(ends.into_iter().collect())
}

async fn write_all(moment: &mut Snapshot, output: &mut Output, schema: i64) -> Result<u64> {
    say(output, &Said { schema: Some(schema), ..Said::default() })?;
    let mut rows = 0;
    for (table, columns) in tables(moment).await? {
        let names: Vec<&str> = columns.iter().map(|(name, _)| name.as_str()).collect();
        let sql = format!("select {} from {table}", names.join(", "));
        say(output, &Said { table: Some(table), columns: columns.clone(), ..Said::default() })?;
        let mut found = moment.stream(sqlx::AssertSqlSafe(sql), params![]);
        while let Some(row) = found.next().await.transpose()? {
            write(&row, &columns, output.line())?;
            output.send().await?;
            rows += 1;
        }
    }
    let mut numbers = BTreeMap::new();
    for row in moment.fetch(whole::numbers(moment.engine()), params![]).await? {
        numbers.insert(row.get("table_name")?, row.get("number")?);
    }
    say(output, &Said { numbers: Some(numbers), ..Said::default() })?;
    say(output, &Said { rows: Some(rows), ..Said::default() })?;
    Ok(rows)
}

/// The tables that are copied, with their columns.
async fn tables(moment: &mut Snapshot) -> Result<Vec<(String, Vec<(String, Kind)>)>> {
    let mut tables = BTreeMap::<String, Vec<(String, Kind)>>::new();
    for row in moment.fetch(whole::columns(moment.engine()), params![]).await? {
        let (table, column): (String, String) = (row.get("table_name")?, row.get("column_name")?);
        let kind = match row.get::<String>("kind")?.as_str() {
            "bigint" | "integer" => Kind::Int,
            "text" => Kind::Text,
            "blob" | "bytea" => Kind::Bytes,
            other => {
                return Err(Error::internal(
                    "export rows",
                    format!("{table}.{column} is of the kind {other}"),
                ));
            }
        };
        tables.entry(table).or_default().push((column, kind));
    }
    tables.retain(|table, _| !OWN.contains(&table.as_str()));
    Ok(tables.into_iter().collect())
}

fn say(output: &mut Output, said: &Said) -> Result<()> {
    serde_json::to_writer(&mut *output.line(), said).map_err(unwritten)?;
    output.line().push(b'\n');
    Ok(())
}

fn write(row: &Row, columns: &[(String, Kind)], line: &mut Vec<u8>) -> Result<()> {
    for (at, (_, kind)) in columns.iter().enumerate() {
        line.push(if at == 0 { b'[' } else { b',' });
        match kind {
            Kind::Int => match row.at::<Option<i64>>(at)? {
                Some(number) => write!(line, "{number}").map_err(unwritten)?,
                None => line.extend_from_slice(b"null"),
            },
            Kind::Text => match row.text(at)? {
                Some(text) => serde_json::to_writer(&mut *line, text).map_err(unwritten)?,
                None => line.extend_from_slice(b"null"),
            },
            Kind::Bytes => match row.at::<Option<Vec<u8>>>(at)? {
                Some(bytes) => {
                    line.push(b'"');
                    for byte in bytes {
                        write!(line, "{byte:02x}").map_err(unwritten)?;
                    }
                    line.push(b'"');
                }
                None => line.extend_from_slice(b"null"),
            },
        }
    }
    line.extend_from_slice(b"]\n");
    Ok(())
}

fn unwritten(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::internal("export rows", error)
}
