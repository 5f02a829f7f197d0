//! DICOM over TLS through a real listener, with certificates that openssl makes and DCMTK and openssl as peers.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Output, Stdio};
use std::sync::Arc;

use crate::support::storescp::storescp;
use crate::support::wire::{Wire, request};
use crate::support::{Harness, ae, eventually, slices, verification};
use dimse_scp::pdu::stream::Token;
use dimse_scp::scu::{Association, Error, Options, Target};
use dimse_scp::tls::{Files, Secured, Tls};
use dimse_scp::{Config, UnknownAe};
use pacs_core::uids;
use storage::association_failures;
use storage::devices::{self, Binding, Device, Rules};
use tokio::io::AsyncReadExt;
use tokio::process::Command;

/// Runs a program; `None` when it is not installed.
async fn run(program: &str, arguments: &[&str]) -> Option<Output> {
    let mut command = Command::new(program);
    command.args(arguments).env("TCP_NODELAY", "1").stdin(Stdio::null()).kill_on_drop(true);
    match command.output().await {
        Ok(output) => Some(output),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            testdata::skipped(&format!("{program} is not installed"));
            None
        }
        Err(error) => panic!("{program}: {error}"),
    }
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Certificates of a house: its authority, the archive, two devices of the authority, and a stranger.
struct Papers {
    dir: tempfile::TempDir,
}

