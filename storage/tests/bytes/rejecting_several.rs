//! Several images or series that are rejected at once: one act, that is taken back whole.

use futures::StreamExt;
use futures::{future, stream};
use pacs_core::access::{Actor, Scope};
use pacs_core::rejection::Rejection;
use pacs_core::uid::Uid;
use pacs_core::uids;
use storage::corrections::{Target, What};
use storage::rejection::listing;
use storage::{Archive, Error, Subject};
use testdata::Instance;

use crate::backends::{Home, on_every_backend};
use crate::deleting::assert_gone;
use crate::moving::{in_series, move_, undo_newest};
use crate::rebuilding::{made_anew, with_empty_rows};
use crate::samples::*;

on_every_backend!(
    several_images_are_rejected_by_one_act,
    more_images_than_one_statement_names_are_rejected_by_one_act,
    several_series_are_rejected_by_one_act,
    what_is_not_of_the_subject_is_left_alone,
    several_images_that_were_moved_are_listed_where_they_are,
);

async fn reject(archive: &Archive, of: &Subject, some: &[Uid]) -> storage::rejection::Changed {
    let (all, actor) = (Scope::All, Actor::system());
    archive.reject_some(&all, &actor, (of, some), Rejection::Quality).await.unwrap()
}

fn uids(instances: &[Instance]) -> Vec<Uid> {
    instances.iter().map(|instance| instance.uid.clone()).collect()
}

async fn undo(archive: &Archive, subject: &Uid) {
    let act = storage::acts::of_subject(archive.database(), subject.as_str(), 1).await.unwrap().remove(0);
    archive.undo(&Scope::All, &Actor::system(), &act, None).await.unwrap();
}

async fn told(archive: &Archive, study: &Uid) -> Vec<(String, String)> {
    let acts = storage::acts::of_study(archive.database(), study.as_str(), 50).await.unwrap();
    acts.into_iter().map(|(act, _)| (act.kind, act.subject_kind)).collect()
}

async fn several_images_are_rejected_by_one_act(home: Home) {
    let archive = home.open().await;
    let sent = slices(5, 1);
    send_all(&archive, &sent).await;
    home.rest();
    archive.settle_study(&sent[0].study).await.unwrap();
    let tick = || home.clock.set_ms(home.clock.now_ms() + 1);
    // One of them is hidden already, and stays so when the act is taken back.
    archive
        .reject(
            &Scope::All,
            &Actor::system(),
            &Subject::Instance(sent[0].uid.clone()),
            Rejection::PatientSafety,
        )
        .await
        .unwrap();
    tick();
    let series = Subject::Series(sent[0].series.clone());
    let done = reject(&archive, &series, &uids(&sent[..3])).await;
    assert_eq!(done.instances, 2);
    assert_gone(&archive, &sent[..3]).await;
    assert_whole(&archive, &sent[3..]).await;
    let acts = storage::acts::of_subject(archive.database(), sent[0].series.as_str(), 9).await.unwrap();
    assert_eq!(
        acts.iter().map(|act| act.id).collect::<Vec<_>>(),
        [done.act],
        "one act, which says its number"
    );
    assert_eq!(told(&archive, &sent[0].study).await[0], ("instance.reject".into(), "series".into()));
    let again = archive
        .reject_some(&Scope::All, &Actor::system(), (&series, &uids(&sent[..3])), Rejection::Quality)
        .await;
    assert!(matches!(again, Err(Error::NotFound)), "{again:?}");
    archive.settle_due().await.unwrap();
    archive.close().await;
    drop(archive);

    let home = with_empty_rows(home).await;
    let archive = home.open().await;
    for time in ["the first time", "a second time"] {
        archive.reindex(|_| {}).await.unwrap();
        assert_gone(&archive, &sent[..3]).await;
        assert_whole(&archive, &sent[3..]).await;
        let listed = listing::studies(archive.database(), &Scope::All, None, 9).await.unwrap().items;
        assert_eq!((listed.len(), listed[0].instances), (1, 3), "{time}");
    }
    let tick = || home.clock.set_ms(home.clock.now_ms() + 1);
    tick();
    undo(&archive, &sent[0].series).await;
    assert_gone(&archive, &sent[..1]).await;
    assert_whole(&archive, &sent[1..]).await;
    assert_eq!(told(&archive, &sent[0].study).await[0], ("instance.restore".into(), "series".into()));
    // And that is taken back like any act.
    tick();
    undo(&archive, &sent[0].series).await;
    assert_gone(&archive, &sent[..3]).await;
    archive.close().await;
    drop(archive);
    let home = with_empty_rows(home).await;
    let archive = home.open().await;
    archive.reindex(|_| {}).await.unwrap();
    assert_gone(&archive, &sent[..3]).await;
    assert_whole(&archive, &sent[3..]).await;
    archive.close().await;
}

