//! PostgreSQL and S3, where `tools/with-services.sh` names them.

use super::program::Setup;
use super::tools;

/// The prefix below the bucket: somebody else's objects may lie beside ours.
const PREFIX: &str = "hospital/sen";

/// A database and a bucket of a test's own.
pub struct Services {
    postgres: url::Url,
    s3: String,
    name: String,
}

impl Services {
    /// Makes both, or says why not.
    pub async fn fresh() -> Option<Self> {
        let (Ok(postgres), Ok(s3)) =
            (std::env::var("SEN_TEST_POSTGRES_URL"), std::env::var("SEN_TEST_S3_ENDPOINT"))
        else {
            testdata::skipped(
                "SEN_TEST_POSTGRES_URL and SEN_TEST_S3_ENDPOINT name no servers (make test starts them)",
            );
            return None;
        };
        let name = format!("sen-journey-{:016x}", rand::random::<u64>());
        let postgres = url::Url::parse(&postgres).expect("a URL");
        let made = reqwest::Client::new().put(format!("{s3}/{name}")).send().await.expect("S3 answers");
        assert!(made.status().is_success(), "the bucket was not made: {}", made.status());
        Some(Self { postgres, s3, name })
    }

    /// A program over both, with an empty database.
    pub fn setup(&self) -> Option<Setup> {
        Some(
            Setup::default()
                .variable("SEN_DATABASE_URL", &self.database("first")?)
                .variable("SEN_STORAGE_URL", &format!("s3://{}/{PREFIX}", self.name))
                .variable("AWS_ENDPOINT", &self.s3)
                .variable("AWS_ALLOW_HTTP", "true"),
        )
    }

    /// A place for backups in the same bucket.
    pub fn backups(&self) -> String {
        format!("s3://{}/backups", self.name)
    }

    /// Another place in the bucket for an archive, with nothing in it.
    pub fn empty_objects(&self) -> String {
        format!("s3://{}/elsewhere", self.name)
    }

    /// Makes an empty database and gives its URL.
    pub fn database(&self, which: &str) -> Option<String> {
        let name = format!("{}-{which}", self.name);
        self.tell(&format!("create database \"{name}\""))?;
        let mut url = self.postgres.clone();
        url.set_path(&name);
        Some(url.into())
    }

    /// Shuts everybody out of the first database, or lets them in again.
    pub fn allow_connections(&self, allowed: bool) {
        let name = format!("{}-first", self.name);
        self.tell(&format!("alter database \"{name}\" with allow_connections {allowed}"));
        if !allowed {
            let all = format!("from pg_stat_activity where datname = '{name}'");
            self.tell(&format!("select pg_terminate_backend(pid) {all}"));
        }
    }

    fn tell(&self, statement: &str) -> Option<()> {
        let psql = tools::program("psql")?;
        let server = self.postgres.as_str();
        let arguments = ["--dbname", server, "--command", statement];
        tools::succeeded(&tools::run(&psql, &std::env::temp_dir(), &arguments));
        Some(())
    }

    /// The keys of all objects, below the prefix.
    pub async fn objects(&self) -> Vec<String> {
        let url = format!("{}/{}?list-type=2&max-keys=1000", self.s3, self.name);
        let listing = reqwest::get(url).await.expect("S3 answers").text().await.expect("a listing");
        let keys = listing.split("<Key>").skip(1).filter_map(|rest| rest.split("</Key>").next());
        keys.map(|key| key.strip_prefix(&format!("{PREFIX}/")).expect("a key below the prefix").to_owned())
            .collect()
    }
}
