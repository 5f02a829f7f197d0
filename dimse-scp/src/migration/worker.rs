//! The worker that goes on with migrations, one at a time, for as long as the server runs.

use std::time::Duration;

use pacs_core::uid::AeTitle;
use storage::devices;
use storage::index::facilities;
use storage::intake::migration::{Day, Settings, Source};
use storage::intake::{self, Asked, Counts, Intake, Kind};
use storage::pace::Pace;

use super::peer::{Found, Peer};
use super::study::{self, PullError, Pulled};
use crate::config::Timeouts;
use crate::listener::Shared;
use crate::scu::{self, Options, Target};

/// How often it is looked for one.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// The first and the longest wait for a peer that is away.
const FIRST_WAIT: Duration = Duration::from_secs(2);
const LONGEST_WAIT: Duration = Duration::from_secs(300);
/// How often a study is asked for that ends the association each time.
const TRIES: u32 = 3;
/// Many archives say nothing until a whole study is sent.
const RESPONSE: Duration = Duration::from_secs(3600);
/// The position behind all days: the studies that have no date.
const UNDATED: &str = "undated";

/// Goes on until the server stops; what is under way then is gone on with by the next start.
pub(crate) async fn run(shared: Shared) {
    let stopping = shared.stopping.clone();
    let database = shared.archive.database();
    let mut wait = FIRST_WAIT;
    loop {
        let turn = async {
            let Some(intake) = intake::for_server(database, Kind::Migration).await? else {
                return Ok::<_, PullError>(LOOK_EVERY);
            };
            match migrate(&shared, &intake).await {
                Ok(()) => {
                    wait = FIRST_WAIT;
                    Ok(LOOK_EVERY)
                }
                // Somebody has stopped it.
                Err(Stop::Error(PullError::Rows(storage::Error::Conflict(_)))) => Ok(LOOK_EVERY),
                Err(Stop::Error(error)) => {
                    wait = (wait * 2).min(LONGEST_WAIT);
                    let why = format!("{error}; tried again in {} seconds", wait.as_secs());
                    tracing::warn!(why, "a migration waits");
                    let now_ms = shared.archive.config().clock.now_ms();
                    intake::note(database, intake.id, Some(&why), now_ms).await?;
                    Ok(wait)
                }
                Err(Stop::Wrong(why)) => {
                    let now_ms = shared.archive.config().clock.now_ms();
                    intake::note(database, intake.id, Some(&why), now_ms).await?;
                    Ok(LONGEST_WAIT.min(Duration::from_secs(30)))
                }
            }
        };
        let pause = match stopping.run_until_cancelled(turn).await {
            None => return,
            Some(Ok(pause)) => pause,
            Some(Err(error)) => {
                tracing::warn!(%error, "migrations cannot be looked for");
                LONGEST_WAIT
            }
        };
        if stopping.run_until_cancelled(tokio::time::sleep(pause)).await.is_none() {
            return;
        }
    }
}

/// Why a migration does not go on just now.
enum Stop {
    Error(PullError),
    /// Nothing will change unless somebody does something.
    Wrong(String),
}

impl<E: Into<PullError>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Error(error.into())
    }
}

/// A migration under way.
struct Migration<'a> {
    shared: &'a Shared,
    intake: &'a Intake,
    settings: Settings,
    destination: AeTitle,
    peer: Peer,
    pace: Pace,
    /// Of the wall that its hours are on.
    zone: String,
}

async fn migrate(shared: &Shared, intake: &Intake) -> Result<(), Stop> {
    let mut migration = open(shared, intake).await?;
    let mut day = match intake.position.as_deref() {
        Some(UNDATED) => None,
        Some(position) => {
            Some(Day::parse(position).ok_or_else(|| Stop::Wrong("its position is no day".to_owned()))?)
        }
        None => Some(migration.settings.until),
    };
    while let Some(now) = day.filter(|day| *day >= migration.settings.from) {
        migration.take(Some(now)).await?;
        day = now.before();
        let position = day.map_or_else(|| UNDATED.to_owned(), |day| day.to_string());
        migration.reached(&position).await?;
    }
    migration.reached(UNDATED).await?;
    migration.take(None).await?;
    migration.peer.leave().await;
    intake::done(shared.archive.database(), intake.id, migration.now_ms()).await?;
    tracing::info!("a migration has come to its end");
    Ok(())
}