impl Papers {
    /// `None` where there is no openssl.
    async fn make() -> Option<Self> {
        let papers = Self { dir: tempfile::tempdir().unwrap() };
        papers.own("authority", "/CN=Authority").await?;
        papers.own("stranger", "/CN=CT1").await?;
        for (name, subject) in [("sen", "/CN=Sen"), ("ct1", "/CN=CT1/O=BVTW"), ("mr1", "/CN=MR1/O=BVTW")] {
            papers.issue(name, subject).await;
        }
        Some(papers)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    /// A certificate that nobody but its owner signed.
    async fn own(&self, name: &str, subject: &str) -> Option<()> {
        let (key, certificate) = (self.text(&format!("{name}.key")), self.text(&format!("{name}.pem")));
        let arguments = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", subject];
        let files = ["-keyout", &key, "-out", &certificate];
        let made = run("openssl", &[&arguments[..], &files].concat()).await?;
        assert!(made.status.success(), "{}", text(&made));
        Some(())
    }

    /// One that the authority signed, for this machine.
    async fn issue(&self, name: &str, subject: &str) {
        let file = |kind: &str| self.text(&format!("{name}.{kind}"));
        let (key, request, certificate) = (file("key"), file("csr"), file("pem"));
        let extensions = self.path("extensions");
        std::fs::write(&extensions, "subjectAltName=DNS:localhost,IP:127.0.0.1\nbasicConstraints=CA:FALSE\n")
            .unwrap();
        let ask =
            ["req", "-newkey", "rsa:2048", "-nodes", "-subj", subject, "-keyout", &key, "-out", &request];
        let asked = run("openssl", &ask).await.unwrap();
        assert!(asked.status.success(), "{}", text(&asked));
        let (authority, authority_key) = (self.text("authority.pem"), self.text("authority.key"));
        let extensions = extensions.display().to_string();
        let sign = ["x509", "-req", "-in", &request, "-CA", &authority, "-CAkey", &authority_key];
        let more = ["-CAcreateserial", "-days", "2", "-extfile", &extensions, "-out", &certificate];
        let signed = run("openssl", &[&sign[..], &more].concat()).await.unwrap();
        assert!(signed.status.success(), "{}", text(&signed));
    }

    fn files(&self, name: &str) -> Files {
        Files {
            certificate: self.path(&format!("{name}.pem")),
            key: self.path(&format!("{name}.key")),
            authorities: Some(self.path("authority.pem")),
        }
    }

    fn tls(&self, name: &str) -> Arc<Tls> {
        Arc::new(Tls::read(self.files(name)).unwrap())
    }

    async fn fingerprint(&self, name: &str) -> String {
        let certificate = self.text(&format!("{name}.pem"));
        let said = run("openssl", &["x509", "-in", &certificate, "-noout", "-fingerprint", "-sha256"])
            .await
            .unwrap();
        let said = text(&said);
        said.trim().split_once('=').unwrap().1.to_owned()
    }

    /// What a program of DCMTK is told to use a certificate.
    fn dcmtk(&self, name: &str) -> Vec<String> {
        let own = ["+tls".to_owned(), self.text(&format!("{name}.key")), self.text(&format!("{name}.pem"))];
        own.into_iter().chain(["+cf".to_owned(), self.text("authority.pem")]).collect()
    }
}

/// A server that listens for both, with the certificate `sen`.
async fn server(papers: &Papers) -> (Harness, SocketAddr) {
    let tls = papers.tls("sen");
    let configure = |config: &mut Config| {
        config.unknown_ae = UnknownAe::Reject;
        config.tls = Some(tls);
        config.tls_listen = Some("127.0.0.1:0".parse().unwrap());
    };
    let server = Harness::start_with(configure, |_| {}).await;
    let address = server.tls_address.unwrap();
    (server, address)
}

async fn device(server: &Harness, title: &str, certificate: Option<&str>) {
    let rules =
        Rules { requires_tls: true, certificate: certificate.and_then(Binding::parse), ..Rules::default() };
    let device = Device { rules, ..Device::named(ae(title)) };
    devices::upsert(server.archive.database(), &device).await.unwrap();
}

async fn noted(server: &Harness, title: &str, reason: &str) {
    eventually(async || {
        let list = association_failures::list(server.archive.database()).await.unwrap();
        list.iter().any(|last| last.failure.ae_title == title && last.failure.why.code == reason)
    })
    .await;
}

fn arguments<'a>(papers: &'a [String], more: &[&'a str]) -> Vec<&'a str> {
    papers.iter().map(String::as_str).chain(more.iter().copied()).collect()
}

#[tokio::test]
async fn dcmtk_speaks_tls_with_and_without_certificates() {
    let Some(papers) = Papers::make().await else { return };
    let (server, address) = server(&papers).await;
    let port = address.port().to_string();
    device(&server, "CT1", None).await;
    let made: Vec<testdata::Instance> = testdata::ct_slices(2).sized(64).seeded(3).collect();
    let files: Vec<String> = made
        .iter()
        .enumerate()
        .map(|(n, instance)| {
            let path = papers.path(&format!("{n}.dcm"));
            std::fs::write(&path, &instance.bytes).unwrap();
            path.display().to_string()
        })
        .collect();
    let own = papers.dcmtk("ct1");
    let store = ["-aet", "CT1", "-aec", "SEN", "127.0.0.1", &port, &files[0], &files[1]];
    let Some(stored) = run("storescu", &arguments(&own, &store)).await else { return };
    assert!(stored.status.success(), "{}", text(&stored));
    for instance in &made {
        assert!(server.place(&instance.uid).await.is_some());
    }
    // Both versions, and a client that shows nothing.
    let echo = ["-aet", "CT1", "-aec", "SEN", "127.0.0.1", &port];
    let authority = papers.text("authority.pem");
    for options in [
        &["+tla", "+cf", &authority, "+px"][..],
        &["+tla", "+cf", &authority],
        &["+tla", "+cf", &authority, "+ph"],
    ] {
        let echoed = run("echoscu", &[options, &echo].concat()).await.unwrap();
        let unknown_option = text(&echoed).contains("Unknown option");
        assert!(echoed.status.success() || unknown_option, "{options:?}: {}", text(&echoed));
    }
    // Who is bound to a certificate has to show it.
    let (ct1, stranger) = (papers.fingerprint("ct1").await, papers.fingerprint("stranger").await);
    for (binding, shown, reason) in [
        (ct1.as_str(), "ct1", None),
        ("CN=CT1,O=BVTW", "ct1", None),
        ("CT1", "ct1", None),
        (&stranger, "stranger", None),
        ("CT1", "mr1", Some("otherCertificate")),
        ("CN=CT1", "stranger", Some("untrustedCertificate")),
        (&ct1, "stranger", Some("otherCertificate")),
    ] {
        device(&server, "CT1", Some(binding)).await;
        let echoed = run("echoscu", &arguments(&papers.dcmtk(shown), &echo)).await.unwrap();
        assert_eq!(echoed.status.success(), reason.is_none(), "{binding} {shown}: {}", text(&echoed));
        if let Some(reason) = reason {
            noted(&server, "CT1", reason).await;
        }
    }
    device(&server, "CT1", Some(&ct1)).await;
    let echoed = run("echoscu", &[&["+tla", "+cf", &authority], &echo[..]].concat()).await.unwrap();
    assert!(!echoed.status.success());
    noted(&server, "CT1", "noCertificate").await;
    server.stop().await;
}

#[tokio::test]
async fn the_wrong_port_is_told_at_once() {
    let Some(papers) = Papers::make().await else { return };
    let (server, address) = server(&papers).await;
    device(&server, "CT1", None).await;
    // Without TLS at the port of TLS: a rejection that every client understands.
    let mut asked = request(&[(uids::VERIFICATION, uids::IMPLICIT_VR_LITTLE_ENDIAN)]);
    asked.calling_ae = "CT1".into();
    let mut wire = Wire::connect(address).await;
    wire.send(&asked.encode().unwrap()).await;
    assert!(matches!(wire.token().await, Some(Token::AssociateRj(_))));
    drop(wire);
    noted(&server, "CT1", "plainAtTlsPort").await;
    // A device that has to use it, at the port without.
    let mut wire = Wire::connect(server.address).await;
    wire.send(&asked.encode().unwrap()).await;
    assert!(matches!(wire.token().await, Some(Token::AssociateRj(_))));
    drop(wire);
    noted(&server, "CT1", "tlsRequired").await;
    // So has one that only its certificate tells from others.
    let rules = Rules { certificate: Binding::parse("CN=CT2"), ..Rules::default() };
    let bound = Device { rules, ..Device::named(ae("CT2")) };
    devices::upsert(server.archive.database(), &bound).await.unwrap();
    let mut wire = Wire::connect(server.address).await;
    asked.calling_ae = "CT2".into();
    wire.send(&asked.encode().unwrap()).await;
    assert!(matches!(wire.token().await, Some(Token::AssociateRj(_))));
    drop(wire);
    noted(&server, "CT2", "tlsRequired").await;
    // TLS at the port without it, and versions that are not spoken any more.
    let plain = server.address.to_string();
    if let Some(output) = run("openssl", &["s_client", "-connect", &plain]).await {
        assert!(!output.status.success(), "{}", text(&output));
        noted(&server, "", "tlsAtPlainPort").await;
    }
    let tls = address.to_string();
    let old = ["s_client", "-connect", &tls, "-tls1_1", "-cipher", "ALL:@SECLEVEL=0"];
    if let Some(output) = run("openssl", &old).await {
        assert!(text(&output).contains("alert") || !output.status.success(), "{}", text(&output));
        noted(&server, "", "handshake").await;
    }
    for version in ["-tls1_2", "-tls1_3"] {
        let output = run("openssl", &["s_client", "-connect", &tls, version]).await.unwrap();
        let want = if version == "-tls1_2" { "TLSv1.2" } else { "TLSv1.3" };
        assert!(text(&output).contains(want), "{}", text(&output));
    }
    server.stop().await;
}

#[tokio::test]
async fn associations_are_opened_over_tls_and_certificates_reread() {
    let Some(papers) = Papers::make().await else { return };
    let tls = papers.tls("sen");
    let (server, address) = server(&papers).await;
    device(&server, "TEST", None).await;
    let to = |port: SocketAddr, certificate: Option<&str>| {
        let mut device = Device { host: Some("127.0.0.1".into()), ..Device::named(ae("SEN")) };
        device.rules.certificate = certificate.and_then(Binding::parse);
        let options = Options { tls: Some(Secured::to(tls.clone(), &device)), ..Options::default() };
        (Target { address: port.to_string(), ..server.target() }, options)
    };
    let own = papers.fingerprint("sen").await;
    let other = papers.fingerprint("ct1").await;
    for (certificate, is_good) in [
        (None, true),
        (Some("Sen"), true),
        (Some(own.as_str()), true),
        (Some("CT1"), false),
        (Some(&other), false),
    ] {
        let (target, options) = to(address, certificate);
        match Association::connect(&target, &[verification()], &options).await {
            Ok(mut association) => {
                assert!(is_good, "{certificate:?}");
                assert_eq!(association.echo().await.unwrap().0, 0);
                association.release().await.unwrap();
            }
            Err(error) => {
                assert!(!is_good && matches!(error, Error::Handshake(_)), "{certificate:?}: {error}")
            }
        }
    }
    // A peer that speaks no TLS.
    let (target, options) = to(server.address, None);
    let refused = Association::connect(&target, &[verification()], &options).await;
    assert!(matches!(refused, Err(Error::Handshake(_))), "{refused:?}");
    // Renewed in place: the next handshake shows the new one. What cannot be read leaves all as it is.
    let reread = |from: &str| {
        for kind in ["pem", "key"] {
            std::fs::copy(papers.path(&format!("{from}.{kind}")), papers.path(&format!("sen.{kind}")))
                .unwrap();
        }
        server.tls.as_ref().unwrap().reread()
    };
    reread("mr1").unwrap();
    let (target, options) = to(address, Some("MR1"));
    Association::connect(&target, &[verification()], &options).await.unwrap().release().await.unwrap();
    std::fs::write(papers.path("sen.pem"), "no certificate").unwrap();
    assert!(server.tls.as_ref().unwrap().reread().is_err());
    Association::connect(&target, &[verification()], &options).await.unwrap().release().await.unwrap();
    server.stop().await;
}

#[tokio::test]
async fn c_move_goes_to_a_destination_over_tls() {
    let Some(papers) = Papers::make().await else { return };
    let (server, address) = server(&papers).await;
    device(&server, "TEST", None).await;
    let folder = tempfile::tempdir().unwrap();
    let receiver = storescp(&papers.dcmtk("ct1"), "CT1", folder.path()).await;
    let Some((mut child, port)) = receiver else { return };
    let instances = slices(2, 64, 5);
    let client = papers.tls("mr1");
    let sen = Device { host: Some("127.0.0.1".into()), ..Device::named(ae("SEN")) };
    let options = Options { tls: Some(Secured::to(client, &sen)), ..Options::default() };
    let target = Target { address: address.to_string(), ..server.target() };
    let mut storing =
        Association::connect(&target, &crate::support::proposals_for(&instances), &options).await.unwrap();
    for instance in &instances {
        assert_eq!(storing.store(instance).await.unwrap().status.0, 0);
    }
    storing.release().await.unwrap();

    let destination = Device {
        host: Some("127.0.0.1".into()),
        port: Some(port),
        rules: Rules { requires_tls: true, ..Rules::default() },
        ..Device::named(ae("CT1"))
    };
    devices::upsert(server.archive.database(), &destination).await.unwrap();
    let class = crate::support::uid(uids::STUDY_ROOT_QUERY_RETRIEVE_INFORMATION_MODEL_MOVE);
    let proposal = dimse_scp::scu::Proposal::new(
        class.clone(),
        vec![crate::support::uid(uids::EXPLICIT_VR_LITTLE_ENDIAN)],
    );
    let mut asking = Association::connect(&target, &[proposal], &options).await.unwrap();
    let study = server.place(&instances[0].instance).await.unwrap().study_uid;
    let mut identifier = pacs_core::dataset::DataSet::new();
    identifier.put_text(pacs_core::tags::QUERY_RETRIEVE_LEVEL, "STUDY");
    identifier.put_uid(pacs_core::tags::STUDY_INSTANCE_UID, &study);
    let outcome = asking.move_to(&class, &ae("CT1"), &identifier).await.unwrap();
    let said = {
        let mut said = String::new();
        child.start_kill().unwrap();
        child.stderr.take().unwrap().read_to_string(&mut said).await.unwrap();
        said
    };
    assert_eq!((outcome.status.0, outcome.completed), (0, 2), "{outcome:?} {said}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
    asking.release().await.unwrap();
    server.stop().await;
}
