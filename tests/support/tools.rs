//! Foreign programs: DCMTK, Orthanc, Python with pynetdicom and dicomweb-client.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Where a program lies, or `None` with a notice when this machine has none.
pub fn program(name: &str) -> Option<PathBuf> {
    let found = std::env::var_os("PATH")
        .into_iter()
        .flat_map(|path| std::env::split_paths(&path).collect::<Vec<_>>())
        .chain([PathBuf::from("/usr/sbin")])
        .map(|folder| folder.join(name))
        .find(|path| path.is_file());
    if found.is_none() {
        testdata::skipped(&format!("{name} is not installed (make test installs it)"));
    }
    found
}

/// The Python with pynetdicom and dicomweb-client that `make` prepares.
pub fn python() -> Option<PathBuf> {
    let python = std::env::var_os("SEN_TEST_PYTHON").map(PathBuf::from).filter(|path| path.is_file());
    if python.is_none() {
        testdata::skipped("SEN_TEST_PYTHON names no Python (make test prepares one)");
    }
    python
}

/// Runs a foreign program to its end. Nagle's algorithm is turned off in DCMTK and Orthanc, which
/// otherwise spend 44 ms a message waiting for delayed acknowledgements.
pub fn run<S: AsRef<std::ffi::OsStr>>(program: &Path, folder: &Path, arguments: &[S]) -> Output {
    Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .env("TCP_NODELAY", "1")
        .output()
        .unwrap_or_else(|error| panic!("{} does not run: {error}", program.display()))
}

/// Everything a program said.
pub fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Panics with what the program said unless it succeeded.
pub fn succeeded(output: &Output) -> String {
    let said = said(output);
    assert!(output.status.success(), "{}:\n{said}", output.status);
    said
}
