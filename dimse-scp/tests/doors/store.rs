//! C-STORE through a real listener: what is acknowledged is kept as it was sent, what is refused
//! says why, and what breaks off leaves no trace.

use std::collections::HashSet;

use crate::support::wire::Wire;
use crate::support::{Harness, dataset_of, eventually, proposals_for, samples, slices, uid};
use dimse_scp::dimse::{CommandField, CommandSet, Status, command::element};
use dimse_scp::pdu::encode;
use dimse_scp::scu::{Association, Content, Error, Instance, Options, Proposal, push};
use pacs_core::dataset::{self, Limits, Until};
use pacs_core::{tags, transfer_syntax, uids};

const CT: (&str, &str) = (uids::CT_IMAGE_STORAGE, uids::EXPLICIT_VR_LITTLE_ENDIAN);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_acknowledged_is_kept_as_it_was_sent() {
    let server = Harness::start().await;
    let instances = slices(24, 256, 1);
    let acknowledged = std::sync::Mutex::new(Vec::new());
    push::push(
        &server.target(),
        &proposals_for(&instances),
        &Options::default(),
        4,
        instances.iter().cloned().map(Ok),
        |pushed| {
            assert_eq!(pushed.result.unwrap().status, Status::SUCCESS);
            acknowledged.lock().unwrap().push(pushed.instance.instance);
        },
    )
    .await
    .unwrap();
    assert_eq!(acknowledged.into_inner().unwrap().len(), instances.len());
    for instance in &instances {
        assert_eq!(server.dataset(&instance.instance).await, dataset_of(instance));
    }
    server.stop().await;
}

#[tokio::test]
async fn every_kind_of_file_is_kept_in_its_own_transfer_syntax() {
    let mut server = Harness::start().await;
    let mut seen = HashSet::new();
    let mut kept = 0;
    for (name, instance) in ["syntax", "modality", "colour", "charset"].into_iter().flat_map(samples) {
        if !seen.insert(instance.instance.clone()) {
            // Several samples are one image in other encodings, under one UID.
            server.stop().await;
            server = Harness::start().await;
            seen = HashSet::from([instance.instance.clone()]);
        }
        let mut association = server.connect(&proposals_for(std::slice::from_ref(&instance))).await;
        let response = association.store(&instance).await.unwrap();
        association.release().await.unwrap();
        if response.status != Status::SUCCESS {
            // Samples without a study, or whose meta information names another instance.
            assert!(response.status.is_failure() && response.comment.is_some(), "{name}: {response:?}");
            continue;
        }
        let place = server.place(&instance.instance).await;
        let place = place.unwrap_or_else(|| panic!("{name} is acknowledged and not there"));
        assert_eq!(place.transfer_syntax, instance.transfer_syntax, "{name}");
        assert_eq!(server.dataset(&instance.instance).await, dataset_of(&instance), "{name}");
        kept += 1;
    }
    assert!(kept > 55, "only {kept} samples were kept");
    server.stop().await;
}

#[tokio::test]
async fn every_transfer_syntax_is_accepted() {
    let server = Harness::start().await;
    let syntaxes: Vec<_> = transfer_syntax::known().iter().map(|syntax| uid(syntax.uid.unwrap())).collect();
    let proposals: Vec<_> = syntaxes
        .iter()
        .map(|syntax| Proposal::new(uid(uids::CT_IMAGE_STORAGE), vec![syntax.clone()]))
        .collect();
    let association = server.connect(&proposals).await;
    let accepted: Vec<_> =
        association.contexts().iter().map(|context| context.transfer_syntax.clone()).collect();
    assert_eq!(accepted, syntaxes);
    association.release().await.unwrap();
    server.stop().await;
}

#[tokio::test]
async fn small_fragments_make_the_same_instance() {
    let server = Harness::start().await;
    let instances = slices(2, 256, 4);
    let options = Options { max_pdu_bytes: 4096, ..Options::default() };
    let mut association =
        Association::connect(&server.target(), &proposals_for(&instances), &options).await.unwrap();
    for instance in &instances {
        assert_eq!(association.store(instance).await.unwrap().status, Status::SUCCESS);
        assert_eq!(server.dataset(&instance.instance).await, dataset_of(instance));
    }
    association.release().await.unwrap();
    server.stop().await;
}

