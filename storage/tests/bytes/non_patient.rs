//! Objects that are of no patient are kept as everything else is: found again from their bytes alone, read back, backed
//! up, and promised to devices.

use bytes::Bytes;
use futures::TryStreamExt;
use pacs_core::access::{Actor, Scope};
use pacs_core::dataset::{self, DataSet, vr_of};
use pacs_core::ingest::RefusalKind;
use pacs_core::non_patient::Kind;
use pacs_core::query::{Level, Query};
use pacs_core::rejection::Rejection;
use pacs_core::uid::AeTitle;
use pacs_core::{Tag, VR, part10, tags, transfer_syntax, uids};
use storage::commitment::{Reference, Unsafe};
use storage::non_patient::{self, NonPatient};
use storage::pace::Pace;
use storage::verify::background::Plan;
use storage::{Archive, Error, InstancePlace, Subject};
use testdata::Instance;

use crate::backends::{Home, on_every_backend};
use crate::backing_up::{Stubborn, elsewhere, open_restored, put_back, take, target};
use crate::deleting::{an_hour_later, assert_gone};
use crate::rebuilding::with_empty_rows;
use crate::samples::{assert_whole, bytes_of, envelope, send_all, slices, uid};
use crate::settling::{files, flip};

on_every_backend!(
    objects_are_kept_once_and_found,
    the_index_comes_back_from_the_objects,
    a_backup_brings_them_back,
    who_sees_a_part_sees_no_inventory,
);

const HANGING_PROTOCOL: &str = "1.2.840.10008.5.1.4.38.1";
const IMPLANT_TEMPLATE: &str = "1.2.840.10008.5.1.4.43.1";
const INVENTORY: &str = "1.2.840.10008.5.1.4.1.1.201.1";

fn object(class: &str, instance: &str, put: impl FnOnce(&mut DataSet)) -> Instance {
    let (class, instance, syntax) = (uid(class), uid(instance), uid(uids::EXPLICIT_VR_LITTLE_ENDIAN));
    let mut set = DataSet::new();
    set.put_uid(tags::SOP_CLASS_UID, &class);
    set.put_uid(tags::SOP_INSTANCE_UID, &instance);
    put(&mut set);
    let mut bytes = part10::write_head(&class, &instance, &syntax, None);
    let dataset_offset = bytes.len();
    dataset::write(&set, &transfer_syntax::of(&syntax), &mut bytes).unwrap();
    let (series, study) = (instance.clone(), instance.clone());
    Instance { class, uid: instance, series, study, transfer_syntax: syntax, bytes, dataset_offset }
}

pub fn protocol(instance: &str, name: &str) -> Instance {
    object(HANGING_PROTOCOL, instance, |set| set.put_text(tags::HANGING_PROTOCOL_NAME, name))
}

/// More than is held in memory, and more than one part of an upload.
fn template(instance: &str) -> Instance {
    object(IMPLANT_TEMPLATE, instance, |set| {
        set.put_text(tags::IMPLANT_NAME, "Chuôi khớp háng");
        set.put_bytes(
            tags::ENCAPSULATED_DOCUMENT,
            VR::OB,
            (0..9 << 20).map(|n| n as u8).collect::<Vec<u8>>(),
        );
    })
}

pub async fn keep(archive: &Archive, object: &Instance) -> Result<NonPatient, Error> {
    let mut incoming = archive.begin(envelope(object)).await?;
    for piece in object.dataset().chunks(64 << 10) {
        incoming.write(Bytes::copy_from_slice(piece)).await?;
    }
    archive.keep_non_patient(incoming).await
}

async fn found(archive: &Archive, kind: Kind, keys: &[(Tag, &str)]) -> Vec<DataSet> {
    let mut query = Query::new(Level::Instance);
    for (tag, value) in keys {
        query.add(&[*tag], vr_of(*tag), value).unwrap();
    }
    non_patient::find(archive.database(), kind, &query, &Scope::All).try_collect().await.unwrap()
}

pub async fn places(archive: &Archive, kind: Kind, objects: &[&Instance]) -> Vec<InstancePlace> {
    let uids: Vec<_> = objects.iter().map(|object| object.uid.clone()).collect();
    non_patient::places(archive.database(), kind, &uids, &Scope::All).try_collect().await.unwrap()
}

async fn assert_kept(archive: &Archive, kind: Kind, object: &Instance) {
    let places = places(archive, kind, &[object]).await;
    assert_eq!(places.len(), 1);
    assert_eq!(places[0].study(), None);
    assert!(bytes_of(archive, &places[0]).await == object.bytes, "{} differs", object.uid);
}

