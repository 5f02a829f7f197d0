//! An index made anew from what is kept.

use std::time::Duration;

use pacs_core::access::{Actor, Scope};
use pacs_core::exam::Label;
use pacs_core::{tags, uids};
use storage::acts::{self, NewAct};
use storage::catalogue::Procedure;
use storage::database::Durability;
use storage::exams::{self, Exam, linking, search};
use storage::schedule::{self, NewOrder, OrderPatient};
use storage::{Archive, Subject};
use storage::{Decision, Version};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::backends::{Home, on_every_backend};
use crate::deleting::{an_hour_later, assert_gone, delete, objects};
use crate::faults::{Call, watched};
use crate::samples::*;
use testdata::Instance;

on_every_backend!(
    the_index_comes_back_from_packs_and_spool,
    acts_come_back_from_the_journal,
    acts_reach_the_journal_without_being_waited_for,
    packs_without_a_companion_are_indexed_too,
    what_was_deleted_stays_deleted,
    what_people_said_of_a_study_comes_back,
    rows_from_before_a_settling_find_their_pack,
    an_act_whose_number_was_given_again_keeps_its_effect,
    an_undoing_finds_its_act_under_another_number,
);

/// A home with the same objects and spool, and a database with nothing in it.
pub async fn with_empty_rows(home: Home) -> Home {
    let mut home = home;
    home.config.database_url = if home.config.database_url.starts_with("sqlite") {
        let name = format!("new-{:08x}.db", rand::random::<u32>());
        format!("sqlite://{}", home.dir.path().join(name).display())
    } else {
        Home::served().await.unwrap().config.database_url
    };
    home
}

/// The archive again over what it had settled, every row made anew from that.
pub async fn made_anew(home: Home, archive: Archive) -> (Home, Archive) {
    home.rest();
    archive.settle_due().await.unwrap();
    archive.tidy().await.unwrap();
    archive.close().await;
    drop(archive);
    let home = with_empty_rows(home).await;
    let archive = home.open().await;
    archive.reindex(|_| {}).await.unwrap();
    (home, archive)
}

async fn the_index_comes_back_from_packs_and_spool(home: Home) {
    let archive = home.open().await;
    let settled = slices(5, 1);
    send_all(&archive, &settled).await;
    home.rest();
    archive.settle_due().await.unwrap();
    let spooled = slices(3, 2);
    send_all(&archive, &spooled).await;
    let before = archive.header(&place(&archive, &settled[0]).await).await.unwrap();
    archive.close().await;
    drop(archive);

    let home = with_empty_rows(home).await;
    let archive = home.open().await;
    assert_whole(&archive, &spooled).await;
    let gone = archive.locate_series(&Scope::All, &settled[0].study, &settled[0].series).await.unwrap();
    assert!(gone.is_empty());
    let report = archive.reindex(|_| {}).await.unwrap();
    assert_eq!((report.packs, report.added, report.present, report.damaged), (1, 5, 0, 0));
    assert_whole(&archive, &settled).await;
    let after = place(&archive, &settled[0]).await;
    assert_eq!(after.received_ms, crate::backends::START_MS);
    assert_eq!(*archive.header(&after).await.unwrap(), *before);
    let again = archive.reindex(|_| {}).await.unwrap();
    assert_eq!((again.packs, again.added, again.present), (1, 0, 5), "a second time changes nothing");
    let report = archive.verify(|_| {}).await.unwrap();
    assert_eq!((report.instances, report.damaged), (8, 0));
    archive.close().await;
}

async fn packs_without_a_companion_are_indexed_too(home: Home) {
    let archive = home.open().await;
    let series: Vec<_> = (1..=4).map(|number| slices(2, number)).collect();
    for instances in &series {
        send_all(&archive, instances).await;
        home.rest();
        archive.settle_due().await.unwrap();
    }
    archive.close().await;
    drop(archive);
    let objects = home.objects("packs").await;
    let companion_of = |instances: &[Instance]| {
        let of_series = objects.iter().filter(|key| key.contains(instances[0].series.as_str()));
        of_series.clone().find(|key| key.ends_with(".gz")).unwrap().clone()
    };
    // One is whole, one lost, one damaged; of the last one its pack is gone.
    home.lose(&companion_of(&series[1])).await;
    let companion = companion_of(&series[2]);
    let whole = home.get(&companion).await;
    home.put(&companion, whole.slice(..whole.len() / 2)).await;
    home.lose(&companion_of(&series[3]).replace(".json.gz", ".tar")).await;

    let home = with_empty_rows(home).await;
    let archive = home.open().await;
    let report = archive.reindex(|_| {}).await.unwrap();
    assert_eq!((report.packs, report.added, report.made_anew, report.damaged), (4, 6, 2, 1));
    assert_eq!(home.get(&companion).await, whole);
    for instances in &series[..3] {
        assert_whole(&archive, instances).await;
    }
    assert_eq!(archive.verify(|_| {}).await.unwrap().damaged, 0);
    archive.close().await;
}

