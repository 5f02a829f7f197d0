//! Through a real listener: clients that are slow, or go away.

use crate::support::wire::{answer, ask, begun, get, serve};
use crate::support::{House, file, path_of, read};
use pacs_core::access::{Actor, Scope};
use storage::Subject;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

#[tokio::test(flavor = "multi_thread")]
async fn head_has_the_headers_of_get_and_no_body() {
    let house = House::new().await;
    let ct = file("modality/ct-small.dcm");
    house.keep(std::slice::from_ref(&ct)).await;
    let address = serve(&house).await;
    let request =
        get(&path_of(&ct), "Accept: application/dicom; transfer-syntax=*\r\n").replacen("GET", "HEAD", 1);
    let head = String::from_utf8(answer(ask(address, &request).await).await).unwrap();
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    assert!(head.to_ascii_lowercase().contains(&format!("content-length: {}\r\n", ct.len())), "{head}");
    assert!(head.ends_with("\r\n\r\n"));
}

/// A refusal reaches a sender that is still writing when it is made.
#[tokio::test(flavor = "multi_thread")]
async fn a_sender_reads_why_it_was_refused() {
    let house = House::new().await;
    let address = serve(&house).await;
    let rubbish = vec![b'x'; 4 << 20];
    for content_type in
        ["application/dicom", "multipart/related; type=\"application/dicom\"; boundary=b", "text/plain"]
    {
        let head = format!(
            "POST /dicomweb/studies HTTP/1.1\r\nHost: pacs.test\r\nConnection: close\r\n\
             Content-Type: {content_type}\r\nContent-Length: {}\r\n\r\n",
            rubbish.len()
        );
        let mut stream = ask(address, &head).await;
        stream.write_all(&rubbish).await.unwrap();
        let answer = String::from_utf8(answer(stream).await).unwrap();
        assert!(answer.starts_with("HTTP/1.1 4"), "{answer}");
        assert!(
            ["data set", "boundary", "text/plain"].iter().any(|reason| answer.contains(reason)),
            "{answer}"
        );
    }
}

/// Clients that ask for much and read nothing, or leave, cost nobody else anything.
#[tokio::test(flavor = "multi_thread")]
async fn slow_and_gone_clients_disturb_nobody() {
    let house = House::new().await;
    let slices: Vec<Vec<u8>> = testdata::ct_slices(20).map(|slice| slice.bytes).collect();
    house.keep(&slices).await;
    let path = path_of(&slices[0]);
    let study = path.split("/series").next().unwrap();
    let address = serve(&house).await;
    let mut waiting = Vec::new();
    for _ in 0..24 {
        let mut stream = ask(address, &get(study, "")).await;
        let mut first = [0; 16];
        stream.read_exact(&mut first).await.unwrap();
        waiting.push(stream);
    }
    waiting.truncate(12);
    let frame = answer(ask(address, &get(&format!("{path}/frames/1"), "")).await).await;
    assert!(frame.starts_with(b"HTTP/1.1 200"));
    assert!(frame.len() > 512 * 512 * 2);
}

/// An instance that is deleted while a long answer is on its way makes the answer end short of what was promised: one
/// with a hole in it would look like the series.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_breaks_off_at_what_was_deleted_meanwhile() {
    let house = House::new().await;
    let slices: Vec<testdata::Instance> = testdata::ct_slices(40).collect();
    house.keep(&slices.iter().map(|slice| slice.bytes.clone()).collect::<Vec<_>>()).await;
    let address = serve(&house).await;
    let path = path_of(&slices[0].bytes);
    let series = path.split("/instances").next().unwrap();
    let whole = answer(begun(address, &get(series, "")).await).await;
    let slow = begun(address, &get(series, "")).await;
    let last = Subject::Instance(slices[39].uid.clone());
    house.archive.delete(&Scope::All, &Actor::system(), &last, "nhầm").await.unwrap();
    let cut = answer(slow).await;
    let first = |bytes: &[u8]| bytes.windows(4).filter(|window| window == b"DICM").count();
    assert_eq!(first(&whole), 40);
    assert!((30..40).contains(&first(&cut)), "{}", first(&cut));
    // Neither the boundary that closes it nor the last chunk.
    assert!(!cut.ends_with(b"--\r\n") && !cut.ends_with(b"0\r\n\r\n"), "it ends as a whole one does");
}

/// An image of 3000 x 3000 zeros of 16 bits as RLE: 18 MB when it is decoded.
fn large_image() -> Vec<u8> {
    const ROWS: &[u8] = b"\x28\x00\x10\x00US";
    const ENCAPSULATED: &[u8] = b"\xE0\x7F\x10\x00OB\x00\x00\xFF\xFF\xFF\xFF";
    const SIDE_PIXELS: u16 = 3000;
    let small = file("syntax/MR_small_RLE.dcm");
    let at = |mark: &[u8]| small.windows(mark.len()).position(|window| window == mark).unwrap();
    let (rows, encapsulated) = (at(ROWS), at(ENCAPSULATED));
    let mut large = small[..encapsulated + ENCAPSULATED.len()].to_vec();
    // Columns stand next to them.
    for element in [rows, rows + 10] {
        large[element + 8..element + 10].copy_from_slice(&SIDE_PIXELS.to_le_bytes());
    }
    // A run of 128 zeros is two bytes (PS3.5 G.3.1).
    let segment = [0x81, 0].repeat((usize::from(SIDE_PIXELS).pow(2)).div_ceil(128));
    let second = 64 + u32::try_from(segment.len()).unwrap();
    let mut fragment = vec![2, 64, second].into_iter().flat_map(u32::to_le_bytes).collect::<Vec<u8>>();
    fragment.resize(64, 0);
    fragment.extend([&segment[..], &segment[..]].concat());
    for (item, content) in [(b"\xFE\xFF\x00\xE0", &[][..]), (b"\xFE\xFF\x00\xE0", &fragment)] {
        large.extend_from_slice(item);
        large.extend_from_slice(&u32::try_from(content.len()).unwrap().to_le_bytes());
        large.extend_from_slice(content);
    }
    large.extend_from_slice(b"\xFE\xFF\xDD\xE0\x00\x00\x00\x00");
    large
}

