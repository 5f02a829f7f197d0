//! A schema that is made once in a run and copied since: making it takes longer than most tests. Where
//! `SEN_TEST_TEMPLATES` names no folder, as `tools/with-services.sh` does for its own run, databases begin empty.

use std::path::{Path, PathBuf};

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use storage::database::Database;

/// The template on the server of the run.
const NAME: &str = "sen_template";

fn folder() -> Option<PathBuf> {
    std::env::var_os("SEN_TEST_TEMPLATES").map(PathBuf::from)
}

/// Puts the schema where a database of SQLite will be.
pub async fn sqlite(file: &Path) {
    let Some(folder) = folder() else { return };
    let template = folder.join("sen.db");
    if !template.exists() {
        // Whoever comes at the same time makes the same.
        let new = folder.join(format!("{:016x}.db", rand::random::<u64>()));
        Database::open(&format!("sqlite://{}", new.display())).await.unwrap().close().await;
        std::fs::rename(new, &template).unwrap();
    }
    std::fs::copy(template, file).unwrap();
}

/// Makes a database with the schema on a server, and gives its URL.
pub async fn postgres(server: &str, name: &str) -> String {
    if folder().is_none() {
        return empty_postgres(server, name).await;
    }
    let copy = format!("create database \"{name}\" template {NAME}");
    let mut connection = PgConnection::connect(server).await.unwrap();
    if let Err(error) = connection.execute(AssertSqlSafe(copy.clone())).await {
        let code = error.as_database_error().and_then(|error| error.code().map(String::from));
        assert_eq!(code.as_deref(), Some("3D000"), "{error}");
        make_template(server, &mut connection).await;
        connection.execute(AssertSqlSafe(copy)).await.unwrap();
    }
    url_of(server, name)
}

/// Makes a database with nothing at all in it.
pub async fn empty_postgres(server: &str, name: &str) -> String {
    let mut connection = PgConnection::connect(server).await.unwrap();
    connection.execute(AssertSqlSafe(format!("create database \"{name}\""))).await.unwrap();
    url_of(server, name)
}

/// Under a name of its own until it is whole: nobody may be connected to what is copied.
async fn make_template(server: &str, connection: &mut PgConnection) {
    let new = format!("{NAME}_{:016x}", rand::random::<u64>());
    let url = empty_postgres(server, &new).await;
    Database::open(&url).await.unwrap().close().await;
    let renamed = connection.execute(AssertSqlSafe(format!("alter database {new} rename to {NAME}"))).await;
    if renamed.is_err() {
        // Somebody else was quicker.
        connection.execute(AssertSqlSafe(format!("drop database {new}"))).await.unwrap();
    }
}

fn url_of(server: &str, name: &str) -> String {
    let mut url = url::Url::parse(server).unwrap();
    url.set_path(name);
    url.into()
}