/// Backups are taken one after the other: the rows of one may tell of segments that were freed
/// before the spool was copied.
#[tokio::test(flavor = "multi_thread")]
async fn rows_older_than_the_spool_find_their_instances_in_packs() {
    let mut home = Home::embedded();
    let archive = home.open().await;
    let named = |name: &'static str| {
        made("7", uids::EXPLICIT_VR_LITTLE_ENDIAN, |set| set.put_text(tags::STUDY_DESCRIPTION, name), &[])
    };
    let mut sent = slices(5, 1);
    sent.push(named("first"));
    send_all(&archive, &sent).await;
    // A version that is kept and not served.
    assert_eq!(send(&archive, &named("second")).await.unwrap().decision, Decision::Conflict(Version::New));
    archive.close().await;
    drop(archive);
    let backup = home.dir.path().join("backup.db");
    std::fs::copy(home.dir.path().join("sen.db"), &backup).unwrap();
    let archive = home.open().await;
    home.rest();
    archive.settle_due().await.unwrap();
    assert!(home.segments().is_empty());
    archive.close().await;
    drop(archive);

    home.config.database_url = format!("sqlite://{}", backup.display());
    let archive = home.open().await;
    assert_eq!(archive.verify(|_| {}).await.unwrap().damaged, 7, "their segment is gone");
    let report = archive.reindex(|_| {}).await.unwrap();
    assert_eq!((report.added, report.present), (0, 7), "{report:?}");
    assert_whole(&archive, &sent).await;
    assert_eq!(archive.verify(|_| {}).await.unwrap().damaged, 0);
    archive.close().await;
}

/// Records an act on a study that there is not.
async fn record(archive: &Archive, reason: &str) {
    let act = NewAct {
        kind: "study.link",
        actor: "user:1",
        subject_kind: "study",
        subject_uid: "1.2.3",
        reason: Some(reason),
        before: None,
        after: Some(serde_json::json!({ "step": 7 })),
        undoes: None,
    };
    let mut tx = archive.database().begin(Durability::Synced).await.unwrap();
    acts::record(&mut tx, &act, 5).await.unwrap();
    tx.commit().await.unwrap();
}

/// Has an archive do by itself what it does while it serves.
fn working(archive: &Archive) -> (CancellationToken, JoinHandle<()>) {
    let (archive, shutdown) = (archive.clone(), CancellationToken::new());
    let until = shutdown.clone();
    (shutdown, tokio::spawn(async move { archive.run_workers(until).await }))
}

async fn acts_come_back_from_the_journal(home: Home) {
    let archive = home.open().await;
    record(&archive, "one").await;
    record(&archive, "two").await;
    archive.tidy().await.unwrap();
    record(&archive, "three").await;
    archive.tidy().await.unwrap();
    archive.tidy().await.unwrap();
    let before = acts::of_subject(archive.database(), "1.2.3", 10).await.unwrap();
    archive.close().await;
    drop(archive);

    let home = with_empty_rows(home).await;
    let archive = home.open().await;
    assert_eq!(archive.reindex(|_| {}).await.unwrap().acts, 3);
    assert_eq!(acts::of_subject(archive.database(), "1.2.3", 10).await.unwrap(), before);
    assert_eq!(archive.reindex(|_| {}).await.unwrap().acts, 0);
    record(&archive, "four").await;
    assert_eq!(acts::of_subject(archive.database(), "1.2.3", 10).await.unwrap()[0].id, before[0].id + 1);
    archive.close().await;
}

