//! What an answer takes, whatever is asked of whatever is stored: neither a thread for long nor memory without bound.

use crate::support::wire::{answer, begun, get, resident_bytes, serve};
use crate::support::{House, above, file, path_of};
use flate2::Compression;
use flate2::write::DeflateEncoder;
use http::StatusCode;
use pacs_core::part10::write_head;
use pacs_core::transfer_syntax::TransferSyntax;
use pacs_core::uid::Uid;
use pacs_core::{VR, dataset, tags, uids};
use std::future::poll_fn;
use std::io::Write;
use std::pin::pin;

/// What a step of inflating makes.
const STEP_BYTES: usize = 64 << 10;

/// A deflated file of a square image of zeros, with a private value of so many zeros before its pixels.
fn deflated(side_pixels: u16, private_bytes: usize) -> Vec<u8> {
    let mut set = crate::support::read(&file("modality/ct-small.dcm"));
    set.put_int(tags::ROWS, side_pixels.into());
    set.put_int(tags::COLUMNS, side_pixels.into());
    set.put_bytes(pacs_core::Tag(0x0029, 0x1010), VR::OB, vec![0; private_bytes]);
    set.put_bytes(tags::PIXEL_DATA, VR::OW, vec![0; usize::from(side_pixels).pow(2) * 2]);
    let mut plain = Vec::new();
    dataset::write(&set, &TransferSyntax::EXPLICIT_LITTLE_ENDIAN, &mut plain).unwrap();
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(&plain).unwrap();
    let uid = |tag| set.uid(tag).unwrap().unwrap();
    let syntax = Uid::parse(uids::DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN).unwrap();
    let head = write_head(&uid(tags::SOP_CLASS_UID), &uid(tags::SOP_INSTANCE_UID), &syntax, None);
    [head, encoder.finish().unwrap()].concat()
}

/// Whoever passes over most of a value lets go of the thread at each step: elsewhere that stops everything else.
#[tokio::test]
async fn a_far_range_of_what_is_deflated_lets_others_go_on() {
    const PRIVATE_BYTES: usize = 64 << 20;
    let house = House::new().await;
    let stored = deflated(16, PRIVATE_BYTES);
    house.keep(std::slice::from_ref(&stored)).await;
    let value = format!("{}/bulkdata/00291010", path_of(&stored));
    let headers = [("accept", "application/octet-stream"), ("range", "bytes=-10")];
    let mut asked = pin!(house.get(&value, &headers));
    let mut polls = 0;
    let answer = poll_fn(|context| {
        polls += 1;
        asked.as_mut().poll(context)
    });
    let answer = answer.await;
    assert_eq!(answer.status, StatusCode::PARTIAL_CONTENT, "{}", answer.text());
    assert_eq!(&answer.body[..], [0; 10]);
    assert!(polls > PRIVATE_BYTES / STEP_BYTES, "it let go {polls} times");
}

/// However many read a frame of a deflated data set slowly, none of them has it in memory.
#[tokio::test(flavor = "multi_thread")]
async fn frames_of_what_is_deflated_are_not_held() {
    const READERS: usize = 12;
    const SIDE_PIXELS: u16 = 3000;
    const FRAME_BYTES: usize = 3000 * 3000 * 2;
    let house = House::new().await;
    let stored = deflated(SIDE_PIXELS, 0);
    house.keep(std::slice::from_ref(&stored)).await;
    let address = serve(&house).await;
    let frame = get(&format!("{}/frames/1", path_of(&stored)), "Accept: application/octet-stream\r\n");
    let whole = answer(begun(address, &frame).await).await;
    assert!(whole[whole.len() - FRAME_BYTES..].iter().all(|byte| *byte == 0));
    drop(whole);
    let before = resident_bytes();
    let mut slow = Vec::new();
    for _ in 0..READERS {
        slow.push(begun(address, &frame).await);
    }
    let grown = resident_bytes().saturating_sub(before);
    assert!(grown < READERS * FRAME_BYTES / 4, "{grown} bytes for {READERS} readers");
    for stream in slow {
        assert!(answer(stream).await.len() > FRAME_BYTES);
    }
}

/// Beyond 64 MiB as well: nothing has to be made of it.
#[tokio::test]
async fn a_large_frame_of_what_is_deflated_is_sent() {
    const SIDE_PIXELS: u16 = 6000;
    let house = House::new().await;
    let stored = deflated(SIDE_PIXELS, 0);
    house.keep(std::slice::from_ref(&stored)).await;
    let octets = [("accept", "application/octet-stream")];
    let sent = house.get(&format!("{}/frames/1", path_of(&stored)), &octets).await;
    assert_eq!(sent.status, StatusCode::OK, "{}", sent.text());
    assert_eq!(sent.body.len(), usize::from(SIDE_PIXELS).pow(2) * 2);
    let behind = house.get(&format!("{}/frames/2", path_of(&stored)), &octets).await;
    assert_eq!(behind.status, StatusCode::NOT_FOUND);
}

/// Whoever reads a long series slowly holds no more of it for its length, and gets all of it.
#[tokio::test(flavor = "multi_thread")]
async fn long_series_are_not_held() {
    const INSTANCES: usize = 2000;
    const READERS: usize = 60;
    /// Half of this is what connections hold of pieces on their way; rows of all instances would be another hundred.
    const GROWTH_MOST_BYTES: usize = 100 << 20;
    let house = House::new().await;
    let slices: Vec<Vec<u8>> = testdata::ct_slices(INSTANCES).sized(64).map(|slice| slice.bytes).collect();
    for slices in slices.chunks(500) {
        house.keep(slices).await;
    }
    let series = above(&path_of(&slices[0]), "/instances");
    let address = serve(&house).await;
    let as_stored = "Accept: multipart/related; type=\"application/dicom\"; transfer-syntax=*\r\n";
    let octets = "Accept: multipart/related; type=\"application/octet-stream\"; transfer-syntax=*\r\n";
    let wishes = [get(&series, as_stored), get(&format!("{series}/pixeldata"), octets)];
    drop(begun(address, &wishes[0]).await);
    let before = resident_bytes();
    let mut slow = Vec::new();
    for reader in 0..READERS {
        slow.push(begun(address, &wishes[reader % 2]).await);
    }
    let grown = resident_bytes().saturating_sub(before);
    assert!(grown < GROWTH_MOST_BYTES, "{grown} bytes for {READERS} readers");
    // A late image is none of theirs, and where the others lie makes no difference.
    let late = testdata::ct_slices(INSTANCES + 1).sized(64).last().unwrap().bytes;
    house.keep(&[late]).await;
    house.settle(&series).await;
    for (stream, part) in slow.into_iter().zip(["Content-Type: application/dicom;", "Content-Location: "]) {
        let whole = answer(stream).await;
        assert_eq!(memchr::memmem::find_iter(&whole, part).count(), INSTANCES, "{part}");
        assert!(whole.ends_with(b"--\r\n"));
    }
}
