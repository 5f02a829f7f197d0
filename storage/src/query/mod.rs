//! `pacs_core::query` over the rows: newest first, in bounded memory, within the asker's scope.
//!
//! Studies are walked in pages by key, never held open between pages; series and instances are
//! read below the studies of a page. What drives a page is chosen by [`plan`]: a unique key, an
//! identifier, the rarest word of a name, or the newest studies. What none of these leads to is looked for
//! in windows ([`window`]). What instances are asked for and rows do not hold is read from headers ([`headers`]).

mod ahead;
mod answer;
mod below;
pub(crate) mod columns;
pub(crate) mod condition;
mod count;
mod headers;
pub(crate) mod names;
pub(crate) mod numbers;
mod packed;
mod patients;
mod places;
mod plan;
mod position;
mod shape;
mod stop;
mod walk;
pub(crate) mod window;

use std::future::ready;

use futures::stream::{self, Stream, StreamExt as _, TryStreamExt as _};
use pacs_core::Tag;
use pacs_core::access::Scope;
use pacs_core::dataset::DataSet;
use pacs_core::query::{Level, Query, Returns};

use crate::database::Database;
use crate::{Archive, Result};

pub use answer::Answer;
pub use count::{Count, count};
pub use packed::Held;
pub use places::find_places;
pub(crate) use plan::{Cursor, plan_list};
pub use position::Position;
pub use shape::{Field, is_of_header};

/// Whether every key of the query is supported: matched on where it has a value, and answered where it
/// has none. One that is not matched on is passed over, so that it matches everything; one that is not
/// answered comes back empty (PS3.4 C.2.2.1.3, C.4.1.1.4).
pub fn supports(query: &Query) -> bool {
    let matched = query.filters.iter().all(|filter| is_matched(&filter.path, query.level));
    let held = |path: &Vec<Tag>| path.first().is_some_and(|tag| shape::holds(*tag, query.level));
    matched
        && match &query.returns {
            Returns::Tags(paths) => paths.iter().all(held),
            Returns::All => true,
        }
}

/// The answers to a query, as data sets in UTF-8 with every return key that the rows hold; return
/// keys they do not hold are empty. A page of rows is read at a time.
pub fn find(
    database: &Database,
    query: &Query,
    scope: &Scope,
) -> impl Stream<Item = Result<DataSet>> + Send + Unpin + use<> {
    let pages = match query.level {
        Level::Patient => patients::pages(database.clone(), query.clone(), scope.clone()).left_stream(),
        _ => {
            let pages = walk::pages(database.clone(), query.clone(), scope.clone(), None);
            pages.and_then(|page| ready(page.iter().map(Answer::data_set).collect())).right_stream()
        }
    };
    Box::pin(one_by_one(pages))
}

/// As [`find`], with what of the instances' headers was asked for ([`is_of_header`]). Who asks for nothing of them has
/// none read.
pub fn find_with_headers(
    archive: &Archive,
    query: &Query,
    scope: &Scope,
) -> impl Stream<Item = Result<DataSet>> + Send + Unpin + use<> {
    match query.level {
        Level::Instance => {
            let answers = find_after_with_headers(archive, query, scope, None);
            Box::pin(answers.and_then(|answer| ready(answer.data_set()))).left_stream()
        }
        _ => find(archive.database(), query, scope).right_stream(),
    }
}

/// As [`find_after`], with what of the instances' headers was asked for ([`is_of_header`]).
pub fn find_after_with_headers(
    archive: &Archive,
    query: &Query,
    scope: &Scope,
    after: Option<Position>,
) -> impl Stream<Item = Result<Answer>> + Send + Unpin + use<> {
    let pages = walk::pages(archive.database().clone(), query.clone(), scope.clone(), after);
    Box::pin(one_by_one(headers::laid_out(archive, query, pages)))
}

/// The answers to a query below the patient level that lie behind a position. The offset of the query counts from
/// there.
pub fn find_after(
    database: &Database,
    query: &Query,
    scope: &Scope,
    after: Option<Position>,
) -> impl Stream<Item = Result<Answer>> + Send + Unpin + use<> {
    Box::pin(one_by_one(walk::pages(database.clone(), query.clone(), scope.clone(), after)))
}

fn one_by_one<T: Send>(
    pages: impl Stream<Item = Result<Vec<T>>> + Send,
) -> impl Stream<Item = Result<T>> + Send {
    pages.map_ok(|page| stream::iter(page.into_iter().map(Ok))).try_flatten()
}

/// Whether a filter on this attribute is matched in a query at `level`. [`find`] passes over
/// others, as PS3.4 C.4.1.1.3.1 lets optional keys be; a door that has to say so asks here.
pub fn is_matched(path: &[Tag], level: Level) -> bool {
    columns::matched_by(path, level).is_some()
}

/// The paths of all attributes that a query at `level` may be filtered by.
pub fn matched(level: Level) -> Vec<Vec<Tag>> {
    columns::matched(level)
}
