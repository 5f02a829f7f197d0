//! Thousands who ask and do not read, and hundreds who begin to say something and do not go on: everybody else is
//! served all the same, and memory stays bounded.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use dimse_scp::dimse::Status;
use futures::{StreamExt as _, stream};
use memchr::memmem;
use reqwest::Client;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;

use crate::support::files_below;
use crate::support::images::Study;
use crate::support::modality;
use crate::support::program::{Sen, Setup};
use crate::support::stow::push;
use crate::support::tools;

/// Who ask for something large and read nothing of it.
const READERS: usize = 1_200;
/// Who say a request's header byte by byte, and as many who announce an instance and do not send it.
const WRITERS: usize = 250;
/// Connections that carry so many answers each which nobody reads.
const STREAMING: usize = 10;
const STREAMS: usize = 100;
/// What the system may hold of an answer that nobody reads; by itself it takes 4 MiB.
const UNSENT_MOST_BYTES: u64 = 512 << 10;
/// How many begin at the same time.
const AT_ONCE: usize = 64;
/// What a caller in an ordinary place waits for an answer.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Rounds of everything that is done meanwhile.
const ROUNDS: u32 = 40;

/// A study of large slices and one of small ones, which leave in other ways.
struct Kept {
    large: Study,
    small: Study,
}

impl Kept {
    async fn by(sen: &Sen) -> Self {
        let large = Study { slices: 12, edge_pixels: 512, ..Study::of("P1", "NGUYỄN^VĂN A") };
        let small = Study { slices: 60, edge_pixels: 160, ..Study::of("P2", "TRẦN^THỊ B") };
        for study in [&large, &small] {
            for slice in 1..=study.slices {
                assert_eq!(push(sen, &study.slice(slice)).await.status(), 200);
            }
        }
        Self { large, small }
    }

