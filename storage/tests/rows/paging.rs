//! Answers page by page: each once, whatever arrives meanwhile, and how many there are.

use futures::TryStreamExt;
use pacs_core::access::Scope;
use pacs_core::dataset::DataSet;
use pacs_core::query::{Level, Query};
use pacs_core::tags;
use storage::query;

use crate::backends::{Fresh, on_every_engine};
use crate::queries::{ask, fill, find, found};
use crate::samples::*;

on_every_engine!(
    pages_and_limits_give_each_answer_once,
    long_walks_give_each_answer_once,
    a_walk_goes_on_behind_a_position_whatever_arrives,
    answers_are_counted_up_to_a_bound,
);

async fn pages_and_limits_give_each_answer_once(fresh: Fresh) {
    fill(&fresh).await;
    let all = |level| ask(level, &[]);
    for (level, tag, total) in [
        (Level::Patient, tags::PATIENT_ID, 5),
        (Level::Study, tags::STUDY_INSTANCE_UID, 5),
        (Level::Series, tags::SERIES_INSTANCE_UID, 10),
        (Level::Instance, tags::SOP_INSTANCE_UID, 15),
    ] {
        let whole = found(&fresh, &all(level), tag).await;
        assert_eq!(whole.len(), total, "{level:?}");
        let mut paged = Vec::new();
        for offset in (0..20).step_by(4) {
            let query = Query { limit: Some(4), offset, ..all(level) };
            paged.extend(found(&fresh, &query, tag).await);
        }
        assert_eq!(paged, whole, "{level:?}");
        assert!(found(&fresh, &Query { limit: Some(0), ..all(level) }, tag).await.is_empty());
    }
}

async fn long_walks_give_each_answer_once(fresh: Fresh) {
    // More studies than a page of the walk, several of them at the same second.
    let images: Vec<Image> = (0..450)
        .map(|at| Image {
            study: format!("1.5.{at}"),
            series: format!("1.5.{at}.1"),
            name: if at % 2 == 0 { "LÊ^VĂN C" } else { "PHẠM^THỊ D" },
            patient_id: if at % 2 == 0 { "L1" } else { "P1" },
            date: Some(if at % 3 == 0 { "20260101" } else { "20260102" }),
            ..Image::default()
        })
        .collect();
    store(&fresh.db, &images).await;
    for (keys, want) in [
        (vec![], 450),
        (vec![(tags::PATIENT_NAME, "le van c")], 225),
        (vec![(tags::PATIENT_NAME, "*ham*")], 225),
        (vec![(tags::PATIENT_NAME, "ph*")], 225),
        (vec![(tags::PATIENT_ID, "L1")], 225),
        (vec![(tags::STUDY_DATE, "20260101")], 150),
    ] {
        for (level, tag) in
            [(Level::Study, tags::STUDY_INSTANCE_UID), (Level::Instance, tags::SOP_INSTANCE_UID)]
        {
            let mut uids = found(&fresh, &ask(level, &keys), tag).await;
            assert_eq!(uids.len(), want, "{keys:?} {level:?}");
            uids.sort();
            uids.dedup();
            assert_eq!(uids.len(), want, "{keys:?} {level:?}");
        }
    }
    // A series longer than a page of instances.
    let images: Vec<Image> = (1..=1100)
        .map(|number| Image { number, study: "1.6".into(), series: "1.6.1".into(), ..Image::default() })
        .collect();
    store(&fresh.db, &images).await;
    let query = ask(Level::Instance, &[(tags::STUDY_INSTANCE_UID, "1.6"), (tags::INSTANCE_NUMBER, "")]);
    let numbers: Vec<_> =
        find(&fresh, &query).await.iter().map(|set| set.int(tags::INSTANCE_NUMBER).unwrap()).collect();
    assert_eq!(numbers, (1..=1100).collect::<Vec<_>>());
}

