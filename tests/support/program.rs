//! The real program, started on free ports over a folder of its own.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc;

use serde_json::Value;
use tempfile::TempDir;

use super::PATIENCE;

/// What the program may hold at most, in all of its work.
const MEMORY_BYTES: u64 = 200 << 20;

/// How a program is to be started.
pub struct Setup {
    folder: TempDir,
    variables: Vec<(String, String)>,
    arguments: Vec<String>,
}

impl Default for Setup {
    /// Sign-in off, unknown callers welcome: what most journeys want.
    fn default() -> Self {
        Self {
            folder: tempfile::tempdir().expect("a temporary folder"),
            variables: [
                ("SEN_AUTH", "off"),
                ("SEN_UNKNOWN_AE", "accept"),
                ("SEN_HTTP_LISTEN", "127.0.0.1:0"),
                ("SEN_DIMSE_LISTEN", "127.0.0.1:0"),
            ]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .to_vec(),
            arguments: vec!["serve".to_owned()],
        }
    }
}

impl Setup {
    /// Sets a variable of the program's environment.
    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.retain(|(known, _)| known != name);
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Takes a variable back.
    pub fn without(mut self, name: &str) -> Self {
        self.variables.retain(|(known, _)| known != name);
        self
    }

    /// Writes `sen.toml`.
    pub fn file(self, toml: &str) -> Self {
        std::fs::write(self.folder.path().join("sen.toml"), toml).expect("sen.toml is written");
        self
    }

    /// Another command line than `serve`.
    pub fn arguments(mut self, arguments: &[&str]) -> Self {
        self.arguments = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        self
    }

    /// Starts the program and waits until it says that it is ready.
    pub fn start(self) -> Sen {
        self.try_start().unwrap_or_else(|log| panic!("the program did not get ready:\n{log}"))
    }

    /// The same where it may fail: with what the program said instead.
    pub fn try_start(self) -> Result<Sen, String> {
        let (child, ready) = self.spawn()?;
        Ok(Sen {
            child: Some(child),
            http: address(&ready, "http"),
            dimse: address(&ready, "dimse"),
            dimse_tls: ready.get("dimseTls").map(|_| address(&ready, "dimseTls")),
            setup: self,
        })
    }

    /// Runs another command of the program on the same archive to its end.
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.run_with_input(arguments, "")
    }

    /// The same, with something to read on its standard input.
    pub fn run_with_input(&self, arguments: &[&str], input: &str) -> Output {
        use std::io::Write as _;
        let mut child = self
            .command()
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        // The program may end without reading; then the pipe is closed, which is fine.
        let _ = child.stdin.take().expect("a pipe").write_all(input.as_bytes());
        child.wait_with_output().expect("the program ends")
    }

    /// The folder of the archive.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The program on its archive, not started yet.
    pub fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sen"));
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("SEN_")) {
            command.env_remove(name);
        }
        command
            .current_dir(self.folder.path())
            .env("SEN_DATA_DIR", self.folder.path().join("data"))
            .envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    fn log_path(&self) -> PathBuf {
        self.folder.path().join("stderr.log")
    }

    /// Starts the program and waits for nothing.
    pub fn launch(&self) -> Child {
        let log =
            std::fs::File::options().create(true).append(true).open(self.log_path()).expect("a log file");
        let mut command = self.command();
        command.args(&self.arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log);
        command.spawn().expect("the program starts")
    }

    fn spawn(&self) -> Result<(Child, Value), String> {
        let mut child = self.launch();
        let stdout = child.stdout.take().expect("a pipe");
        let (send, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if let Ok(ready) = serde_json::from_str::<Value>(&line) {
                    let _ = send.send(ready);
                }
            }
        });
        match lines.recv_timeout(PATIENCE) {
            Ok(ready) => Ok((child, ready)),
            Err(_) => {
                let _ = child.kill();
                Err(std::fs::read_to_string(self.log_path()).unwrap_or_default())
            }
        }
    }
}