/// Clients that read decoded frames slowly hold up nobody who asks for others, large or small.
#[tokio::test(flavor = "multi_thread")]
async fn slow_readers_of_decoded_frames_hold_up_no_decoding() {
    let house = House::new().await;
    let (large, small) = (large_image(), file("syntax/emri_small_RLE.dcm"));
    house.keep(&[large.clone(), small.clone()]).await;
    let address = serve(&house).await;
    let decoded = "Accept: application/octet-stream\r\n";
    let frame = |of: &[u8]| get(&format!("{}/frames/1", path_of(of)), decoded);
    let mut slow = Vec::new();
    for _ in 0..4 {
        let mut stream = ask(address, &frame(&large)).await;
        let mut first = [0; 16];
        stream.read_exact(&mut first).await.unwrap();
        assert!(first.starts_with(b"HTTP/1.1 200"));
        slow.push(stream);
    }
    let whole = answer(ask(address, &frame(&small)).await).await;
    assert!(whole.starts_with(b"HTTP/1.1 200"));
    // The slow ones get all of it in the end, whether they waited before a file or before memory.
    for stream in slow {
        let rest = answer(stream).await;
        let body = rest.windows(4).position(|window| window == b"\r\n\r\n").unwrap() + 4;
        assert_eq!(rest.len() - body, 3000 * 3000 * 2);
        assert!(rest[body..].iter().all(|byte| *byte == 0));
    }
}

/// Nor do those that read whole instances slowly which are decoded for them.
#[tokio::test(flavor = "multi_thread")]
async fn slow_readers_of_decoded_instances_hold_up_no_decoding() {
    const MARK: &[u8] = b"\xE0\x7F\x10\x00OW\x00\x00";
    let house = House::new().await;
    let (large, small) = (large_image(), file("syntax/emri_small_RLE.dcm"));
    house.keep(&[large.clone(), small.clone()]).await;
    let address = serve(&house).await;
    let instance = |of: &[u8], accept: &str| get(&path_of(of), &format!("Accept: {accept}\r\n"));
    let decoded = "multipart/related; type=\"application/dicom\"";
    let zip = "application/zip";
    let pixels = get(
        &format!("{}/pixeldata", path_of(&large)),
        "Accept: multipart/related; type=\"application/octet-stream\"\r\n",
    );
    let in_jpeg_ls = [("accept", "application/dicom; transfer-syntax=1.2.840.10008.1.2.4.80")];
    let encoded = house.get(&path_of(&large), &in_jpeg_ls).await;
    assert!(encoded.status.is_success(), "{}", encoded.text());
    let mut slow = Vec::new();
    for request in [instance(&large, decoded), instance(&large, decoded), instance(&large, zip), pixels] {
        slow.push(begun(address, &request).await);
    }
    let others = begun(address, &instance(&small, decoded)).await;
    assert!(answer(others).await.windows(MARK.len()).any(|window| window == MARK));
    // What is encoded comes from a file now, and is the same.
    assert!(house.get(&path_of(&large), &in_jpeg_ls).await.body == encoded.body);
    for stream in slow {
        assert!(answer(stream).await.len() > 3000 * 3000 * 2);
    }
}

/// Where no file can be written for them, as on a full disk, who comes later waits until they have read.
#[tokio::test(flavor = "multi_thread")]
async fn decoded_instances_wait_for_memory_where_no_file_can_be_written() {
    let house = House::new().await;
    let large = large_image();
    house.keep(std::slice::from_ref(&large)).await;
    std::fs::remove_dir_all(house.data_dir().join("renditions")).unwrap();
    let address = serve(&house).await;
    let decoded = "Accept: multipart/related; type=\"application/dicom\"\r\n";
    let request = get(&path_of(&large), decoded);
    let first = begun(address, &request).await;
    // There is no room in memory beside the first.
    let second = ask(address, &request).await;
    for stream in [first, second] {
        let answer = answer(stream).await;
        let head = answer.get(..200).unwrap_or(&answer);
        assert!(answer.len() > 3000 * 3000 * 2, "{}", String::from_utf8_lossy(head));
    }
}

/// Senders that announce something and send nothing hold no place that others need.
#[tokio::test(flavor = "multi_thread")]
async fn silent_senders_disturb_nobody() {
    let house = House::new().await;
    let address = serve(&house).await;
    let head = |content_type: &str, length: usize| {
        format!(
            "POST /dicomweb/studies HTTP/1.1\r\nHost: pacs.test\r\nConnection: close\r\n\
             Content-Type: {content_type}\r\nContent-Length: {length}\r\n\r\n"
        )
    };
    let multipart = "multipart/related; type=\"application/dicom+json\"; boundary=b";
    let mut silent = Vec::new();
    for content_type in ["application/dicom", "application/dicom+json", multipart] {
        for _ in 0..40 {
            silent.push(ask(address, &head(content_type, 1000)).await);
        }
    }
    let report = read(&file("modality/sr-basic-text.dcm"));
    for (content_type, body) in [
        ("application/dicom", file("modality/ct-small.dcm")),
        ("application/dicom+json", pacs_core::json::to_string(&report).into_bytes()),
    ] {
        let mut stream = ask(address, &head(content_type, body.len())).await;
        stream.write_all(&body).await.unwrap();
        let answer = answer(stream).await;
        assert!(answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer));
    }
}
