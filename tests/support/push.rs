//! A push with DCMTK that is watched: something happens in the middle of it.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

/// Pushes a folder with `storescu` to its end; `acknowledged` hears after each acknowledgement how
/// many there are. Answers the files that were acknowledged, and how `storescu` ended.
pub fn watched(
    storescu: &Path,
    dimse_port: &str,
    folder: &Path,
    mut acknowledged: impl FnMut(usize),
) -> (Vec<PathBuf>, ExitStatus) {
    let mut pushing = Command::new(storescu)
        .args(["-v", "-aec", "SEN", "+sd", "127.0.0.1", dimse_port])
        .arg(folder)
        .env("TCP_NODELAY", "1")
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("storescu starts");
    let (mut sending, mut kept) = (None, Vec::new());
    let said = BufReader::new(pushing.stderr.take().expect("a pipe"));
    for line in said.lines().map_while(Result::ok) {
        if let Some(path) = line.strip_prefix("I: Sending file: ") {
            sending = Some(PathBuf::from(path));
        } else if line.starts_with("I: Received Store Response (Success)") {
            kept.push(sending.take().expect("a file that was sent"));
            acknowledged(kept.len());
        }
    }
    (kept, pushing.wait().expect("its status"))
}
