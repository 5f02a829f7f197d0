//! A foreign storage SCP that C-MOVE sends to: DCMTK's `storescp`.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use super::{eventually, free_ports};

/// AE title of the receiver.
pub const TITLE: &str = "RECEIVER";

/// A receiver of every transfer syntax it knows, which writes data sets as they come. It is ended
/// with the test.
pub struct Receiver {
    child: Child,
    port: u16,
    folder: TempDir,
}

impl Receiver {
    /// Starts it on a port of its own.
    pub async fn start(storescp: &Path) -> Self {
        let port = free_ports().0;
        let folder = tempfile::tempdir().expect("a temporary folder");
        let child = Command::new(storescp)
            .args(["-aet", TITLE, "+B", "+xa", "-od"])
            .arg(folder.path())
            .arg(port.to_string())
            .env("TCP_NODELAY", "1")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("storescp starts");
        let receiver = Self { child, port, folder };
        eventually("the receiver listens", || async {
            tokio::net::TcpStream::connect(("127.0.0.1", port)).await.ok()
        })
        .await;
        receiver
    }

    /// It as a table of `sen.toml`.
    pub fn device(&self) -> String {
        format!("[[device]]\nae_title = '{TITLE}'\nhost = '127.0.0.1'\nport = {}\n", self.port)
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Where it writes what it receives.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
