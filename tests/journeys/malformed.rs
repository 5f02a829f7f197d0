//! Bad input is answered promptly and harms nothing.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;

use crate::support::images::Study;
use crate::support::program::Sen;
use crate::support::stow::push;
use crate::support::{files_below, samples, tools};

async fn is_whole(sen: &Sen, study: &Study) {
    let found: Value = reqwest::get(sen.url(&format!("/dicomweb/studies/{}/instances", study.uid)))
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(found.as_array().unwrap().len() as u32, study.slices);
}

#[tokio::test]
async fn malformed_files_are_answered_and_nothing_kept_is_harmed() {
    let mut sen = Sen::start();
    let study = Study::of("P1", "NGUYỄN^VĂN A");
    for slice in 1..=study.slices {
        assert_eq!(push(&sen, &study.slice(slice)).await.status(), 200);
    }
    let whole = study.slice(1);
    let mut bad: Vec<(String, Vec<u8>)> = vec![
        ("nothing".into(), Vec::new()),
        ("text".into(), b"this is no image".to_vec()),
        ("head only".into(), whole[..200].to_vec()),
        ("cut in the header".into(), whole[..whole.len() / 40].to_vec()),
    ];
    let folder = samples("malformed").expect("files of the project");
    let files = files_below(&folder).into_iter();
    bad.extend(files.map(|path| (path.display().to_string(), std::fs::read(&path).unwrap())));
    for (name, file) in &bad {
        let status = push(&sen, file).await.status().as_u16();
        // Some of them are odd and still usable; those may be kept. None may be a fault of ours.
        assert!(matches!(status, 200 | 202 | 400 | 409 | 415), "{name}: {status}");
    }
    for (name, file) in bad.iter().take(4) {
        let status = push(&sen, file).await.status().as_u16();
        assert!(matches!(status, 400 | 409), "{name}: {status}");
    }
    is_whole(&sen, &study).await;
    assert!(sen.is_running());
}

#[tokio::test]
async fn mutated_files_never_fell_the_program() {
    let mut sen = Sen::start();
    let whole = Study::of("P1", "NGUYỄN^VĂN A").slice(1);
    let header_bytes = whole.len() - 64 * 64 * 2;
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as usize
    };
    for _ in 0..200 {
        let mut file = whole.clone();
        for _ in 0..1 + random() % 4 {
            let at = 132 + random() % (header_bytes - 132);
            file[at] = random() as u8;
        }
        let status = push(&sen, &file).await.status().as_u16();
        assert!(status < 500, "{status}");
    }
    assert!(sen.is_running());
}

#[tokio::test]
async fn absurd_pdus_end_their_own_connection_only() {
    let mut sen = Sen::start();
    let cases: &[&[u8]] = &[
        b"GET / HTTP/1.1\r\n\r\n",
        // An A-ASSOCIATE-RQ that claims 4 GiB.
        &[1, 0, 0xff, 0xff, 0xff, 0xff, 0, 1],
        // A P-DATA-TF before any association.
        &[4, 0, 0, 0, 0, 6, 0, 0, 0, 2, 1, 3],
        // A PDU type that does not exist.
        &[0x42, 0, 0, 0, 0, 0],
    ];
    for bytes in cases {
        let mut connection = TcpStream::connect(sen.dimse).unwrap();
        connection.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        connection.write_all(bytes).unwrap();
        let mut answer = [0; 1];
        // An A-ABORT (PS3.8 9.3.8), an A-ASSOCIATE-RJ, or the end of the connection.
        match connection.read(&mut answer) {
            Ok(0) => {}
            Ok(_) => assert!(matches!(answer, [7] | [3]), "answered with PDU type {}", answer[0]),
            Err(error) => {
                assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset, "no prompt end: {error}")
            }
        }
    }
    assert!(sen.is_running());
    let Some(echoscu) = tools::program("echoscu") else { return };
    tools::succeeded(&tools::run(&echoscu, sen.folder(), &["-aec", "SEN", "127.0.0.1", &sen.dimse_port()]));
}

#[tokio::test]
async fn a_half_open_connection_disturbs_nobody() {
    let Some(echoscu) = tools::program("echoscu") else { return };
    let sen = Sen::start();
    let mut dripping: Vec<TcpStream> = (0..20).map(|_| TcpStream::connect(sen.dimse).unwrap()).collect();
    for connection in &mut dripping {
        connection.write_all(&[1, 0]).unwrap();
    }
    tools::succeeded(&tools::run(&echoscu, sen.folder(), &["-aec", "SEN", "127.0.0.1", &sen.dimse_port()]));
    let mut http: Vec<TcpStream> = (0..20).map(|_| TcpStream::connect(sen.http).unwrap()).collect();
    for connection in &mut http {
        connection.write_all(b"GET / HT").unwrap();
    }
    assert_eq!(reqwest::get(sen.url("/healthz")).await.unwrap().status(), 200);
}
