//! DICOM over TLS with archives that others wrote: Orthanc as a client and as a server, pynetdicom as a server. All of
//! them have certificates of one authority.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::device;
use super::peers::{Archive, images_of};
use crate::orthanc::Orthanc;
use crate::support::images::Study;
use crate::support::program::{Sen, Setup};
use crate::support::{free_ports, tools};

/// An authority, and certificates that it has issued for this machine.
struct Papers {
    openssl: PathBuf,
    folder: PathBuf,
}

impl Papers {
    /// `None` with a notice where there is no openssl.
    fn make(folder: &Path) -> Option<Self> {
        let papers = Self { openssl: tools::program("openssl")?, folder: folder.to_owned() };
        let own = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=Authority"];
        let (key, certificate) = (papers.file("authority.key"), papers.file("authority.pem"));
        papers.run(&[&own[..], &["-keyout", &key, "-out", &certificate]].concat());
        std::fs::write(
            folder.join("extensions"),
            "subjectAltName=DNS:localhost,IP:127.0.0.1\nbasicConstraints=CA:FALSE\n",
        )
        .unwrap();
        Some(papers)
    }

    fn run(&self, arguments: &[&str]) {
        tools::succeeded(&tools::run(&self.openssl, &self.folder, arguments));
    }

    fn file(&self, name: &str) -> String {
        self.folder.join(name).display().to_string()
    }

    /// The certificate and the key of a program.
    fn issue(&self, name: &str) -> (String, String) {
        let file = |kind: &str| self.file(&format!("{name}.{kind}"));
        let (key, request, certificate) = (file("key"), file("csr"), file("pem"));
        let subject = format!("/CN={name}");
        let ask = ["req", "-newkey", "rsa:2048", "-nodes", "-subj", &subject, "-keyout", &key];
        self.run(&[&ask[..], &["-out", &request]].concat());
        let (authority, authority_key) = (self.file("authority.pem"), self.file("authority.key"));
        let sign = ["x509", "-req", "-in", &request, "-CA", &authority, "-CAkey", &authority_key];
        let more = ["-CAcreateserial", "-days", "2", "-extfile", "extensions", "-out", &certificate];
        self.run(&[&sign[..], &more].concat());
        (certificate, key)
    }

    /// Sen with a certificate, and a device that has to use TLS.
    fn start(&self, setup: Setup, title: &str, port: u16) -> Sen {
        let (certificate, key) = self.issue("sen");
        setup
            .variable("SEN_DIMSE_TLS_LISTEN", "127.0.0.1:0")
            .variable("SEN_DIMSE_TLS_CERTIFICATE", &certificate)
            .variable("SEN_DIMSE_TLS_KEY", &key)
            .variable("SEN_DIMSE_TLS_AUTHORITIES", &self.file("authority.pem"))
            .file(&(device(title, port) + "tls = 'required'\n"))
            .start()
    }
}

#[tokio::test]
async fn orthanc_speaks_tls_in_both_directions() {
    let Some((program, http, dimse)) = Orthanc::prepare() else { return };
    let setup = Setup::default();
    let Some(papers) = Papers::make(setup.folder()) else { return };
    let sen = papers.start(setup, "ORTHANC", dimse);
    let (certificate, key) = papers.issue("orthanc");
    let port = sen.dimse_tls.expect("a port for TLS").port();
    let tls = json!({
        "DicomTlsEnabled": true,
        "DicomTlsCertificate": certificate,
        "DicomTlsPrivateKey": key,
        "DicomTlsTrustedCertificates": papers.file("authority.pem"),
        "DicomModalities": { "sen": { "AET": "SEN", "Host": "127.0.0.1", "Port": port, "UseDicomTls": true } },
    });
    let orthanc = Orthanc::start_with(&program, http, dimse, &sen, tls).await;
    let (pushed, pulled) = (Study::of("P1", "NGUYỄN^VĂN A"), Study::of("P2", "TRẦN^THỊ B"));
    orthanc.keep(&pushed).await;
    orthanc.post("/modalities/sen/echo", json!({})).await;
    let stored = orthanc.post("/modalities/sen/store", json!(orthanc.instances().await)).await;
    assert_eq!(stored["FailedInstancesCount"], 0, "{stored}");
    assert_eq!(images_of(&sen, &pushed.uid).await, 3);

    orthanc.keep(&pulled).await;
    tools::succeeded(&sen.run(&["device", "echo", "ORTHANC"]));
    let listed = tools::succeeded(&sen.run(&["query", "ORTHANC", "--patient-id", "P2"]));
    assert!(listed.contains(pulled.uid.as_str()), "{listed}");
    tools::succeeded(&sen.run(&["pull", "ORTHANC", "--study", pulled.uid.as_str()]));
    assert_eq!(images_of(&sen, &pulled.uid).await, 3, "it calls back over TLS as well");
}

#[tokio::test]
async fn pynetdicoms_archive_is_asked_and_pulled_from_over_tls() {
    let Some(python) = tools::python() else { return };
    let setup = Setup::default();
    let Some(papers) = Papers::make(setup.folder()) else { return };
    let (port, _) = free_ports();
    let sen = papers.start(setup, "PYARCHIVE", port);
    let (certificate, key) = papers.issue("pyarchive");
    let (moved, got) = (Study::of("P1", "NGUYỄN^VĂN A"), Study::of("P1", "NGUYỄN^VĂN A"));
    let folder = sen.folder().join("theirs");
    moved.write(&folder);
    got.write(&folder);
    let own = sen.dimse_tls.expect("a port for TLS").port();
    let papers = [certificate, key, papers.file("authority.pem")];
    let _archive = Archive::start_at(&python, &folder, (port, own), &papers).await;
    tools::succeeded(&sen.run(&["device", "echo", "PYARCHIVE"]));
    let listed = tools::succeeded(&sen.run(&["query", "PYARCHIVE", "--patient-id", "P1"]));
    assert!(listed.contains(moved.uid.as_str()) && listed.contains(got.uid.as_str()), "{listed}");
    tools::succeeded(&sen.run(&["pull", "PYARCHIVE", "--study", moved.uid.as_str()]));
    assert_eq!(images_of(&sen, &moved.uid).await, 3);
}
