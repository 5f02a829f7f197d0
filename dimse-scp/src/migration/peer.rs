//! The other PACS: one association for all that is asked of it, opened again when it has ended.

use pacs_core::dataset::DataSet;
use pacs_core::uid::{AeTitle, Uid};
use pacs_core::why::Why;
use pacs_core::{tags, uids};
use storage::intake::NotTaken;
use storage::intake::migration::Day;

use crate::scu::{Association, Error, Options, Outcome, Proposal, Target};

/// Studies of a day that are held in memory; no hospital makes as many.
const STUDIES_OF_A_DAY: usize = 100_000;
const FIND: &str = uids::STUDY_ROOT_QUERY_RETRIEVE_INFORMATION_MODEL_FIND;
const MOVE: &str = uids::STUDY_ROOT_QUERY_RETRIEVE_INFORMATION_MODEL_MOVE;

/// A study as the peer tells of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    pub uid: Uid,
    /// Instances that it counts, when it says so.
    pub instances: Option<u64>,
}

/// What a peer answers when it is asked for the studies of a day.
pub(super) enum Answer {
    Studies(Vec<Found>),
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

    /// The studies of a day; those without a date for `None`. Fails when the peer is away or does not speak any more.
    pub async fn studies(&mut self, day: Option<Day>) -> Result<Answer, Error> {
        let answer = match self.association().await {
            Ok(association) => ask(association, day).await,
            Err(error) => Err(error),
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

async fn ask(association: &mut Association, day: Option<Day>) -> Result<Answer, Error> {
    let mut keys = DataSet::new();
    keys.put_text(tags::QUERY_RETRIEVE_LEVEL, "STUDY");
    keys.put_text(tags::STUDY_DATE, &day.map(|day| day.to_string()).unwrap_or_default());
    keys.put_text(tags::STUDY_INSTANCE_UID, "");
    keys.put_text(tags::NUMBER_OF_STUDY_RELATED_INSTANCES, "");
    let mut answers = association.find(&class(FIND)?, &keys).await?;
    let mut found = Vec::new();
    while let Some(answer) = answers.next().await? {
        // Without a date everything matches: what has one was asked for with it.
        if day.is_none() && answer.text(tags::STUDY_DATE).is_some_and(|date| !date.trim().is_empty()) {
            continue;
        }
        let Some(Ok(uid)) = answer.uid(tags::STUDY_INSTANCE_UID) else { continue };
        let instances = answer.text(tags::NUMBER_OF_STUDY_RELATED_INSTANCES);
        found.push(Found { uid, instances: instances.and_then(|text| text.trim().parse().ok()) });
        if found.len() >= STUDIES_OF_A_DAY {
            let why = format!("{STUDIES_OF_A_DAY} studies and more, which no day has");
            let why = NotTaken::TooManyStudies.because(why).with("most", STUDIES_OF_A_DAY);
            return Ok(Answer::Refused(why));
        }
    }
    match answers.status() {
        status if status.is_failure() => {
            let why = NotTaken::DayRefused.because(format_args!("the query was answered {status}"));
            Ok(Answer::Refused(why.answered(status.0)))
        }
        _ => Ok(Answer::Studies(found)),
    }
}

fn class(uid: &str) -> Result<Uid, Error> {
    Uid::parse(uid).map_err(|_| Error::NoContext)
}
