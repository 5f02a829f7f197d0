//! A server over a fresh archive, and the tools to speak to it.

pub mod pulled;
pub mod receiver;
pub mod retrieval;
pub mod steps;
pub mod storescp;
pub mod wire;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use dimse_scp::scu::{Association, Content, Instance, Options, Proposal, Target};
use dimse_scp::tls::Tls;
use dimse_scp::{Config, Server, Timeouts, UnknownAe};
use futures::StreamExt;
use pacs_core::access::Scope;
use pacs_core::dataset::{self, DataSet};
use pacs_core::uid::{AeTitle, Uid};
use pacs_core::{tags, transfer_syntax, uids};
use storage::audit_log::AuditLog;
use storage::{Archive, InstancePlace};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// A server that listens on a port of the system's choice, over an archive in a folder of its own.
pub struct Harness {
    pub address: SocketAddr,
    /// Where it listens for TLS, if it does.
    pub tls_address: Option<SocketAddr>,
    /// Its certificates.
    pub tls: Option<Arc<Tls>>,
    pub archive: Archive,
    pub audit_log: AuditLog,
    pub shutdown: CancellationToken,
    served: JoinHandle<()>,
    dir: TempDir,
}

impl Harness {
    /// A server that admits everybody.
    pub async fn start() -> Self {
        Self::start_with(|_| {}, |_| {}).await
    }

    pub async fn start_with(
        configure: impl FnOnce(&mut Config),
        configure_archive: impl FnOnce(&mut storage::Config),
    ) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut archive_config = storage::Config::embedded(dir.path());
        configure_archive(&mut archive_config);
        let archive = Archive::open(archive_config).await.unwrap();
        let mut config = Config::new("127.0.0.1:0".parse().unwrap(), ae("SEN"));
        config.unknown_ae = UnknownAe::Accept;
        configure(&mut config);
        let tls = config.tls.clone();
        let server = Server::bind(config).await.unwrap();
        let address = server.local_addr().unwrap();
        let tls_address = server.tls_addr().unwrap();
        let shutdown = CancellationToken::new();
        let audit_log = AuditLog::start(archive.database().clone(), archive.config().clock.clone());
        let served = tokio::spawn(server.run(archive.clone(), audit_log.clone(), shutdown.clone()));
        Self { address, tls_address, tls, archive, audit_log, shutdown, served, dir }
    }

    /// Stops the server, waits for it, and closes the archive.
    pub async fn stop(self) {
        self.shutdown.cancel();
        self.served.await.unwrap();
        self.audit_log.flush().await;
        self.archive.close().await;
        drop(self.dir);
    }

    /// The folder of the archive.
    pub fn folder(&self) -> &std::path::Path {
        self.dir.path()
    }

    pub fn target(&self) -> Target {
        Target { address: self.address.to_string(), calling_ae: ae("TEST"), called_ae: ae("SEN") }
    }

    pub async fn connect(&self, proposals: &[Proposal]) -> Association {
        Association::connect(&self.target(), proposals, &Options::default()).await.unwrap()
    }

    /// The same under another title of the server.
    pub async fn connect_as(&self, called: &str, proposals: &[Proposal]) -> Association {
        let target = Target { called_ae: ae(called), ..self.target() };
        Association::connect(&target, proposals, &Options::default()).await.unwrap()
    }

    /// Stores instances over one association; every one must succeed.
    pub async fn fill(&self, instances: &[Instance]) {
        self.fill_as("SEN", instances).await;
    }

    /// The same under another title of the server.
    pub async fn fill_as(&self, called: &str, instances: &[Instance]) {
        let mut association = self.connect_as(called, &proposals_for(instances)).await;
        for instance in instances {
            let response = association.store(instance).await.unwrap();
            assert_eq!(response.status.0, 0, "{response:?}");
        }
        association.release().await.unwrap();
    }

    pub async fn place(&self, instance: &Uid) -> Option<InstancePlace> {
        self.archive.locate_instance(&Scope::All, None, None, instance).await.unwrap()
    }

    /// The data set of a stored instance.
    pub async fn dataset(&self, instance: &Uid) -> Bytes {
        let place = self.place(instance).await.expect("the instance is stored");
        let reader = self.archive.open_instance(&place).await.unwrap();
        let pieces: Vec<Bytes> = reader.stream(reader.dataset_range()).map(Result::unwrap).collect().await;
        pieces.concat().into()
    }

    /// The one segment of its spool that holds anything.
    pub fn segment(&self) -> PathBuf {
        let spool = std::fs::read_dir(&self.archive.config().spool_dir).unwrap();
        let segments = spool.map(|entry| entry.unwrap().path());
        segments
            .filter(|path| path.extension().is_some_and(|name| name == "tar"))
            .max_by_key(|path| path.metadata().unwrap().len())
            .unwrap()
    }

    /// Whether the server still serves, which every hostile test asks at its end.
    pub async fn assert_alive(&self) {
        let mut association = self.connect(&[verification()]).await;
        assert_eq!(association.echo().await.unwrap().0, 0);
        association.release().await.unwrap();
    }
}

