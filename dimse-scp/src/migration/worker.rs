//! The worker that goes on with migrations for as long as the server runs.

use std::collections::HashMap;
use std::time::Duration;

use pacs_core::uid::AeTitle;
use pacs_core::why::Why;
use storage::database::Database;
use storage::devices;
use storage::index::facilities;
use storage::intake::migration::{Day, Settings, Source};
use storage::intake::{self, Asked, Counts, Failure, Intake, IntakeId, Kind, NotTaken, Waiting};
use storage::pace::Pace;
use tokio_util::task::AbortOnDropHandle;

use super::peer::{Answer, Found, Known, Listed, Peer};
use super::study::{self, PullError, Pulled};
use crate::cause;
use crate::config::Timeouts;
use crate::listener::Shared;
use crate::scu::{self, Options, Target};

/// How often it is looked for one.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// The first and the longest wait for a peer that is away.
const FIRST_WAIT: Duration = Duration::from_secs(2);
const LONGEST_WAIT: Duration = Duration::from_secs(300);
/// How often it is looked whether somebody has stopped or changed one that waits.
const LOOK_AT_THE_ROW_EVERY: Duration = Duration::from_secs(5);
/// How often a study is asked for that ends the association each time.
const TRIES: u32 = 3;
/// Many archives say nothing until a whole study is sent.
const RESPONSE: Duration = Duration::from_secs(3600);
/// The position behind all days: the studies that no day has.
const UNDATED: &str = "undated";

/// Goes on until the server stops, with each in its own time: one that waits is in nobody's way. What is under way then
/// is gone on with by the next start.
pub(crate) async fn run(shared: Shared) {
    let stopping = shared.stopping.clone();
    let mut under_way: HashMap<IntakeId, AbortOnDropHandle<()>> = HashMap::new();
    loop {
        under_way.retain(|_, task| !task.is_finished());
        match intake::for_server(shared.archive.database(), Kind::Migration).await {
            Ok(all) => {
                for intake in all {
                    under_way.entry(intake.id).or_insert_with(|| {
                        let turns = go_on(shared.clone(), intake.id);
                        AbortOnDropHandle::new(tokio::spawn(turns))
                    });
                }
            }
            Err(error) => tracing::warn!(%error, "migrations cannot be looked for"),
        }
        if stopping.run_until_cancelled(tokio::time::sleep(LOOK_EVERY)).await.is_none() {
            return;
        }
    }
}

/// Goes on with one until it has ended.
async fn go_on(shared: Shared, id: IntakeId) {
    let mut wait = FIRST_WAIT;
    loop {
        let pause = match turn(&shared, id, &mut wait).await {
            Ok(Some(pause)) => pause,
            Ok(None) => return,
            Err(error) => {
                tracing::warn!(%error, "a migration waits for the rows");
                LONGEST_WAIT
            }
        };
        tokio::time::sleep(pause).await;
    }
}

/// One turn: to the end, to a change of its settings, or to something that makes it wait; how long it is to wait then,
/// `None` when it has ended.
async fn turn(shared: &Shared, id: IntakeId, wait: &mut Duration) -> storage::Result<Option<Duration>> {
    let database = shared.archive.database();
    let intake = intake::by_id(database, id).await?;
    if intake.state != intake::State::Running {
        return Ok(None);
    }
    let (why, pause) = match migrate(shared, &intake, wait).await {
        Ok(()) => return Ok(None),
        // Somebody has stopped it, or has given it another rate or other hours.
        Err(Stop::Error(PullError::Rows(storage::Error::Conflict(_)))) => return Ok(Some(LOOK_EVERY)),
        Err(Stop::Error(error)) => {
            *wait = (*wait * 2).min(LONGEST_WAIT);
            let why = waiting(&error, wait.as_secs());
            tracing::warn!(why = why.detail, "a migration waits");
            (why, *wait)
        }
        Err(Stop::Wrong(why)) => (why, LONGEST_WAIT.min(Duration::from_secs(30))),
    };
    let now_ms = shared.archive.config().clock.now_ms();
    intake::note(database, id, Some(&why), now_ms).await?;
    Ok(Some(pause))
}

