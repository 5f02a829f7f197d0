//! Subscribers to unified procedure steps, and what they are told on a real WebSocket.

use crate::support::steps::{ask, device, made, post, request, step, to};
use crate::support::{House, value};
use axum::Extension;
use futures::{SinkExt, StreamExt};
use http::{Method, StatusCode};
use pacs_core::access::Actor;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::{self, Message};
use tracing::field::{Field, Visit};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

const GLOBAL: &str = "/workitems/1.2.840.10008.5.1.4.34.5/subscribers/AI1";
const FILTERED: &str = "/workitems/1.2.840.10008.5.1.4.34.5.1/subscribers/AI1";

#[tokio::test]
async fn subscriptions_come_and_go() {
    let house = House::new().await;
    made(&house, "1.2").await;
    let one = "/workitems/1.2/subscribers/AI1";
    let (post, delete) = (Method::POST, Method::DELETE);
    for (method, path, status) in [
        (&delete, one.to_owned(), StatusCode::NOT_FOUND),
        (&post, one.to_owned(), StatusCode::CREATED),
        (&post, format!("{one}?deletionlock=true"), StatusCode::CREATED),
        (&post, format!("{one}?deletionlock=maybe"), StatusCode::BAD_REQUEST),
        (&post, format!("{one}?filter=WorklistLabel=CAD"), StatusCode::BAD_REQUEST),
        (&post, "/workitems/1.9/subscribers/AI1".to_owned(), StatusCode::NOT_FOUND),
        (&post, "/workitems/1.2/subscribers/ATITLETHATISTOOLONG".to_owned(), StatusCode::BAD_REQUEST),
        (&post, format!("{one}/suspend"), StatusCode::BAD_REQUEST),
        (&delete, one.to_owned(), StatusCode::OK),
        (&post, format!("{GLOBAL}/suspend"), StatusCode::NOT_FOUND),
        (&post, GLOBAL.to_owned(), StatusCode::CREATED),
        (&post, format!("{GLOBAL}/suspend"), StatusCode::OK),
        (&delete, GLOBAL.to_owned(), StatusCode::OK),
        (&delete, GLOBAL.to_owned(), StatusCode::NOT_FOUND),
        (&post, FILTERED.to_owned(), StatusCode::BAD_REQUEST),
        (&post, format!("{FILTERED}?filter=Colour=red"), StatusCode::BAD_REQUEST),
        (&post, format!("{FILTERED}?filter=WorklistLabel=CAD,00741200=HIGH"), StatusCode::CREATED),
        (&delete, FILTERED.to_owned(), StatusCode::OK),
    ] {
        let answer = ask(&house, method.clone(), &path, None).await;
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.text());
        if status == StatusCode::CREATED {
            assert_eq!(answer.header("content-location"), "ws://pacs.test/dicomweb/subscribers/AI1");
        }
    }
    let plain = ask(&house, Method::GET, "/subscribers/AI1", None).await;
    assert_eq!(plain.status, StatusCode::BAD_REQUEST, "without an upgrade there is nothing to read");
}

type Channel = WebSocketStream<TcpStream>;

async fn serve(house: &House, actor: Actor) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = house.router.clone().layer(Extension(actor));
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    address
}

async fn connect(address: SocketAddr, title: &str) -> Result<Channel, tungstenite::Error> {
    let stream = TcpStream::connect(address).await.unwrap();
    let url = format!("ws://{address}/dicomweb/subscribers/{title}");
    tokio_tungstenite::client_async(url, stream).await.map(|(channel, _)| channel)
}

async fn open(address: SocketAddr, title: &str) -> Channel {
    connect(address, title).await.unwrap()
}

fn refused(opened: Result<Channel, tungstenite::Error>) -> StatusCode {
    match opened {
        Err(tungstenite::Error::Http(answer)) => answer.status(),
        other => panic!("{other:?}"),
    }
}

