//! Instances to send, and how to send them.

use bytes::Bytes;
use futures::StreamExt;
use pacs_core::access::Scope;
use pacs_core::dataset::{self, DataSet};
use pacs_core::uid::{AeTitle, Uid};
use pacs_core::{part10, tags, transfer_syntax, uids};
use storage::{Archive, Decision, Door, Envelope, Error, InstancePlace, Stored};
use testdata::{Instance, ct_slices};

pub fn uid(text: &str) -> Uid {
    Uid::parse(text).unwrap()
}

/// Small CT slices of one series.
pub fn slices(count: usize, seed: u64) -> Vec<Instance> {
    ct_slices(count).sized(64).seeded(seed).collect()
}

pub fn envelope(instance: &Instance) -> Envelope {
    Envelope {
        transfer_syntax: instance.transfer_syntax.clone(),
        head: Some(Bytes::copy_from_slice(&instance.bytes[..instance.dataset_offset])),
        declared_class: Some(instance.class.clone()),
        declared_instance: Some(instance.uid.clone()),
        declared_study: None,
        calling_ae: Some(AeTitle::parse("CT1").unwrap()),
        called_ae: Some(AeTitle::parse("SEN").unwrap()),
        peer: Some("192.0.2.1".parse().unwrap()),
        facility: Some("A".to_owned()),
        received_by: Door::Dimse,
        expected_bytes: None,
    }
}

/// Sends an instance in pieces of 16 KiB, as an association does.
pub async fn send(archive: &Archive, instance: &Instance) -> Result<Stored, Error> {
    let mut incoming = archive.begin(envelope(instance)).await?;
    for piece in instance.dataset().chunks(16 << 10) {
        incoming.write(Bytes::copy_from_slice(piece)).await?;
    }
    incoming.finish().await
}

/// Sends instances that must be accepted.
pub async fn send_all(archive: &Archive, instances: &[Instance]) {
    for instance in instances {
        let stored = send(archive, instance).await.unwrap();
        assert!(matches!(stored.decision, Decision::Accepted { .. }), "{stored:?}");
    }
}

pub async fn place(archive: &Archive, instance: &Instance) -> InstancePlace {
    let found = archive
        .locate_instance(&Scope::All, Some(&instance.study), Some(&instance.series), &instance.uid)
        .await;
    found.unwrap().unwrap_or_else(|| panic!("instance {} is not there", instance.uid))
}

/// The Part 10 file as the archive gives it back.
pub async fn bytes_of(archive: &Archive, place: &InstancePlace) -> Vec<u8> {
    let reader = archive.open_instance(place).await.unwrap();
    let chunks: Vec<_> = reader.stream(0..reader.length_bytes()).collect().await;
    chunks.into_iter().flat_map(|chunk| chunk.unwrap()).collect()
}

/// Asserts that every instance is there, byte for byte.
pub async fn assert_whole(archive: &Archive, instances: &[Instance]) {
    for instance in instances {
        let found = bytes_of(archive, &place(archive, instance).await).await;
        assert!(found == instance.bytes, "instance {} differs", instance.uid);
    }
}

/// An instance with these elements besides the usual ones, and `tail` as the encoded rest.
pub fn made(name: &str, syntax: &str, put: impl FnOnce(&mut DataSet), tail: &[u8]) -> Instance {
    numbered((name, 1), syntax, put, tail)
}

/// One of several of a series.
pub fn numbered(
    (name, number): (&str, u32),
    syntax: &str,
    put: impl FnOnce(&mut DataSet),
    tail: &[u8],
) -> Instance {
    let (study, series) = (uid(&format!("1.2.{name}")), uid(&format!("1.2.{name}.1")));
    let instance = uid(&format!("1.2.{name}.1.{number}"));
    let class = uid(uids::SECONDARY_CAPTURE_IMAGE_STORAGE);
    let syntax = uid(syntax);
    let mut set = DataSet::new();
    for (tag, value) in [
        (tags::SOP_CLASS_UID, &class),
        (tags::SOP_INSTANCE_UID, &instance),
        (tags::STUDY_INSTANCE_UID, &study),
        (tags::SERIES_INSTANCE_UID, &series),
    ] {
        set.put_uid(tag, value);
    }
    set.put_text(tags::PATIENT_ID, "P1");
    set.put_text(tags::PATIENT_NAME, "Nguyễn^Văn A");
    set.put_text(tags::MODALITY, "OT");
    put(&mut set);
    let mut bytes = part10::write_head(&class, &instance, &syntax, None);
    let dataset_offset = bytes.len();
    dataset::write(&set, &transfer_syntax::of(&syntax), &mut bytes).unwrap();
    bytes.extend_from_slice(tail);
    Instance { class, uid: instance, series, study, transfer_syntax: syntax, bytes, dataset_offset }
}

/// An instance with `pixel_bytes` of native pixels.
pub fn large(name: &str, pixel_bytes: usize) -> Instance {
    let mut tail = vec![0xE0, 0x7F, 0x10, 0x00, b'O', b'B', 0, 0];
    tail.extend_from_slice(&u32::try_from(pixel_bytes).unwrap().to_le_bytes());
    tail.extend((0..pixel_bytes).map(|at| (at / 7 % 251) as u8));
    made(name, uids::EXPLICIT_VR_LITTLE_ENDIAN, |_| {}, &tail)
}