/// Pages of two, while at each step a newer study, another series and another image arrive.
async fn a_walk_goes_on_behind_a_position_whatever_arrives(fresh: Fresh) {
    for level in [Level::Study, Level::Series, Level::Instance] {
        let base = level as u32 + 3;
        let image = |study: u32, series: u32, number: i64| Image {
            patient_id: "BN009",
            study: format!("1.{base}.{study}"),
            series: format!("1.{base}.{study}.{series}"),
            number,
            date: Some(if study < 100 { "20260501" } else { "20260901" }),
            ..Image::default()
        };
        let mut images = Vec::new();
        for (study, series, number) in (1..4).flat_map(|n| [(n, 1, 1), (n, 2, 1), (n, 2, 2), (n, 2, 3)]) {
            images.push(image(study, series, number));
        }
        store(&fresh.db, &images).await;
        // Images without a number stand first on one engine and last on the other.
        let unnumber = "update instance set number = null where uid like '%.2.3'";
        fresh.db.execute(unnumber, Vec::new()).await.unwrap();

        let key = match level {
            Level::Study => tags::STUDY_INSTANCE_UID,
            Level::Series => tags::SERIES_INSTANCE_UID,
            _ => tags::SOP_INSTANCE_UID,
        };
        let dates = [(tags::STUDY_DATE, "20260501")];
        let before = found(&fresh, &ask(level, &dates), key).await;
        let mut seen = Vec::new();
        let mut after = None;
        for step in 0.. {
            let query = Query { limit: Some(2), ..ask(level, &[(tags::PATIENT_ID, "BN009")]) };
            let page: Vec<_> =
                query::find_after(&fresh.db, &query, &Scope::All, after).try_collect().await.unwrap();
            let Some(last) = page.last() else { break };
            after = Some(query::Position::parse(&last.position().unwrap().to_string()).unwrap());
            seen.extend(page.iter().map(|answer| answer.uid(key).unwrap().unwrap().to_string()));
            let newer = 100 + step;
            if step < 3 {
                store(&fresh.db, &[image(newer, 1, 1), image(1, newer, 1), image(2, 2, newer.into())]).await;
            }
        }
        let of_before: Vec<_> = seen.iter().filter(|uid| before.contains(uid)).cloned().collect();
        assert_eq!(of_before, before, "{level:?}: what was there comes once and in order");
        let mut once = seen.clone();
        once.sort();
        once.dedup();
        assert_eq!(once.len(), seen.len(), "{level:?}: nothing comes twice");
    }
}

async fn answers_are_counted_up_to_a_bound(fresh: Fresh) {
    fill(&fresh).await;
    let facility = Scope::Facilities(vec!["BVTW".into()]);
    for (level, keys) in [
        (Level::Study, vec![]),
        (Level::Study, vec![(tags::PATIENT_NAME, "nguyen van a")]),
        (Level::Study, vec![(tags::PATIENT_NAME, "v*")]),
        (Level::Study, vec![(tags::ACCESSION_NUMBER, "A1")]),
        (Level::Series, vec![(tags::MODALITY, "SR")]),
        (Level::Series, vec![(tags::STUDY_INSTANCE_UID, "1.2.0"), (tags::MODALITY, "CT")]),
        (Level::Instance, vec![(tags::INSTANCE_NUMBER, "2")]),
        (Level::Instance, vec![(tags::STUDY_DATE, "20260101-")]),
    ] {
        for scope in [&Scope::All, &facility] {
            let query = ask(level, &keys);
            let answers: Vec<DataSet> = query::find(&fresh.db, &query, scope).try_collect().await.unwrap();
            let page = Query { limit: Some(1), offset: 1, ..query };
            let count = query::count(&fresh.db, &page, scope, 100).await.unwrap();
            assert_eq!((count.answers, count.is_all), (answers.len() as u64, true), "{keys:?}");
            let most = u32::try_from(answers.len() - 1).unwrap();
            let count = query::count(&fresh.db, &page, scope, most).await.unwrap();
            assert_eq!((count.answers, count.is_all), (most.into(), false), "{keys:?}");
        }
    }
}
