//! One instance that is larger than the memory of the program may be, in and out.

use std::fs::File;
use std::io::{BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use dimse_scp::dimse::Status;
use dimse_scp::scu::{Association, Instance, Options, Proposal, Target};
use futures::StreamExt;
use pacs_core::dataset::{self, DataSet};
use pacs_core::uid::{AeTitle, Uid};
use pacs_core::{part10, tags, transfer_syntax, uids};

use crate::support::eventually;
use crate::support::program::{Sen, Setup};

const FRAMES: usize = 384;
const FRAME_BYTES: usize = 1 << 20;

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_larger_than_memory_passes_through() {
    let folder = tempfile::tempdir().unwrap();
    let (file, offset, uid) = write(folder.path());
    let sen = Setup::default().variable("SEN_SETTLE_AFTER_SECONDS", "0").start();
    let target = Target {
        address: sen.dimse.to_string(),
        calling_ae: AeTitle::parse("CT1").unwrap(),
        called_ae: AeTitle::parse("SEN").unwrap(),
    };
    let instance = Instance::open(&file).unwrap();
    let proposal = Proposal::new(instance.class.clone(), vec![instance.transfer_syntax.clone()]);
    let mut association = Association::connect(&target, &[proposal], &Options::default()).await.unwrap();
    assert_eq!(association.store(&instance).await.unwrap().status, Status::SUCCESS);
    association.release().await.unwrap();
    sen.assert_bounded("storing");
    assert_back(&sen, &file, offset, &uid).await;
    sen.assert_bounded("retrieving from the spool");

    let spool = sen.folder().join("data/spool");
    eventually("the series is settled", || async {
        let mut files = std::fs::read_dir(&spool).unwrap().map(|entry| entry.unwrap().path());
        (!files.any(|file| file.extension().is_some_and(|extension| extension == "tar"))).then_some(())
    })
    .await;
    sen.assert_bounded("settling");
    assert_back(&sen, &file, offset, &uid).await;
    sen.assert_bounded("retrieving from the pack");
}

/// Asks for the instance and compares its data set piece by piece with that of the file, which
/// begins at `offset`. The head is the archive's own.
async fn assert_back(sen: &Sen, file: &Path, offset: u64, uid: &Uid) {
    let url = sen.url(&format!("/dicomweb/studies/{uid}.1/series/{uid}.2/instances/{uid}.3"));
    let request = reqwest::Client::new().get(url).header("accept", "application/dicom; transfer-syntax=*");
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let mut want = File::open(file).unwrap();
    let dataset_bytes = want.metadata().unwrap().len() - offset;
    want.seek(SeekFrom::Start(offset)).unwrap();
    let mut of_head = (answer.content_length().unwrap() - dataset_bytes) as usize;
    let mut pieces = answer.bytes_stream();
    let mut total = 0;
    while let Some(piece) = pieces.next().await {
        let mut piece = piece.unwrap();
        let head = piece.split_to(of_head.min(piece.len()));
        of_head -= head.len();
        let mut same = vec![0; piece.len()];
        want.read_exact(&mut same).unwrap();
        assert!(piece == same, "differs after {total} bytes");
        total += piece.len() as u64;
    }
    assert_eq!(total, dataset_bytes);
}

/// A multi-frame instance in a file, never whole in memory here either.
fn write(folder: &Path) -> (PathBuf, u64, Uid) {
    let uid = Uid::generate(rand::random());
    let child = |number: u8| Uid::parse(&format!("{uid}.{number}")).unwrap();
    let class = Uid::parse(uids::MULTI_FRAME_GRAYSCALE_BYTE_SECONDARY_CAPTURE_IMAGE_STORAGE).unwrap();
    let syntax = Uid::parse(uids::EXPLICIT_VR_LITTLE_ENDIAN).unwrap();
    let mut set = DataSet::new();
    for (tag, value) in [
        (tags::SOP_CLASS_UID, &class),
        (tags::SOP_INSTANCE_UID, &child(3)),
        (tags::STUDY_INSTANCE_UID, &child(1)),
        (tags::SERIES_INSTANCE_UID, &child(2)),
    ] {
        set.put_uid(tag, value);
    }
    set.put_text(tags::PATIENT_ID, "P1");
    set.put_text(tags::MODALITY, "OT");
    for (tag, value) in [
        (tags::SAMPLES_PER_PIXEL, 1),
        (tags::NUMBER_OF_FRAMES, FRAMES as i64),
        (tags::ROWS, 1024),
        (tags::COLUMNS, 1024),
        (tags::BITS_ALLOCATED, 8),
        (tags::BITS_STORED, 8),
        (tags::HIGH_BIT, 7),
        (tags::PIXEL_REPRESENTATION, 0),
    ] {
        set.put_int(tag, value);
    }
    set.put_text(tags::PHOTOMETRIC_INTERPRETATION, "MONOCHROME2");
    let mut head = part10::write_head(&class, &child(3), &syntax, None);
    let offset = head.len() as u64;
    dataset::write(&set, &transfer_syntax::of(&syntax), &mut head).unwrap();
    head.extend_from_slice(&[0xE0, 0x7F, 0x10, 0x00, b'O', b'B', 0, 0]);
    head.extend_from_slice(&u32::try_from(FRAMES * FRAME_BYTES).unwrap().to_le_bytes());
    let path = folder.join("large.dcm");
    let mut file = BufWriter::new(File::create(&path).unwrap());
    file.write_all(&head).unwrap();
    for frame in 0..FRAMES {
        let pixels = vec![(frame % 251) as u8; FRAME_BYTES];
        file.write_all(&pixels).unwrap();
    }
    file.flush().unwrap();
    (path, offset, uid)
}
