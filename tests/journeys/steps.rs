//! Work that programs give each other over both doors: pynetdicom by DIMSE (`ups_program.py`), a program by UPS-RS, and
//! followers of either kind (`told.py`, a WebSocket).

use std::path::Path;
use std::process::Command;

use futures::{SinkExt, StreamExt};
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

use super::told::Listener;
use crate::support::program::{Sen, Setup};
use crate::support::services::Services;
use crate::support::{PATIENCE, eventually, tools};

const ALL: &str = "1.2.840.10008.5.1.4.34.5";
/// Of the program that performs over the web.
const KEY: &str = "1.2.3.99";

/// pynetdicom does an act.
fn program(python: &Path, sen: &Sen, act: &[&str]) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python/ups_program.py");
    let output = Command::new(python)
        .arg(script)
        .args(["127.0.0.1", &sen.dimse_port()])
        .args(act)
        .output()
        .expect("Python runs");
    tools::succeeded(&output);
}

async fn post(sen: &Sen, path: &str, body: Option<Value>) -> StatusCode {
    let request = Client::new().post(sen.url(&format!("/dicomweb/workitems{path}")));
    let request = match body {
        Some(body) => request.header("content-type", "application/dicom+json").body(body.to_string()),
        None => request,
    };
    request.send().await.unwrap().status()
}

async fn create(sen: &Sen, uid: &str) {
    let step = json!([{
        "00741000": { "vr": "CS", "Value": ["SCHEDULED"] },
        "00741200": { "vr": "CS", "Value": ["HIGH"] },
        "00741204": { "vr": "LO", "Value": ["Tìm nốt phổi"] },
        "00404005": { "vr": "DT", "Value": ["20261127120000"] },
        "00404041": { "vr": "CS", "Value": ["READY"] },
        "00100010": { "vr": "PN", "Value": [{ "Alphabetic": "NGUYỄN^VĂN A" }] },
        "00100020": { "vr": "LO", "Value": ["BN001"] }
    }]);
    assert_eq!(post(sen, &format!("?{uid}"), Some(step)).await, StatusCode::CREATED);
}

async fn change_state(sen: &Sen, step: &str, state: &str) {
    let wanted = json!([{
        "00741000": { "vr": "CS", "Value": [state] },
        "00081195": { "vr": "UI", "Value": [KEY] }
    }]);
    let request = Client::new().put(sen.url(&format!("/dicomweb/workitems/{step}/state")));
    let request = request.header("content-type", "application/dicom+json").body(wanted.to_string());
    assert_eq!(request.send().await.unwrap().status(), StatusCode::OK);
}

async fn state(sen: &Sen, step: &str) -> Value {
    let url = sen.url(&format!("/dicomweb/workitems/{step}"));
    let step: Value = reqwest::get(url).await.unwrap().json().await.unwrap();
    step[0]["00741000"]["Value"][0].clone()
}

/// What is told of a step: the type of the event, and the state.
type Told = (u64, Value);

fn told(kind: u64, state: &str) -> Told {
    (kind, if state.is_empty() { Value::Null } else { json!(state) })
}

/// The event channel of a follower.
struct Channel(WebSocketStream<TcpStream>);

impl Channel {
    async fn open(sen: &Sen) -> Self {
        let stream = TcpStream::connect(sen.http).await.unwrap();
        let url = format!("ws://{}/dicomweb/subscribers/WEB", sen.http);
        Self(tokio_tungstenite::client_async(url, stream).await.unwrap().0)
    }

    /// The next reports of a step.
    async fn of(&mut self, step: &str, count: usize) -> Vec<Told> {
        let mut all = Vec::new();
        while all.len() < count {
            let message = tokio::time::timeout(PATIENCE, self.0.next()).await.expect("a report");
            let Message::Text(text) = message.unwrap().unwrap() else { continue };
            self.0.flush().await.unwrap();
            let report: Value = serde_json::from_str(&text).unwrap();
            if report["00001000"]["Value"][0] == step {
                let kind = report["00001002"]["Value"][0].as_u64().unwrap();
                all.push((kind, report["00741000"]["Value"][0].clone()));
            }
        }
        all
    }
}

