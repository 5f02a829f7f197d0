//! What is deleted goes, stays gone, and takes nothing else along.

use bytes::Bytes;
use futures::TryStreamExt;
use pacs_core::access::{Actor, Scope};
use pacs_core::query::{Level, Query};
use storage::exams::{linking, search};
use storage::{Archive, Decision, Encoding, Error, Subject, Version};
use testdata::Instance;

use crate::backends::{Home, on_every_backend};
use crate::rebuilding::ordered;
use crate::samples::*;
use crate::settling::files;

on_every_backend!(
    a_deleted_study_is_gone_at_once_and_its_objects_an_hour_later,
    what_was_deleted_does_not_come_back_with_a_start,
    a_deleted_instance_leaves_the_others_in_order,
    what_is_sent_again_is_new,
    an_image_on_its_way_is_told_to_come_again,
    settling_and_deleting_at_once_leave_nothing_behind,
    a_deletion_needs_a_reason_and_a_study_in_scope,
    a_deleted_study_leaves_what_consoles_reported_of_its_exam,
);

pub async fn delete(archive: &Archive, subject: Subject) -> u64 {
    archive.delete(&Scope::All, &Actor::system(), &subject, "gửi nhầm").await.unwrap()
}

fn study(instance: &Instance) -> Subject {
    Subject::Study(instance.study.clone())
}

/// Lets so much time pass that objects without rows may go.
pub fn an_hour_later(home: &Home) {
    home.clock.set_ms(home.clock.now_ms() + 3_601_000);
}

pub async fn assert_gone(archive: &Archive, instances: &[Instance]) {
    for instance in instances {
        let found = archive.locate_instance(&Scope::All, None, None, &instance.uid).await.unwrap();
        assert!(found.is_none(), "instance {} is still there", instance.uid);
    }
}

/// What lies in the object store, when that is a folder.
pub fn objects(home: &Home) -> Option<Vec<std::path::PathBuf>> {
    let all = || files(&home.dir.path().join("objects"));
    home.objects.is_none().then(|| {
        all()
            .into_iter()
            .filter(|path| !path.components().any(|part| part.as_os_str() == "journal"))
            .collect()
    })
}

async fn a_deleted_study_is_gone_at_once_and_its_objects_an_hour_later(home: Home) {
    let archive = home.open().await;
    let (gone, kept) = (slices(5, 1), slices(3, 2));
    send_all(&archive, &gone[..3]).await;
    send_all(&archive, &kept).await;
    home.rest();
    archive.settle_due().await.unwrap();
    send_all(&archive, &gone[3..]).await;
    let reader = archive.open_instance(&place(&archive, &gone[0]).await).await.unwrap();
    let stale = place(&archive, &gone[4]).await;

    assert_eq!(delete(&archive, study(&gone[0])).await, 5);
    assert_gone(&archive, &gone).await;
    assert!(home.segments().is_empty(), "nothing else lay in the spool");
    let (series, all) = (&gone[0].series, Scope::All);
    let metadata = archive.series_metadata(&all, &gone[0].study, series, "http://x").await;
    assert!(matches!(metadata.err(), Some(Error::NotFound)));
    let studies: Vec<_> = storage::query::find(archive.database(), &Query::new(Level::Study), &all)
        .try_collect()
        .await
        .unwrap();
    assert_eq!(studies.len(), 1);
    let read = reader.read(0..reader.length_bytes()).await.unwrap();
    assert!(read == gone[0].bytes, "who is reading reads on");
    assert!(matches!(archive.open_instance(&stale).await.err(), Some(Error::NotFound)));
    assert_whole(&archive, &kept).await;

    archive.tidy().await.unwrap();
    assert!(objects(&home).is_none_or(|there| there.len() == 4), "two packs with their companions");
    an_hour_later(&home);
    archive.tidy().await.unwrap();
    assert!(objects(&home).is_none_or(|there| there.len() == 2), "{:?}", objects(&home));
    assert_whole(&archive, &kept).await;
    let report = archive.verify(|_| {}).await.unwrap();
    assert_eq!((report.instances, report.damaged), (3, 0));
    let events = storage::events::since(archive.database(), 0, 1000).await.unwrap();
    assert_eq!(events.last().unwrap().study_uid.as_deref(), Some(gone[0].study.as_str()));
    archive.close().await;
}

async fn what_was_deleted_does_not_come_back_with_a_start(home: Home) {
    let archive = home.open().await;
    // One segment for both, and the first of them settled: its entry has no row any more.
    let (settled, spooled, kept) = (slices(2, 1), slices(2, 2), slices(2, 3));
    for one in [&settled, &spooled, &kept] {
        send_all(&archive, one).await;
    }
    assert_eq!(home.segments().len(), 1);
    archive.settle_study(&settled[0].study).await.unwrap();
    delete(&archive, study(&settled[0])).await;
    delete(&archive, Subject::Series(spooled[0].series.clone())).await;
    assert_gone(&archive, &spooled).await;
    drop(archive);
    let archive = home.open().await;
    assert_gone(&archive, &settled).await;
    assert_gone(&archive, &spooled).await;
    assert_whole(&archive, &kept).await;
    archive.settle_study(&kept[0].study).await.unwrap();
    assert!(home.segments().is_empty(), "what is deleted holds no segment");
    archive.close().await;
}