/// Statements name at most 500 of them.
async fn more_images_than_one_statement_names_are_rejected_by_one_act(home: Home) {
    let archive = home.open().await;
    let sent: Vec<Instance> = (1..=502)
        .map(|number| numbered(("7", number), uids::EXPLICIT_VR_LITTLE_ENDIAN, |_| {}, &[]))
        .collect();
    let sending = stream::iter(sent.iter().map(|instance| send(&archive, instance))).buffer_unordered(16);
    assert!(sending.all(|stored| future::ready(stored.is_ok())).await);
    let series = Subject::Series(sent[0].series.clone());
    assert_eq!(reject(&archive, &series, &uids(&sent[..501])).await.instances, 501);
    assert_gone(&archive, &sent[499..501]).await;
    assert_whole(&archive, &sent[501..]).await;
    let (home, archive) = made_anew(home, archive).await;
    let rejected = async || {
        let listed = listing::studies(archive.database(), &Scope::All, None, 9).await.unwrap().items;
        listed.iter().map(|study| study.instances).collect::<Vec<_>>()
    };
    assert_eq!(rejected().await, [501]);
    home.clock.set_ms(home.clock.now_ms() + 1);
    undo(&archive, &sent[0].series).await;
    assert!(rejected().await.is_empty());
    assert_whole(&archive, &sent[498..]).await;
    archive.close().await;
}

async fn several_series_are_rejected_by_one_act(home: Home) {
    let archive = home.open().await;
    let sent = slices(4, 1);
    let series = [
        vec![sent[0].clone()],
        vec![in_series(&sent[1], "1.2.77.1")],
        vec![in_series(&sent[2], "1.2.77.2"), in_series(&sent[3], "1.2.77.2")],
    ];
    send_all(&archive, &series.concat()).await;
    let study = Subject::Study(sent[0].study.clone());
    let place = async |instance: &Instance| place(&archive, instance).await.series_revision;
    let before = place(&series[0][0]).await;
    let meant = [series[1][0].series.clone(), series[2][0].series.clone()];
    let done = reject(&archive, &study, &meant).await;
    assert_eq!(done.instances, 3);
    assert_eq!(told(&archive, &sent[0].study).await, [("series.reject".to_owned(), "study".to_owned())]);
    assert_gone(&archive, &series[1..].concat()).await;
    assert_whole(&archive, &series[0]).await;
    assert_eq!(place(&series[0][0]).await, before, "what is not meant stays as it is");
    let (home, archive) = made_anew(home, archive).await;
    assert_gone(&archive, &series[1..].concat()).await;
    assert_whole(&archive, &series[0]).await;
    home.clock.set_ms(home.clock.now_ms() + 1);
    undo(&archive, &sent[0].study).await;
    assert_whole(&archive, &series.concat()).await;
    assert_eq!(told(&archive, &sent[0].study).await[0], ("series.restore".into(), "study".into()));
    archive.close().await;
}

async fn what_is_not_of_the_subject_is_left_alone(home: Home) {
    let archive = home.open().await;
    let (one, other) = (slices(2, 1), slices(2, 2));
    send_all(&archive, &one).await;
    send_all(&archive, &other).await;
    let series = Subject::Series(one[0].series.clone());
    let meant = [one[0].uid.clone(), other[0].uid.clone()];
    assert_eq!(reject(&archive, &series, &meant).await.instances, 1);
    assert_gone(&archive, &one[..1]).await;
    assert_whole(&archive, &other).await;
    let (all, actor) = (Scope::All, Actor::system());
    let elsewhere = Scope::Facilities(vec!["ELSEWHERE".into()]);
    let study = Subject::Study(one[0].study.clone());
    for (scope, subject, some) in [
        (&elsewhere, &series, vec![one[1].uid.clone()]),
        (&all, &study, vec![other[0].series.clone()]),
        (&all, &series, Vec::new()),
    ] {
        let refused = archive.reject_some(scope, &actor, (subject, &some), Rejection::Quality).await;
        assert!(matches!(refused, Err(Error::NotFound)), "{subject:?} {some:?}: {refused:?}");
    }
    assert_whole(&archive, &other).await;
    assert_whole(&archive, &one[1..]).await;
    archive.close().await;
}

async fn several_images_that_were_moved_are_listed_where_they_are(home: Home) {
    let archive = home.open().await;
    let (from, to) = (slices(4, 1), slices(1, 2));
    send_all(&archive, &from).await;
    send_all(&archive, &to).await;
    let tick = || home.clock.set_ms(home.clock.now_ms() + 1);
    let target = Target::Study(to[0].study.clone());
    move_(&archive, &from[0].study, What::Instances(uids(&from[..3])), target).await;
    tick();
    let found = archive.locate_instance(&Scope::All, None, None, &from[0].uid).await.unwrap();
    let made = found.unwrap().series_uid;
    assert_eq!(reject(&archive, &Subject::Series(made.clone()), &uids(&from[..2])).await.instances, 2);
    let listed = async || {
        let page = listing::studies(archive.database(), &Scope::All, None, 9).await.unwrap();
        page.items.into_iter().map(|row| (row.study.uid, row.instances)).collect::<Vec<_>>()
    };
    assert_eq!(listed().await, [(to[0].study.clone(), 2)]);
    // They go back where they came from, and the series that the act is about is no more.
    tick();
    undo_newest(&archive, &from[0].study).await;
    assert_eq!(listed().await, [(from[0].study.clone(), 2)]);
    assert_gone(&archive, &from[..2]).await;
    tick();
    undo(&archive, &made).await;
    assert!(listed().await.is_empty());
    assert_whole(&archive, &from).await;
    archive.close().await;
}
