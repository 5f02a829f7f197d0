//! The other PACS: one association for all that is asked of it, opened again when it has ended.

use std::collections::{BTreeMap, BTreeSet};

use pacs_core::dataset::DataSet;
use pacs_core::uid::{AeTitle, Uid};
use pacs_core::why::Why;
use pacs_core::{tags, uids};
use storage::database::Database;
use storage::intake::migration::{Day, Settings};
use storage::intake::{self, IntakeId, NotTaken};

use super::study::PullError;
use crate::dimse::Status;
use crate::scu::{Association, Error, Options, Outcome, Proposal, Target};

/// Studies of a day that are held in memory; no hospital makes as many.
const STUDIES_OF_A_DAY: usize = 100_000;
/// Studies of which it is looked up at once whether they were asked for.
const AT_ONCE: usize = 500;
const FIND: &str = uids::STUDY_ROOT_QUERY_RETRIEVE_INFORMATION_MODEL_FIND;
const MOVE: &str = uids::STUDY_ROOT_QUERY_RETRIEVE_INFORMATION_MODEL_MOVE;

/// A study as the peer tells of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    pub uid: Uid,
    /// Instances that it counts, when it says so.
    pub instances: Option<u64>,
}

/// What a peer lists of a day, or when it is asked without one.
#[derive(Debug, Default)]
pub(super) struct Listed {
    pub studies: Vec<Found>,
    /// How many have no Study Instance UID that is one.
    pub without_uid: u64,
    /// Dates that nobody wants, with how many studies have each.
    pub unwanted: BTreeMap<Day, u64>,
    /// When it was asked without a day and has listed everything, the days of which it lists studies, none of them
    /// without a UID.
    pub days: BTreeSet<Day>,
}

impl Listed {
    fn add(&mut self, answer: &DataSet) {
        match Found::read(answer) {
            Some(found) => self.studies.push(found),
            None => self.without_uid += 1,
        }
    }
}

impl Found {
    /// `None` without a Study Instance UID that is one.
    fn read(answer: &DataSet) -> Option<Self> {
        let uid = answer.uid(tags::STUDY_INSTANCE_UID)?.ok()?;
        let instances = answer.text(tags::NUMBER_OF_STUDY_RELATED_INSTANCES);
        Some(Self { uid, instances: instances.and_then(|text| text.trim().parse().ok()) })
    }
}

/// A migration as far as it has come.
pub(super) struct Known<'a> {
    pub database: &'a Database,
    pub id: IntakeId,
    pub settings: &'a Settings,
}

impl Known<'_> {
    /// Those that were not asked for with their day, since the peer has got them after that, or has got more of them.
    async fn passed_by(&self, studies: Vec<Found>) -> storage::Result<Vec<Found>> {
        let uids: Vec<Uid> = studies.iter().map(|found| found.uid.clone()).collect();
        let asked = intake::asked_of(self.database, self.id, &uids).await?;
        let is_known = |found: &Found| {
            // What did not come when it was asked for is told of.
            asked.get(&found.uid).is_some_and(|asked| found.instances <= asked.expected)
        };
        Ok(studies.into_iter().filter(|found| !is_known(found)).collect())
    }
}

/// What is to be done with a study that is listed when no day is asked for: then everything matches.
#[derive(Debug, PartialEq, Eq)]
enum Dated {
    /// Of a day that is asked for by itself: the peer may have got it after that.
    OfADay(Day),
    /// Without a date, with one that no day matches, or with one that nobody has said to leave out.
    Wanted,
    Unwanted(Day),
}

impl Dated {
    fn of(date: Option<&str>, settings: &Settings) -> Self {
        let date = date.map(str::trim).unwrap_or_default();
        let Some(day) = Day::parse(date) else { return Self::Wanted };
        let is_left_out =
            day < settings.from && !settings.takes_older || day > settings.until && !settings.takes_newer;
        let is_within = (settings.from..=settings.until).contains(&day);
        match is_left_out {
            true => Self::Unwanted(day),
            // In another form it does not match a day.
            false if is_within && day.to_string() == date => Self::OfADay(day),
            false => Self::Wanted,
        }
    }
}

/// What a peer answers when it is asked for the studies of a day.
pub(super) enum Answer {
    Studies(Listed),
    /// It does not say, and why.
    Refused(Why),
}

pub(super) struct Peer {
    target: Target,
    options: Options,
    association: Option<Association>,
}

impl Peer {
    pub fn new(target: Target, options: Options) -> Self {
        Self { target, options, association: None }
    }

    /// The studies of a day; for `None` those that no day has, and those that have come since their day was asked for.
    /// Fails when the peer is away or does not speak any more.
    pub async fn studies(&mut self, day: Option<Day>, known: &Known<'_>) -> Result<Answer, PullError> {
        let answer = match self.association().await {
            Ok(association) => ask(association, day, known).await,
            Err(error) => Err(error.into()),
        };
        // After a refusal more answers may be on their way.
        if !matches!(answer, Ok(Answer::Studies(_))) {
            self.give_up().await;
        }
        answer
    }

    /// Has a study sent to `destination`; what came of it.
    pub async fn send_study(&mut self, study: &Uid, destination: &AeTitle) -> Result<Outcome, Error> {
        let class = class(MOVE)?;
        let mut keys = DataSet::new();
        keys.put_text(tags::QUERY_RETRIEVE_LEVEL, "STUDY");
        keys.put_uid(tags::STUDY_INSTANCE_UID, study);
        let moved = match self.association().await {
            Ok(association) => association.move_to(&class, destination, &keys).await,
            Err(error) => Err(error),
        };
        if moved.is_err() {
            self.give_up().await;
        }
        moved
    }