async fn a_deleted_instance_leaves_the_others_in_order(home: Home) {
    let archive = home.open().await;
    let sent = slices(4, 1);
    send_all(&archive, &sent).await;
    let mut other = sent[1].clone();
    *other.bytes.last_mut().unwrap() ^= 1;
    assert_eq!(send(&archive, &other).await.unwrap().decision, Decision::Conflict(Version::New));
    archive.settle_study(&sent[0].study).await.unwrap();
    let etag = async || {
        let found =
            archive.series_metadata(&Scope::All, &sent[0].study, &sent[0].series, "http://x").await.unwrap();
        let file = found.open(Encoding::Identity).await.unwrap();
        let bytes: Vec<u8> = file.stream().try_collect::<Vec<_>>().await.unwrap().concat();
        let listed: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        (found.etag(Encoding::Identity), listed.as_array().unwrap().len())
    };
    let before = etag().await;
    assert_eq!(before.1, 4);
    assert_eq!(delete(&archive, Subject::Instance(sent[1].uid.clone())).await, 2, "with its other version");
    assert_gone(&archive, &sent[1..2]).await;
    let left: Vec<_> = [0, 2, 3].map(|at| sent[at].clone()).to_vec();
    assert_whole(&archive, &left).await;
    let after = etag().await;
    assert_eq!(after.1, 3);
    assert_ne!(before.0, after.0, "the series has another revision");
    let line = search::study(archive.database(), &Scope::All, &sent[0].study).await.unwrap().unwrap();
    assert_eq!((line.series_count, line.instance_count, line.conflict_count), (1, 3, 0));
    for instance in &left {
        delete(&archive, Subject::Instance(instance.uid.clone())).await;
    }
    assert!(search::study(archive.database(), &Scope::All, &sent[0].study).await.unwrap().is_none());
    an_hour_later(&home);
    archive.tidy().await.unwrap();
    assert_eq!(objects(&home).unwrap_or_default(), Vec::<std::path::PathBuf>::new());
    archive.close().await;
}

async fn what_is_sent_again_is_new(home: Home) {
    let archive = home.open().await;
    let sent = slices(2, 1);
    send_all(&archive, &sent).await;
    let first = place(&archive, &sent[0]).await;
    archive.header(&first).await.unwrap();
    delete(&archive, study(&sent[0])).await;
    home.clock.set_ms(home.clock.now_ms() + 1);
    // The same UID with other content is no conflict now, nor does anything remembered show through.
    let mut other = sent[0].clone();
    let at = other.bytes.windows(4).position(|four| four == [0x20, 0x00, 0x13, 0x00]).unwrap();
    other.bytes[at + 8] = b'7';
    assert!(matches!(send(&archive, &other).await.unwrap().decision, Decision::Accepted { .. }));
    assert_whole(&archive, std::slice::from_ref(&other)).await;
    let again = place(&archive, &other).await;
    let number = archive.header(&again).await.unwrap().int(pacs_core::tags::INSTANCE_NUMBER);
    assert_eq!(number, Some(7));
    let key = |place| storage::RenditionKey::of_instance(place, "thumbnail").etag();
    assert_ne!(key(&first), key(&again));
    drop(archive);
    let archive = home.open().await;
    assert_whole(&archive, std::slice::from_ref(&other)).await;
    assert_gone(&archive, &sent[1..]).await;
    archive.close().await;
}

async fn an_image_on_its_way_is_told_to_come_again(home: Home) {
    let archive = home.open().await;
    let sent = slices(2, 1);
    send_all(&archive, &sent[..1]).await;
    let mut incoming = archive.begin(envelope(&sent[1])).await.unwrap();
    incoming.write(Bytes::copy_from_slice(sent[1].dataset())).await.unwrap();
    delete(&archive, study(&sent[0])).await;
    let refused = incoming.finish().await;
    assert!(matches!(refused, Err(Error::Unavailable(_))), "{refused:?}");
    home.clock.set_ms(home.clock.now_ms() + 1);
    send_all(&archive, &sent[1..]).await;
    drop(archive);
    let archive = home.open().await;
    assert_whole(&archive, &sent[1..]).await;
    assert_gone(&archive, &sent[..1]).await;
    archive.close().await;
}

