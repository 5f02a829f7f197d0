//! What is queued for another system arrives there, whatever happens on the way.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};

use reqwest::{Client, StatusCode};
use serde_json::{Value, json};

use crate::support::images::Study;
use crate::support::program::{Sen, Setup};
use crate::support::receiver::{self, Receiver};
use crate::support::{eventually, files_below, free_ports, stow, tools};

/// pynetdicom as a receiver that takes its time.
struct SlowReceiver {
    child: Child,
    port: u16,
    taken: PathBuf,
}

impl Drop for SlowReceiver {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl SlowReceiver {
    async fn start(python: &Path, folder: &Path) -> Self {
        let port = free_ports().0;
        let taken = folder.join("taken");
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python/slow_receiver.py");
        let child = Command::new(python)
            .arg(script)
            .args([&port.to_string(), "SLOW"])
            .arg(&taken)
            .spawn()
            .expect("Python runs");
        let receiver = Self { child, port, taken };
        eventually("the receiver listens", || async {
            tokio::net::TcpStream::connect(("127.0.0.1", port)).await.ok()
        })
        .await;
        receiver
    }

    /// What it has, a line an instance: its UID and how it came.
    fn taken(&self) -> Vec<String> {
        let text = std::fs::read_to_string(&self.taken).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }
}

async fn send(sen: &Sen, study: &Study, device: &str) -> u64 {
    let url = sen.url(&format!("/api/v1/studies/{}/send", study.uid));
    let answer = Client::new().post(url).json(&json!({ "device": device })).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::ACCEPTED);
    answer.json::<Value>().await.unwrap()["id"].as_u64().unwrap()
}

async fn transfer(sen: &Sen, show: &str, id: u64) -> Option<Value> {
    let queue: Value =
        reqwest::get(sen.url(&format!("/api/v1/queue?show={show}"))).await.ok()?.json().await.ok()?;
    queue["items"].as_array()?.iter().find(|item| item["id"].as_u64() == Some(id)).cloned()
}

#[tokio::test]
async fn a_kill_in_the_middle_of_a_send_loses_nothing_and_sends_nothing_again() {
    let Some(python) = tools::python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let receiver = SlowReceiver::start(&python, folder.path()).await;
    let device = format!("[[device]]\nae_title = 'SLOW'\nhost = '127.0.0.1'\nport = {}\n", receiver.port);
    let sen = Setup::default().file(&device).start();
    let study = Study { slices: 12, ..Study::of("P1", "NGUYỄN^VĂN A") };
    stow::push_study(&sen, &study).await;
    let id = send(&sen, &study, "SLOW").await;
    eventually("some of it has been sent", || async { (receiver.taken().len() >= 4).then_some(()) }).await;
    let sen = sen.kill().start();
    let done = eventually("the rest has been sent", || transfer(&sen, "ended", id)).await;
    assert_eq!(
        (&done["state"], &done["moved"], &done["total"], &done["failed"]),
        (&json!("done"), &json!(12), &json!(12), &json!(0))
    );
    let taken = receiver.taken();
    let different: BTreeSet<&String> = taken.iter().collect();
    assert_eq!(different.len(), 12);
    assert!(taken.iter().all(|line| line.ends_with(" 1.2.840.10008.1.2")), "it takes implicit VR only");
    // The one that was under way: whether it had arrived could not be known.
    assert!(taken.len() <= 13, "{} were sent for 12", taken.len());
}

#[tokio::test]
async fn dcmtk_has_what_was_sent_once_it_is_there() {
    let Some(storescp) = tools::program("storescp") else { return };
    let sen = Sen::start();
    let study = Study::of("P1", "NGUYỄN^VĂN A");
    stow::push_study(&sen, &study).await;
    tools::succeeded(&sen.run(&["device", "add", receiver::TITLE, "127.0.0.1", "9", "--send-limit", "2"]));
    let id = send(&sen, &study, receiver::TITLE).await;
    let waits = eventually("the receiver is missed", || async {
        transfer(&sen, "open", id).await.filter(|item| item["error"] != Value::Null)
    })
    .await;
    assert_eq!((&waits["state"], &waits["error"]["code"]), (&json!("waiting"), &json!("unreachable")));
    let receiver = Receiver::start(&storescp).await;
    let port = receiver.port().to_string();
    tools::succeeded(&sen.run(&["device", "add", receiver::TITLE, "127.0.0.1", &port]));
    let done = eventually("it has been sent by itself", || transfer(&sen, "ended", id)).await;
    assert_eq!((&done["state"], &done["moved"]), (&json!("done"), &json!(3)));
    assert_eq!(files_below(receiver.folder()).len(), 3);
}