#[tokio::test]
async fn refusals_say_why_and_the_association_goes_on() {
    let server = Harness::start().await;
    let instances = slices(2, 128, 5);
    let good = &instances[0];
    let mut association = server.connect(&proposals_for(&instances)).await;
    let garbage = vec![0xaa; 300_000];
    let cut = dataset_of(good).slice(..600);
    let no_study = {
        let bytes = dataset_of(good);
        let syntax = transfer_syntax::of(&good.transfer_syntax);
        let mut set =
            dataset::read_bytes(&bytes, &syntax, &Limits::default(), Until::PixelData).unwrap().data_set;
        set.remove(tags::STUDY_INSTANCE_UID);
        let mut out = Vec::new();
        dataset::write(&set, &syntax, &mut out).unwrap();
        out
    };
    for (what, instance, status) in [
        ("other instance", Instance { instance: uid("1.2.3.4"), ..good.clone() }, Status::DATA_SET_MISMATCH),
        (
            "garbage",
            Instance { content: Content::Memory(garbage.into()), ..good.clone() },
            Status::CANNOT_UNDERSTAND,
        ),
        ("cut", Instance { content: Content::Memory(cut), ..good.clone() }, Status::CANNOT_UNDERSTAND),
        (
            "empty",
            Instance { content: Content::Memory(Default::default()), ..good.clone() },
            Status::DATA_SET_MISMATCH,
        ),
        (
            "no study",
            Instance { content: Content::Memory(no_study.into()), ..good.clone() },
            Status::DATA_SET_MISMATCH,
        ),
    ] {
        let response = association.store(&instance).await.unwrap();
        assert_eq!(response.status, status, "{what}: {response:?}");
        assert!(
            response.comment.is_some_and(|comment| !comment.is_empty()),
            "{what} is refused without a reason"
        );
        assert!(server.place(&instance.instance).await.is_none(), "{what} is there");
    }
    assert_eq!(association.store(good).await.unwrap().status, Status::SUCCESS);
    association.release().await.unwrap();
    server.stop().await;
}

#[tokio::test]
async fn commands_without_usable_identifiers_are_refused() {
    let server = Harness::start().await;
    let mut wire = Wire::associate(server.address, &[CT]).await;
    let class = uid(uids::CT_IMAGE_STORAGE);
    let bare = CommandSet::request(CommandField::Store, 1);
    let with_class = bare.clone().with_uid(element::AFFECTED_SOP_CLASS_UID, &class);
    for (command, data, status) in [
        (bare.clone().followed_by_data(), true, Status::DATA_SET_MISMATCH),
        (with_class.clone().followed_by_data(), true, Status::DATA_SET_MISMATCH),
        (with_class, false, Status::CANNOT_UNDERSTAND),
    ] {
        wire.send_command(1, &command).await;
        if data {
            wire.send_set(1, false, &[0; 100]).await;
        }
        let response = wire.command().await;
        assert_eq!(response.status(), Some(status));
        assert!(response.text(element::ERROR_COMMENT).is_some());
    }
    server.stop().await;
}

/// The header of an instance as one of another SOP class.
fn as_class(instance: &Instance, class: &str) -> Instance {
    let syntax = transfer_syntax::of(&instance.transfer_syntax);
    let bytes = dataset_of(instance);
    let mut set =
        dataset::read_bytes(&bytes, &syntax, &Limits::default(), Until::PixelData).unwrap().data_set;
    set.put_text(tags::SOP_CLASS_UID, class);
    let mut out = Vec::new();
    dataset::write(&set, &syntax, &mut out).unwrap();
    Instance { class: uid(class), content: Content::Memory(out.into()), ..instance.clone() }
}

#[tokio::test]
async fn only_what_is_stored_here_comes_through_a_context() {
    let server = Harness::start().await;
    let mut wire = Wire::associate(server.address, &[CT]).await;
    let instance = slices(1, 64, 11).remove(0);
    const MEDIA_DIRECTORY: &str = "1.2.840.10008.1.3.10";
    // Another storage class than the context's is the modality's slip, not a reason to lose an image.
    for (class, status) in [
        (MEDIA_DIRECTORY, Status::SOP_CLASS_NOT_SUPPORTED),
        ("1.2.3.4", Status::SOP_CLASS_NOT_SUPPORTED),
        (uids::MR_IMAGE_STORAGE, Status::SUCCESS),
    ] {
        let store = CommandSet::request(CommandField::Store, 1)
            .with_uid(element::AFFECTED_SOP_CLASS_UID, &uid(class))
            .with_uid(element::AFFECTED_SOP_INSTANCE_UID, &instance.instance)
            .followed_by_data();
        wire.send_command(1, &store).await;
        wire.send_set(1, false, &dataset_of(&as_class(&instance, class))).await;
        assert_eq!(wire.command().await.status(), Some(status), "{class}");
        let there = server.place(&instance.instance).await;
        assert_eq!(there.map(|place| place.class), (status == Status::SUCCESS).then(|| uid(class)));
    }
    server.stop().await;
}

#[tokio::test]
async fn private_classes_are_stored_where_they_are_configured() {
    const PRIVATE: &str = "1.2.826.0.1.3680043.2.1143.9";
    let instance = as_class(&slices(1, 64, 12).remove(0), PRIVATE);
    let proposals = proposals_for(std::slice::from_ref(&instance));
    let plain = Harness::start().await;
    let mut association = plain.connect(&proposals).await;
    assert!(matches!(association.store(&instance).await, Err(Error::NoContext)));
    association.release().await.unwrap();
    plain.stop().await;

    let server =
        Harness::start_with(|config| config.extra_storage_classes = vec![uid(PRIVATE)], |_| {}).await;
    server.fill(std::slice::from_ref(&instance)).await;
    assert_eq!(server.place(&instance.instance).await.unwrap().class, uid(PRIVATE));
    server.stop().await;
}