async fn objects_are_kept_once_and_found(home: Home) {
    let archive = home.open().await;
    let (first, second, large) = (protocol("1.2.1", "CT ngực"), protocol("1.2.2", "MG"), template("1.2.3"));
    for object in [&first, &second, &large] {
        assert_eq!(keep(&archive, object).await.unwrap(), NonPatient::Accepted);
    }
    for object in [&first, &large] {
        assert_eq!(keep(&archive, object).await.unwrap(), NonPatient::Duplicate);
    }
    let other = protocol("1.2.1", "CT bụng");
    assert_eq!(keep(&archive, &other).await.unwrap(), NonPatient::Version);
    assert_eq!(keep(&archive, &other).await.unwrap(), NonPatient::Duplicate);
    assert_kept(&archive, Kind::HangingProtocol, &first).await;
    assert_kept(&archive, Kind::ImplantTemplate, &large).await;

    let names = |found: Vec<DataSet>| {
        found.iter().map(|set| set.text(tags::HANGING_PROTOCOL_NAME).unwrap()).collect::<Vec<_>>()
    };
    let all = found(&archive, Kind::HangingProtocol, &[(tags::HANGING_PROTOCOL_NAME, "")]).await;
    assert_eq!(names(all), ["CT ngực", "MG"], "the first of two contents is served");
    let some = found(&archive, Kind::HangingProtocol, &[(tags::HANGING_PROTOCOL_NAME, "CT*")]).await;
    assert_eq!(names(some), ["CT ngực"]);
    assert_eq!(found(&archive, Kind::ImplantTemplate, &[]).await.len(), 1);
    assert!(found(&archive, Kind::ColorPalette, &[]).await.is_empty());
    assert!(places(&archive, Kind::ColorPalette, &[&first]).await.is_empty(), "of another kind");

    let reference = |class: &str, instance: &str| Reference { class: uid(class), instance: uid(instance) };
    let asked = [
        reference(HANGING_PROTOCOL, "1.2.1"),
        reference(IMPLANT_TEMPLATE, "1.2.1"),
        reference(HANGING_PROTOCOL, "1.2.9"),
        reference(IMPLANT_TEMPLATE, "1.2.3"),
    ];
    let promised = archive.commit((&AeTitle::parse("CT1").unwrap(), &Scope::All), &asked).await.unwrap();
    assert_eq!(promised, [Ok(()), Err(Unsafe::ClassDiffers), Err(Unsafe::NoSuchInstance), Ok(())]);

    // What is announced and not so is refused, and leaves nothing.
    let mut announced = envelope(&first);
    announced.declared_instance = Some(uid("1.2.77"));
    let mut incoming = archive.begin(announced).await.unwrap();
    incoming.write(Bytes::copy_from_slice(first.dataset())).await.unwrap();
    let Err(Error::Refused(refusal)) = archive.keep_non_patient(incoming).await else { panic!("it is kept") };
    assert_eq!(refusal.kind, RefusalKind::Mismatch);
    let mut incoming = archive.begin(envelope(&first)).await.unwrap();
    incoming.write(Bytes::from_static(b"no data set at all")).await.unwrap();
    let Err(Error::Refused(refusal)) = archive.keep_non_patient(incoming).await else { panic!("it is kept") };
    assert_eq!(refusal.kind, RefusalKind::NotADataSet);
    let report = archive.verify(|_| {}).await.unwrap();
    assert_eq!((report.instances, report.damaged), (4, 0));
    archive.close().await;
}

async fn the_index_comes_back_from_the_objects(home: Home) {
    let archive = home.open().await;
    let (first, large) = (protocol("1.2.1", "CT ngực"), template("1.2.3"));
    keep(&archive, &first).await.unwrap();
    keep(&archive, &large).await.unwrap();
    home.clock.set_ms(home.clock.now_ms() + 1000);
    keep(&archive, &protocol("1.2.1", "CT bụng")).await.unwrap();
    archive.close().await;
    drop(archive);

    let home = with_empty_rows(home).await;
    let archive = home.open().await;
    assert!(found(&archive, Kind::HangingProtocol, &[]).await.is_empty());
    let report = archive.reindex(|_| {}).await.unwrap();
    assert_eq!((report.added, report.present, report.damaged), (3, 0, 0));
    assert_kept(&archive, Kind::HangingProtocol, &first).await;
    assert_kept(&archive, Kind::ImplantTemplate, &large).await;
    let named = found(&archive, Kind::ImplantTemplate, &[(tags::IMPLANT_NAME, "Chuôi khớp háng")]).await;
    assert_eq!(named.len(), 1);
    let place = &places(&archive, Kind::HangingProtocol, &[&first]).await[0];
    assert_eq!(place.received_ms, crate::backends::START_MS);
    let again = archive.reindex(|_| {}).await.unwrap();
    assert_eq!((again.added, again.present), (0, 3), "a second time changes nothing");
    archive.close().await;
}