async fn settling_and_deleting_at_once_leave_nothing_behind(home: Home) {
    let archive = home.open().await;
    let kept = slices(2, 99);
    send_all(&archive, &kept).await;
    for round in 0..8 {
        home.clock.set_ms(home.clock.now_ms() + 1);
        let sent = slices(6, 100 + round);
        send_all(&archive, &sent).await;
        let settling = archive.settle_study(&sent[0].study);
        let deleting = async {
            for _ in 0..round * 3 {
                tokio::task::yield_now().await;
            }
            match round % 2 {
                0 => delete(&archive, study(&sent[0])).await,
                _ => delete(&archive, Subject::Series(sent[0].series.clone())).await,
            }
        };
        let (settled, deleted) = tokio::join!(settling, deleting);
        assert_eq!((settled.unwrap().damaged, deleted), (0, 6), "round {round}");
        assert_gone(&archive, &sent).await;
    }
    archive.settle_study(&kept[0].study).await.unwrap();
    an_hour_later(&home);
    archive.tidy().await.unwrap();
    assert!(home.segments().is_empty());
    assert!(objects(&home).is_none_or(|there| there.len() == 2), "{:?}", objects(&home));
    let packs = archive.database().fetch("select id from pack", vec![]).await.unwrap();
    assert_eq!(packs.len(), 1);
    assert_whole(&archive, &kept).await;
    archive.close().await;
}

async fn a_deletion_needs_a_reason_and_a_study_in_scope(home: Home) {
    let archive = home.open().await;
    let sent = slices(1, 1);
    send_all(&archive, &sent).await;
    let elsewhere = Scope::Facilities(vec!["B".to_owned()]);
    let actor = Actor::system();
    for subject in
        [study(&sent[0]), Subject::Series(sent[0].series.clone()), Subject::Instance(sent[0].uid.clone())]
    {
        let refused = archive.delete(&elsewhere, &actor, &subject, "nhầm").await;
        assert!(matches!(refused, Err(Error::NotFound)), "{refused:?}");
        let refused = archive.delete(&Scope::All, &actor, &subject, "  ").await;
        assert!(matches!(refused, Err(Error::Conflict(_))), "{refused:?}");
    }
    let nothing = archive.delete(&Scope::All, &actor, &Subject::Study(uid("1.2.3")), "nhầm").await;
    assert!(matches!(nothing, Err(Error::NotFound)), "{nothing:?}");
    assert_whole(&archive, &sent).await;
    let here = Scope::Facilities(vec!["A".to_owned()]);
    assert_eq!(archive.delete(&here, &actor, &study(&sent[0]), "nhầm").await.unwrap(), 1);
    let acts = storage::acts::of_subject(archive.database(), sent[0].study.as_str(), 10).await.unwrap();
    assert_eq!((acts[0].kind.as_str(), acts[0].reason.as_deref()), ("study.delete", Some("nhầm")));
    archive.close().await;
}

/// Else the next time the exam is made it would have ended before it began.
async fn a_deleted_study_leaves_what_consoles_reported_of_its_exam(home: Home) {
    let archive = home.open().await;
    let db = archive.database();
    let sent = slices(1, 1);
    let exam = ordered(&archive, "X1").await;
    send_all(&archive, &sent).await;
    linking::link(db, &Scope::All, &Actor::system(), &sent[0].study, exam.id, None, 1).await.unwrap();
    let reported =
        "insert into performed_step (uid, facility, state, performed_id, calling_ae, station_ae, modality,
             start_date, start_time, wrong_entry, attributes, created_ms, updated_ms)
         values ($1, 'A', $2, 'P', 'CT1', 'CT1', 'CT', '20260921', '080000', 0, '[{}]', 1, 1)";
    let request = "insert into performed_request (performed_step_id, position, scheduled_step_id, study_uid)
         select id, 0, $2, $3 from performed_step where uid = $1";
    let for_exam = "select uid from performed_request q join performed_step p on p.id = q.performed_step_id
         where q.scheduled_step_id is not null order by uid";
    for (uid, state) in [("9.1", "COMPLETED"), ("9.2", "IN PROGRESS")] {
        db.execute(reported, vec![uid.into(), state.into()]).await.unwrap();
        let params = vec![uid.into(), exam.id.0.into(), (&sent[0].study).into()];
        db.execute(request, params).await.unwrap();
    }
    delete(&archive, study(&sent[0])).await;
    assert_eq!(db.fetch(for_exam, vec![]).await.unwrap().len(), 2, "a console is at work on it");
    db.execute("update performed_step set state = 'COMPLETED'", vec![]).await.unwrap();
    // What was on its way when it was deleted stays so; this is sent again.
    home.clock.set_ms(home.clock.now_ms() + 1000);
    send_all(&archive, &sent).await;
    linking::link(db, &Scope::All, &Actor::system(), &sent[0].study, exam.id, None, 1).await.unwrap();
    delete(&archive, study(&sent[0])).await;
    assert_eq!(db.fetch(for_exam, vec![]).await.unwrap().len(), 0);
    archive.close().await;
}
