//! Instances as they come: what is decided, counted and flagged.

use pacs_core::access::Scope;
use pacs_core::clock::Clock;
use pacs_core::correction::Overlay;
use pacs_core::dataset::DataSet;
use pacs_core::tags;
use storage::database::{Durability, Param};
use storage::events::{self, EventKind};
use storage::exams::search;
use storage::index::arrivals::Arrivals;
use storage::index::{instances, redirects, series};
use storage::{Decision, Version};

use crate::backends::{Fresh, on_every_engine};
use crate::samples::*;

on_every_engine!(
    a_batch_becomes_one_study_with_its_counts,
    the_same_again_and_other_content_are_told_apart,
    a_batch_may_hold_the_same_instance_twice,
    other_content_under_another_series_stays_with_the_first,
    old_instances_do_not_turn_time_back,
    sixty_four_at_once_make_one_patient_and_one_study,
    doubtful_demographics_are_kept_and_flagged,
    absurd_values_are_kept,
    late_images_obey_a_redirect,
    a_series_under_two_studies_stays_with_the_first,
    growing_studies_tell_their_followers_in_the_end,
    a_failed_batch_leaves_nothing_and_may_come_again,
);

const ACCEPTED: Decision = Decision::Accepted { doubt: false };

async fn only(fresh: &Fresh, study: &str) -> search::StudyLine {
    search::study(&fresh.db, &Scope::All, &uid(study)).await.unwrap().unwrap()
}

async fn count(fresh: &Fresh, table: &str) -> i64 {
    let rows =
        fresh.db.fetch(sqlx::AssertSqlSafe(format!("select count(*) from {table}")), vec![]).await.unwrap();
    rows[0].at(0).unwrap()
}

async fn a_batch_becomes_one_study_with_its_counts(fresh: Fresh) {
    let mut images: Vec<Image> = (1..=100).map(|number| Image { number, ..Image::default() }).collect();
    images.push(Image { series: "1.2.1.2".into(), modality: "SR", ..Image::default() });
    assert_eq!(store(&fresh.db, &images).await, vec![ACCEPTED; 101]);
    let study = only(&fresh, "1.2.1").await;
    assert_eq!((study.series_count, study.instance_count), (2, 101));
    assert_eq!(study.modalities, ["CT", "SR"]);
    assert_eq!(study.patient.name, "NGUYỄN^VĂN A");
    assert_eq!(study.flags(), ["unmatched"]);
    let places = instances::of_series(&fresh.db, &Scope::All, &uid("1.2.1"), &uid("1.2.1.1")).await.unwrap();
    assert_eq!(
        places.iter().map(|place| place.number.unwrap()).collect::<Vec<_>>(),
        (1..=100).collect::<Vec<_>>()
    );
    let elsewhere = Scope::Facilities(vec!["BVH".into()]);
    assert!(instances::of_study(&fresh.db, &elsewhere, &uid("1.2.1")).await.unwrap().is_empty());
    assert!(search::study(&fresh.db, &elsewhere, &uid("1.2.1")).await.unwrap().is_none());
    let resting = series::resting(&fresh.db, NOW_MS + 1, 10).await.unwrap();
    assert_eq!(resting.len(), 2);
    assert!(series::resting(&fresh.db, NOW_MS, 10).await.unwrap().is_empty());
}

async fn the_same_again_and_other_content_are_told_apart(fresh: Fresh) {
    let arrivals = arrivals(&fresh.db);
    let segment = segment(&fresh.db).await;
    let image = Image::default();
    let other = Image { content: 2, ..image.clone() };
    let once = |instance| {
        let arrivals = &arrivals;
        async move { decide(arrivals, &[instance]).await[0] }
    };
    assert_eq!(once(image.at(segment, 0)).await, ACCEPTED);
    assert_eq!(once(image.at(segment, 0)).await, Decision::Present);
    assert_eq!(once(image.at(segment, 8192)).await, Decision::Duplicate);
    assert_eq!(once(other.at(segment, 16384)).await, Decision::Conflict(Version::New));
    assert_eq!(once(other.at(segment, 16384)).await, Decision::Conflict(Version::Present));
    assert_eq!(once(other.at(segment, 24576)).await, Decision::Conflict(Version::Duplicate));
    let served = instances::by_uid(&fresh.db, &Scope::All, None, None, &image.uid()).await.unwrap().unwrap();
    assert_eq!((served.hash, served.place.offset_bytes), ([1; 32], 0), "the first is served");
    let study = only(&fresh, "1.2.1").await;
    assert_eq!((study.instance_count, study.conflict_count), (1, 1));
    assert!(study.flags().contains(&"conflict"));
}