    /// The path of what one of the readers asks for, and the media type that it accepts.
    fn wish(&self, number: usize) -> (String, &'static str) {
        let series = |study: &Study| format!("/dicomweb/studies/{}/series/{}", study.uid, study.series());
        let instances = "multipart/related; type=\"application/dicom\"; transfer-syntax=*";
        match number % 5 {
            0 => (series(&self.large), instances),
            1 => (series(&self.small), instances),
            2 => {
                let frame = format!("{}/instances/{}/frames/1", series(&self.large), self.large.instance(1));
                (frame, "application/octet-stream; transfer-syntax=*")
            }
            3 => (format!("/dicomweb/studies/{}", self.large.uid), "application/zip"),
            _ => ("/dicomweb/instances".to_owned(), "application/dicom+json"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn thousands_who_neither_read_nor_send_hold_up_nobody() {
    allow_connections();
    // So many rows that the answer to a search is longer than what is held of it.
    let setup = Setup::default();
    tools::succeeded(&setup.run(&["bench", "fill", "--studies", "400", "--instances", "5", "--orders", "0"]));
    let sen = setup.start();
    let kept = Arc::new(Kept::by(&sen).await);
    sen.assert_bounded("storing");
    let http = sen.http;
    let mut readers: Vec<TcpStream> = stream::iter(0..READERS)
        .map(|number| ask(http, Arc::clone(&kept), number))
        .buffered(AT_ONCE)
        .collect()
        .await;
    sen.assert_bounded("asking and not reading");
    let held = unsent_bytes(http);
    eprintln!("at most {} KiB of an answer are held by the system", held.iter().max().unwrap() >> 10);
    assert!(held.len() >= READERS && held.iter().all(|bytes| *bytes <= UNSENT_MOST_BYTES), "{held:?}");
    let announced: Vec<TcpStream> =
        stream::iter(0..WRITERS).map(|_| begin(http, ANNOUNCEMENT)).buffered(AT_ONCE).collect().await;
    let slowly: Vec<TcpStream> =
        stream::iter(0..WRITERS).map(|_| begin(http, ENDLESS_HEADER)).buffered(AT_ONCE).collect().await;
    let dripping: JoinSet<()> = slowly.into_iter().map(drip).collect();
    serve_everybody_else(&sen, &kept).await;
    sen.assert_bounded("serving everybody else");
    drop((announced, dripping));
    // Who reads after all gets the whole.
    let body = whole(&mut readers[0]).await;
    for number in 1..=kept.large.slices {
        let pixels = kept.large.pixels(number);
        assert!(memmem::find(&body, &pixels).is_some(), "slice {number} of {} bytes", body.len());
    }
}

/// The same over HTTP/2, where one connection carries many answers that flow control holds up.
#[tokio::test(flavor = "multi_thread")]
async fn streams_that_nobody_reads_hold_up_nobody() {
    let sen = Sen::start();
    let kept = Kept::by(&sen).await;
    let mut held = Vec::new();
    for _ in 0..STREAMING {
        held.push(ask_in_streams(&sen, &kept).await);
    }
    sen.assert_bounded("asking in streams and not reading");
    serve_everybody_else(&sen, &kept).await;
    sen.assert_bounded("serving everybody else");
    drop(held);
}

/// Asks as often as one connection may, and waits until all answers have begun. Nothing of their bodies is taken, so no
/// more than one window of the connection is ever sent.
async fn ask_in_streams(sen: &Sen, kept: &Kept) -> Vec<h2::RecvStream> {
    let stream = connect(sen.http).await;
    let (mut send, connection) = h2::client::handshake(stream).await.unwrap();
    tokio::spawn(connection);
    let mut responses = Vec::new();
    for number in 0..STREAMS {
        let (path, accept) = kept.wish(number);
        let request = http::Request::get(sen.url(&path)).header("accept", accept).body(()).unwrap();
        send = send.ready().await.unwrap();
        responses.push(send.send_request(request, true).unwrap().0);
    }
    let mut bodies = Vec::new();
    for response in responses {
        let response = tokio::time::timeout(TIMEOUT, response).await.expect("an answer").unwrap();
        assert_eq!(response.status(), 200);
        bodies.push(response.into_body());
    }
    bodies
}

#[tokio::test(flavor = "multi_thread")]
async fn pictures_for_clients_that_have_gone_are_not_drawn() {
    let sen = Sen::start();
    let study = Study { slices: 1, edge_pixels: 4096, ..Study::of("P1", "NGUYỄN^VĂN A") };
    assert_eq!(push(&sen, &study.slice(1)).await.status(), 200);
    let instance =
        format!("/dicomweb/studies/{}/series/{}/instances/{}", study.uid, study.series(), study.instance(1));
    // One less than there are places for.
    let asked = 8 * std::thread::available_parallelism().unwrap().get() - 1;
    let mut waiting = Vec::new();
    for width in 1..=asked {
        let mut stream = connect(sen.http).await;
        let path = format!("{instance}/rendered?window=40,{width}");
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept: image/png\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        waiting.push(stream);
    }
    let first = waiting[0].readable();
    tokio::time::timeout(TIMEOUT, first).await.expect("a picture").unwrap();
    drop(waiting);
    // What is asked for now comes after all that is still waiting.
    let last = Client::new().get(sen.url(&format!("{instance}/rendered?window=40,5000")));
    let last = last.header("accept", "image/png").timeout(TIMEOUT).send().await.unwrap();
    assert_eq!(last.status(), 200);
    let drawn = files_below(&sen.folder().join("data/renditions")).len();
    // At least the first and the last. How many were drawn before their clients went is a matter of the machine;
    // without the guard it is all of them.
    assert!((2..asked).contains(&drawn), "{drawn} of {asked} drawn");
}

/// All of it succeeds within the time that callers wait.
async fn serve_everybody_else(sen: &Sen, kept: &Kept) {
    let client = Client::builder().timeout(TIMEOUT).build().unwrap();
    let series = format!("/dicomweb/studies/{}/series/{}", kept.large.uid, kept.large.series());
    for round in 0..ROUNDS {
        let slice = 1 + round % kept.large.slices;
        let frame = format!("{series}/instances/{}/frames/1", kept.large.instance(slice));
        let octets = "application/octet-stream; transfer-syntax=*";
        for (path, accept) in [
            (frame.as_str(), octets),
            (&format!("{series}/metadata"), "application/dicom+json"),
            ("/dicomweb/studies?PatientID=P2", "application/dicom+json"),
            ("/", "text/html"),
        ] {
            let answer = client.get(sen.url(path)).header("accept", accept).send().await;
            let answer = answer.unwrap_or_else(|error| panic!("round {round}, {path}: {error}"));
            assert_eq!(answer.status(), 200, "round {round}, {path}");
            let body = answer.bytes().await.unwrap_or_else(|error| panic!("round {round}, {path}: {error}"));
            assert!(path != frame || body == kept.large.pixels(slice), "round {round}");
        }
    }
    let study = Study::of("P3", "LÊ^VĂN C");
    let storing = async {
        let mut association = modality::associate(sen.dimse, "CT1", &modality::slice(&study, 1)).await;
        for number in 1..=study.slices {
            let response = association.store(&modality::slice(&study, number)).await.unwrap();
            assert_eq!(response.status, Status::SUCCESS);
        }
        association.release().await.unwrap();
    };
    tokio::time::timeout(TIMEOUT, storing).await.unwrap();
}

/// Asks, and waits until the answer has begun.
async fn ask(to: SocketAddr, kept: Arc<Kept>, number: usize) -> TcpStream {
    let (path, accept) = kept.wish(number);
    let mut stream = connect(to).await;
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept: {accept}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut status = [0; 12];
    tokio::time::timeout(TIMEOUT, stream.peek(&mut status)).await.expect("an answer").unwrap();
    assert_eq!(std::str::from_utf8(&status), Ok("HTTP/1.1 200"), "{path}");
    stream
}

/// An instance that is announced, and does not come.
const ANNOUNCEMENT: &str = "POST /dicomweb/studies HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\nContent-Type: \
                            multipart/related; type=\"application/dicom\"; boundary=edge\r\n\r\n";
/// A header that goes on and on.
const ENDLESS_HEADER: &str = "GET /dicomweb/studies HTTP/1.1\r\nX-Long: ";

/// Begins to say something.
async fn begin(to: SocketAddr, said: &str) -> TcpStream {
    let mut stream = connect(to).await;
    stream.write_all(said.as_bytes()).await.unwrap();
    stream
}

/// Goes on a byte at a time, for as long as it is listened to.
async fn drip(mut stream: TcpStream) {
    let mut tick = tokio::time::interval(Duration::from_millis(500));
    while stream.write_all(b"a").await.is_ok() {
        tick.tick().await;
    }
}

/// A connection that takes little of what it does not read.
async fn connect(to: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(8 << 10).unwrap();
    tokio::time::timeout(TIMEOUT, socket.connect(to)).await.expect("a connection").unwrap()
}

/// Reads an answer to its end, which its header announces; answers its body.
async fn whole(stream: &mut TcpStream) -> Vec<u8> {
    let mut answer = Vec::new();
    let mut piece = vec![0; 64 << 10];
    loop {
        let read = tokio::time::timeout(TIMEOUT, stream.read(&mut piece)).await.unwrap().unwrap();
        assert_ne!(read, 0, "the answer was cut");
        answer.extend_from_slice(&piece[..read]);
        let Some(end) = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n") else { continue };
        let head = std::str::from_utf8(&answer[..end]).unwrap().to_lowercase();
        let announced = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
        let announced: usize = announced.parse().unwrap();
        if answer.len() - end - 4 >= announced {
            return answer.split_off(end + 4);
        }
    }
}

/// What the system holds of each answer of the program: the send queues of all connections at its port.
fn unsent_bytes(of: SocketAddr) -> Vec<u64> {
    let port = format!(":{:04X}", of.port());
    let connections = std::fs::read_to_string("/proc/net/tcp").expect("Linux");
    let queue = |line: &str| {
        let mut fields = line.split_whitespace().skip(1);
        let is_ours = fields.next().is_some_and(|local| local.ends_with(&port));
        let queues = fields.nth(2).filter(|_| is_ours)?;
        u64::from_str_radix(queues.split(':').next()?, 16).ok()
    };
    connections.lines().filter_map(queue).collect()
}

/// This process needs as many connections as the program.
fn allow_connections() {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).unwrap();
}