#[tokio::test]
async fn a_store_that_breaks_off_leaves_no_trace() {
    let server = Harness::start().await;
    // Larger than what waits in memory, so that the spool is written to.
    let instance = slices(1, 1500, 6).remove(0);
    let dataset = dataset_of(&instance);
    let store = CommandSet::request(CommandField::Store, 1)
        .with_uid(element::AFFECTED_SOP_CLASS_UID, &instance.class)
        .with_uid(element::AFFECTED_SOP_INSTANCE_UID, &instance.instance)
        .followed_by_data();
    for aborted in [false, true] {
        let mut wire = Wire::associate(server.address, &[CT]).await;
        wire.send_command(1, &store).await;
        let part = &dataset[..dataset.len() - 1000];
        for chunk in part.chunks(16_000) {
            wire.send(&encode::data_header(1, false, false, chunk.len() as u32)).await;
            wire.send(chunk).await;
        }
        if aborted {
            wire.send(&encode::abort(dimse_scp::pdu::AbortSource::User, 0)).await;
        }
        drop(wire);
    }
    eventually(async || server.archive.spool_bytes() < dataset.len() as u64).await;
    assert!(server.place(&instance.instance).await.is_none());
    // And the same instance is taken whole afterwards.
    server.fill(std::slice::from_ref(&instance)).await;
    assert_eq!(server.dataset(&instance.instance).await, dataset);
    server.stop().await;
}

#[tokio::test]
async fn a_full_spool_is_out_of_resources() {
    let server = Harness::start_with(|_| {}, |archive| archive.spool_limit_bytes = 200_000).await;
    let instances = slices(8, 256, 7);
    let mut association = server.connect(&proposals_for(&instances)).await;
    let mut statuses = Vec::new();
    for instance in &instances {
        let response = association.store(instance).await.unwrap();
        let there = server.place(&instance.instance).await.is_some();
        assert_eq!(there, response.status == Status::SUCCESS);
        statuses.push(response.status);
    }
    assert_eq!(statuses[0], Status::SUCCESS);
    assert_eq!(statuses[7], Status::OUT_OF_RESOURCES);
    association.release().await.unwrap();
    server.stop().await;
}

/// One instance of 300 MB through server and client, both in this process, in bounded memory.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_huge_instance_passes_through_in_little_memory() {
    let server = Harness::start().await;
    let instance = slices(1, 64, 8).remove(0);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("huge");
    let (length, hash) = write_huge(&path, &dataset_of(&instance));
    let huge = Instance { content: Content::File { path, offset: 0 }, ..instance };
    let mut association = server.connect(&proposals_for(std::slice::from_ref(&huge))).await;
    assert_eq!(association.store(&huge).await.unwrap().status, Status::SUCCESS);
    association.release().await.unwrap();
    let place = server.place(&huge.instance).await.unwrap();
    assert_eq!(place.place.length_bytes - place.place.head_bytes, length);
    assert_eq!(read_back(&server, &place).await, hash);
    assert!(peak_memory_mb() < 200, "{} MB", peak_memory_mb());
    server.stop().await;
}

/// Writes the data set with 300 MB of pixels; gives back its length and a checksum.
fn write_huge(path: &std::path::Path, dataset: &[u8]) -> (u64, u64) {
    use std::io::Write;
    let at = dataset.windows(4).position(|window| window == [0xe0, 0x7f, 0x10, 0x00]).unwrap();
    let pixels = 300u32 << 20;
    let mut file = std::io::BufWriter::new(std::fs::File::create(path).unwrap());
    let mut sum = Checksum::default();
    let mut put = |bytes: &[u8]| {
        file.write_all(bytes).unwrap();
        sum.add(bytes);
    };
    put(&dataset[..at]);
    put(&[0xe0, 0x7f, 0x10, 0x00, b'O', b'W', 0, 0]);
    put(&pixels.to_le_bytes());
    for n in 0..pixels / (1 << 20) {
        put(&vec![n as u8; 1 << 20]);
    }
    file.flush().unwrap();
    (sum.count, sum.sum)
}

async fn read_back(server: &Harness, place: &storage::InstancePlace) -> u64 {
    use futures::StreamExt;
    let reader = server.archive.open_instance(place).await.unwrap();
    let mut pieces = std::pin::pin!(reader.stream(reader.dataset_range()));
    let mut sum = Checksum::default();
    while let Some(piece) = pieces.next().await {
        sum.add(&piece.unwrap());
    }
    sum.sum
}

#[derive(Default)]
struct Checksum {
    sum: u64,
    count: u64,
}

impl Checksum {
    fn add(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.sum = self.sum.rotate_left(5) ^ u64::from(*byte);
        }
        self.count += bytes.len() as u64;
    }
}

/// The most memory this process, which runs one test, has had resident.
fn peak_memory_mb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
}