async fn a_batch_may_hold_the_same_instance_twice(fresh: Fresh) {
    let image = Image::default();
    let other = Image { content: 2, ..image.clone() };
    let decisions = store(&fresh.db, &[image.clone(), image.clone(), other]).await;
    assert_eq!(decisions, [ACCEPTED, Decision::Duplicate, Decision::Conflict(Version::New)]);
    assert_eq!(only(&fresh, "1.2.1").await.instance_count, 1);
}

async fn other_content_under_another_series_stays_with_the_first(fresh: Fresh) {
    let arrivals = arrivals(&fresh.db);
    let segment = segment(&fresh.db).await;
    let first = Image::default().at(segment, 0);
    // A device that gives a UID twice: the same instance in another study, with other content.
    let mut astray = Image { study: "1.8".into(), series: "1.8.1".into(), content: 2, ..Image::default() }
        .at(segment, 8192);
    astray.lifted.instance.uid = first.lifted.instance.uid.clone();
    assert_eq!(decide(&arrivals, &[first]).await, [ACCEPTED]);
    let id = series::id_of(&fresh.db, &uid("1.2.1.1")).await.unwrap().unwrap();
    fresh.db.execute("update series set unsettled = 0", vec![]).await.unwrap();
    assert_eq!(decide(&arrivals, &[astray]).await, [Decision::Conflict(Version::New)]);
    assert_eq!(only(&fresh, "1.2.1").await.conflict_count, 1, "the study that is served is flagged");
    assert!(search::study(&fresh.db, &Scope::All, &uid("1.8")).await.unwrap().is_none(), "no empty study");
    assert_eq!((count(&fresh, "study").await, count(&fresh, "series").await), (1, 1));
    assert_eq!(count(&fresh, "study_word").await, 3);
    let resting = series::resting(&fresh.db, NOW_MS + 1, 10).await.unwrap();
    assert_eq!(resting.iter().map(|one| one.id).collect::<Vec<_>>(), [id], "the version waits to be settled");
    // The series is made once something in it is kept.
    let late = Image { study: "1.8".into(), series: "1.8.1".into(), number: 2, ..Image::default() };
    assert_eq!(decide(&arrivals, &[late.at(segment, 16384)]).await, [ACCEPTED]);
    let study = only(&fresh, "1.8").await;
    assert_eq!((study.series_count, study.instance_count, study.modalities), (1, 1, vec!["CT".to_owned()]));
}

async fn old_instances_do_not_turn_time_back(fresh: Fresh) {
    store(&fresh.db, &[Image::default()]).await;
    // Found in the spool or in a pack long after it came.
    const YEAR_MS: i64 = 365 * 24 * 3_600_000;
    store(&fresh.db, &[Image { number: 2, received_ms: NOW_MS - YEAR_MS, ..Image::default() }]).await;
    assert_eq!(only(&fresh, "1.2.1").await.updated_ms, NOW_MS);
    let events = events::since(&fresh.db, 0, 100).await.unwrap();
    assert!(
        events.iter().all(|event| event.at_ms == NOW_MS),
        "events tell when they were written: {events:?}"
    );
    assert_eq!(events::prune(&fresh.db, NOW_MS - YEAR_MS + 1).await.unwrap(), 0);
}

async fn sixty_four_at_once_make_one_patient_and_one_study(fresh: Fresh) {
    let segment = segment(&fresh.db).await;
    // Handles of their own, so that none knows what another has made.
    let tasks: Vec<_> = (1..=64)
        .map(|number| {
            let arrivals = arrivals(&fresh.db);
            let instance = Image { number, ..Image::default() }.at(segment, number as u64 * 8192);
            tokio::spawn(async move { decide(&arrivals, &[instance]).await })
        })
        .collect();
    for task in tasks {
        assert_eq!(task.await.unwrap(), [ACCEPTED]);
    }
    for (table, rows) in
        [("patient", 1), ("study", 1), ("series", 1), ("instance", 64), ("facility", 1), ("issuer", 1)]
    {
        assert_eq!(count(&fresh, table).await, rows, "{table}");
    }
    let study = only(&fresh, "1.2.1").await;
    assert_eq!((study.series_count, study.instance_count), (1, 64));
}

