//! Data sets and connections made to hurt: deep, swollen, lying, cut and garbled. The sender gets a
//! prompt answer, memory stays bounded, and nothing that is kept is harmed.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use bytes::Bytes;
use dimse_scp::scu::{Content, Instance};
use pacs_core::part10;
use pacs_core::uid::Uid;
use pacs_core::uids;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use reqwest::Client;
use serde_json::Value;

use crate::attacks::{Fate, attacks};
use crate::support::images::Study;
use crate::support::modality;
use crate::support::program::{Sen, Setup};
use crate::support::samples::Sample;
use crate::support::stow::push;
use crate::support::tools;

/// No answer may take longer.
const PROMPT: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread")]
async fn hostile_data_sets_get_a_prompt_answer_and_take_no_memory() {
    let (mut sen, kept) = with_a_study().await;
    for attack in attacks() {
        let class = Uid::parse(uids::CT_IMAGE_STORAGE).unwrap();
        let syntax = Uid::parse(attack.syntax).unwrap();
        let mut file = part10::write_head(&class, &attack.announced, &syntax, None);
        file.extend_from_slice(&attack.dataset);
        let begun = Instant::now();
        let answer = push(&sen, &file).await;
        let (status, body) = (answer.status().as_u16(), answer.text().await.unwrap());
        assert!(matches!(status, 200 | 202 | 400 | 409), "{}: {status} {body}", attack.name);
        if attack.fate == Fate::Refused {
            assert!(matches!(status, 400 | 409), "{}: {status} {body}", attack.name);
            // Failure Reason (0008,1197) of PS3.18 I.2, or the detail of a problem.
            assert!(body.contains("00081197") || body.contains("detail"), "{}: {body}", attack.name);
        }
        let instance = Instance {
            class,
            instance: attack.announced,
            transfer_syntax: syntax,
            content: Content::Memory(Bytes::from(attack.dataset)),
        };
        let status = store(&sen, &instance).await;
        if attack.fate == Fate::Refused {
            assert!(status.is_failure(), "{}: {:#06x}", attack.name, status.0);
        }
        assert!(begun.elapsed() < PROMPT, "{} took {:?}", attack.name, begun.elapsed());
        sen.assert_bounded(attack.name);
    }
    read_everything(&sen).await;
    sen.assert_bounded("reading what was kept");
    unharmed(sen.is_running(), sen, &kept).await;
}

