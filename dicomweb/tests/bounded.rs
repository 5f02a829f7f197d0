//! What an answer takes, whatever is asked of whatever is stored: neither a thread for long nor memory without bound.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests stop at what they did not expect"
)]

mod support;

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
use support::{House, file, path_of};

/// What a step of inflating makes.
const STEP_BYTES: usize = 64 << 10;

/// A deflated file of a square image of zeros, with a private value of so many zeros before its pixels.
fn deflated(side_pixels: u16, private_bytes: usize) -> Vec<u8> {
    let mut set = support::read(&file("modality/ct-small.dcm"));
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