async fn doubtful_demographics_are_kept_and_flagged(fresh: Fresh) {
    store(&fresh.db, &[Image::default()]).await;
    let doubt = Decision::Accepted { doubt: true };
    for (study, other, flag) in [
        // Without marks it is the same person.
        ("1.2.2", Image { name: "NGUYEN VAN A", ..Image::default() }, None),
        ("1.2.3", Image { name: "TRẦN^THỊ B", ..Image::default() }, Some("demographicsDiffer")),
        ("1.2.4", Image { birth_date: Some("19991231"), ..Image::default() }, Some("demographicsDiffer")),
    ] {
        let image = Image { study: study.into(), series: format!("{study}.1"), ..other };
        let want = if flag.is_some() { doubt } else { ACCEPTED };
        assert_eq!(store(&fresh.db, &[image]).await, [want], "{study}");
        assert_eq!(only(&fresh, study).await.doubt.as_deref(), flag);
    }
    let stranger = Image { patient_id: "BN777", number: 2, ..Image::default() };
    assert_eq!(store(&fresh.db, &[stranger]).await, [doubt]);
    assert_eq!(only(&fresh, "1.2.1").await.doubt.as_deref(), Some("twoPatients"));
    assert_eq!(count(&fresh, "patient").await, 1, "the study's patient is its first");
}

async fn absurd_values_are_kept(fresh: Fresh) {
    let long: &'static str = "Đ".repeat(60_000).leak();
    let anonymous = |study: &str| Image {
        patient_id: "",
        name: "",
        study: study.into(),
        series: format!("{study}.1"),
        ..Image::default()
    };
    let images = [
        Image {
            patient_id: long,
            name: long,
            accession: Some(long.into()),
            description: long,
            ..Image::default()
        },
        Image {
            study: "1.3".into(),
            series: "1.3.1".into(),
            date: Some("99999999"),
            modality: "",
            name: "'; drop table study; --",
            ..Image::default()
        },
        Image {
            study: "1.4".into(),
            series: "1.4.1".into(),
            date: Some("kein"),
            name: "A\u{1}*?[%_\\",
            patient_id: "a*b",
            ..Image::default()
        },
        anonymous("1.5"),
        anonymous("1.6"),
    ];
    for image in &images {
        assert!(matches!(
            store(&fresh.db, std::slice::from_ref(image)).await[..],
            [Decision::Accepted { .. }]
        ));
    }
    let (one, other) = (only(&fresh, "1.5").await, only(&fresh, "1.6").await);
    assert_ne!(one.patient_id, other.patient_id, "two studies without an identifier are not one person's");
    assert_eq!(one.patient.id, "");
}

async fn late_images_obey_a_redirect(fresh: Fresh) {
    store(&fresh.db, &[Image::default()]).await;
    let mut tx = fresh.db.begin(Durability::Synced).await.unwrap();
    redirects::set(&mut tx, redirects::Moved::Study, &uid("1.9"), &uid("1.2.1"), 1).await.unwrap();
    redirects::set(&mut tx, redirects::Moved::Series, &uid("1.9.1"), &uid("1.2.1.1"), 1).await.unwrap();
    tx.commit().await.unwrap();
    let late = Image { study: "1.9".into(), series: "1.9.1".into(), number: 7, ..Image::default() };
    let other = Image { study: "1.9".into(), series: "1.9.2".into(), number: 8, ..Image::default() };
    assert_eq!(store(&fresh.db, &[late, other]).await, [ACCEPTED, ACCEPTED]);
    let study = only(&fresh, "1.2.1").await;
    assert_eq!((study.series_count, study.instance_count), (2, 3));
    let places = instances::of_series(&fresh.db, &Scope::All, &uid("1.2.1"), &uid("1.2.1.1")).await.unwrap();
    assert_eq!(places.len(), 2);
}

async fn a_series_under_two_studies_stays_with_the_first(fresh: Fresh) {
    store(&fresh.db, &[Image::default()]).await;
    let astray = Image { study: "1.7".into(), number: 2, ..Image::default() };
    assert_eq!(store(&fresh.db, &[astray]).await, [Decision::Accepted { doubt: true }]);
    let study = only(&fresh, "1.2.1").await;
    assert_eq!((study.instance_count, study.doubt.as_deref()), (2, Some("twoStudies")));
    assert!(search::study(&fresh.db, &Scope::All, &uid("1.7")).await.unwrap().is_none());
}

