//! Work for programs, through the started program: a token's events on a WebSocket, over a restart, and not for pages
//! of other sites.

use std::time::Duration;

use futures::{SinkExt, StreamExt};
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{self, Message};

use crate::support::program::{Sen, Setup};
use crate::support::tools;

const GLOBAL: &str = "/dicomweb/workitems/1.2.840.10008.5.1.4.34.5/subscribers/AI1";

async fn open(
    sen: &Sen,
    ae_title: &str,
    headers: &[(&'static str, &str)],
) -> Result<WebSocketStream<TcpStream>, tungstenite::Error> {
    let url = format!("ws://{}/dicomweb/subscribers/{ae_title}", sen.http);
    let mut request = url.into_client_request().unwrap();
    for (name, value) in headers {
        request.headers_mut().insert(*name, value.parse().unwrap());
    }
    let stream = TcpStream::connect(sen.http).await.unwrap();
    tokio_tungstenite::client_async(request, stream).await.map(|(channel, _)| channel)
}

/// The next report, as event type and state, once the program can know that it was read.
async fn next(channel: &mut WebSocketStream<TcpStream>) -> (u64, Value) {
    let mut report = None;
    loop {
        let message = tokio::time::timeout(Duration::from_secs(20), channel.next()).await.unwrap();
        match message.unwrap().unwrap() {
            Message::Text(text) => report = Some(serde_json::from_str::<Value>(&text).unwrap()),
            Message::Ping(_) if report.is_some() => break,
            _ => {}
        }
    }
    // Answers the ping.
    channel.flush().await.unwrap();
    let report = report.unwrap();
    (report["00001002"]["Value"][0].as_u64().unwrap(), report["00741000"]["Value"][0].clone())
}

fn refused(opened: Result<WebSocketStream<TcpStream>, tungstenite::Error>) -> StatusCode {
    match opened {
        Err(tungstenite::Error::Http(answer)) => answer.status(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_program_follows_its_work_over_a_restart() {
    let sen = Setup::default().variable("SEN_AUTH", "on").start();
    let created = tools::succeeded(&sen.run(&["token", "create", "--role", "device", "--name", "ai"]));
    let token = created.trim();
    let bearer = format!("Bearer {token}");
    let client = Client::new();
    let subscribed = client.post(sen.url(GLOBAL)).bearer_auth(token).send().await.unwrap();
    assert_eq!(subscribed.status(), 201);
    let channel_url = format!("ws://{}/dicomweb/subscribers/AI1", sen.http);
    assert_eq!(subscribed.headers()["content-location"], channel_url.as_str());
    let mut channel = open(&sen, "AI1", &[("authorization", &bearer)]).await.unwrap();

    let create = |sen: &Sen, uid: &str| {
        let step = json!([{
            "00741000": { "vr": "CS", "Value": ["SCHEDULED"] },
            "00741200": { "vr": "CS", "Value": ["HIGH"] },
            "00741204": { "vr": "LO", "Value": ["Nốt phổi"] },
            "00404005": { "vr": "DT", "Value": ["20261126200000"] },
            "00404041": { "vr": "CS", "Value": ["READY"] }
        }]);
        let post = client.post(sen.url(&format!("/dicomweb/workitems?{uid}"))).bearer_auth(token);
        post.header("content-type", "application/dicom+json").body(step.to_string()).send()
    };
    assert_eq!(create(&sen, "1.2.3").await.unwrap().status(), 201);
    assert_eq!(next(&mut channel).await, (1, json!("SCHEDULED")));

    // Who has no token, or is a page of another site that rides on a session, hears nothing.
    assert_eq!(refused(open(&sen, "AI1", &[]).await), StatusCode::UNAUTHORIZED);
    tools::succeeded(
        &sen.run_with_input(&["user", "add", "mai", "--role", "radiologist"], "mật khẩu dài 2\n"),
    );
    let session = client
        .post(sen.url("/api/v1/session"))
        .json(&json!({ "user": "mai", "password": "mật khẩu dài 2" }))
        .send()
        .await
        .unwrap();
    let cookie = session.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    let foreign = [("cookie", cookie.as_str()), ("origin", "https://evil.example")];
    assert_eq!(refused(open(&sen, "MAI", &foreign).await), StatusCode::FORBIDDEN);
    let own = format!("http://{}", sen.http);
    let own = [("cookie", cookie.as_str()), ("origin", own.as_str())];
    open(&sen, "MAI", &own).await.unwrap();
    // Nor does another account under the program's AE title.
    assert_eq!(refused(open(&sen, "AI1", &own).await), StatusCode::FORBIDDEN);

    // A stop says farewell; what happened meanwhile is told afterwards, and that there was a restart.
    drop(channel);
    assert_eq!(create(&sen, "1.2.4").await.unwrap().status(), 201);
    let sen = sen.restart();
    let mut channel = open(&sen, "AI1", &[("authorization", &bearer)]).await.unwrap();
    assert_eq!(next(&mut channel).await, (1, json!("SCHEDULED")));
    assert_eq!(next(&mut channel).await, (4, Value::Null));
    assert_eq!(create(&sen, "1.2.5").await.unwrap().status(), 201);
    assert_eq!(next(&mut channel).await, (1, json!("SCHEDULED")));
    let ended = tokio::spawn(async move { while let Some(Ok(_)) = channel.next().await {} });
    let mut sen = sen;
    sen.signal("TERM");
    assert!(sen.wait().success());
    tokio::time::timeout(Duration::from_secs(20), ended).await.unwrap().unwrap();
}
