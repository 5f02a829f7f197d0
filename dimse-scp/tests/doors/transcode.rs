//! C-GET and C-MOVE to receivers that take only some transfer syntaxes: every stored syntax in every one that is made,
//! compared sample by sample.

use crate::support::storescp::storescp;
use crate::support::{Harness, ae, samples, slices, uid};
use dimse_scp::dimse::Status;
use dimse_scp::scu::{Content, Instance, Proposal};
use pacs_core::access::{Actor, Scope};
use pacs_core::correction::{Edit, Level};
use pacs_core::dataset::{self, DataSet, Limits, Until};
use pacs_core::pixels;
use pacs_core::text::CharacterSet;
use pacs_core::uid::Uid;
use pacs_core::{tags, transfer_syntax, uids};
use storage::corrections::Correction;
use storage::devices::{self, Device};

const GET: &str = uids::STUDY_ROOT_QUERY_RETRIEVE_INFORMATION_MODEL_GET;
const MOVE: &str = uids::STUDY_ROOT_QUERY_RETRIEVE_INFORMATION_MODEL_MOVE;
const EXPLICIT: &str = uids::EXPLICIT_VR_LITTLE_ENDIAN;

const BIG_ENDIAN: &str = "1.2.840.10008.1.2.2";
const DEFLATED: &str = uids::DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN;
const NATIVE: [&str; 4] = [EXPLICIT, uids::IMPLICIT_VR_LITTLE_ENDIAN, DEFLATED, BIG_ENDIAN];
const CODECS: [&str; 10] = [
    uids::JPEG2000_LOSSLESS,
    uids::JPEGLS_LOSSLESS,
    uids::JPEG_LOSSLESS_SV1,
    uids::JPEG_LOSSLESS,
    uids::RLE_LOSSLESS,
    uids::HTJ2K_LOSSLESS,
    uids::HTJ2K_LOSSLESS_RPCL,
    uids::JPEG2000,
    uids::JPEGLS_NEAR_LOSSLESS,
    uids::HTJ2K,
];

async fn identifier(server: &Harness, instance: &Uid) -> DataSet {
    let place = server.place(instance).await.unwrap();
    let mut set = DataSet::new();
    set.put_text(tags::QUERY_RETRIEVE_LEVEL, "IMAGE");
    set.put_uid(tags::STUDY_INSTANCE_UID, &place.study_uid);
    set.put_uid(tags::SERIES_INSTANCE_UID, &place.series_uid);
    set.put_uid(tags::SOP_INSTANCE_UID, instance);
    set
}

/// Gets an instance in one transfer syntax; `None` when it cannot be had in it.
async fn got(server: &Harness, instance: &Instance, syntax: &str) -> Option<Instance> {
    got_in_one_of(server, instance, &[syntax]).await
}

async fn got_in_one_of(server: &Harness, instance: &Instance, syntaxes: &[&str]) -> Option<Instance> {
    let receiving = syntaxes.iter().map(|syntax| Proposal {
        class: instance.class.clone(),
        transfer_syntaxes: vec![uid(syntax)],
        as_provider: true,
    });
    let proposals: Vec<_> =
        std::iter::once(Proposal::new(uid(GET), vec![uid(EXPLICIT)])).chain(receiving).collect();
    let mut association = server.connect(&proposals).await;
    let asked = identifier(server, &instance.instance).await;
    let mut retrieval = association.get(&uid(GET), &asked).await.unwrap();
    let mut arrived = None;
    while let Some(arrival) = retrieval.next().await.unwrap() {
        let mut bytes = Vec::new();
        while let Some(piece) = retrieval.data().await.unwrap() {
            bytes.extend_from_slice(&piece);
        }
        retrieval.answer(Status::SUCCESS).await.unwrap();
        assert!(syntaxes.contains(&arrival.transfer_syntax.as_str()), "{}", arrival.transfer_syntax);
        arrived = Some(Instance {
            class: arrival.class,
            instance: arrival.instance,
            transfer_syntax: arrival.transfer_syntax,
            content: Content::Memory(bytes.into()),
        });
    }
    let outcome = retrieval.outcome().unwrap().clone();
    let want = if arrived.is_some() {
        (Status::SUCCESS, 1, 0)
    } else {
        (Status::CANNOT_PERFORM_SUBOPERATIONS, 0, 1)
    };
    assert_eq!((outcome.status, outcome.completed, outcome.failed), want, "{outcome:?}");
    association.release().await.unwrap();
    arrived
}

