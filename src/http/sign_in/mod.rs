//! Sign-in: who a request comes from, by session cookie, bearer token or HTTP Basic.
//!
//! The layer [`authenticate`] puts the [`Actor`] into every request it can name one for; the doors
//! refuse those that have none. Wrong credentials are refused here.

mod cache;
mod credentials;
mod named_users;
mod passwords;
pub mod session;
mod throttle;

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::WWW_AUTHENTICATE;
use http::{HeaderValue, StatusCode};
use pacs_core::access::{Actor, Facilities, Role};
use pacs_core::audit::{AuditAct, AuditRecord, Outcome};
use pacs_core::clock::Clock;
use sha2::{Digest as _, Sha256};
use storage::Archive;
use storage::accounts::{self, Account, sessions, tokens};
use storage::audit_log::AuditLog;
use storage::database::Database;

use self::cache::{Cache, Fingerprint};
use self::credentials::Credential;
use self::passwords::{Passwords, Turn};
use self::throttle::{Attempt, Throttle};
use super::client::Client;
use super::problem::Problem;
use super::request_log::SignedIn;
use crate::config::SignIn;

pub use named_users::users as named_users;
pub use passwords::hash_password;

/// A password of HTTP Basic is not checked again for so long, while it stays the account's.
const PASSWORD_CACHE_MS: i64 = 5 * 60_000;
/// A token, session or account that another process took away is refused after so long at the latest.
const SECRET_CACHE_MS: i64 = 5_000;
/// Names of accounts are no longer.
const LONGEST_NAME_CHARS: usize = 64;

/// Everything sign-in needs; one for the process.
pub struct Gate {
    database: Database,
    audit_log: AuditLog,
    clock: Clock,
    mode: SignIn,
    default_facility: String,
    passwords: Passwords,
    throttle: Throttle,
    cache: Cache,
    /// Mixed into the fingerprints of passwords, which are short enough to guess.
    pepper: [u8; 32],
}

impl Gate {
    /// A gate over the accounts of an archive.
    pub fn new(archive: &Archive, audit_log: AuditLog, clock: Clock, mode: SignIn) -> Arc<Self> {
        Arc::new(Self {
            database: archive.database().clone(),
            audit_log,
            clock,
            mode,
            default_facility: archive.config().default_facility.clone(),
            passwords: Passwords::default(),
            throttle: Throttle::default(),
            cache: Cache::default(),
            pepper: rand::random(),
        })
    }

    async fn actor(&self, credential: Credential, address: IpAddr) -> Result<Option<Actor>, Problem> {
        match credential {
            Credential::Token(token) => self.by_token(&token).await?.map(Some).ok_or(Problem::Unauthorized),
            // A session that has ended is nobody, not an error: the pages show the sign-in form.
            Credential::Session(secret) => self.by_session(&secret).await,
            Credential::Password { user, password } => {
                self.by_password(user, password, address).await.map(Some)
            }
            Credential::Unusable => Err(Problem::Unauthorized),
        }
    }

    async fn by_token(&self, token: &str) -> Result<Option<Actor>, Problem> {
        let (fingerprint, now_ms) = (fingerprint(&[token.as_bytes()]), self.clock.now_ms());
        if let Some(actor) = self.cache.get(&fingerprint, now_ms) {
            return Ok(Some(actor));
        }
        let found =
            tokens::bearer(&self.database, token, now_ms).await.map_err(problem)?.map(|token| token.actor());
        if let Some(actor) = &found {
            self.cache.put(fingerprint, actor.clone(), now_ms, SECRET_CACHE_MS);
        }
        Ok(found)
    }

    async fn by_session(&self, secret: &str) -> Result<Option<Actor>, Problem> {
        let (fingerprint, now_ms) = (fingerprint(&[secret.as_bytes()]), self.clock.now_ms());
        if let Some(actor) = self.cache.get(&fingerprint, now_ms) {
            return Ok(Some(actor));
        }
        let found = sessions::account(&self.database, secret, now_ms).await.map_err(problem)?;
        let found = found.map(|account| account.actor());
        if let Some(actor) = &found {
            self.cache.put(fingerprint, actor.clone(), now_ms, SECRET_CACHE_MS);
        }
        Ok(found)
    }

    /// The actor of HTTP Basic. Within seconds of a right answer nothing is asked again; within
    /// minutes the account is, and the password only when the account has another one now.
    async fn by_password(&self, user: String, password: String, address: IpAddr) -> Result<Actor, Problem> {
        let lately = self.guess(&user, &password, None);
        if let Some(actor) = self.cache.get(&lately, self.clock.now_ms()) {
            return Ok(actor);
        }
        let account = self.account(&user).await?;
        let guess = self.guess(&user, &password, account.as_ref());
        let known = |gate: &Self| gate.cache.get(&guess, gate.clock.now_ms()).is_some();
        let account = match account {
            Some(account) if known(self) => account,
            account => {
                let turn = self.turn().await?;
                match account {
                    // Viewers ask for many things at once: whoever came first has been answered.
                    Some(account) if known(self) => account,
                    account => {
                        let account = self.check_password(turn, &user, password, account, address).await?;
                        self.cache.put(guess, account.actor(), self.clock.now_ms(), PASSWORD_CACHE_MS);
                        account
                    }
                }
            }
        };
        let actor = account.actor();
        self.cache.put(lately, actor.clone(), self.clock.now_ms(), SECRET_CACHE_MS);
        Ok(actor)
    }