async fn growing_studies_tell_their_followers_in_the_end(fresh: Fresh) {
    let clock = Clock::standing_at(NOW_MS);
    let arrivals = Arrivals::new(fresh.db.clone(), clock.clone());
    let segment = segment(&fresh.db).await;
    let mut hints = fresh.db.event_hints();
    hints.mark_unchanged();
    let batch = |number: i64| {
        let image = Image { number, received_ms: NOW_MS + number, ..Image::default() };
        image.at(segment, number as u64 * 8192)
    };
    for number in 1..=5 {
        arrivals.store_batch(&[batch(number)]).await.unwrap();
    }
    assert!(hints.has_changed().unwrap());
    let changes = |events: &[events::Event]| {
        events.iter().filter(|event| event.kind == EventKind::StudyChanged).count()
    };
    let first = events::since(&fresh.db, 0, 100).await.unwrap();
    assert_eq!(changes(&first), 1, "the first image tells, the next within the second wait");
    let cursor = events::newest(&fresh.db).await.unwrap();
    clock.set_ms(NOW_MS + 500);
    arrivals.announce().await.unwrap();
    assert!(events::since(&fresh.db, cursor, 100).await.unwrap().is_empty());
    clock.set_ms(NOW_MS + 2000);
    arrivals.announce().await.unwrap();
    let told = events::since(&fresh.db, cursor, 100).await.unwrap();
    assert_eq!(told.iter().map(|event| event.study_uid.as_deref()).collect::<Vec<_>>(), [Some("1.2.1")]);
    clock.set_ms(NOW_MS + 4000);
    arrivals.announce().await.unwrap();
    assert_eq!(events::since(&fresh.db, cursor, 100).await.unwrap().len(), 1, "nothing is owed twice");
}

async fn a_failed_batch_leaves_nothing_and_may_come_again(fresh: Fresh) {
    let arrivals = arrivals(&fresh.db);
    let segment = segment(&fresh.db).await;
    let good = Image::default().at(segment, 0);
    // No row tells of that segment, so the database refuses the second instance.
    let bad = Image { number: 2, ..Image::default() }.at(storage::index::SegmentId(4711), 0);
    arrivals.store_batch(&[good.clone(), bad]).await.unwrap_err();
    assert_eq!((count(&fresh, "study").await, count(&fresh, "instance").await), (0, 0));
    assert_eq!(decide(&arrivals, &[good]).await, [ACCEPTED]);
    assert_eq!(only(&fresh, "1.2.1").await.instance_count, 1);

    // A transaction that is dropped midway gives its connection back, rolled back.
    let mut tx = fresh.db.begin(Durability::Synced).await.unwrap();
    tx.execute("delete from instance where uid = $1", vec![Param::from("1.2.1.1.1")]).await.unwrap();
    drop(tx);
    let image = Image { number: 3, ..Image::default() };
    assert_eq!(store(&fresh.db, &[image]).await, [ACCEPTED]);
    assert_eq!(count(&fresh, "instance").await, 2);
}

/// On PostgreSQL whoever stores waits for whoever corrects, and then has to look anew.
#[tokio::test(flavor = "multi_thread")]
async fn a_series_that_waited_for_a_correction_obeys_it() {
    let Some(fresh) = crate::backends::Fresh::postgres().await else { return };
    let (arrivals, segment) = (arrivals(&fresh.db), segment(&fresh.db).await);
    decide(&arrivals, &[Image::default().at(segment, 0)]).await;
    // What is remembered of the study comes into the batch with an image of a series that is known.
    let known = Image { number: 2, ..Image::default() }.at(segment, 8192);
    let new = Image { series: "1.2.1.2".into(), ..Image::default() }.at(segment, 16384);
    let mut attributes = DataSet::new();
    attributes.put_text(tags::PATIENT_ID, "BN9");
    let correction = Overlay::new(attributes, NOW_MS).document();
    let mut tx = fresh.db.begin(Durability::Synced).await.unwrap();
    tx.fetch("select id from study where uid = '1.2.1' for update", vec![]).await.unwrap();
    let sql = "update study set sent_attributes = attributes, correction = $1 where uid = '1.2.1'";
    tx.execute(sql, vec![correction.as_str().into()]).await.unwrap();
    let storing = tokio::spawn(async move { arrivals.store_batch(&[known, new]).await });
    let waits =
        "select pid from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
    while fresh.db.fetch(waits, vec![]).await.unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    tx.commit().await.unwrap();
    storing.await.unwrap().unwrap();
    let sql = "select uid from series where overlay is not null";
    let obeys = fresh.db.fetch(sql, vec![]).await.unwrap();
    assert_eq!(obeys.iter().map(|row| row.at::<String>(0).unwrap()).collect::<Vec<_>>(), ["1.2.1.2"]);
}
