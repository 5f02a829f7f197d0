//! `sen user`: accounts of people.

use std::io::{BufRead as _, IsTerminal as _};

use anyhow::{Context as _, bail};
use clap::{Args as ClapArgs, Subcommand};
use pacs_core::access::{Facilities, Role};
use pacs_core::clock::Clock;
use storage::accounts::{self, NewAccount};
use storage::database::Database;

use crate::commands::{self, Global};
use crate::http::sign_in::hash_password;
use crate::lifecycle;

/// Shorter passwords are guessed.
const LEAST_PASSWORD_CHARS: usize = 10;

/// What `sen user` takes.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Passwords come from a prompt, or as the first line of standard input:

    sen user add lan --role radiographer --facility BVTW < password.txt

Changes count at once, also for a running server.")]
pub struct Args {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// Add an account
    Add(Add),
    /// List accounts
    List,
    /// Set a new password; open sessions of the account end
    Password {
        /// Account name
        name: String,
    },
    /// Take an account away: it can no longer sign in. Its name stays in the history and is not given again
    Remove {
        /// Account name
        name: String,
    },
}

#[derive(Debug, ClapArgs)]
struct Add {
    /// Account name, as typed at sign-in
    #[arg(value_parser = account_name)]
    name: String,

    /// What it may do
    #[arg(long, value_parser = commands::role())]
    role: Role,

    /// Name to show [default: the account name]
    #[arg(long)]
    display_name: Option<String>,

    /// Facility it works for; may be given more than once [default: all]
    #[arg(long = "facility", value_name = "CODE")]
    facilities: Vec<String>,
}

fn account_name(text: &str) -> Result<String, String> {
    let is_usable = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '@');
    match (1..=64).contains(&text.chars().count()) && text.chars().all(is_usable) {
        true => Ok(text.to_owned()),
        false => Err("letters, digits and . _ - @, 64 at most".to_owned()),
    }
}

/// Adds, lists, changes or removes.
pub async fn run(args: Args, global: &Global) -> anyhow::Result<()> {
    let config = global.load()?;
    let database = lifecycle::open_database(&config).await?;
    match args.act {
        Act::Add(add) => {
            let account = NewAccount {
                display_name: add.display_name.unwrap_or_else(|| add.name.clone()),
                name: add.name,
                role: add.role,
                facilities: commands::facilities(add.facilities),
                password_hash: Some(ask_password()?),
            };
            accounts::create(&database, &account, Clock::system().now_ms()).await?;
            administered(&database, &account.name, "add").await?;
        }
        Act::List => list(&database).await?,
        Act::Password { name } => {
            existing(&database, &name).await?;
            accounts::set_password(&database, &name, &ask_password()?).await?;
            administered(&database, &name, "password").await?;
        }
        Act::Remove { name } => {
            existing(&database, &name).await?;
            accounts::set_disabled(&database, &name, true).await?;
            administered(&database, &name, "remove").await?;
        }
    }
    database.close().await;
    Ok(())
}

async fn administered(database: &Database, name: &str, what: &str) -> anyhow::Result<()> {
    commands::administered(database, format!("account:{name}"), what).await
}

async fn existing(database: &Database, name: &str) -> anyhow::Result<()> {
    match accounts::by_name(database, name).await? {
        Some(account) if !account.disabled => Ok(()),
        Some(_) => bail!("the account {name} was removed"),
        None => bail!("there is no account {name}"),
    }
}

async fn list(database: &Database) -> anyhow::Result<()> {
    let rows: Vec<Vec<String>> = accounts::list(database)
        .await?
        .into_iter()
        .filter(|account| !account.disabled)
        .map(|account| {
            let facilities = match account.facilities {
                Facilities::All => "all".to_owned(),
                Facilities::Only(codes) => codes.join(" "),
            };
            vec![account.name, account.role.as_str().to_owned(), facilities, account.display_name]
        })
        .collect();
    commands::print(&commands::table(&["name", "role", "facilities", "display name"], &rows))
}

/// The hash of a password from the prompt, typed twice, or of the first line of standard input.
fn ask_password() -> anyhow::Result<String> {
    let password = if std::io::stdin().is_terminal() {
        let password = rpassword::prompt_password("Password: ").context("no password was typed")?;
        if rpassword::prompt_password("Again: ").context("no password was typed")? != password {
            bail!("the two passwords differ");
        }
        password
    } else {
        let mut line = String::new();
        std::io::stdin().lock().read_line(&mut line).context("no password on standard input")?;
        line.trim_end_matches(['\r', '\n']).to_owned()
    };
    if password.chars().count() < LEAST_PASSWORD_CHARS {
        bail!("a password needs at least {LEAST_PASSWORD_CHARS} characters");
    }
    hash_password(&password)
}
