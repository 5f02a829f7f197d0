//! A fresh database for each test, on every engine there is.

use storage::database::Database;

use crate::template;

/// A database of its own, and what has to outlive it.
pub struct Fresh {
    pub db: Database,
    /// To open the same database again.
    pub url: String,
    _dir: tempfile::TempDir,
}

impl Fresh {
    /// A file of its own.
    pub async fn sqlite() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("sen.db");
        template::sqlite(&file).await;
        let url = format!("sqlite://{}", file.display());
        Self { db: Database::open(&url).await.unwrap(), url, _dir: dir }
    }

    /// A database of its own on the server that the environment names.
    pub async fn postgres() -> Option<Self> {
        let Ok(server) = std::env::var("SEN_TEST_POSTGRES_URL") else {
            testdata::skipped("SEN_TEST_POSTGRES_URL names no server (make test starts one)");
            return None;
        };
        let name = format!("sen_rows_{:016x}", rand::random::<u64>());
        let url = template::postgres(&server, &name).await;
        Some(Self { db: Database::open(&url).await.unwrap(), url, _dir: tempfile::tempdir().unwrap() })
    }
}

/// Runs each test over every engine.
macro_rules! on_every_engine {
    ($($name:ident),* $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                super::$name(crate::backends::Fresh::sqlite().await).await;
            })*
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                if let Some(fresh) = crate::backends::Fresh::postgres().await {
                    super::$name(fresh).await;
                }
            })*
        }
    };
}
pub(crate) use on_every_engine;