    async fn turn(&self) -> Result<Turn, Problem> {
        self.passwords.turn().await.ok_or(Problem::Unavailable)
    }

    /// The account of a name that may sign in.
    async fn account(&self, user: &str) -> Result<Option<Account>, Problem> {
        let account = accounts::by_name(&self.database, user).await.map_err(problem)?;
        Ok(account.filter(|account| !account.disabled))
    }

    /// What the cache and the throttle know a name and a password by; with the account, also the
    /// password that it has now.
    fn guess(&self, user: &str, password: &str, account: Option<&Account>) -> Fingerprint {
        let hash = account.and_then(|account| account.password_hash.as_deref()).unwrap_or_default();
        fingerprint(&[&self.pepper, user.as_bytes(), b"\0", password.as_bytes(), b"\0", hash.as_bytes()])
    }

    /// The account if the password is its. Failures are slowed and audited. Whoever has no turn yet has
    /// not been looked at, so guesses that come all at once are slowed like those that come one by one.
    async fn check_password(
        &self,
        turn: Turn,
        user: &str,
        password: String,
        account: Option<Account>,
        address: IpAddr,
    ) -> Result<Account, Problem> {
        let guess = self.guess(user, &password, account.as_ref());
        // What is remembered and recorded of a name that is none is bounded.
        let name: String = user.chars().take(LONGEST_NAME_CHARS).collect();
        match self.throttle.attempt(&name, address, &guess, self.clock.now_ms()) {
            Attempt::Check => {}
            Attempt::KnownWrong => return Err(Problem::Unauthorized),
            Attempt::Wait(wait) => {
                return Err(Problem::TooManyAttempts { retry_after_s: wait.as_secs() + 1 });
            }
        }
        let hash = account.as_ref().and_then(|account| account.password_hash.clone());
        let is_right = turn.check(password, hash).await;
        match account.filter(|_| is_right) {
            Some(account) => {
                self.throttle.succeeded(&name);
                Ok(account)
            }
            None => {
                self.throttle.failed(&name, address, guess, self.clock.now_ms());
                metrics::counter!("sen_sign_in_failures_total").increment(1);
                tracing::warn!(peer = %address, "sign-in refused");
                self.audit(&name, AuditAct::SignIn, Outcome::Refused, address).await;
                Err(Problem::Unauthorized)
            }
        }
    }

    async fn audit(&self, actor: &str, act: AuditAct, outcome: Outcome, address: IpAddr) {
        let record = AuditRecord {
            actor: actor.to_owned(),
            act,
            subject: String::new(),
            outcome,
            peer: Some(address.to_string()),
            detail: None,
        };
        self.audit_log.record(record).await;
    }
}

/// Names the actor of a request, or refuses wrong credentials.
pub async fn authenticate(State(gate): State<Arc<Gate>>, mut request: Request, next: Next) -> Response {
    let Some(address) = request.extensions().get::<Client>().map(|client| client.address) else {
        return Problem::Internal.into_response();
    };
    let found = match (gate.mode, credentials::of(request.headers())) {
        (SignIn::Off, _) => Ok(Some(everybody())),
        (SignIn::Required, None) => Ok(None),
        (SignIn::Required, Some(credential)) => gate.actor(credential, address).await,
    };
    // Browsers say with which purpose they fetch; a challenge would make them ask for a password in
    // a window of their own. Programs need it to know what they may send.
    let is_program = !request.headers().contains_key("sec-fetch-mode");
    let actor = match found {
        Ok(actor) => actor,
        Err(refusal) => return challenged(refusal.into_response(), is_program),
    };
    if let Some(actor) = actor.clone() {
        request.extensions_mut().insert(actor);
    }
    let mut response = next.run(request).await;
    if let Some(actor) = actor {
        response.extensions_mut().insert(SignedIn(actor));
    }
    challenged(response, is_program)
}

fn challenged(mut response: Response, is_program: bool) -> Response {
    if response.status() == StatusCode::UNAUTHORIZED && is_program {
        let challenge =
            HeaderValue::from_static("Bearer realm=\"Sen\", Basic realm=\"Sen\", charset=\"UTF-8\"");
        response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
    }
    response
}

/// Whoever comes when sign-in is off.
fn everybody() -> Actor {
    Actor {
        id: "user:admin".to_owned(),
        name: "admin".to_owned(),
        role: Role::Administrator,
        facilities: Facilities::All,
    }
}

/// What the cache knows a credential by.
fn fingerprint(parts: &[&[u8]]) -> Fingerprint {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize().into()
}

fn problem(error: storage::Error) -> Problem {
    match error {
        storage::Error::Unavailable(_) => Problem::Unavailable,
        error => {
            tracing::error!(%error, "sign-in failed");
            Problem::Internal
        }
    }
}
