//! Some frames of an instance, retrieved as an instance of their own.

use crate::support::retrieval::{counts, destination, get, receiving, second_archive};
use crate::support::{Harness, ae, samples, uid};
use dimse_scp::dimse::Status;
use dimse_scp::scu::{Association, Instance, Proposal};
use pacs_core::access::Scope;
use pacs_core::dataset::DataSet;
use pacs_core::pixels;
use pacs_core::uid::Uid;
use pacs_core::{Tag, VR, tags, uids};

const GET: &str = uids::COMPOSITE_INSTANCE_ROOT_RETRIEVE_GET;
const WITHOUT_BULK: &str = uids::COMPOSITE_INSTANCE_RETRIEVE_WITHOUT_BULK_DATA_GET;
const MOVE: &str = uids::COMPOSITE_INSTANCE_ROOT_RETRIEVE_MOVE;
const EXPLICIT: &str = uids::EXPLICIT_VR_LITTLE_ENDIAN;
const IMPLICIT: &str = uids::IMPLICIT_VR_LITTLE_ENDIAN;
const DEFLATED: &str = uids::DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN;
const BIG_ENDIAN: &str = "1.2.840.10008.1.2.2";

fn sample(name: &str) -> Instance {
    let folders = ["modality", "syntax", "colour"];
    folders.into_iter().flat_map(samples).find(|(found, _)| found == name).unwrap().1
}

fn model(class: &str) -> Proposal {
    Proposal::new(uid(class), vec![uid(EXPLICIT)])
}

fn longs(numbers: &[u32]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
}

/// An identifier at level FRAME.
fn wanted(instance: &Uid, keys: &[(Tag, VR, Vec<u8>)]) -> DataSet {
    let mut identifier = DataSet::new();
    identifier.put_text(tags::QUERY_RETRIEVE_LEVEL, "FRAME");
    identifier.put_uid(tags::SOP_INSTANCE_UID, instance);
    for (tag, vr, bytes) in keys {
        identifier.put_bytes(*tag, *vr, bytes.clone());
    }
    identifier
}

fn list(instance: &Uid, frames: &[u32]) -> DataSet {
    wanted(instance, &[(tags::SIMPLE_FRAME_LIST, VR::UL, longs(frames))])
}

/// A stored frame, decoded.
async fn decoded(archive: &Harness, instance: &Uid, frame: u32) -> Vec<u8> {
    let place = archive.place(instance).await.unwrap();
    let stored = archive.archive.frame(&place, frame).await.unwrap();
    let most = 1 << 28;
    pixels::decode(stored.bytes, &stored.transfer_syntax, &stored.layout, most).unwrap().bytes
}

/// The one instance that a C-GET of frames brings, and its syntax.
async fn got(association: &mut Association, identifier: &DataSet, of: &Instance) -> Instance {
    let (mut arrived, outcome) = get(association, GET, identifier).await;
    assert_eq!(counts(&outcome), (Status::SUCCESS, 1, 0, 0), "{:?}", outcome.comment);
    let (instance, (transfer_syntax, bytes)) = arrived.pop_first().unwrap();
    let content = dimse_scp::scu::Content::Memory(bytes.into());
    Instance { class: of.class.clone(), instance, transfer_syntax, content }
}

