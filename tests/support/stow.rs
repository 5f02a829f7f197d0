//! STOW-RS by hand (PS3.18 10.5), for bodies that no client would send.

use std::time::Duration;

use reqwest::{Client, Response};

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
