//! Fresh archives over every backend there is.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use futures::TryStreamExt as _;
use object_store::aws::AmazonS3Builder;
use object_store::local::LocalFileSystem;
use object_store::prefix::PrefixStore;
use object_store::{ObjectStore, ObjectStoreExt as _};
use pacs_core::clock::Clock;
use storage::{Archive, Config, Error};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::template;

/// When every test begins.
pub const START_MS: i64 = 1_790_000_000_000;

/// A place for one archive, empty at first.
pub struct Home {
    pub config: Config,
    pub clock: Clock,
    pub dir: tempfile::TempDir,
    /// Where packs lie, when not in the folder that the configuration names.
    pub objects: Option<Arc<dyn ObjectStore>>,
}

impl Home {
    /// SQLite and a local folder.
    pub fn embedded() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = Clock::standing_at(START_MS);
        let config = Config { clock: clock.clone(), ..Config::embedded(dir.path()) };
        Self { config, clock, dir, objects: None }
    }

    /// PostgreSQL and S3, where the environment names them.
    pub async fn served() -> Option<Self> {
        Self::over_servers(template::postgres).await
    }

    /// The same with a database that has not even a schema yet.
    pub async fn served_empty() -> Option<Self> {
        Self::over_servers(template::empty_postgres).await
    }

    async fn over_servers(database: impl AsyncFnOnce(&str, &str) -> String) -> Option<Self> {
        let (Ok(postgres), Ok(s3)) =
            (std::env::var("SEN_TEST_POSTGRES_URL"), std::env::var("SEN_TEST_S3_ENDPOINT"))
        else {
            testdata::skipped(
                "SEN_TEST_POSTGRES_URL and SEN_TEST_S3_ENDPOINT name no servers (make test starts them)",
            );
            return None;
        };
        let name = format!("sen-bytes-{:016x}", rand::random::<u64>());
        make_bucket(&s3, &name).await;
        let store =
            AmazonS3Builder::from_env().with_endpoint(s3).with_allow_http(true).with_bucket_name(&name);
        let mut home = Self::embedded();
        home.config.database_url = database(&postgres, &name).await;
        home.objects = Some(Arc::new(PrefixStore::new(store.build().unwrap(), "a/prefix")));
        Some(home)
    }

    pub async fn open(&self) -> Archive {
        self.open_as(self.config.clone()).await.unwrap()
    }

    /// Opens the archive here with another configuration.
    pub async fn open_as(&self, config: Config) -> Result<Archive, Error> {
        let file = config.database_url.strip_prefix("sqlite://").map(Path::new);
        if let Some(file) = file.filter(|file| !file.exists()) {
            template::sqlite(file).await;
        }
        match &self.objects {
            Some(objects) => Archive::open_with_store(config, Arc::clone(objects)).await,
            None => Archive::open(config).await,
        }
    }

    /// Lets so much time pass that every series has rested.
    pub fn rest(&self) {
        self.clock.set_ms(self.clock.now_ms() + 61_000);
    }

    pub fn spool(&self) -> &Path {
        &self.config.spool_dir
    }

    /// The object store.
    pub fn store(&self) -> Arc<dyn ObjectStore> {
        let local = || LocalFileSystem::new_with_prefix(self.dir.path().join("objects")).unwrap();
        self.objects.clone().unwrap_or_else(|| Arc::new(local()))
    }

    /// The keys of the objects below a folder of the store, by name.
    pub async fn objects(&self, folder: &str) -> Vec<String> {
        let found = self.store().list(Some(&folder.into())).try_collect::<Vec<_>>().await.unwrap();
        let mut keys: Vec<_> = found.into_iter().map(|object| object.location.to_string()).collect();
        keys.sort();
        keys
    }

    /// An object.
    pub async fn get(&self, key: &str) -> Bytes {
        self.store().get(&key.into()).await.unwrap().bytes().await.unwrap()
    }

    /// Puts other bytes in the place of an object.
    pub async fn put(&self, key: &str, bytes: Bytes) {
        self.store().put(&key.into(), bytes.into()).await.unwrap();
    }

    /// Loses an object.
    pub async fn lose(&self, key: &str) {
        self.store().delete(&key.into()).await.unwrap();
    }

    /// The segments, by name.
    pub fn segments(&self) -> Vec<std::path::PathBuf> {
        let mut found: Vec<_> = std::fs::read_dir(self.spool())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|kind| kind == "tar"))
            .collect();
        found.sort();
        found
    }
}

/// Makes a bucket on a server that asks for no signature, such as a stand-in for tests.
async fn make_bucket(endpoint: &str, name: &str) {
    let endpoint = url::Url::parse(endpoint).unwrap();
    let address = (endpoint.host_str().unwrap(), endpoint.port_or_known_default().unwrap());
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("PUT /{name} HTTP/1.0\r\nHost: {}\r\nContent-Length: 0\r\n\r\n", address.0);
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.lines().next().is_some_and(|line| line.contains(" 200 ")), "{answer}");
}

/// Runs each test over every backend.
macro_rules! on_every_backend {
    ($($name:ident),* $(,)?) => {
        mod embedded {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                super::$name(crate::backends::Home::embedded()).await;
            })*
        }
        mod served {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                if let Some(home) = crate::backends::Home::served().await {
                    super::$name(home).await;
                }
            })*
        }
    };
}
pub(crate) use on_every_backend;
