//! The service behind a real listener, and clients that read what they are sent when they like.

use super::House;
use axum::Extension;
use pacs_core::access::Actor;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

/// The service at an address of its own.
pub async fn serve(house: &House) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = house.router.clone().layer(Extension(Actor::system()));
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    address
}

/// Sends a request.
pub async fn ask(address: SocketAddr, request: &str) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    // What is not read stays with the server.
    socket.set_recv_buffer_size(64 << 10).unwrap();
    let mut stream = socket.connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    stream
}

/// Reads what is left of an answer.
pub async fn answer(mut stream: TcpStream) -> Vec<u8> {
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    answer
}

/// A request for a resource, of a client that asks for nothing else.
pub fn get(path: &str, more: &str) -> String {
    format!("GET /dicomweb{path} HTTP/1.1\r\nHost: pacs.test\r\nConnection: close\r\n{more}\r\n")
}

/// Sends a request and waits until its answer, a good one, has begun; nothing of it is read beyond that.
pub async fn begun(address: SocketAddr, request: &str) -> TcpStream {
    let mut stream = ask(address, request).await;
    let mut first = [0; 16];
    let read = tokio::time::timeout(Duration::from_secs(60), stream.read_exact(&mut first)).await;
    assert!(read.is_ok_and(|read| read.is_ok()), "the answer waits for others");
    assert!(first.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&first));
    stream
}

/// What this process takes of the machine's memory.
pub fn resident_bytes() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() << 10
}