/// Merging and linking do not wait for the journal, and a database that is lost a moment later does not lose them.
async fn acts_reach_the_journal_without_being_waited_for(home: Home) {
    let (home, store) = watched(home);
    let archive = home.open().await;
    let (shutdown, working) = working(&archive);
    for reason in ["one", "two"] {
        let mut written = store.hold(Call::Written, "journal/");
        record(&archive, reason).await;
        timeout(Duration::from_secs(30), written.reached()).await.expect("it is copied within seconds");
        written.go();
    }
    // What is done while the program ends is copied before it has ended.
    record(&archive, "three").await;
    shutdown.cancel();
    working.await.unwrap();
    archive.close().await;
    drop(archive);

    let home = with_empty_rows(home).await;
    let archive = home.open().await;
    assert_eq!(archive.reindex(|_| {}).await.unwrap().acts, 3);
    let reasons = acts::of_subject(archive.database(), "1.2.3", 10).await.unwrap();
    let reasons: Vec<_> = reasons.iter().map(|act| act.reason.as_deref().unwrap()).collect();
    assert_eq!(reasons, ["three", "two", "one"]);
    archive.close().await;
}

/// Sooner than all that waits for nobody is looked through, and though nothing else is done.
#[tokio::test(flavor = "multi_thread")]
async fn an_act_whose_copy_was_refused_is_copied_again() {
    let (home, store) = watched(Home::embedded());
    let archive = home.open().await;
    let (shutdown, working) = working(&archive);
    store.refuse(Call::Written, &["journal/"]);
    let mut refused = store.hold(Call::Written, "journal/");
    record(&archive, "one").await;
    timeout(Duration::from_secs(30), refused.reached()).await.expect("it is tried within seconds");
    assert!(home.objects("journal").await.is_empty());
    store.refuse(Call::Written, &[]);
    let mut written = store.hold(Call::Written, "journal/");
    refused.go();
    timeout(Duration::from_secs(30), written.reached()).await.expect("it is tried again soon");
    written.go();
    assert_eq!(home.objects("journal").await.len(), 1);
    shutdown.cancel();
    working.await.unwrap();
    archive.close().await;
}

async fn what_was_deleted_stays_deleted(home: Home) {
    let archive = home.open().await;
    let (whole, part, series, again) = (slices(3, 1), slices(4, 2), slices(2, 3), slices(2, 4));
    for one in [&whole, &part, &series, &again] {
        send_all(&archive, one).await;
    }
    home.rest();
    archive.settle_due().await.unwrap();
    delete(&archive, Subject::Study(whole[0].study.clone())).await;
    delete(&archive, Subject::Instance(part[1].uid.clone())).await;
    delete(&archive, Subject::Series(series[0].series.clone())).await;
    delete(&archive, Subject::Study(again[0].study.clone())).await;
    home.rest();
    send_all(&archive, &again[..1]).await;
    archive.settle_study(&again[0].study).await.unwrap();
    send_all(&archive, &again[1..]).await;
    archive.close().await;
    drop(archive);

    let home = with_empty_rows(home).await;
    let archive = home.open().await;
    let report = archive.reindex(|_| {}).await.unwrap();
    assert_eq!((report.acts, report.packs, report.deleted), (4, 5, 8));
    for gone in [&whole[..], &part[1..2], &series[..]] {
        assert_gone(&archive, gone).await;
    }
    for kept in [&part[..1], &part[2..], &again[..]] {
        assert_whole(&archive, kept).await;
    }
    let twice = archive.reindex(|_| {}).await.unwrap();
    assert_eq!((twice.acts, twice.added), (0, 0));
    an_hour_later(&home);
    archive.tidy().await.unwrap();
    if let Some(left) = objects(&home) {
        assert_eq!(left.len(), 4, "packs of which all is deleted go: {left:?}");
    }
    let report = archive.verify(|_| {}).await.unwrap();
    assert_eq!((report.instances, report.damaged), (5, 0));
    archive.close().await;
}

pub async fn ordered(archive: &Archive, accession_number: &str) -> Exam {
    let order = NewOrder {
        facility: "A".into(),
        patient: OrderPatient { name: "Trần Thị Bình".into(), ..OrderPatient::default() },
        accession_number: Some(accession_number.into()),
        procedure: Procedure { code: "CT".into(), name: "CT".into(), modality: "CT".into() },
        station_ae: None,
        room: Some("P1".into()),
        scheduled_date: "20260921".into(),
        scheduled_time: "090000".into(),
        referring_physician: None,
        reason: None,
        emergency: false,
    };
    schedule::create_order(archive.database(), &order, &Actor::system(), 1).await.unwrap()
}

