//! Values on their way into a statement.

use sqlx::SqlSafeStr;
use sqlx::postgres::{PgArguments, Postgres};
use sqlx::query::Query;
use sqlx::sqlite::{Sqlite, SqliteArguments};

/// A value bound to a `$n`. Absence keeps its type, because PostgreSQL wants to know it.
#[derive(Debug, Clone, PartialEq)]
pub enum Param {
    /// A number, a flag (0 or 1) or a time in ms.
    Int(Option<i64>),
    /// Text; NUL characters, which PostgreSQL cannot hold, are left out.
    Text(Option<String>),
    /// Bytes.
    Bytes(Option<Vec<u8>>),
}

/// The parameters of a statement, in the order of their numbers.
macro_rules! params {
    ($($value:expr),* $(,)?) => { vec![$($crate::database::Param::from($value)),*] };
}
pub(crate) use params;

impl From<i64> for Param {
    fn from(value: i64) -> Self {
        Self::Int(Some(value))
    }
}
impl From<u32> for Param {
    fn from(value: u32) -> Self {
        Self::Int(Some(i64::from(value)))
    }
}
impl From<bool> for Param {
    fn from(value: bool) -> Self {
        Self::Int(Some(i64::from(value)))
    }
}
impl From<Option<i64>> for Param {
    fn from(value: Option<i64>) -> Self {
        Self::Int(value)
    }
}
impl From<&str> for Param {
    fn from(value: &str) -> Self {
        Self::Text(Some(storable(value.to_owned())))
    }
}
impl From<String> for Param {
    fn from(value: String) -> Self {
        Self::Text(Some(storable(value)))
    }
}
impl From<&String> for Param {
    fn from(value: &String) -> Self {
        Self::from(value.as_str())
    }
}
impl From<Option<&str>> for Param {
    fn from(value: Option<&str>) -> Self {
        Self::Text(value.map(|text| storable(text.to_owned())))
    }
}
impl From<Option<String>> for Param {
    fn from(value: Option<String>) -> Self {
        Self::Text(value.map(storable))
    }
}
impl From<&Option<String>> for Param {
    fn from(value: &Option<String>) -> Self {
        Self::from(value.as_deref())
    }
}
impl From<&pacs_core::uid::Uid> for Param {
    fn from(value: &pacs_core::uid::Uid) -> Self {
        Self::from(value.as_str())
    }
}
impl From<&[u8]> for Param {
    fn from(value: &[u8]) -> Self {
        Self::Bytes(Some(value.to_vec()))
    }
}
impl From<&[u8; 32]> for Param {
    fn from(value: &[u8; 32]) -> Self {
        Self::Bytes(Some(value.to_vec()))
    }
}

fn storable(mut text: String) -> String {
    if text.contains('\0') {
        text.retain(|c| c != '\0');
    }
    text
}

/// `$first, $first+1, …`: the list of `count` placeholders.
pub(crate) fn placeholders(first: usize, count: usize) -> String {
    let mut list = String::with_capacity(count * 5);
    for n in first..first + count {
        if n > first {
            list.push_str(", ");
        }
        list.push('$');
        list.push_str(&n.to_string());
    }
    list
}

/// `one = $3, two = $4`: the columns of a list set to the parameters from `first` on.
pub(crate) fn assignments(columns: &str, first: usize) -> String {
    let columns = columns.split(',').enumerate();
    let set: Vec<String> =
        columns.map(|(at, column)| format!("{} = ${}", column.trim(), first + at)).collect();
    set.join(", ")
}

pub(super) fn for_sqlite(
    sql: impl SqlSafeStr,
    params: Vec<Param>,
) -> Query<'static, Sqlite, SqliteArguments> {
    params.into_iter().fold(sqlx::query(sql), |query, param| match param {
        Param::Int(value) => query.bind(value),
        Param::Text(value) => query.bind(value),
        Param::Bytes(value) => query.bind(value),
    })
}

pub(super) fn for_postgres(
    sql: impl SqlSafeStr,
    params: Vec<Param>,
) -> Query<'static, Postgres, PgArguments> {
    params.into_iter().fold(sqlx::query(sql), |query, param| match param {
        Param::Int(value) => query.bind(value),
        Param::Text(value) => query.bind(value),
        Param::Bytes(value) => query.bind(value),
    })
}
