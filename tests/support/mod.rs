//! What every journey through the started program needs: the program, foreign tools, images.

#![allow(dead_code, reason = "each test binary uses a part of it")]

pub mod images;
pub mod modality;
pub mod orders;
pub mod program;
pub mod push;
pub mod receiver;
pub mod samples;
pub mod services;
pub mod stow;
pub mod tools;

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long anything in a journey may take before the journey has failed.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Asks until the answer is there, or panics with what was waited for.
///
/// For conditions of another process that send no notice, such as a row in a foreign archive.
pub async fn eventually<T, F, Fut>(what: &str, mut ask: F) -> T
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Option<T>>,
{
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(Instant::now() < deadline, "waited {PATIENCE:?} in vain: {what}");
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
}

/// Two ports for programs that cannot take one that the system chooses: from below those it does choose, so that
/// no other listener gets them before the program starts.
pub fn free_ports() -> (u16, u16) {
    let free = || {
        let tried = std::iter::repeat_with(|| rand::random_range(20_000..32_000u16));
        tried.take(1000).find_map(|port| TcpListener::bind(("127.0.0.1", port)).ok()).expect("a free port")
    };
    let (one, two) = (free(), free());
    let port = |listener: TcpListener| listener.local_addr().expect("an address").port();
    (port(one), port(two))
}

/// A folder of sample files: beside a developer's checkout there are more than the project has of its own, and some
/// folders are there alone.
pub fn samples(folder: &str) -> Option<PathBuf> {
    let found = ["../shared/dicom", "testdata/files"].map(|folders| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(folders).join(folder);
        path.is_dir().then_some(path)
    });
    found.into_iter().flatten().next()
}

/// All files below a folder, sorted.
pub fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = walkdir::WalkDir::new(folder)
        .into_iter()
        .filter_map(Result::ok)
        .filter(|entry| entry.file_type().is_file())
        .map(walkdir::DirEntry::into_path)
        .collect();
    files.sort();
    files
}