/// Makes the rows what a backup has that is older than the images and the acts.
async fn restore_backup(archive: &Archive) {
    for sql in [
        "delete from instance",
        "delete from pack",
        "delete from series",
        "delete from study_word",
        "delete from study_pair",
        "delete from study",
        "delete from act",
        "delete from deletion",
        "delete from exam_act",
        "update scheduled_step set state = 'scheduled', started_ms = null",
    ] {
        archive.database().execute(sql, vec![]).await.unwrap();
    }
}

async fn what_people_said_of_a_study_comes_back(home: Home) {
    let archive = home.open().await;
    let (all, actor) = (Scope::All, Actor::system());
    let [first, second] = [ordered(&archive, "X1").await, ordered(&archive, "X2").await];
    let (linked, taken_back, deleted) = (slices(2, 1), slices(2, 2), slices(2, 3));
    for one in [&linked, &taken_back, &deleted] {
        send_all(&archive, one).await;
    }
    let db = archive.database();
    linking::link(db, &all, &actor, &linked[0].study, first.id, Some("cùng người"), 5).await.unwrap();
    linking::link(db, &all, &actor, &taken_back[0].study, second.id, None, 6).await.unwrap();
    linking::unlink(db, &all, &actor, &taken_back[0].study, Some("nhầm"), 7).await.unwrap();
    linking::link(db, &all, &actor, &deleted[0].study, second.id, None, 8).await.unwrap();
    delete(&archive, Subject::Study(deleted[0].study.clone())).await;
    let back = exams::by_id(db, &all, second.id).await.unwrap().unwrap();
    assert_eq!((back.label(), back.study_uid), (Label::Scheduled, None), "its only images went");
    home.rest();
    archive.settle_due().await.unwrap();
    archive.tidy().await.unwrap();
    let state = async |archive: &Archive| {
        let mut lines = Vec::new();
        for sent in [&linked, &taken_back, &deleted] {
            let line = search::study(archive.database(), &all, &sent[0].study).await.unwrap();
            lines.push(line.map(|line| (line.exam, line.unmatched_reason)));
        }
        for exam in [&first, &second] {
            let exam = exams::by_id(archive.database(), &all, exam.id).await.unwrap().unwrap();
            lines.push(Some((None, Some(format!("{:?}", exam.label())))));
        }
        lines
    };
    let before = state(&archive).await;
    assert_eq!(before[0], Some((Some(first.id), None)));
    assert_eq!(before[1], Some((None, Some("patientDiffers".into()))));

    // Studies that are indexed after the acts obey them.
    restore_backup(&archive).await;
    assert_eq!(archive.reindex(|_| {}).await.unwrap().acts, 5);
    assert_eq!(state(&archive).await, before);
    // Acts that are newer than the rows are done to them.
    let db = archive.database();
    db.execute("delete from act", vec![]).await.unwrap();
    db.execute("delete from deletion", vec![]).await.unwrap();
    db.execute("update study set step_id = null, unmatched_reason = 'noOrder'", vec![]).await.unwrap();
    assert_eq!(archive.reindex(|_| {}).await.unwrap().acts, 5);
    assert_eq!(state(&archive).await, before);
    // What has become of a study since is not undone by acts that the rows know.
    linking::unlink(db, &all, &actor, &linked[0].study, None, 9).await.unwrap();
    let since = state(&archive).await;
    assert_eq!(archive.reindex(|_| {}).await.unwrap().acts, 0);
    assert_eq!(state(&archive).await, since);
    archive.close().await;
}

