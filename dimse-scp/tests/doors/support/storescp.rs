//! DCMTK's receiver, as a destination.

use std::path::Path;
use std::process::Stdio;

use tokio::process::{Child, Command};

use super::eventually;

/// `storescp` with these options, which puts what it gets into a folder, on a port of its own until it is dropped;
/// `None` with a notice where there is none.
#[allow(clippy::print_stdout, reason = "a test that is skipped says so")]
pub async fn storescp(options: &[String], title: &str, folder: &Path) -> Option<(Child, u16)> {
    // A port that was free a moment ago; who else takes it makes the receiver end.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let (port_text, folder) = (port.to_string(), folder.display().to_string());
    let mut command = Command::new("storescp");
    command.args(options).args(["-v", "-aet", title, "-od", &folder, &port_text]);
    command.env("TCP_NODELAY", "1").stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
    let Ok(child) = command.spawn() else {
        println!("SKIPPED: storescp is not installed");
        return None;
    };
    eventually(async || tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok()).await;
    Some((child, port))
}