/// The samples of every frame of a stored instance, pixel by pixel; nothing where it has none.
async fn frames(server: &Harness, instance: &Uid) -> Vec<Vec<u8>> {
    let place = server.place(instance).await.unwrap();
    let header = server.archive.header(&place).await.unwrap();
    if !header.contains(tags::PIXEL_DATA) {
        return Vec::new();
    }
    let layout = pixels::Layout::from(&header).unwrap();
    let mut frames = Vec::new();
    for number in 0..layout.frames {
        let frame = server.archive.frame(&place, number).await.unwrap();
        let decoded = pixels::decode(frame.bytes, &frame.transfer_syntax, &frame.layout, 1 << 30).unwrap();
        frames.push(interleaved(decoded));
    }
    frames
}

/// Planes of one colour each, as native pixel data may have them and compressed never has, put together by pixel.
fn interleaved(frame: pixels::Frame) -> Vec<u8> {
    if !frame.layout.planar {
        return frame.bytes;
    }
    let sample_bytes = usize::from(frame.layout.sample_bytes());
    let plane_bytes = frame.bytes.len() / usize::from(frame.layout.samples);
    let planes: Vec<&[u8]> = frame.bytes.chunks(plane_bytes).collect();
    let pixels = (0..plane_bytes).step_by(sample_bytes);
    pixels.flat_map(|at| planes.iter().flat_map(move |plane| plane[at..at + sample_bytes].to_vec())).collect()
}

/// What the header says beside how its pixels are encoded.
fn said(instance: &Instance) -> Vec<(pacs_core::Tag, Option<String>)> {
    let Content::Memory(bytes) = &instance.content else { panic!("not in memory") };
    let syntax = transfer_syntax::of(&instance.transfer_syntax);
    let read = dataset::read_slice(bytes, &syntax, &Limits::default(), Until::PixelData).unwrap();
    let set = read.data_set;
    let encoding = [tags::PHOTOMETRIC_INTERPRETATION, tags::PLANAR_CONFIGURATION];
    // An icon that is compressed itself is left out of plain data sets, and group lengths are retired. What a private
    // element is is lost where its VR is not said.
    let kept = |tag: pacs_core::Tag| {
        tag.1 != 0 && tag.0.is_multiple_of(2) && !encoding.contains(&tag) && tag != tags::ICON_IMAGE_SEQUENCE
    };
    set.iter()
        .filter(|element| kept(element.tag))
        .map(|element| (element.tag, set.text(element.tag)))
        .collect()
}

/// A sample as its data set names it: the file meta information of some names another instance.
fn as_named(mut sample: Instance) -> Instance {
    let syntax = transfer_syntax::of(&sample.transfer_syntax);
    let bytes = crate::support::dataset_of(&sample);
    let read = dataset::read_slice(&bytes, &syntax, &Limits::default(), Until::PixelData).unwrap();
    sample.instance = read.data_set.uid(tags::SOP_INSTANCE_UID).unwrap().unwrap();
    sample
}

/// Gets an instance in every other syntax and compares what arrives. Answers in how many it did, and in which not.
async fn everywhere(name: &str, original: &Instance) -> (usize, Vec<&'static str>) {
    // Some of them have one UID, and different bytes.
    let server = Harness::start().await;
    server.fill(std::slice::from_ref(original)).await;
    let want = frames(&server, &original.instance).await;
    let (mut made, mut not_made) = (0, Vec::new());
    for syntax in NATIVE.into_iter().chain(CODECS) {
        if original.transfer_syntax == uid(syntax) {
            continue;
        }
        let Some(arrived) = got(&server, original, syntax).await else {
            not_made.push(syntax);
            continue;
        };
        let receiver = Harness::start().await;
        receiver.fill(std::slice::from_ref(&arrived)).await;
        assert!(frames(&receiver, &arrived.instance).await == want, "{name} in {syntax}: other samples");
        assert_eq!(said(&arrived), said(original), "{name} in {syntax}");
        receiver.stop().await;
        made += 1;
    }
    server.stop().await;
    (made, not_made)
}

/// One image and one object with several frames, in every kind of encoding.
#[tokio::test(flavor = "multi_thread")]
async fn every_stored_syntax_arrives_in_every_one_that_is_taken() {
    let kinds = |name: &str| name.starts_with("MR_small") || name.starts_with("emri_small");
    for (name, original) in samples("syntax").into_iter().filter(|(name, _)| kinds(name)) {
        let (made, not_made) = everywhere(&name, &original).await;
        assert!(not_made.is_empty() && made >= 13, "{name}: {made} made; not made: {not_made:?}");
    }
}

