//! HTTPS by the listener itself, when a certificate is configured.

use std::path::Path;

use crate::support::program::{Sen, Setup};
use crate::support::tools;

/// Makes a certificate for `localhost` and its key; `None` with a notice where there is no openssl.
pub fn make_certificate(folder: &Path, name: &str) -> Option<(String, String)> {
    let openssl = tools::program("openssl")?;
    let path = |kind: &str| folder.join(format!("{name}-{kind}.pem")).display().to_string();
    let (certificate, key) = (path("certificate"), path("key"));
    let arguments = [
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=localhost",
        "-addext",
        "subjectAltName=DNS:localhost",
        "-keyout",
        &key,
        "-out",
        &certificate,
    ];
    tools::succeeded(&tools::run(&openssl, folder, &arguments));
    Some((certificate, key))
}

#[test]
fn a_listener_with_a_certificate_speaks_https_in_both_versions() {
    let Some(curl) = tools::program("curl") else { return };
    let setup = Setup::default();
    let Some((certificate, key)) = make_certificate(setup.folder(), "own") else { return };
    let sen = setup.variable("SEN_TLS_CERTIFICATE", &certificate).variable("SEN_TLS_KEY", &key).start();
    let get = |sen: &Sen, version: &str, path: &str| {
        let url = format!("https://localhost:{}{path}", sen.http.port());
        let arguments = ["-sS", "-i", version, "--cacert", &certificate, &url];
        tools::succeeded(&tools::run(&curl, sen.folder(), &arguments))
    };
    for (version, status) in [("--http1.1", "HTTP/1.1 200"), ("--http2", "HTTP/2 200")] {
        let answer = get(&sen, version, "/healthz");
        assert!(answer.starts_with(status), "{answer}");
        assert!(answer.to_lowercase().contains("strict-transport-security: max-age="), "{answer}");
    }
    // What a browser sends when somebody signs in: its own page's origin, over whichever version.
    let own = format!("https://localhost:{}", sen.http.port());
    for (origin, version, status) in [
        (own.as_str(), "--http1.1", "401"),
        (own.as_str(), "--http2", "401"),
        ("https://evil.example", "--http1.1", "403"),
        ("https://evil.example", "--http2", "403"),
    ] {
        let header = format!("Origin: {origin}");
        let form = r#"{"user": "nobody", "password": "wrong"}"#;
        let arguments = ["-sS", "-o", "/dev/null", "-w", "%{http_code}", version, "--cacert", &certificate];
        let request = ["-H", "Content-Type: application/json", "-H", &header, "-d", form];
        let url = format!("{own}/api/v1/session");
        let all = [&arguments[..], &request, &[&url]].concat();
        let answered = tools::succeeded(&tools::run(&curl, sen.folder(), &all));
        assert_eq!(answered.trim(), status, "{origin} {version}");
    }
    // Without TLS nobody is answered.
    let plain = format!("http://127.0.0.1:{}/healthz", sen.http.port());
    let answer = tools::run(&curl, sen.folder(), &["-sS", "--max-time", "15", &plain]);
    assert!(!answer.status.success(), "{}", tools::said(&answer));
}

#[test]
fn a_certificate_that_cannot_be_used_is_told_before_anything_starts() {
    let setup = Setup::default();
    let Some((certificate, _)) = make_certificate(setup.folder(), "own") else { return };
    let Some((_, foreign_key)) = make_certificate(setup.folder(), "other") else { return };
    let mut setup = setup.variable("SEN_TLS_CERTIFICATE", &certificate);
    for (key, told) in [(foreign_key.as_str(), "do not fit"), ("/nowhere/key.pem", "/nowhere/key.pem")] {
        setup = setup.variable("SEN_TLS_KEY", key);
        let serve = setup.run(&["serve"]);
        assert_eq!(serve.status.code(), Some(1), "{}", tools::said(&serve));
        assert!(tools::said(&serve).contains(told), "{}", tools::said(&serve));
    }
}
