//! What is larger than the memory that may be used passes through it, by a foreign client.

use std::io::{BufWriter, Write};
use std::path::Path;

use pacs_core::dataset::{Limits, Until, read_slice};
use pacs_core::json;
use pacs_core::uid::Uid;
use pacs_core::{tags, transfer_syntax, uids};

use crate::support::images::{Study, dataset_bytes};
use crate::support::program::Sen;
use crate::support::{stow, tools};

/// By how much the memory at its highest may rise, while much more than that passes.
const RISE_MAX_BYTES: u64 = 64 << 20;
const LARGE_BYTES: usize = 320 << 20;

fn curl(program: &Path, sen: &Sen, arguments: &[&str]) -> String {
    let arguments = [&["-sS", "--fail-with-body", "--max-time", "120"], arguments].concat();
    tools::succeeded(&tools::run(program, sen.folder(), &arguments))
}

/// The metadata of a slice, its pixels named and not given.
fn metadata(study: &Study) -> Vec<u8> {
    let file = study.slice(1);
    let explicit = transfer_syntax::of(&Uid::parse(uids::EXPLICIT_VR_LITTLE_ENDIAN).unwrap());
    let read = read_slice(dataset_bytes(&file), &explicit, &Limits::default(), Until::End).unwrap();
    let mut document = Vec::new();
    json::write(&read.data_set, &mut document, &|_, tag, _| {
        (tag == tags::PIXEL_DATA).then(|| "pixels".to_owned())
    });
    document
}

#[test]
fn a_value_beside_metadata_larger_than_memory_is_kept() {
    let Some(program) = tools::program("curl") else { return };
    let sen = Sen::start();
    let study = Study::of("P1", "NGUYỄN^VĂN A");
    let mut body = BufWriter::new(std::fs::File::create(sen.folder().join("body")).unwrap());
    body.write_all(b"--edge\r\nContent-Type: application/octet-stream\r\nContent-Location: pixels\r\n\r\n")
        .unwrap();
    let piece: Vec<u8> = (0..1 << 20).map(|at: u32| (at % 251) as u8).collect();
    for _ in 0..LARGE_BYTES >> 20 {
        body.write_all(&piece).unwrap();
    }
    body.write_all(b"\r\n--edge\r\nContent-Type: application/dicom+json\r\n\r\n").unwrap();
    body.write_all(&metadata(&study)).unwrap();
    body.write_all(b"\r\n--edge--\r\n").unwrap();
    body.into_inner().unwrap();

    let before = sen.peak_memory_bytes();
    let content_type = "Content-Type: multipart/related; type=\"application/dicom+json\"; boundary=edge";
    let studies = sen.url("/dicomweb/studies");
    let told = curl(&program, &sen, &["-X", "POST", "-T", "body", "-H", content_type, &studies]);
    assert!(told.contains("00081199") && !told.contains("00081198"), "{told}");
    let instance =
        format!("{studies}/{}/series/{}/instances/{}", study.uid, study.series(), study.instance(1));
    let octets = "Accept: application/octet-stream; transfer-syntax=*";
    let bulk = format!("{instance}/bulkdata/7FE00010");
    curl(&program, &sen, &["-H", octets, "-o", "back", &bulk]);
    let rise = sen.peak_memory_bytes() - before;
    assert!(rise < RISE_MAX_BYTES, "{rise} bytes more for {LARGE_BYTES}");
    let back = std::fs::read(sen.folder().join("back")).unwrap();
    assert!(back.len() == LARGE_BYTES && back.chunks(piece.len()).all(|chunk| chunk == piece));
}

#[tokio::test]
async fn a_study_larger_than_memory_is_saved_as_zip() {
    let (Some(program), Some(unzip)) = (tools::program("curl"), tools::program("unzip")) else { return };
    let sen = Sen::start();
    let mut study = Study::of("P1", "NGUYỄN^VĂN A");
    (study.slices, study.edge_pixels) = (80, 1024);
    stow::push_study(&sen, &study).await;
    let before = sen.peak_memory_bytes();
    // As a link on a page is written.
    let link = sen.url(&format!("/dicomweb/studies/{}?accept=application/zip", study.uid));
    curl(&program, &sen, &["-O", "-J", &link]);
    let rise = sen.peak_memory_bytes() - before;
    assert!(rise < RISE_MAX_BYTES, "{rise} bytes more");
    let archive = format!("{}.zip", study.uid);
    let tested = tools::succeeded(&tools::run(&unzip, sen.folder(), &["-t", &archive]));
    assert!(tested.contains("No errors detected"), "{tested}");
    assert_eq!(tested.matches(".dcm   OK").count(), 80, "{tested}");
    tools::succeeded(&tools::run(&unzip, sen.folder(), &["-q", &archive, "-d", "saved"]));
    let file = format!("saved/{}/{}.dcm", study.series(), study.instance(80));
    assert!(std::fs::read(sen.folder().join(file)).unwrap() == study.slice(80));
}
