//! `sen token`: what programs sign in with.

use anyhow::bail;
use clap::{Args as ClapArgs, Subcommand};
use pacs_core::access::{Actor, Facilities, Role};
use pacs_core::clock::{self, Clock};
use storage::accounts::tokens;
use storage::database::Database;

use crate::commands::{self, Global};
use crate::lifecycle;

const DAY_MS: i64 = 24 * 60 * 60_000;

/// What `sen token` takes.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
A token is sent as `Authorization: Bearer <token>`. It is shown once; what is kept is its hash. A
running server refuses a revoked token within seconds.")]
pub struct Args {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// Make a token and print it alone
    Create(Create),
    /// List tokens, without what is secret of them
    List,
    /// Take a token back
    Revoke {
        /// Its name, or its number in the list
        token: String,
    },
}

#[derive(Debug, ClapArgs)]
struct Create {
    /// What it is for
    #[arg(long)]
    name: String,

    /// What its bearer may do
    #[arg(long, value_parser = commands::role())]
    role: Role,

    /// Facility its bearer works for; may be given more than once [default: all]
    #[arg(long = "facility", value_name = "CODE")]
    facilities: Vec<String>,

    /// Days until it stops working [default: never]
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u16).range(1..))]
    expires: Option<u16>,
}

/// Makes, lists or revokes.
pub async fn run(args: Args, global: &Global) -> anyhow::Result<()> {
    let config = global.load()?;
    let database = lifecycle::open_database(&config).await?;
    let now_ms = Clock::system().now_ms();
    match args.act {
        Act::Create(create) => {
            let facilities = commands::facilities(create.facilities);
            let expires_ms = create.expires.map(|days| now_ms + i64::from(days) * DAY_MS);
            let rights = (create.role, &facilities);
            let secret =
                tokens::create(&database, &create.name, rights, &Actor::system(), now_ms, expires_ms).await?;
            // First of all: nobody can be told of it a second time.
            commands::print(&secret.text)?;
            commands::administered(&database, format!("token:{}", create.name), "create").await?;
        }
        Act::List => list(&database, now_ms).await?,
        Act::Revoke { token } => revoke(&database, &token, now_ms).await?,
    }
    database.close().await;
    Ok(())
}

async fn list(database: &Database, now_ms: i64) -> anyhow::Result<()> {
    let rows: Vec<Vec<String>> = tokens::list(database)
        .await?
        .into_iter()
        .map(|token| {
            let state = match (token.revoked_ms, token.expires_ms) {
                (Some(_), _) => "revoked".to_owned(),
                (None, Some(expires_ms)) if expires_ms <= now_ms => "expired".to_owned(),
                (None, Some(expires_ms)) => format!("until {}", clock::rfc3339(expires_ms)),
                (None, None) => "valid".to_owned(),
            };
            let facilities = match token.facilities {
                Facilities::All => "all".to_owned(),
                Facilities::Only(codes) => codes.join(" "),
            };
            let used = token.last_used_ms.map_or_else(|| "never".to_owned(), clock::rfc3339);
            vec![token.id.to_string(), token.name, token.role.as_str().to_owned(), facilities, state, used]
        })
        .collect();
    commands::print(&commands::table(&["number", "name", "role", "facilities", "state", "last used"], &rows))
}

async fn revoke(database: &Database, wanted: &str, now_ms: i64) -> anyhow::Result<()> {
    let mut matching = tokens::list(database).await?.into_iter().filter(|token| {
        token.revoked_ms.is_none() && (token.name == wanted || token.id.to_string() == wanted)
    });
    let Some(token) = matching.next() else { bail!("there is no valid token {wanted}") };
    if matching.next().is_some() {
        bail!("more than one token is called {wanted}; give the number that `sen token list` shows");
    }
    tokens::revoke(database, token.id, now_ms).await?;
    commands::administered(database, format!("token:{}", token.name), "revoke").await
}
