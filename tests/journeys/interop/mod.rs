//! What works with whom: foreign programs as clients and as servers, in every service, transfer syntax and
//! character set. `docs/INTEROPERABILITY.md` lists it, and [`matrix`] keeps that list true.

mod corrected;
mod matrix;
mod peers;
mod roots;
mod syntax_list;
mod syntaxes;
mod tables;
mod tls;

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::support::program::Sen;
use crate::support::tools;

/// Runs one of our scripts, with something to read on its standard input; answers what it wrote.
fn script(python: &Path, name: &str, sen: &Sen, arguments: &[&str], input: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python").join(name);
    let mut running = Command::new(python)
        .arg(path)
        .args(["127.0.0.1", &sen.dimse_port()])
        .args(arguments)
        .current_dir(sen.folder())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("Python runs");
    running.stdin.take().expect("a pipe").write_all(input.as_bytes()).expect("it reads");
    let output = running.wait_with_output().expect("it ends");
    tools::succeeded(&output);
    String::from_utf8(output.stdout).expect("text")
}

/// A device of that title on this machine, as a table of `sen.toml`.
fn device(title: &str, port: u16) -> String {
    format!("[[device]]\nae_title = '{title}'\nhost = '127.0.0.1'\nport = {port}\n")
}