pub fn ae(title: &str) -> AeTitle {
    AeTitle::parse(title).unwrap()
}

pub fn uid(text: &str) -> Uid {
    Uid::parse(text).unwrap()
}

/// Times short enough for tests that wait for them to run out.
pub fn impatient() -> Timeouts {
    Timeouts {
        artim: Duration::from_millis(400),
        idle: Duration::from_millis(400),
        message: Duration::from_millis(400),
        write: Duration::from_millis(400),
        stop: Duration::from_secs(5),
        ..Timeouts::default()
    }
}

pub fn verification() -> Proposal {
    Proposal::new(uid(uids::VERIFICATION), vec![uid(uids::IMPLICIT_VR_LITTLE_ENDIAN)])
}

/// A context for one SOP class in one transfer syntax, for each that occurs.
pub fn proposals_for(instances: &[Instance]) -> Vec<Proposal> {
    let mut proposals: Vec<Proposal> = Vec::new();
    for instance in instances {
        let proposal = Proposal::new(instance.class.clone(), vec![instance.transfer_syntax.clone()]);
        if !proposals.contains(&proposal) {
            proposals.push(proposal);
        }
    }
    proposals
}

/// CT slices of one series.
pub fn slices(count: usize, side: u16, seed: u64) -> Vec<Instance> {
    testdata::ct_slices(count).sized(side).seeded(seed).map(made).collect()
}

pub fn made(instance: testdata::Instance) -> Instance {
    let dataset = Bytes::from(instance.bytes).slice(instance.dataset_offset..);
    Instance {
        class: instance.class,
        instance: instance.uid,
        transfer_syntax: instance.transfer_syntax,
        content: Content::Memory(dataset),
    }
}

pub fn dataset_of(instance: &Instance) -> Bytes {
    match &instance.content {
        Content::Memory(bytes) => bytes.clone(),
        Content::File { .. } => panic!("not in memory"),
    }
}

/// Another instance, which says what this one does but for some of it, and has no pixels.
pub fn changed(instance: &Instance, change: impl FnOnce(&mut DataSet)) -> Instance {
    let mut set = pulled::header(instance);
    change(&mut set);
    let mut bytes = Vec::new();
    dataset::write(&set, &transfer_syntax::of(&instance.transfer_syntax), &mut bytes).unwrap();
    Instance {
        class: set.uid(tags::SOP_CLASS_UID).unwrap().unwrap(),
        instance: set.uid(tags::SOP_INSTANCE_UID).unwrap().unwrap(),
        transfer_syntax: instance.transfer_syntax.clone(),
        content: Content::Memory(bytes.into()),
    }
}

/// Another instance of the same study, in its last series.
pub fn in_last_series(instance: &Instance, number: u32) -> Instance {
    changed(instance, |set| {
        set.put_text(tags::SOP_INSTANCE_UID, &format!("1.2.3.4.{number}"));
        set.put_text(tags::SERIES_INSTANCE_UID, "1.2.3.4");
        set.put_text(tags::SERIES_NUMBER, "900");
        set.put_text(tags::INSTANCE_NUMBER, &number.to_string());
    })
}

/// A report in that series: of another kind than images.
pub fn report_on(instance: &Instance, number: u32) -> Instance {
    changed(&in_last_series(instance, number), |set| {
        set.put_text(tags::SOP_CLASS_UID, uids::BASIC_TEXT_SR_STORAGE);
        set.put_text(tags::MODALITY, "SR");
    })
}

/// The licensed sample files of a folder of testdata that are Part 10 files with their UIDs.
pub fn samples(folder: &str) -> Vec<(String, Instance)> {
    let dir = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/files").join(folder);
    let mut samples: Vec<_> = std::fs::read_dir(dir)
        .unwrap()
        .filter_map(|entry| {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let instance = Instance::from_part10(std::fs::read(path).unwrap().into()).ok()?;
            Some((name, instance))
        })
        .collect();
    samples.sort_by(|a, b| a.0.cmp(&b.0));
    samples
}

/// How long a test waits for what has to come.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Waits until a condition holds, asking again whenever the runtime is idle.
pub async fn eventually<F: AsyncFnMut() -> bool>(mut holds: F) {
    let waiting = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.expect("the condition never held");
}
