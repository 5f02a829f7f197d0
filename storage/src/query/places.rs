//! Where the instances lie that a query means: what C-MOVE and C-GET send.

use futures::stream::{self, Stream, StreamExt as _};
use pacs_core::access::Scope;
use pacs_core::query::{Level, Query};

use super::stop::Columns;
use super::walk;
use crate::Result;
use crate::database::{Database, Row};
use crate::index::instances::{self, InstancePlace};

/// The places of all instances below what the query means, study by study. The filters of every
/// level count; limit and offset count instances.
pub fn find_places(
    database: &Database,
    query: &Query,
    scope: &Scope,
) -> impl Stream<Item = Result<InstancePlace>> + Send + Unpin + use<> {
    let query = Query { level: Level::Instance, ..query.clone() };
    let mut columns = Columns::of_place(Level::Instance);
    columns.values.push(instances::COLUMNS.to_owned());
    let pages = walk::stops::<Row>(database.clone(), query, scope.clone(), columns, None);
    Box::pin(pages.flat_map(|page| {
        stream::iter(match page {
            Ok(rows) => rows.iter().map(instances::read).collect(),
            Err(error) => vec![Err(error)],
        })
    }))
}