fn address(ready: &Value, door: &str) -> SocketAddr {
    ready[door].as_str().and_then(|text| text.parse().ok()).expect("an address in the ready line")
}

/// Sends a signal by name, such as `TERM`.
pub fn signal(process_id: u32, name: &str) {
    let sent = Command::new("kill").args([&format!("-{name}"), &process_id.to_string()]).status();
    assert!(sent.expect("kill runs").success());
}

/// A running program; killed when dropped.
pub struct Sen {
    child: Option<Child>,
    /// Its HTTP listener.
    pub http: SocketAddr,
    /// Its DIMSE listener.
    pub dimse: SocketAddr,
    /// Its DIMSE listener for TLS, when there is one.
    pub dimse_tls: Option<SocketAddr>,
    setup: Setup,
}

impl Sen {
    /// Sign-in off, unknown callers welcome, on a new folder.
    pub fn start() -> Self {
        Setup::default().start()
    }

    /// The URL of a path.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.http)
    }

    /// The port of the DIMSE listener, as foreign tools want it.
    pub fn dimse_port(&self) -> String {
        self.dimse.port().to_string()
    }

    /// Runs another command of the program on the same archive.
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.setup.run(arguments)
    }

    /// The same, with something on its standard input.
    pub fn run_with_input(&self, arguments: &[&str], input: &str) -> Output {
        self.setup.run_with_input(arguments, input)
    }

    /// The folder of the archive.
    pub fn folder(&self) -> &Path {
        self.setup.folder()
    }

    /// How it was set up.
    pub fn setup(&self) -> &Setup {
        &self.setup
    }

    /// What it logged so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.setup.log_path()).unwrap_or_default()
    }

    /// Its process id.
    pub fn process_id(&self) -> u32 {
        self.child.as_ref().expect("a running program").id()
    }

    /// The most memory it ever held, as Linux counts it.
    pub fn peak_memory_bytes(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process_id())).expect("Linux");
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
        let kib: u64 = line.trim().trim_end_matches(" kB").parse().expect("a number");
        kib << 10
    }

    /// Fails when it ever held more memory than it may.
    pub fn assert_bounded(&self, after: &str) {
        let peak_bytes = self.peak_memory_bytes();
        eprintln!("at most {} MiB after {after}", peak_bytes >> 20);
        assert!(peak_bytes < MEMORY_BYTES, "{} MiB after {after}", peak_bytes >> 20);
    }

    /// Sends a signal by name, such as `TERM`.
    pub fn signal(&self, name: &str) {
        signal(self.process_id(), name);
    }

    /// Whether the process is still there.
    pub fn is_running(&mut self) -> bool {
        self.child.as_mut().is_some_and(|child| matches!(child.try_wait(), Ok(None)))
    }

    /// Waits for its end.
    pub fn wait(&mut self) -> ExitStatus {
        self.child.take().expect("a running program").wait().expect("its status")
    }

    /// Ends it without warning, as a crash would, and gives back how it was set up.
    pub fn kill(mut self) -> Setup {
        let mut child = self.child.take().expect("a running program");
        child.kill().expect("it is killed");
        child.wait().expect("its status");
        std::mem::take(&mut self.setup)
    }

    /// Ends it in order and starts it again on the same folder.
    pub fn restart(mut self) -> Self {
        self.signal("TERM");
        let status = self.wait();
        assert!(status.success(), "stopped with {status}:\n{}", self.log());
        self.start_again()
    }

    /// Starts it again on the same folder after it has ended.
    pub fn start_again(mut self) -> Self {
        assert!(self.child.is_none(), "it has not ended");
        std::mem::take(&mut self.setup).start()
    }
}

impl Drop for Sen {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
        if std::thread::panicking() {
            let log = self.log();
            let tail: Vec<&str> = log.lines().rev().take(60).collect();
            for line in tail.iter().rev() {
                eprintln!("sen: {line}");
            }
        }
    }
}
