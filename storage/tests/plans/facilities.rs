//! What is looked for within one facility.

use futures::TryStreamExt;
use pacs_core::access::Scope;
use pacs_core::dataset::{DataSet, vr_of};
use pacs_core::query::{Level, Query};
use pacs_core::tags;
use storage::database::Database;
use storage::query;

use super::{Statements, at_size};

/// One facility's studies lie in an index of their own, newest first; the index of words knows no facilities, and may
/// be walked for long before it leads to one of theirs.
#[tokio::test(flavor = "multi_thread")]
async fn a_facility_is_walked_along_and_names_of_it_in_windows() {
    let statements = Statements::collect();
    let dir = tempfile::tempdir().unwrap();
    let db = Database::open(&format!("sqlite://{}", dir.path().join("sen.db").display())).await.unwrap();
    at_size::fill(&db, 100, 1, 0).await;
    let clinic = Scope::Facilities(vec!["PKDK".into()]);
    for (name, in_windows) in [("", false), ("A", true), ("A^B", true), ("A^B^C", true)] {
        let mut query = Query { limit: Some(50), ..Query::new(Level::Study) };
        query.add(&[tags::PATIENT_NAME], vr_of(tags::PATIENT_NAME), name).unwrap();
        statements.take();
        let found: Vec<DataSet> = query::find(&db, &query, &clinic).try_collect().await.unwrap();
        let is_end = |text: &String| text.contains("limit 1 offset $") && text.contains("newest_key, ");
        let windows = statements.take().iter().any(is_end);
        assert_eq!((found.len(), windows), (0, in_windows), "{name}");
    }
}