async fn open<'a>(shared: &'a Shared, intake: &'a Intake) -> Result<Migration<'a>, Stop> {
    let database = shared.archive.database();
    let unreadable = |_| Stop::Wrong("it was noted by another version of the program".to_owned());
    let source = Source::of(intake).map_err(unreadable)?;
    let settings = Settings::of(intake).map_err(unreadable)?;
    let ae_title = &source.ae_title;
    let device = devices::by_ae(database, ae_title).await?;
    let device = device.ok_or_else(|| Stop::Wrong(format!("{ae_title} is not a configured device")))?;
    let (Some(host), Some(port)) = (&device.host, device.port) else {
        return Err(Stop::Wrong(format!("the device {ae_title} has no address")));
    };
    let Some((destination, _)) = shared.config.ae_titles.first().cloned() else {
        return Err(Stop::Wrong("this archive has no AE title".to_owned()));
    };
    let target = Target {
        address: scu::address(host, port),
        calling_ae: destination.clone(),
        called_ae: source.ae_title.clone(),
    };
    let timeouts = Timeouts { response: RESPONSE, ..shared.config.timeouts };
    let options = shared.options_for(&device).map_err(|why| Stop::Wrong(format!("{ae_title}: {why}")))?;
    let options = Options { timeouts, ..options };
    let default = &shared.archive.config().default_facility;
    Ok(Migration {
        shared,
        intake,
        settings,
        destination,
        peer: Peer::new(target, options),
        pace: Pace::per_second(settings.bytes_per_second),
        zone: facilities::time_zone(database, default).await?,
    })
}

impl Migration<'_> {
    fn now_ms(&self) -> i64 {
        self.shared.archive.config().clock.now_ms()
    }

    /// Pulls what there is of a day.
    async fn take(&mut self, day: Option<Day>) -> Result<(), Stop> {
        self.wait_for_hours().await?;
        let database = self.shared.archive.database();
        for found in self.peer.studies(day).await? {
            let asked = intake::asked(database, self.intake.id, &found.uid).await?;
            let is_done = |asked: Asked| {
                let expected = found.instances.or(asked.expected);
                expected.is_some_and(|expected| asked.arrived >= expected)
            };
            if asked.is_some_and(is_done) {
                continue;
            }
            self.wait_for_hours().await?;
            let pulled = self.pull(&found).await?;
            let reason = pulled.reason.as_deref();
            if let Some(reason) = reason {
                tracing::warn!(study = %found.uid, reason, "a study was not taken whole");
            }
            let noted = (&pulled.counts, reason);
            intake::note_study(database, self.intake.id, &found.uid, pulled.asked, noted, self.now_ms())
                .await?;
            self.pace.passed(pulled.counts.bytes).await;
        }
        Ok(())
    }

    /// Pulls a study. One that ends the association each time is told of and passed over, when the peer answers else.
    async fn pull(&mut self, found: &Found) -> Result<Pulled, Stop> {
        let database = self.shared.archive.database();
        let mut tries = 0;
        loop {
            tries += 1;
            match study::pull(database, &mut self.peer, found, &self.destination).await {
                Ok(pulled) => return Ok(pulled),
                Err(PullError::Peer(error @ scu::Error::Ended(_))) if tries >= TRIES => {
                    let (arrived, _) = intake::held(database, &found.uid).await?;
                    let asked = Asked { expected: found.instances, arrived };
                    let failed = found.instances.map_or(1, |expected| expected.saturating_sub(arrived));
                    let counts = Counts { failed, ..Counts::default() };
                    return Ok(Pulled { asked, counts, reason: Some(error.to_string()) });
                }
                Err(PullError::Peer(scu::Error::Ended(_))) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    async fn wait_for_hours(&mut self) -> Result<(), Stop> {
        let Some(hours) = self.settings.hours else { return Ok(()) };
        while let Some(wait) = hours.wait(self.now_ms(), &facilities::zone(&self.zone)) {
            self.peer.leave().await;
            // Looked at again now and then: somebody may stop it, or change its hours.
            let database = self.shared.archive.database();
            let now = intake::by_id(database, self.intake.id).await?;
            if now.state != intake::State::Running || now.settings != self.intake.settings {
                return Err(storage::Error::Conflict("it was stopped or changed".to_owned()).into());
            }
            intake::note(database, self.intake.id, Some("waits for its hours"), self.now_ms()).await?;
            tokio::time::sleep(wait.min(Duration::from_secs(20))).await;
        }
        Ok(())
    }

    async fn reached(&self, position: &str) -> Result<(), Stop> {
        let database = self.shared.archive.database();
        let nothing = Counts::default();
        Ok(intake::advance(database, self.intake.id, position, &nothing, &[], self.now_ms()).await?)
    }
}
