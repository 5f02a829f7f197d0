//! What may be promised to a device, and the requests that wait for it.

use pacs_core::access::{Actor, Scope};
use pacs_core::uid::{AeTitle, Uid};
use storage::commitment::{self, Reference, Request, Unsafe};
use storage::{Archive, Decision, Subject, Version};
use testdata::Instance;

use crate::backends::{Home, on_every_backend};
use crate::samples::*;
use crate::settling::flip;

on_every_backend!(
    what_is_asked_about_is_settled_at_once,
    only_what_is_here_and_whole_is_promised,
    a_request_is_somebodys_until_it_is_reported,
);

fn about(instances: &[Instance]) -> Vec<Reference> {
    let reference =
        |instance: &Instance| Reference { class: instance.class.clone(), instance: instance.uid.clone() };
    instances.iter().map(reference).collect()
}

async fn asked(archive: &Archive, references: &[Reference]) -> Vec<Result<(), Unsafe>> {
    archive.commit((&ct1(), &Scope::All), references).await.unwrap()
}

/// Who has sent everything here.
fn ct1() -> AeTitle {
    AeTitle::parse("CT1").unwrap()
}

async fn what_is_asked_about_is_settled_at_once(home: Home) {
    let archive = home.open().await;
    let (sent, others) = (slices(3, 1), slices(2, 2));
    send_all(&archive, &sent).await;
    send_all(&archive, &others).await;
    assert_eq!(asked(&archive, &about(&sent)).await, [Ok(()); 3]);
    assert!(archive.spool_bytes() > 0, "what nobody asked about rests");
    // A version that is kept beside it has to be safe too.
    let mut other = sent[0].clone();
    *other.bytes.last_mut().unwrap() ^= 1;
    assert_eq!(send(&archive, &other).await.unwrap().decision, Decision::Conflict(Version::New));
    let unsettled = "select id from instance_version where segment_id is not null";
    assert_eq!(archive.database().fetch(unsettled, vec![]).await.unwrap().len(), 1);
    assert_eq!(asked(&archive, &about(&sent[..1])).await, [Ok(())]);
    assert_eq!(archive.database().fetch(unsettled, vec![]).await.unwrap().len(), 0);
    archive.close().await;
}

async fn only_what_is_here_and_whole_is_promised(home: Home) {
    let archive = home.open().await;
    let sent = slices(4, 1);
    send_all(&archive, &sent).await;
    let deleted = Subject::Instance(sent[3].uid.clone());
    archive.delete(&Scope::All, &Actor::system(), &deleted, "gửi nhầm").await.unwrap();
    let damaged = place(&archive, &sent[1]).await.place;
    flip(&home.segments()[0], damaged.offset_bytes + damaged.length_bytes - 9);
    let mut references = about(&sent);
    references[2].class = uid("1.2.840.10008.5.1.4.1.1.4");
    references.push(Reference { class: references[0].class.clone(), instance: uid("1.2.3") });
    let want = [
        Ok(()),
        Err(Unsafe::Unsettled),
        Err(Unsafe::ClassDiffers),
        Err(Unsafe::NoSuchInstance),
        Err(Unsafe::NoSuchInstance),
    ];
    assert_eq!(asked(&archive, &references).await, want);
    let elsewhere = Scope::Facilities(vec!["B".to_owned()]);
    let other = AeTitle::parse("CT2").unwrap();
    let told = archive.commit((&other, &elsewhere), &references[..1]).await.unwrap();
    assert_eq!(told, [Err(Unsafe::NoSuchInstance)], "another facility's");
    let told = archive.commit((&ct1(), &elsewhere), &references[..1]).await.unwrap();
    assert_eq!(told, [Ok(())], "what a device has sent itself, though to another facility's study");
    archive.close().await;
}

async fn a_request_is_somebodys_until_it_is_reported(home: Home) {
    let archive = home.open().await;
    let db = archive.database();
    let title = |text| AeTitle::parse(text).unwrap();
    let transaction: Uid = uid("1.2.9");
    let (device, called) = (title("CT1"), title("SEN"));
    let request = Request { transaction, device, called, references: about(&slices(3, 1)) };
    let begin = async |worker, now_ms| commitment::begin(db, request.clone(), worker, 1000, now_ms).await;
    let claim = async |worker, now_ms| commitment::claim(db, &[], worker, 1000, now_ms).await.unwrap();

    let task = begin("a", 0).await.unwrap().unwrap();
    assert!(begin("b", 1).await.unwrap().is_none(), "asked twice");
    assert!(claim("b", 1).await.is_none(), "it is another's");
    commitment::hand_over(db, &task, "a", 1).await.unwrap();
    let busy = commitment::claim(db, &[&request.device], "b", 1000, 1).await.unwrap();
    assert!(busy.is_none(), "the device is being told of another");
    let task = claim("b", 1).await.unwrap();
    assert_eq!(task.request, request);
    assert!(commitment::reported(db, &task, "a").await.is_err(), "it is another's");
    commitment::put_off(db, &task, "b", "nobody listens", 2).await.unwrap();
    assert!(claim("b", 3).await.is_none(), "not so soon");
    claim("b", 60_000).await.unwrap();
    // Another process, after the one that had it was killed.
    assert_eq!(commitment::resume(db, 60_001).await.unwrap(), 1);
    let task = claim("c", 60_001).await.unwrap();
    commitment::reported(db, &task, "c").await.unwrap();
    assert!(claim("c", 1 << 40).await.is_none());
    assert!(begin("a", 1 << 40).await.unwrap().is_some(), "asked anew");
    archive.close().await;
}