async fn rows_from_before_a_settling_find_their_pack(home: Home) {
    let archive = home.open().await;
    let sent = slices(3, 1);
    send_all(&archive, &sent).await;
    let mut other = sent[2].clone();
    *other.bytes.last_mut().unwrap() ^= 1;
    send(&archive, &other).await.unwrap();
    let db = archive.database();
    let rows = async |table: &str| {
        let sql = format!("select id, segment_id, offset_bytes from {table}");
        let rows = db.fetch(sqlx::AssertSqlSafe(sql), vec![]).await.unwrap();
        rows.iter().map(|row| [0, 1, 2].map(|at| row.at::<i64>(at).unwrap())).collect::<Vec<_>>()
    };
    let before = [("instance", rows("instance").await), ("instance_version", rows("instance_version").await)];
    archive.settle_study(&sent[0].study).await.unwrap();
    let segment = before[0].1[0][1];
    db.execute("insert into segment (id, node, created_ms) values ($1, '1', 1)", vec![segment.into()])
        .await
        .unwrap();
    for (table, rows) in &before {
        let sql =
            format!("update {table} set pack_id = null, segment_id = $2, offset_bytes = $3 where id = $1");
        for row in rows {
            let values = row.iter().map(|value| (*value).into()).collect();
            db.execute(sqlx::AssertSqlSafe(sql.clone()), values).await.unwrap();
        }
    }
    db.execute("delete from pack", vec![]).await.unwrap();
    drop(archive);
    let archive = home.open().await;
    assert_eq!(archive.verify(|_| {}).await.unwrap().damaged, 4);
    let report = archive.reindex(|_| {}).await.unwrap();
    assert_eq!((report.added, report.present), (0, 4));
    let report = archive.verify(|_| {}).await.unwrap();
    assert_eq!((report.instances, report.damaged), (4, 0));
    assert_whole(&archive, &sent).await;
    an_hour_later(&home);
    archive.tidy().await.unwrap();
    assert_whole(&archive, &sent).await;
    archive.close().await;
}

async fn an_act_whose_number_was_given_again_keeps_its_effect(home: Home) {
    let archive = home.open().await;
    let sent = slices(2, 1);
    send_all(&archive, &sent).await;
    home.rest();
    archive.settle_due().await.unwrap();
    delete(&archive, Subject::Study(sent[0].study.clone())).await;
    restore_backup(&archive).await;
    // Somebody works before the index is made anew.
    let mut tx = archive.database().begin(Durability::Synced).await.unwrap();
    let act = NewAct {
        kind: "study.link",
        actor: "user:1",
        subject_kind: "study",
        subject_uid: "1.2.3",
        reason: None,
        before: None,
        after: None,
        undoes: None,
    };
    let number = acts::record(&mut tx, &act, 5).await.unwrap();
    let sql = "update act set id = 1 where id = $1";
    tx.execute(sql, vec![number.into()]).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(archive.reindex(|_| {}).await.unwrap().acts, 1);
    assert_gone(&archive, &sent).await;
    assert_eq!(archive.reindex(|_| {}).await.unwrap().acts, 0);
    let both = archive.database().fetch("select id from act order by id", vec![]).await.unwrap();
    assert_eq!(both.len(), 2);
    archive.close().await;
}

async fn an_undoing_finds_its_act_under_another_number(home: Home) {
    let archive = home.open().await;
    let (all, actor) = (Scope::All, Actor::system());
    let exam = ordered(&archive, "X1").await;
    let sent = slices(2, 1);
    send_all(&archive, &sent).await;
    home.rest();
    archive.settle_due().await.unwrap();
    let (db, study) = (archive.database(), &sent[0].study);
    linking::link(db, &all, &actor, study, exam.id, None, 5).await.unwrap();
    linking::unlink(db, &all, &actor, study, Some("nhầm"), 6).await.unwrap();
    let subject = Subject::Study(study.clone());
    archive.reject(&all, &actor, &subject, pacs_core::rejection::Rejection::Quality).await.unwrap();
    archive.restore(&all, &actor, &subject, "wrongly rejected").await.unwrap();
    archive.tidy().await.unwrap();
    let taken_back = async || {
        let acts = acts::of_study(archive.database(), study.as_str(), 10).await.unwrap();
        let mut kinds: Vec<_> =
            acts.into_iter().filter(|(_, undone)| *undone).map(|(act, _)| act.kind).collect();
        kinds.sort();
        kinds
    };
    assert_eq!(taken_back().await, ["study.link", "study.reject"]);
    restore_backup(&archive).await;
    // Somebody works before the index is made anew.
    for number in 1..=4_i64 {
        let sql = "insert into act (id, kind, actor, at_ms, subject_kind, subject_uid)
             values ($1, 'study.correct', 'user:1', 5, 'study', '1.2.3')";
        archive.database().execute(sql, vec![number.into()]).await.unwrap();
    }
    assert_eq!(archive.reindex(|_| {}).await.unwrap().acts, 4);
    assert_eq!(taken_back().await, ["study.link", "study.reject"]);
    archive.close().await;
}
