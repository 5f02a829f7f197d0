//! Finding objects that are of no patient. They are few: those of the classes asked for are looked at one by one.

use futures::stream::{self, BoxStream, StreamExt as _, TryStreamExt as _};
use pacs_core::access::Scope;
use pacs_core::dataset::DataSet;
use pacs_core::json::{self, JsonLimits};
use pacs_core::matching;
use pacs_core::non_patient::Kind;
use pacs_core::query::Query;
use pacs_core::uid::Uid;

use super::{COLUMNS, place};
use crate::database::{Database, Param, Row, placeholders};
use crate::error::{Error, Result};
use crate::index::instances::InstancePlace;

/// Rows that are read at a time.
const PAGE: i64 = 100;

/// What is said of the objects of a kind that fulfil a query, those that came first before the others. An inventory
/// tells of the patients of a whole archive: it is for those who may see all of one.
pub fn find(
    database: &Database,
    kind: Kind,
    query: &Query,
    scope: &Scope,
) -> BoxStream<'static, Result<DataSet>> {
    let query = query.clone();
    let described = rows(database, kind, Vec::new(), scope).and_then(async |row| described(&row));
    described.try_filter(move |set| std::future::ready(matching::fulfils(set, &query))).boxed()
}

/// Where the objects of a kind with these UIDs lie.
pub fn places(
    database: &Database,
    kind: Kind,
    uids: &[Uid],
    scope: &Scope,
) -> BoxStream<'static, Result<InstancePlace>> {
    if uids.is_empty() {
        return stream::empty().boxed();
    }
    rows(database, kind, uids.to_vec(), scope).and_then(async |row| place(&row)).boxed()
}

/// The rows of what is served of a kind, with these UIDs or all.
fn rows(database: &Database, kind: Kind, uids: Vec<Uid>, scope: &Scope) -> BoxStream<'static, Result<Row>> {
    if kind.tells_of_patients() && *scope != Scope::All {
        return stream::empty().boxed();
    }
    let classes: Vec<&str> = kind.classes().collect();
    let mut sql = format!(
        "select {COLUMNS}, description from non_patient n where class in ({}) and id > ${}
             and not exists (select 1 from non_patient o where o.uid = n.uid and o.id < n.id)",
        placeholders(1, classes.len()),
        classes.len() + 1
    );
    if !uids.is_empty() {
        sql.push_str(&format!(" and uid in ({})", placeholders(classes.len() + 2, uids.len())));
    }
    sql.push_str(&format!(" order by id limit {PAGE}"));
    let database = database.clone();
    let page = move |after: Option<i64>| {
        let (database, sql) = (database.clone(), sql.clone());
        let mut params: Vec<Param> = classes.iter().map(|class| Param::from(*class)).collect();
        params.push(after.unwrap_or(0).into());
        params.extend(uids.iter().map(Param::from));
        async move {
            if after.is_none() {
                return Ok(None);
            }
            let rows = database.fetch(sqlx::AssertSqlSafe(sql), params).await?;
            let last = rows.last().map(|row| row.get::<i64>("id")).transpose()?;
            let next = last.filter(|_| i64::try_from(rows.len()) == Ok(PAGE));
            Ok::<_, Error>(Some((stream::iter(rows.into_iter().map(Ok)), next)))
        }
    };
    stream::try_unfold(Some(0), page).try_flatten().boxed()
}

/// The description of a row as a data set.
fn described(row: &Row) -> Result<DataSet> {
    let text: String = row.get("description")?;
    let limits = JsonLimits { document_bytes: text.len(), retained_bytes: usize::MAX };
    let odd = |why: String| Error::Corrupt(format!("a description: {why}"));
    let mut sets = json::parse(text.as_bytes(), &limits).map_err(|error| odd(error.to_string()))?;
    sets.pop().ok_or_else(|| odd("there is none".to_owned()))
}