/// Colours in planes and by pixel, of 8 and 16 bits, also with shared chroma and a palette.
#[tokio::test(flavor = "multi_thread")]
async fn colours_arrive_in_every_syntax_that_is_taken() {
    let kinds = [
        "color-pl.dcm",
        "color-px.dcm",
        "SC_rgb_16bit.dcm",
        "SC_rgb_rle_16bit_2frame.dcm",
        "SC_rgb_jpeg_dcmtk.dcm",
        "SC_rgb_small_odd.dcm",
        "SC_ybr_full_422_uncompressed.dcm",
        "SC_ybr_full_uncompressed.dcm",
    ];
    let mut seen = 0;
    for (name, original) in samples("colour").into_iter().filter(|(name, _)| kinds.contains(&name.as_str())) {
        let (made, not_made) = everywhere(&name, &original).await;
        assert!(not_made.is_empty() && made >= 13, "{name}: {made} made; not made: {not_made:?}");
        seen += 1;
    }
    assert_eq!(seen, kinds.len());
}

/// What no codec takes goes out in every native encoding: wide samples, single bits, no pixels at all.
#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_compressed_arrives_in_every_native_encoding() {
    let kinds = [
        "rtdose-15frames.dcm",
        "image_dfl.dcm",
        "seg-liver-3frames.dcm",
        "sr-comprehensive.dcm",
        "ecg-12lead.dcm",
    ];
    let all = samples("syntax").into_iter().chain(samples("modality"));
    let mut seen = 0;
    for (name, original) in all.filter(|(name, _)| kinds.contains(&name.as_str())) {
        let (made, not_made) = everywhere(&name, &as_named(original)).await;
        assert!(made >= 3 && not_made.iter().all(|syntax| CODECS.contains(syntax)), "{name}: {not_made:?}");
        seen += 1;
    }
    assert_eq!(seen, kinds.len());
}

/// A receiver that takes several gets what can be made of them.
#[tokio::test(flavor = "multi_thread")]
async fn what_one_codec_does_not_take_another_may() {
    let server = Harness::start().await;
    let wide = samples("modality").into_iter().find(|(name, _)| name == "rtdose-15frames.dcm").unwrap().1;
    let wide = as_named(wide);
    server.fill(std::slice::from_ref(&wide)).await;
    assert!(got(&server, &wide, uids::JPEG2000_LOSSLESS).await.is_none(), "samples of 32 bits");
    let taken = [uids::JPEG2000_LOSSLESS, uids::JPEGLS_LOSSLESS, uids::RLE_LOSSLESS];
    let arrived = got_in_one_of(&server, &wide, &taken).await.unwrap();
    assert_eq!(arrived.transfer_syntax, uid(uids::RLE_LOSSLESS));
    server.stop().await;
}

#[tokio::test]
async fn a_move_goes_over_several_associations_when_there_is_much() {
    let server = Harness::start().await;
    let receiver = Harness::start_with(|config| config.ae_titles = vec![(ae("DEST"), None)], |_| {}).await;
    let destination = Device {
        host: Some(receiver.address.ip().to_string()),
        port: Some(receiver.address.port()),
        ..Device::named(ae("DEST"))
    };
    devices::upsert(server.archive.database(), &destination).await.unwrap();
    let instances = slices(120, 64, 3);
    server.fill(&instances).await;
    let study = server.place(&instances[0].instance).await.unwrap().study_uid;
    let mut asked = DataSet::new();
    asked.put_text(tags::QUERY_RETRIEVE_LEVEL, "STUDY");
    asked.put_uid(tags::STUDY_INSTANCE_UID, &study);
    let mut association = server.connect(&[Proposal::new(uid(MOVE), vec![uid(EXPLICIT)])]).await;
    let outcome = association.move_to(&uid(MOVE), &ae("DEST"), &asked).await.unwrap();
    assert_eq!((outcome.status, outcome.completed, outcome.failed), (Status::SUCCESS, 120, 0), "{outcome:?}");
    for instance in &instances {
        assert!(receiver.place(&instance.instance).await.is_some());
    }
    // A destination that takes one association at a time gets everything over that one.
    let narrow = Harness::start_with(
        |config| {
            config.ae_titles = vec![(ae("DEST"), None)];
            config.max_associations = 1;
        },
        |_| {},
    )
    .await;
    let destination = Device { port: Some(narrow.address.port()), ..destination };
    devices::upsert(server.archive.database(), &destination).await.unwrap();
    let outcome = association.move_to(&uid(MOVE), &ae("DEST"), &asked).await.unwrap();
    assert_eq!((outcome.status, outcome.completed, outcome.failed), (Status::SUCCESS, 120, 0), "{outcome:?}");
    association.release().await.unwrap();
    for server in [server, receiver, narrow] {
        server.stop().await;
    }
}