/// Why a migration does not go on just now.
enum Stop {
    Error(PullError),
    /// Nothing will change unless somebody does something.
    Wrong(Why),
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

/// Why a migration waits until it is tried again.
fn waiting(error: &PullError, seconds: u64) -> Why {
    let word = match error {
        PullError::Rows(error) => return Waiting::of_error(error),
        PullError::Peer(error) => match error {
            scu::Error::Unreachable(_) | scu::Error::Handshake(_) => Waiting::Unreachable,
            scu::Error::Rejected(_) => Waiting::Rejected,
            scu::Error::Ended(_) => Waiting::Broken,
            scu::Error::NoContext => Waiting::NoContext,
            scu::Error::Unreadable(_) | scu::Error::Withheld(_) => Waiting::Unreadable,
        },
    };
    let why = word.because(format_args!("{error}; tried again in {seconds} seconds"));
    let why = why.with("seconds", seconds);
    match error {
        PullError::Peer(error) => why.of(cause::of_error(error)),
        PullError::Rows(_) => why,
    }
}

async fn migrate(shared: &Shared, intake: &Intake, wait: &mut Duration) -> Result<(), Stop> {
    let mut migration = open(shared, intake).await?;
    let mut day = match intake.position.as_deref() {
        Some(UNDATED) => None,
        Some(position) => {
            let unreadable = || Stop::Wrong(Waiting::OtherVersion.because("its position is no day"));
            Some(Day::parse(position).ok_or_else(unreadable)?)
        }
        None => Some(migration.settings.until),
    };
    while let Some(now) = day.filter(|day| *day >= migration.settings.from) {
        let left = migration.take(Some(now)).await?;
        // The peer answers.
        *wait = FIRST_WAIT;
        day = now.before();
        let position = day.map_or_else(|| UNDATED.to_owned(), |day| day.to_string());
        migration.reached(&position, &left).await?;
    }
    migration.reached(UNDATED, &[]).await?;
    let left = migration.take(None).await?;
    migration.reached(UNDATED, &left).await?;
    migration.peer.leave().await;
    intake::done(shared.archive.database(), intake.id, migration.now_ms()).await?;
    tracing::info!("a migration has come to its end");
    Ok(())
}

async fn open<'a>(shared: &'a Shared, intake: &'a Intake) -> Result<Migration<'a>, Stop> {
    let database = shared.archive.database();
    let unreadable =
        |_| Stop::Wrong(Waiting::OtherVersion.because("it was noted by another version of the program"));
    let source = Source::of(intake).map_err(unreadable)?;
    let settings = Settings::of(intake).map_err(unreadable)?;
    let ae_title = &source.ae_title;
    let device = devices::by_ae(database, ae_title).await?;
    let device = device.ok_or_else(|| {
        let why = Waiting::NoDevice.because(format_args!("{ae_title} is not a configured device"));
        Stop::Wrong(why.with("ae", ae_title.as_str()))
    })?;
    let (Some(host), Some(port)) = (&device.host, device.port) else {
        let why = Waiting::NoAddress.because(format_args!("the device {ae_title} has no address"));
        return Err(Stop::Wrong(why.with("ae", ae_title.as_str())));
    };
    let Some((destination, _)) = shared.config.ae_titles.first().cloned() else {
        return Err(Stop::Wrong(Waiting::NoTitle.because("this archive has no AE title")));
    };
    let target = Target {
        address: scu::address(host, port),
        calling_ae: destination.clone(),
        called_ae: source.ae_title.clone(),
    };
    let timeouts = Timeouts { response: RESPONSE, ..shared.config.timeouts };
    let options = shared.options_for(&device).map_err(|why| {
        let why = Waiting::NoCertificate.because(format_args!("{ae_title}: {why}"));
        Stop::Wrong(why.with("ae", ae_title.as_str()))
    })?;
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

    /// Pulls what there is of a day, and for `None` what no day has or had when it was asked for; answers what of it
    /// cannot be asked for.
    async fn take(&mut self, day: Option<Day>) -> Result<Vec<Failure>, Stop> {
        self.wait_for_hours().await?;
        let database = self.shared.archive.database();
        let name = day.map_or_else(|| UNDATED.to_owned(), |day| day.to_string());
        let known = Known { database, id: self.intake.id, settings: &self.settings };
        let listed = match self.peer.studies(day, &known).await? {
            Answer::Studies(listed) => listed,
            Answer::Refused(reason) => {
                tracing::warn!(day = name, why = reason.detail, "a day was not asked for");
                return Ok(vec![Failure { name, skipped: false, reason }]);
            }
        };
        let left = left_out(name, &listed);
        for found in listed.studies {
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
            let reason = pulled.reason.as_ref();
            if let Some(reason) = reason {
                tracing::warn!(study = %found.uid, reason = reason.detail, "a study was not taken whole");
            }
            let noted = (&pulled.counts, reason);
            intake::note_study(database, self.intake.id, &found.uid, pulled.asked, noted, self.now_ms())
                .await?;
            self.pause(pulled.counts.bytes).await?;
        }
        // Among them may have been those of days that were not listed by themselves.
        let days: Vec<String> = listed.days.iter().map(Day::to_string).collect();
        intake::days_made_up(database, self.intake.id, &days, self.now_ms()).await?;
        Ok(left)
    }

    /// Waits as long as its rate says, or until that has changed.
    async fn pause(&mut self, bytes: u64) -> Result<(), Stop> {
        let (database, intake) = (self.shared.archive.database(), self.intake);
        let changing = async {
            loop {
                tokio::time::sleep(LOOK_AT_THE_ROW_EVERY).await;
                if let Err(stop) = unchanged(database, intake).await {
                    return stop;
                }
            }
        };
        tokio::select! {
            () = self.pace.passed(bytes) => Ok(()),
            stop = changing => Err(stop),
        }
    }

    /// Pulls a study. One that ends the association each time is told of and passed over, when the peer answers else.
    async fn pull(&mut self, found: &Found) -> Result<Pulled, Stop> {
        let database = self.shared.archive.database();
        let mut tries = 0;
        // What a try has brought that was broken off is taken, too.
        let (present, _) = intake::held(database, &found.uid).await?;
        loop {
            tries += 1;
            match study::pull(database, &mut self.peer, (found, present), &self.destination).await {
                Ok(pulled) => return Ok(pulled),
                Err(PullError::Peer(error @ scu::Error::Ended(_))) if tries >= TRIES => {
                    let held = intake::held(database, &found.uid).await?;
                    let asked = Asked { expected: found.instances, arrived: held.0 };
                    let missing = found.instances.map_or(0, |expected| expected.saturating_sub(held.0));
                    let counts = Counts { failed: missing.max(1), ..study::come(present, held) };
                    let why = NotTaken::BrokenOff.because(&error).with("tries", TRIES);
                    let reason = Some(why.of(cause::of_error(&error)));
                    return Ok(Pulled { asked, counts, reason });
                }
                Err(PullError::Peer(scu::Error::Ended(_))) => {}
                Err(error) => {
                    self.note_begun(found, present).await?;
                    return Err(error.into());
                }
            }
        }
    }

    /// Notes what has come of a study that is gone on with when the peer answers again, or it would count then as having
    /// been here before.
    async fn note_begun(&self, found: &Found, present: u64) -> Result<(), Stop> {
        let database = self.shared.archive.database();
        let held = intake::held(database, &found.uid).await?;
        if held.0 <= present {
            return Ok(());
        }
        let asked = Asked { expected: found.instances, arrived: held.0 };
        let noted = (&study::come(present, held), None);
        Ok(intake::note_study(database, self.intake.id, &found.uid, asked, noted, self.now_ms()).await?)
    }

    /// Waits for its hours; ends the turn when somebody has stopped it, or changed its settings.
    async fn wait_for_hours(&mut self) -> Result<(), Stop> {
        let database = self.shared.archive.database();
        unchanged(database, self.intake).await?;
        let Some(hours) = self.settings.hours else { return Ok(()) };
        while let Some(wait) = hours.wait(self.now_ms(), &facilities::zone(&self.zone)) {
            self.peer.leave().await;
            let why = Waiting::of_hours(&hours);
            intake::note(database, self.intake.id, Some(&why), self.now_ms()).await?;
            tokio::time::sleep(wait.min(LOOK_AT_THE_ROW_EVERY)).await;
            unchanged(database, self.intake).await?;
        }
        Ok(())
    }

    /// Notes that it has come to a position, and what could not be asked for on the way there.
    async fn reached(&self, position: &str, left: &[Failure]) -> Result<(), Stop> {
        let database = self.shared.archive.database();
        let failed = left.iter().filter(|failure| !failure.skipped).map(Failure::count).sum();
        let counts = Counts { failed, ..Counts::default() };
        let position = Some(position);
        Ok(intake::advance(database, self.intake.id, position, &counts, left, self.now_ms()).await?)
    }
}

/// What a peer lists and nobody asks for: what has no UID to ask with, and what is of another date than was said.
fn left_out(name: String, listed: &Listed) -> Vec<Failure> {
    let mut left = Vec::new();
    let count = listed.without_uid;
    if count > 0 {
        let why = format!("{count} studies are listed without a valid Study Instance UID");
        tracing::warn!(day = name, count, "studies without a valid UID are listed");
        let reason = NotTaken::NoStudyUid.because(why).with("count", count);
        left.push(Failure { name, skipped: false, reason });
    }
    for (day, count) in &listed.unwanted {
        let why = format!("{count} studies have this date, which is outside the days that were asked for");
        let reason = NotTaken::OtherDate.because(why).with("count", *count);
        left.push(Failure { name: day.to_string(), skipped: true, reason });
    }
    left
}

/// [`storage::Error::Conflict`] when somebody has stopped it, or given it another rate or other hours.
async fn unchanged(database: &Database, intake: &Intake) -> Result<(), Stop> {
    let now = intake::by_id(database, intake.id).await?;
    if now.state != intake::State::Running || now.settings != intake.settings {
        return Err(storage::Error::Conflict("it was stopped or changed".to_owned()).into());
    }
    Ok(())
}