#[tokio::test]
async fn frames_arrive_as_a_valid_instance_in_every_syntax_that_is_taken() {
    let server = Harness::start().await;
    for (name, frames) in [
        ("mr-enhanced-10frames.dcm", &[2, 3, 9][..]),
        ("emri_small_jpeg_2k_lossless.dcm", &[1, 10]),
        ("emri_small_RLE.dcm", &[4, 5, 6]),
        ("emri_small_big_endian.dcm", &[7]),
        ("us-palette-rle-2frames.dcm", &[2]),
    ] {
        let source = sample(name);
        server.fill(std::slice::from_ref(&source)).await;
        let stored = source.transfer_syntax.as_str();
        let others = [EXPLICIT, IMPLICIT, DEFLATED, BIG_ENDIAN, uids::JPEGLS_LOSSLESS];
        let mut first: Option<Uid> = None;
        for syntax in std::iter::once(stored).chain(others) {
            let receiver = second_archive().await;
            let mut association = server.connect(&[model(GET), receiving(&source.class, syntax)]).await;
            let made = got(&mut association, &list(&source.instance, frames), &source).await;
            association.release().await.unwrap();
            assert_eq!(made.transfer_syntax.as_str(), syntax, "{name}");
            assert_ne!(made.instance, source.instance);
            assert_eq!(*first.get_or_insert(made.instance.clone()), made.instance, "the same again");
            receiver.fill_as("DEST", std::slice::from_ref(&made)).await;
            let place = receiver.place(&made.instance).await.unwrap();
            assert_eq!(place.frames, Some(frames.len() as i64), "{name} in {syntax}");
            let header = receiver.archive.header(&place).await.unwrap();
            let extraction = header.items(tags::FRAME_EXTRACTION_SEQUENCE).last().unwrap();
            let of = extraction.text(tags::MULTI_FRAME_SOURCE_SOP_INSTANCE_UID);
            assert_eq!(of.as_deref(), Some(source.instance.as_str()));
            assert_eq!(extraction.ints(tags::SIMPLE_FRAME_LIST).len(), frames.len());
            for (at, frame) in frames.iter().enumerate() {
                let want = decoded(&server, &source.instance, frame - 1).await;
                let got = decoded(&receiver, &made.instance, at as u32).await;
                assert!(got == want, "frame {frame} of {name} in {syntax} differs");
            }
            receiver.stop().await;
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn frames_are_chosen_by_list_by_calculation_and_by_time() {
    let (server, receiver) = (Harness::start().await, second_archive().await);
    destination(&server, receiver.address).await;
    let source = sample("mr-enhanced-10frames.dcm");
    let cine = sample("us-multiframe-30.dcm");
    server.fill(&[source.clone(), cine.clone()]).await;
    let mut association = server.connect(&[model(MOVE)]).await;
    let times: Vec<u8> = [0.0f64, 0.2].iter().flat_map(|time| time.to_le_bytes()).collect();
    for (instance, key, count) in [
        (&source, (tags::CALCULATED_FRAME_LIST, VR::UL, longs(&[1, 6, 2, 8, u32::MAX, 1])), 6),
        (&source, (tags::SIMPLE_FRAME_LIST, VR::UL, longs(&[1, 11, 12])), 1),
        // A frame every 33.333 ms.
        (&cine, (tags::TIME_RANGE, VR::FD, times), 7),
    ] {
        let identifier = wanted(&instance.instance, &[key]);
        let outcome = association.move_to(&uid(MOVE), &ae("DEST"), &identifier).await.unwrap();
        assert_eq!(counts(&outcome), (Status::SUCCESS, 1, 0, 0), "{:?}", outcome.comment);
        let study = server.place(&instance.instance).await.unwrap().study_uid;
        let places = receiver.archive.locate_study(&Scope::All, &study).await.unwrap();
        assert!(places.iter().any(|place| place.frames == Some(count)), "{count}");
    }
    association.release().await.unwrap();
    server.stop().await;
    receiver.stop().await;
}

#[tokio::test]
async fn each_request_that_cannot_be_met_has_its_status() {
    let server = Harness::start().await;
    let source = sample("mr-enhanced-10frames.dcm");
    let mut others = ["rtdose-15frames.dcm", "ct-small.dcm", "seg-liver-3frames.dcm"].map(sample);
    // Its file says another UID than its data set.
    others[0].instance = uid("1.9.999.999.99.9.9999.9999.20030818153516");
    server.fill(std::slice::from_ref(&source)).await;
    server.fill(&others).await;
    let mut association = server.connect(&[model(GET), receiving(&source.class, EXPLICIT)]).await;
    let instance = &source.instance;
    let simple = |frames: &[u32]| (tags::SIMPLE_FRAME_LIST, VR::UL, longs(frames));
    let calculated = (tags::CALCULATED_FRAME_LIST, VR::UL, longs(&[1, 2, 1]));
    let times = (tags::TIME_RANGE, VR::FD, vec![0; 16]);
    let mut two = wanted(instance, &[simple(&[1])]);
    two.put_text(tags::SOP_INSTANCE_UID, &format!("{instance}\\1.2.3"));
    let mut none = wanted(instance, &[simple(&[1])]);
    none.put_text(tags::SOP_INSTANCE_UID, "");
    for (what, identifier, status) in [
        ("beyond the last", list(instance, &[11, 12]), Status::NO_FRAMES),
        ("no key", wanted(instance, &[]), Status::INVALID_FRAME_RANGE),
        ("two keys", wanted(instance, &[simple(&[1]), calculated]), Status::INVALID_FRAME_RANGE),
        ("not rising", list(instance, &[3, 2]), Status::INVALID_FRAME_RANGE),
        ("twice", list(instance, &[2, 2]), Status::INVALID_FRAME_RANGE),
        ("frame 0", list(instance, &[0]), Status::INVALID_FRAME_RANGE),
        ("no times", wanted(instance, &[times]), Status::FRAMES_WITHOUT_TIMES),
        ("a dose grid", list(&others[0].instance, &[1, 2]), Status::CANNOT_CREATE_INSTANCE),
        ("a single image", list(&others[1].instance, &[1]), Status::CANNOT_CREATE_INSTANCE),
        ("bits that share bytes", list(&others[2].instance, &[1]), Status::CANNOT_EXTRACT_FRAMES),
        ("two instances", two, Status::DATA_SET_MISMATCH),
        ("no instance", none, Status::DATA_SET_MISMATCH),
        ("an unknown instance", list(&uid("2.25.404"), &[1]), Status::SUCCESS),
    ] {
        let (arrived, outcome) = get(&mut association, GET, &identifier).await;
        assert_eq!((arrived.len(), outcome.status), (0, status), "{what}: {:?}", outcome.comment);
    }
    // Who does not take the class gets nothing, and is told which instance failed.
    association.release().await.unwrap();
    let mut association = server.connect(&[model(WITHOUT_BULK)]).await;
    let (_, outcome) = get(&mut association, WITHOUT_BULK, &list(instance, &[1])).await;
    assert_eq!(
        outcome.status,
        Status::DATA_SET_MISMATCH,
        "without pixels there are no frames to choose from"
    );
    association.release().await.unwrap();
    let mut association = server.connect(&[model(GET)]).await;
    let (_, outcome) = get(&mut association, GET, &list(instance, &[1])).await;
    assert_eq!(counts(&outcome), (Status::CANNOT_PERFORM_SUBOPERATIONS, 0, 1, 0));
    association.release().await.unwrap();
    server.assert_alive().await;
    server.stop().await;
}
