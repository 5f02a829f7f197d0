//! Fresh archives over every backend there is.

use std::path::Path;

use pacs_core::clock::Clock;
use sqlx::{Connection, Executor};
use storage::{Archive, Config};

/// When every test begins.
pub const START_MS: i64 = 1_790_000_000_000;

/// A place for one archive, empty at first.
pub struct Home {
    pub config: Config,
    pub clock: Clock,
    pub dir: tempfile::TempDir,
}

impl Home {
    /// SQLite and a local folder.
    pub fn embedded() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = Clock::standing_at(START_MS);
        let config = Config { clock: clock.clone(), ..Config::embedded(dir.path()) };
        Self { config, clock, dir }
    }

    /// PostgreSQL and S3, where the environment names them.
    pub async fn served() -> Option<Self> {
        let (Ok(postgres), Ok(s3)) = (std::env::var("SEN_TEST_POSTGRES_URL"), std::env::var("SEN_TEST_S3_URL")) else {
            eprintln!("SKIPPED: SEN_TEST_POSTGRES_URL and SEN_TEST_S3_URL name no servers (make test starts them)");
            return None;
        };
        let name = format!("sen_bytes_{:016x}", rand::random::<u64>());
        let mut server = sqlx::PgConnection::connect(&postgres).await.unwrap();
        server.execute(sqlx::AssertSqlSafe(format!("create database {name}"))).await.unwrap();
        let mut database_url = url::Url::parse(&postgres).unwrap();
        database_url.set_path(&name);
        let mut home = Self::embedded();
        home.config.database_url = database_url.into();
        home.config.storage_url = format!("{}/{name}", s3.trim_end_matches('/'));
        Some(home)
    }

    pub async fn open(&self) -> Archive {
        Archive::open(self.config.clone()).await.unwrap()
    }

    /// Lets so much time pass that every series has rested.
    pub fn rest(&self) {
        self.clock.set_ms(self.clock.now_ms() + 61_000);
    }

    pub fn spool(&self) -> &Path {
        &self.config.spool_dir
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