/// What the device has heard of a step, once that is so much.
async fn by_dimse(listener: &Listener, step: &str, count: usize) -> Vec<Told> {
    eventually("the device is told", || async {
        let heard = listener.heard().into_iter().filter(|(_, uid, _)| uid == step);
        let of_step = |(what, _, set): (String, String, Value)| {
            let kind = what.strip_prefix("step ").expect("a report of a step").parse().unwrap();
            (kind, set["00741000"]["Value"][0].clone())
        };
        Some(heard.map(of_step).collect::<Vec<Told>>()).filter(|heard| heard.len() >= count)
    })
    .await
}

async fn a_day(python: &Path, setup: Setup) {
    let folder = tempfile::tempdir().unwrap();
    let mut listener = Listener::start(python, folder.path()).await;
    let device = format!("[[device]]\nae_title = 'RIS'\nhost = '127.0.0.1'\nport = {}\n", listener.port);
    let sen = setup.file(&device).start();
    program(python, &sen, &["follow"]);
    assert_eq!(post(&sen, &format!("/{ALL}/subscribers/WEB"), None).await, StatusCode::CREATED);
    // The device's title is its own: no account takes its reports.
    assert_eq!(post(&sen, &format!("/{ALL}/subscribers/RIS"), None).await, StatusCode::FORBIDDEN);
    let mut web = Channel::open(&sen).await;

    // Made over the web, and performed by DIMSE.
    create(&sen, "1.2.3.1").await;
    program(python, &sen, &["perform", "1.2.3.1"]);
    assert_eq!(state(&sen, "1.2.3.1").await, "COMPLETED");
    let all = [told(1, "SCHEDULED"), told(1, "IN PROGRESS"), told(3, ""), told(1, "COMPLETED")];
    assert_eq!(web.of("1.2.3.1", all.len()).await, all);
    assert_eq!(by_dimse(&listener, "1.2.3.1", all.len()).await, all);

    // Made by DIMSE, performed over the web, and asked by DIMSE to be cancelled.
    program(python, &sen, &["create", "1.2.3.2"]);
    change_state(&sen, "1.2.3.2", "IN PROGRESS").await;
    program(python, &sen, &["late", "1.2.3.2"]);
    change_state(&sen, "1.2.3.2", "CANCELED").await;
    program(python, &sen, &["ended", "1.2.3.2"]);
    let all = [told(1, "SCHEDULED"), told(1, "IN PROGRESS"), told(2, ""), told(1, "CANCELED")];
    assert_eq!(web.of("1.2.3.2", all.len()).await, all);
    assert_eq!(by_dimse(&listener, "1.2.3.2", all.len()).await, all);
    let (_, _, asked) = listener.heard().into_iter().find(|(what, ..)| what == "step 2").unwrap();
    assert_eq!(asked["00741238"]["Value"][0], "Bệnh nhân về");
    assert_eq!(asked["00741236"]["Value"][0], "AI1");

    // The device is off, and the power fails: it is told all the same, and that there was a restart.
    listener.stop();
    program(python, &sen, &["create", "1.2.3.3"]);
    drop(web);
    let sen = sen.kill().start();
    listener.start_again(python).await;
    assert_eq!(by_dimse(&listener, "1.2.3.3", 1).await, [told(1, "SCHEDULED")]);
    assert_eq!(by_dimse(&listener, ALL, 1).await, [told(4, "")]);
    assert_eq!(Channel::open(&sen).await.of("1.2.3.3", 1).await, [told(1, "SCHEDULED")]);

    // What happens while it does not follow it does not hear.
    program(python, &sen, &["forget"]);
    assert_eq!(post(&sen, "/1.2.3.3/cancelrequest", None).await, StatusCode::ACCEPTED);
    program(python, &sen, &["follow"]);
    create(&sen, "1.2.3.4").await;
    assert_eq!(by_dimse(&listener, "1.2.3.4", 1).await, [told(1, "SCHEDULED")]);
    assert_eq!(by_dimse(&listener, "1.2.3.3", 1).await, [told(1, "SCHEDULED")]);
}

#[tokio::test]
async fn work_is_given_and_done_over_dimse_and_the_web() {
    let Some(python) = tools::python() else { return };
    a_day(&python, Setup::default()).await;
}

#[tokio::test]
async fn work_is_given_and_done_over_postgresql() {
    let Some(python) = tools::python() else { return };
    let Some(services) = Services::fresh().await else { return };
    let Some(setup) = services.setup() else { return };
    a_day(&python, setup).await;
}
