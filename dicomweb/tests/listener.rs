//! Through a real listener: clients that are slow, or go away.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests stop at what they did not expect"
)]

mod support;

use axum::Extension;
use pacs_core::access::Actor;
use std::net::SocketAddr;
use support::{House, file, path_of, read};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

async fn serve(house: &House) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = house.router.clone().layer(Extension(Actor::system()));
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    address
}

async fn ask(address: SocketAddr, request: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    stream
}

async fn answer(mut stream: TcpStream) -> Vec<u8> {
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    answer
}

fn get(path: &str, more: &str) -> String {
    format!("GET /dicomweb{path} HTTP/1.1\r\nHost: pacs.test\r\nConnection: close\r\n{more}\r\n")
}

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