async fn a_backup_brings_them_back(home: Home) {
    let archive = home.open().await;
    let (first, large) = (protocol("1.2.1", "CT ngực"), template("1.2.3"));
    keep(&archive, &first).await.unwrap();
    keep(&archive, &large).await.unwrap();
    let target = target(&home).await;
    let report = take(&archive, &target, 1).await.unwrap();
    assert_eq!(report.damaged, 0, "{:?}", report.named);
    archive.close().await;
    drop(archive);
    let fresh = elsewhere(&home).await;
    put_back(&fresh, &target, None).await.unwrap();
    let archive = open_restored(&fresh).await;
    assert_kept(&archive, Kind::HangingProtocol, &first).await;
    assert_kept(&archive, Kind::ImplantTemplate, &large).await;
    archive.close().await;
}

async fn who_sees_a_part_sees_no_inventory(home: Home) {
    let archive = home.open().await;
    let inventory = object(INVENTORY, "1.2.4", |set| set.put_text(tags::CONTENT_LABEL, "ALL"));
    let protocol = protocol("1.2.1", "CT ngực");
    keep(&archive, &inventory).await.unwrap();
    keep(&archive, &protocol).await.unwrap();
    assert_kept(&archive, Kind::Inventory, &inventory).await;
    let part = Scope::Facilities(vec!["A".to_owned()]);
    let query = Query::new(Level::Instance);
    for (kind, object, count) in [(Kind::Inventory, &inventory, 0), (Kind::HangingProtocol, &protocol, 1)] {
        let db = archive.database();
        let found: Vec<_> = non_patient::find(db, kind, &query, &part).try_collect().await.unwrap();
        let uids = std::slice::from_ref(&object.uid);
        let places: Vec<_> = non_patient::places(db, kind, uids, &part).try_collect().await.unwrap();
        assert_eq!((found.len(), places.len()), (count, count), "{kind:?}");
    }
    archive.close().await;
}

/// One of them that cannot be read is in the way of nothing that hides or corrects images.
#[tokio::test(flavor = "multi_thread")]
async fn one_that_cannot_be_read_is_passed_over() {
    let home = Home::embedded();
    let archive = home.open().await;
    let (first, withheld, empty) =
        (protocol("1.2.1", "CT"), protocol("1.2.2", "MG"), protocol("1.2.3", "DX"));
    for object in [&first, &withheld, &empty] {
        keep(&archive, object).await.unwrap();
    }
    let (shown, rejected) = (slices(2, 1), slices(2, 2));
    for study in [&shown, &rejected] {
        send_all(&archive, study).await;
        archive.settle_study(&study[0].study).await.unwrap();
    }
    let subject = Subject::Study(rejected[0].study.clone());
    archive.reject(&Scope::All, &Actor::system(), &subject, Rejection::Quality).await.unwrap();
    archive.close().await;
    drop(archive);

    let mut home = with_empty_rows(home).await;
    let objects = home.dir.path().join("objects");
    std::fs::write(&files(&objects.join("non-patient/1.2.3"))[0], "").unwrap();
    home.objects = Some(Stubborn::withholding(&objects, "non-patient/1.2.2"));
    let archive = home.open().await;
    let report = archive.reindex(|_| {}).await.unwrap();
    assert_eq!((report.added, report.damaged), (5, 2), "{report:?}");
    assert_whole(&archive, &shown).await;
    assert_gone(&archive, &rejected).await;
    assert_kept(&archive, Kind::HangingProtocol, &first).await;
    archive.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_damaged_is_found_out() {
    let home = Home::embedded();
    let archive = home.open().await;
    for n in 1..=3 {
        keep(&archive, &protocol(&format!("1.2.{n}"), "CT")).await.unwrap();
    }
    let plan = Plan { every: std::time::Duration::from_secs(86_400), bytes_per_second: 1 << 30 };
    let next = async || archive.verify_next(plan, &mut Pace::free()).await.unwrap();
    assert!(next().await.is_none(), "what was just written has not left the cache");
    an_hour_later(&home);
    let folder = home.dir.path().join("objects").join("non-patient");
    let path = files(&folder).into_iter().find(|path| path.to_string_lossy().contains("/1.2.2/")).unwrap();
    flip(&path, std::fs::metadata(&path).unwrap().len() - 1);
    let mut read = Vec::new();
    while let Some(report) = next().await {
        read.push((report.instances, report.damaged));
    }
    read.sort_unstable();
    assert_eq!(read, [(1, 0), (1, 0), (1, 1)], "each once");
    std::fs::remove_file(path).unwrap();
    let report = archive.verify(|_| {}).await.unwrap();
    assert_eq!((report.instances, report.damaged), (3, 1));
    assert_eq!(report.named[0].0, uid("1.2.2"));
    archive.close().await;
}