/// What was corrected is written in what the receiver reads, also where its frames are made anew.
#[tokio::test]
async fn corrected_text_is_in_the_receivers_letters() {
    let server = Harness::start().await;
    let mut device = Device::named(ae("TEST"));
    device.character_set = CharacterSet::named("ISO_IR 100");
    devices::upsert(server.archive.database(), &device).await.unwrap();
    let instance =
        samples("syntax").into_iter().find(|(name, _)| name == "MR_small_jp2klossless.dcm").unwrap().1;
    server.fill(std::slice::from_ref(&instance)).await;
    let study = server.place(&instance.instance).await.unwrap().study_uid;
    let edit = Edit::read(Level::Study, [("PatientName", Some("NGUYỄN^VĂN A"))].into_iter()).unwrap();
    let wanted = Correction { study: &study, series: None, edit, reason: "nhầm người" };
    server.archive.correct(&Scope::All, &Actor::system(), &wanted).await.unwrap();
    for syntax in [uids::JPEG2000_LOSSLESS, EXPLICIT, uids::RLE_LOSSLESS] {
        let arrived = got(&server, &instance, syntax).await.unwrap();
        let bytes = crate::support::dataset_of(&arrived);
        let read = dataset::read_bytes(
            &bytes,
            &transfer_syntax::of(&uid(syntax)),
            &Limits::default(),
            Until::PixelData,
        );
        let header = read.unwrap().data_set;
        assert_eq!(header.text(tags::SPECIFIC_CHARACTER_SET).as_deref(), Some("ISO_IR 100"), "{syntax}");
        assert_eq!(header.text(tags::PATIENT_NAME).as_deref(), Some("NGUYEN^VAN A"), "{syntax}");
    }
    server.stop().await;
}

/// Foreign receivers that take one transfer syntax get that one, with the samples of what is stored.
#[tokio::test(flavor = "multi_thread")]
async fn dcmtk_gets_what_it_takes() {
    let server = Harness::start().await;
    let of = |names: &[&str]| -> Vec<Instance> {
        let all = ["syntax", "modality", "colour"].into_iter().flat_map(samples);
        all.filter(|(name, _)| names.contains(&name.as_str())).map(|(_, instance)| instance).collect()
    };
    let instances = of(&["MR_small_jp2klossless.dcm", "us-palette-rle-2frames.dcm", "nm-jpeg-lossless.dcm"]);
    server.fill(&instances).await;
    for (option, syntax) in [("+xi", uids::IMPLICIT_VR_LITTLE_ENDIAN), ("+xe", EXPLICIT)] {
        let folder = tempfile::tempdir().unwrap();
        let Some((child, port)) = storescp(&[option.to_owned()], "DEST", folder.path()).await else { return };
        let destination =
            Device { host: Some("127.0.0.1".into()), port: Some(port), ..Device::named(ae("DEST")) };
        devices::upsert(server.archive.database(), &destination).await.unwrap();
        for instance in &instances {
            let asked = identifier(&server, &instance.instance).await;
            let mut association = server.connect(&[Proposal::new(uid(MOVE), vec![uid(EXPLICIT)])]).await;
            let outcome = association.move_to(&uid(MOVE), &ae("DEST"), &asked).await.unwrap();
            assert_eq!((outcome.status, outcome.completed), (Status::SUCCESS, 1), "{option}: {outcome:?}");
            association.release().await.unwrap();
        }
        let receiver = Harness::start().await;
        let arrived: Vec<Instance> = std::fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| Instance::from_part10(std::fs::read(entry.unwrap().path()).unwrap().into()).unwrap())
            .collect();
        assert_eq!(arrived.len(), instances.len());
        for instance in &arrived {
            assert!(option == "+xe" || instance.transfer_syntax == uid(syntax), "{instance:?}");
        }
        receiver.fill(&arrived).await;
        for instance in &instances {
            assert!(frames(&receiver, &instance.instance).await == frames(&server, &instance.instance).await);
        }
        receiver.stop().await;
        drop(child);
    }
    server.stop().await;
}