/// The next report, as step, event type and state, once the service can know that it was read.
async fn next(channel: &mut Channel) -> (String, u64, Value) {
    let mut report = None;
    loop {
        let message = tokio::time::timeout(Duration::from_secs(10), channel.next()).await.unwrap();
        match message.unwrap().unwrap() {
            Message::Text(text) => report = Some(serde_json::from_str::<Value>(&text).unwrap()),
            Message::Ping(_) if report.is_some() => break,
            _ => {}
        }
    }
    // Answers the ping.
    channel.flush().await.unwrap();
    let report = report.unwrap();
    assert_eq!(value(&report, "00000002"), "1.2.840.10008.5.1.4.34.6.1");
    let step = value(&report, "00001000").as_str().unwrap().to_owned();
    (step, value(&report, "00001002").as_u64().unwrap(), report["00741000"]["Value"][0].clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscriber_is_told_on_its_channel() {
    let house = House::new().await;
    let address = serve(&house, Actor::system()).await;
    let mut channel = open(address, "AI1").await;
    assert_eq!(ask(&house, Method::POST, GLOBAL, None).await.status, StatusCode::CREATED);
    made(&house, "1.2").await;
    let of = |kind: u64, state: &str| ("1.2".to_owned(), kind, json!(state));
    assert_eq!(next(&mut channel).await, of(1, "SCHEDULED"));
    ask(&house, Method::PUT, "/workitems/1.2/state", Some(&to("IN PROGRESS", Some("1.5")))).await;
    assert_eq!(next(&mut channel).await, of(1, "IN PROGRESS"));
    let progress =
        json!({ "00741002": { "vr": "SQ", "Value": [{ "00741004": { "vr": "DS", "Value": [50] } }] } });
    assert_eq!(post(&house, "/workitems/1.2?1.5", &progress).await.status, StatusCode::OK);
    assert_eq!(next(&mut channel).await.1, 3);
    let asked = json!({ "00741238": { "vr": "LT", "Value": ["Nhầm"] } });
    assert_eq!(post(&house, "/workitems/1.2/cancelrequest", &asked).await.status, StatusCode::ACCEPTED);
    assert_eq!(next(&mut channel).await.1, 2);

    // What happens while it is away is told when it is back.
    channel.send(Message::Close(None)).await.unwrap();
    while let Some(Ok(_)) = channel.next().await {}
    ask(&house, Method::PUT, "/workitems/1.2/state", Some(&to("CANCELED", Some("1.5")))).await;
    made(&house, "1.3").await;
    let mut channel = open(address, "AI1").await;
    assert_eq!(next(&mut channel).await, of(1, "CANCELED"));
    assert_eq!(next(&mut channel).await, ("1.3".to_owned(), 1, json!("SCHEDULED")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_tells_of_what_its_account_sees() {
    let house = House::new().await;
    let (here, elsewhere) = (device("here", "A"), device("elsewhere", "B"));
    let subscribe = async |actor: &Actor, path: &str| {
        house.send_as(Some(actor.clone()), request(Method::POST, path, None)).await.status
    };
    assert_eq!(subscribe(&here, GLOBAL).await, StatusCode::CREATED);
    assert_eq!(subscribe(&elsewhere, GLOBAL).await, StatusCode::FORBIDDEN);
    assert_eq!(subscribe(&elsewhere, &GLOBAL.replace("AI1", "AI2")).await, StatusCode::CREATED);
    assert_eq!(subscribe(&Actor::system(), &GLOBAL.replace("AI1", "AI3")).await, StatusCode::CREATED);
    let addresses = [serve(&house, here.clone()).await, serve(&house, elsewhere.clone()).await];
    let (mut own, mut others) = (open(addresses[0], "AI1").await, open(addresses[1], "AI2").await);
    let mut all = open(serve(&house, Actor::system()).await, "AI3").await;
    assert_eq!(refused(connect(addresses[1], "AI1").await), StatusCode::FORBIDDEN);
    for (actor, uid) in [(here, "1.3"), (elsewhere, "1.4")] {
        let made = request(Method::POST, &format!("/workitems?{uid}"), Some(&step("x")));
        assert_eq!(house.send_as(Some(actor), made).await.status, StatusCode::CREATED);
    }
    assert_eq!((next(&mut own).await.0, next(&mut others).await.0), ("1.3".to_owned(), "1.4".to_owned()));
    assert_eq!((next(&mut all).await.0, next(&mut all).await.0), ("1.3".to_owned(), "1.4".to_owned()));
    // A stop says farewell.
    let mut channel = own;
    house.archive.close().await;
    let farewell = tokio::time::timeout(Duration::from_secs(10), channel.next()).await.unwrap();
    assert!(matches!(farewell, Some(Ok(Message::Close(_)))), "{farewell:?}");
}

/// How often the outbox was looked into.
#[derive(Clone, Default)]
struct Looks(Arc<AtomicUsize>);

impl<S: tracing::Subscriber> Layer<S> for Looks {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        let mut statement = Statement::default();
        event.record(&mut statement);
        if statement.0.contains("from event") && statement.0.contains("id >") {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// What a statement of SQL says, as far as it is logged.
#[derive(Default)]
struct Statement(String);

impl Visit for Statement {
    fn record_str(&mut self, field: &Field, value: &str) {
        if ["summary", "db.statement"].contains(&field.name()) {
            self.0.push_str(value);
        }
    }
    fn record_debug(&mut self, _: &Field, _: &dyn std::fmt::Debug) {}
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_read_is_told_again() {
    let house = House::new().await;
    let address = serve(&house, Actor::system()).await;
    assert_eq!(ask(&house, Method::POST, GLOBAL, None).await.status, StatusCode::CREATED);
    for uid in ["1.1", "1.2", "1.3"] {
        made(&house, uid).await;
    }
    // All three have reached its socket when it dies, and it has answered no ping.
    let mut dying = TcpStream::connect(address).await.unwrap();
    let opening = "GET /dicomweb/subscribers/AI1 HTTP/1.1\r\nhost: pacs.test\r\nconnection: upgrade\r\n\
                   upgrade: websocket\r\nsec-websocket-version: 13\r\n\
                   sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    dying.write_all(opening.as_bytes()).await.unwrap();
    let mut taken = Vec::new();
    while !String::from_utf8_lossy(&taken).contains("\"1.3\"") {
        assert!(dying.read_buf(&mut taken).await.unwrap() > 0, "{}", String::from_utf8_lossy(&taken));
    }
    drop(dying);
    let mut channel = open(address, "AI1").await;
    for uid in ["1.1", "1.2", "1.3"] {
        assert_eq!(next(&mut channel).await.0, uid);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_subscriber_sends_makes_nobody_look_for_reports() {
    let looks = Looks::default();
    tracing::subscriber::set_global_default(tracing_subscriber::registry().with(looks.clone())).unwrap();
    let house = House::new().await;
    let mut channel = open(serve(&house, Actor::system()).await, "AI1").await;
    assert_eq!(ask(&house, Method::POST, GLOBAL, None).await.status, StatusCode::CREATED);
    made(&house, "1.2").await;
    assert_eq!(next(&mut channel).await.0, "1.2");
    let before = looks.0.load(Ordering::Relaxed);
    assert!(before > 0);
    // A pong says that all that came before it has been read.
    for _ in 0..1000 {
        channel.feed(Message::Text("x".into())).await.unwrap();
    }
    channel.send(Message::Ping("read".into())).await.unwrap();
    while channel.next().await.unwrap().unwrap() != Message::Pong("read".into()) {}
    let looked = looks.0.load(Ordering::Relaxed) - before;
    assert!(looked < 20, "{looked} times");
    made(&house, "1.3").await;
    assert_eq!(next(&mut channel).await.0, "1.3");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_account_leaves_channels_to_others() {
    let house = House::new().await;
    let (greedy, modest) = (serve(&house, device("1", "A")).await, serve(&house, device("2", "A")).await);
    let mut channels = Vec::new();
    for n in 0..32 {
        channels.push(open(greedy, &format!("AI{n}")).await);
    }
    assert_eq!(refused(connect(greedy, "AI32").await), StatusCode::SERVICE_UNAVAILABLE);
    open(modest, "AI32").await;
    // A place is free again once its subscriber is gone.
    let mut gone = channels.pop().unwrap();
    gone.send(Message::Close(None)).await.unwrap();
    while let Some(Ok(_)) = gone.next().await {}
    drop(gone);
    tokio::time::timeout(Duration::from_secs(10), async {
        while connect(greedy, "AI32").await.is_err() {
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap();
}