    /// Ends what is open in order.
    pub async fn leave(&mut self) {
        if let Some(association) = self.association.take()
            && let Err(error) = association.release().await
        {
            tracing::debug!(%error, "the other archive did not answer the release");
        }
    }

    async fn give_up(&mut self) {
        if let Some(association) = self.association.take() {
            association.abort().await;
        }
    }

    async fn association(&mut self) -> Result<&mut Association, Error> {
        let association = match self.association.take() {
            Some(association) => association,
            None => {
                let syntaxes = [uids::EXPLICIT_VR_LITTLE_ENDIAN, uids::IMPLICIT_VR_LITTLE_ENDIAN];
                let syntaxes: Vec<Uid> = syntaxes.iter().filter_map(|uid| Uid::parse(uid).ok()).collect();
                let proposals =
                    [class(FIND)?, class(MOVE)?].map(|class| Proposal::new(class, syntaxes.clone()));
                Association::connect(&self.target, &proposals, &self.options).await?
            }
        };
        Ok(self.association.insert(association))
    }
}

async fn ask(
    association: &mut Association,
    day: Option<Day>,
    known: &Known<'_>,
) -> Result<Answer, PullError> {
    let mut keys = DataSet::new();
    keys.put_text(tags::QUERY_RETRIEVE_LEVEL, "STUDY");
    keys.put_text(tags::STUDY_DATE, &day.map(|day| day.to_string()).unwrap_or_default());
    keys.put_text(tags::STUDY_INSTANCE_UID, "");
    keys.put_text(tags::NUMBER_OF_STUDY_RELATED_INSTANCES, "");
    let mut answers = association.find(&class(FIND)?, &keys).await?;
    let mut listed = Listed::default();
    let mut of_days = Vec::new();
    let mut nameless = BTreeSet::new();
    while let Some(answer) = answers.next().await? {
        let dated = match day {
            Some(_) => Dated::Wanted,
            None => Dated::of(answer.text(tags::STUDY_DATE).as_deref(), known.settings),
        };
        match dated {
            Dated::OfADay(day) => match Found::read(&answer) {
                Some(found) => {
                    of_days.push(found);
                    listed.days.insert(day);
                }
                // It was told of with its day, or that day was not listed.
                None => drop(nameless.insert(day)),
            },
            Dated::Wanted => listed.add(&answer),
            Dated::Unwanted(day) => *listed.unwanted.entry(day).or_default() += 1,
        }
        if of_days.len() == AT_ONCE {
            listed.studies.extend(known.passed_by(std::mem::take(&mut of_days)).await?);
        }
        if listed.studies.len() >= STUDIES_OF_A_DAY || listed.unwanted.len() >= STUDIES_OF_A_DAY {
            let of = if day.is_some() { "of this day" } else { "that are still to be asked for" };
            let why = format!("it lists {STUDIES_OF_A_DAY} studies, or dates of studies, and more {of}");
            let why = NotTaken::TooManyStudies.because(why).with("most", STUDIES_OF_A_DAY);
            return Ok(Answer::Refused(why));
        }
    }
    if !of_days.is_empty() {
        listed.studies.extend(known.passed_by(of_days).await?);
    }
    match answers.status() {
        status if status.is_failure() => {
            let why = NotTaken::DayRefused.because(format_args!("the query was answered {status}"));
            Ok(Answer::Refused(why.answered(status.0)))
        }
        status => {
            // After a warning there may be more.
            listed.days.retain(|day| status == Status::SUCCESS && !nameless.contains(day));
            Ok(Answer::Studies(listed))
        }
    }
}

fn class(uid: &str) -> Result<Uid, Error> {
    Uid::parse(uid).map_err(|_| Error::NoContext)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_study_is_left_out_for_its_date_unless_somebody_said_so() {
        let day = |text| Day::parse(text).unwrap();
        let all = Settings {
            from: day("19900101"),
            until: day("20261128"),
            takes_older: true,
            takes_newer: true,
            bytes_per_second: 0,
            hours: None,
        };
        let some = Settings { takes_older: false, takes_newer: false, ..all };
        for (date, of_all, of_some) in [
            (Some("20190501"), Dated::OfADay(day("20190501")), Dated::OfADay(day("20190501"))),
            (Some("19900101 "), Dated::OfADay(day("19900101")), Dated::OfADay(day("19900101"))),
            (Some("20261128"), Dated::OfADay(day("20261128")), Dated::OfADay(day("20261128"))),
            (Some("19700101"), Dated::Wanted, Dated::Unwanted(day("19700101"))),
            (Some("20310101"), Dated::Wanted, Dated::Unwanted(day("20310101"))),
            (Some("2031.01.01"), Dated::Wanted, Dated::Unwanted(day("20310101"))),
            (Some("2019.05.01"), Dated::Wanted, Dated::Wanted),
            (Some("00000000"), Dated::Wanted, Dated::Wanted),
            (Some("20190501\\20190502"), Dated::Wanted, Dated::Wanted),
            (Some(""), Dated::Wanted, Dated::Wanted),
            (None, Dated::Wanted, Dated::Wanted),
        ] {
            assert_eq!(Dated::of(date, &all), of_all, "{date:?}");
            assert_eq!(Dated::of(date, &some), of_some, "{date:?}");
        }
    }
}
