//! The list of what is rejected, of more series than are looked at at a time.

use pacs_core::access::Scope;
use storage::rejection::listing;

use crate::backends::{Fresh, on_every_engine};
use crate::samples::*;

on_every_engine!(studies_of_many_series_are_listed_once_each,);

/// One image in each of so many series.
fn images(study: &'static str, facility: &'static str, series: u32) -> impl Iterator<Item = Image> {
    (1..=series).map(move |series| Image {
        study: study.into(),
        series: format!("{study}.{series}"),
        facility,
        ..Image::default()
    })
}

/// Pages of that length up to the end: study, rejected instances, and when the newest was rejected.
async fn pages(fresh: &Fresh, scope: &Scope, limit: u32) -> Vec<Vec<(String, i64, i64)>> {
    let (mut pages, mut before) = (Vec::new(), None);
    loop {
        let page = listing::studies(&fresh.db, scope, before, limit).await.unwrap();
        let rows = page.items.iter().map(|row| (row.study.uid.to_string(), row.instances, row.newest.at_ms));
        pages.push(rows.collect());
        assert!(pages.len() < 9, "{pages:?}");
        before = page.next;
        if before.is_none() {
            return pages;
        }
    }
}

async fn studies_of_many_series_are_listed_once_each(fresh: Fresh) {
    let all: Vec<Image> = images("1.2.1", "BVTW", 250).chain(images("1.2.2", "BVH", 230)).collect();
    for some in all.chunks(120) {
        store(&fresh.db, some).await;
    }
    for sql in [
        "insert into act (id, kind, actor, at_ms, subject_kind, subject_uid) values
             (1, 'series.reject', 'user:1', 11, 'study', '1.2.1'), (2, 'study.reject', 'user:1', 12, 'study', '1.2.2'),
             (3, 'study.reject', 'user:1', 13, 'study', '1.2.1')",
        "update instance set rejection_id = 3 where series_id in (
             select s.id from series s join study t on t.id = s.study_id where t.uid = '1.2.1')",
        "update instance set rejection_id = 2 where series_id in (
             select s.id from series s join study t on t.id = s.study_id where t.uid = '1.2.2')",
        // Met again behind the other study, where it does not stand.
        "update instance set rejection_id = 1 where series_id in (
             select id from series where uid in ('1.2.1.7', '1.2.1.77', '1.2.1.177'))",
    ] {
        fresh.db.execute(sql, vec![]).await.unwrap();
    }
    let (newer, older) = (("1.2.1".to_owned(), 250, 13), ("1.2.2".to_owned(), 230, 12));
    assert_eq!(pages(&fresh, &Scope::All, 1).await, [vec![newer.clone()], vec![older.clone()]]);
    assert_eq!(pages(&fresh, &Scope::All, 9).await, [vec![newer, older.clone()]]);
    let elsewhere = Scope::Facilities(vec!["BVH".into()]);
    assert_eq!(pages(&fresh, &elsewhere, 1).await, [vec![older]], "behind all that is not seen");
}
