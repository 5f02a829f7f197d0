//! STOW-RS by hand (PS3.18 10.5), for bodies that no client would send.

use std::time::Duration;

use reqwest::{Client, Response};

use super::images::Study;
use super::program::Sen;

/// Sends one file; an answer that does not come promptly is a failure.
pub async fn push(sen: &Sen, file: &[u8]) -> Response {
    let mut body = b"--edge\r\nContent-Type: application/dicom\r\n\r\n".to_vec();
    body.extend_from_slice(file);
    body.extend_from_slice(b"\r\n--edge--\r\n");
    Client::new()
        .post(sen.url("/dicomweb/studies"))
        .header("content-type", "multipart/related; type=\"application/dicom\"; boundary=edge")
        .header("accept", "application/dicom+json")
        .timeout(Duration::from_secs(20))
        .body(body)
        .send()
        .await
        .expect("a prompt answer")
}

/// Sends all slices of a study, each by a request of its own.
pub async fn push_study(sen: &Sen, study: &Study) {
    for slice in 1..=study.slices {
        assert_eq!(push(sen, &study.slice(slice)).await.status(), 200);
    }
}
