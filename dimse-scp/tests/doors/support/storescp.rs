//! DCMTK's receiver, as a destination.

use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::{AtomicU32, Ordering};

use tokio::process::{Child, Command};

use super::eventually;

/// Receivers that this process has started.
static STARTED: AtomicU32 = AtomicU32::new(0);

/// `storescp` with these options, which puts what it gets into a folder, on a port of its own until it is dropped;
/// `None` with a notice where there is none.
pub async fn storescp(options: &[String], title: &str, folder: &Path) -> Option<(Child, u16)> {
    // From below those that the system chooses, so that no other listener gets it before the receiver starts.
    let started = STARTED.fetch_add(1, Ordering::Relaxed);
    let own = std::process::id().wrapping_mul(7919).wrapping_add(started.wrapping_mul(101));
    let own = 20_000 + (own % 12_000) as u16;
    let mut tried = (own..32_000).chain(20_000..own);
    let free = tried.find_map(|port| std::net::TcpListener::bind(("127.0.0.1", port)).ok());
    let port = free.unwrap().local_addr().unwrap().port();
    let (port_text, folder) = (port.to_string(), folder.display().to_string());
    let mut command = Command::new("storescp");
    command.args(options).args(["-v", "-aet", title, "-od", &folder, &port_text]);
    command.env("TCP_NODELAY", "1").stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
    let Ok(child) = command.spawn() else {
        testdata::skipped("storescp is not installed");
        return None;
    };
    eventually(async || tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok()).await;
    Some((child, port))
}