/// What has been taken of them is asked for in every form; odd is fine, a fault of ours is not.
#[tokio::test(flavor = "multi_thread")]
async fn mutated_samples_are_answered_and_what_is_kept_of_them_can_be_asked_for() {
    let samples = Sample::storable();
    let (mut sen, kept) = with_a_study().await;
    let mut random = StdRng::seed_from_u64(7);
    for sample in &samples {
        let mut file = std::fs::read(&sample.path).unwrap();
        // Mostly the header: what the pixels look like is for the codecs.
        let within = if random.random_bool(0.5) { file.len().min(4096) } else { file.len() };
        for _ in 0..random.random_range(1..6) {
            let at = random.random_range(132..within);
            file[at] = random.random();
        }
        if random.random_bool(0.2) {
            file.truncate(random.random_range(132..file.len()));
        }
        let status = push(&sen, &file).await.status().as_u16();
        assert!(status < 500, "{}: {status}", sample.name());
    }
    sen.assert_bounded("storing mutated samples");
    read_everything(&sen).await;
    sen.assert_bounded("reading what was kept of them");
    unharmed(sen.is_running(), sen, &kept).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_cuts_and_garbles_ends_its_own_association_only() {
    let Some(storescu) = tools::program("storescu") else { return };
    let (mut sen, kept) = with_a_study().await;
    let other = Study::of("P2", "TRẦN^THỊ B");
    other.write(&sen.folder().join("ct"));
    for seed in 0..40 {
        let line = garbling_line(sen.dimse, seed);
        let begun = Instant::now();
        // What becomes of the push is the line's business; that it ends, and when, is ours.
        tools::run(
            &storescu,
            sen.folder(),
            &["-to", "15", "-ta", "15", "-td", "15", "-aec", "SEN", "+sd", "127.0.0.1", &line, "ct"],
        );
        assert!(begun.elapsed() < 2 * PROMPT, "seed {seed} took {:?}", begun.elapsed());
    }
    sen.assert_bounded("garbled associations");
    unharmed(sen.is_running(), sen, &kept).await;
}

/// A program that keeps one study.
async fn with_a_study() -> (Sen, Study) {
    let sen = Setup::default().variable("SEN_SETTLE_AFTER_SECONDS", "5").start();
    let study = Study::of("P1", "NGUYỄN^VĂN A");
    for slice in 1..=study.slices {
        assert_eq!(push(&sen, &study.slice(slice)).await.status(), 200);
    }
    (sen, study)
}

/// The program is up, the study whole, and every kept byte what it was.
async fn unharmed(is_running: bool, sen: Sen, study: &Study) {
    assert!(is_running, "the program has died");
    for slice in 1..=study.slices {
        let (series, instance) = (study.series(), study.instance(slice));
        let path = format!("/dicomweb/studies/{}/series/{series}/instances/{instance}/frames/1", study.uid);
        let request = Client::new().get(sen.url(&path));
        let answer =
            request.header("accept", "application/octet-stream; transfer-syntax=*").send().await.unwrap();
        assert!(answer.bytes().await.unwrap() == study.pixels(slice), "slice {slice}");
    }
    let setup = sen.kill();
    tools::succeeded(&setup.run(&["verify"]));
}

async fn store(sen: &Sen, instance: &Instance) -> dimse_scp::dimse::Status {
    let mut association = modality::associate(sen.dimse, "HOSTILE", instance).await;
    let response = association.store(instance).await.expect("a prompt response");
    association.release().await.unwrap();
    response.status
}

/// Asks for all instances there are in every form.
async fn read_everything(sen: &Sen) {
    let client = Client::new();
    let list: Vec<Value> =
        client.get(sen.url("/dicomweb/instances?limit=5000")).send().await.unwrap().json().await.unwrap();
    assert!(!list.is_empty());
    for row in &list {
        let uid = |tag: &str| row[tag]["Value"][0].as_str().unwrap_or_default().to_owned();
        let instance = format!(
            "/dicomweb/studies/{}/series/{}/instances/{}",
            uid("0020000D"),
            uid("0020000E"),
            uid("00080018")
        );
        for (resource, accept) in [
            ("", "application/dicom; transfer-syntax=*"),
            ("", "application/dicom; transfer-syntax=1.2.840.10008.1.2.1"),
            ("/metadata", "application/dicom+json"),
            ("/frames/1", "multipart/related; type=\"application/octet-stream\"; transfer-syntax=*"),
            ("/frames/1", "multipart/related; type=\"application/octet-stream\""),
            ("/rendered", "image/jpeg"),
            ("/thumbnail", "image/jpeg"),
        ] {
            let url = sen.url(&format!("{instance}{resource}"));
            let begun = Instant::now();
            let answer = client.get(&url).header("accept", accept).timeout(PROMPT).send().await;
            let mut answer = answer.unwrap_or_else(|error| panic!("{resource} of {url}: {error}"));
            let status = answer.status().as_u16();
            assert!(status < 500, "{resource} of {}: {status}", uid("00080018"));
            // A transfer that turns out to be impossible midway is cut, which the client sees.
            while let Ok(Some(_)) = answer.chunk().await {}
            assert!(begun.elapsed() < PROMPT, "{resource} of {}: {:?}", uid("00080018"), begun.elapsed());
        }
    }
}

/// A port whose connections lead to the archive, with some bytes of the way there changed, and cut
/// off after some more.
fn garbling_line(to: SocketAddr, seed: u64) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let mut random = StdRng::seed_from_u64(seed);
        let (mut near, _) = listener.accept().unwrap();
        let mut far = TcpStream::connect(to).unwrap();
        let (mut back_from, mut back_to) = (far.try_clone().unwrap(), near.try_clone().unwrap());
        std::thread::spawn(move || {
            let _ = std::io::copy(&mut back_from, &mut back_to);
            let _ = back_to.shutdown(Shutdown::Both);
        });
        // The request, the command, the data: an association of three small slices is about 26 KB.
        let end = random.random_range(1..40_000);
        let mut sent = 0;
        let mut bytes = [0; 4096];
        while let Ok(read @ 1..) = near.read(&mut bytes) {
            let chunk = &mut bytes[..read];
            if random.random_bool(0.2) {
                let at = random.random_range(0..chunk.len());
                chunk[at] = random.random();
            }
            let rest = chunk.len().min(end - sent);
            if far.write_all(&chunk[..rest]).is_err() {
                break;
            }
            sent += rest;
            if sent == end {
                break;
            }
        }
        let _ = far.shutdown(Shutdown::Write);
    });
    port.to_string()
}
