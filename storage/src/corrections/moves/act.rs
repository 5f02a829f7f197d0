//! The act of moving.

use pacs_core::access::{Actor, Scope};
use pacs_core::uid::Uid;
use serde_json::{Value, json};

use super::left::{self, Naming};
use super::{INSTANCES, MERGE, SERIES, SPLIT, Said, obey, settle};
use crate::acts::{self, NewAct};
use crate::archive::Archive;
use crate::corrections::edit;
use crate::database::{Durability, Transaction, params};
use crate::deletion::rows::{Collisions, Locked};
use crate::error::{Error, Result};
use crate::exams::{self, ExamId, linking};
use crate::index::instances::InstancePlace;

/// What somebody wants moved.
#[derive(Debug, Clone)]
pub struct Move<'a> {
    /// The study that the images are in.
    pub from: &'a Uid,
    /// Which of them.
    pub what: What,
    /// Where to.
    pub to: Target,
    /// Why, for the history.
    pub reason: &'a str,
}

/// Which images are moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// All of the study, and what comes for it later.
    All,
    /// These series.
    Series(Vec<Uid>),
    /// These instances of one series, which become a series of their own.
    Instances(Vec<Uid>),
}

impl What {
    /// Whether an instance of the study is among them.
    fn takes(&self, place: &InstancePlace) -> bool {
        match self {
            Self::All => true,
            Self::Series(series) => series.contains(&place.series_uid),
            Self::Instances(instances) => instances.contains(&place.uid),
        }
    }
}

/// Where images are moved to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// This study.
    Study(Uid),
    /// A study that is made for them, of the same patient.
    New,
}

/// What a move has done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    /// The number of the act, by which it is taken back.
    pub act: i64,
    /// The study that the images are in now.
    pub study: Uid,
    /// How many instances of it are shown.
    pub instances: i64,
    /// How many instances are still shown of the study that they have left.
    pub left: i64,
}

impl Archive {
    /// Moves images to another study. [`Error::NotFound`] when anything of it is not there within the scope,
    /// [`Error::Conflict`] when it makes no sense.
    pub async fn move_images(&self, scope: &Scope, actor: &Actor, wanted: &Move<'_>) -> Result<Moved> {
        let mut collisions = Collisions::default();
        let moved = loop {
            let naming = self.naming(wanted.from, |place| wanted.what.takes(place)).await?;
            match self.try_move(scope, actor, wanted, naming.as_ref()).await {
                Err(Error::Conflict(why)) if collisions.again(&why) => {}
                done => break done?,
            }
        };
        self.keep_in_journal().await;
        Ok(moved)
    }

    async fn try_move(
        &self,
        scope: &Scope,
        actor: &Actor,
        wanted: &Move<'_>,
        naming: Option<&Naming>,
    ) -> Result<Moved> {
        let now_ms = self.0.config.clock.now_ms();
        let mut tx = self.0.database.begin(Durability::Synced).await?;
        let (from, to) = lock_both(&mut tx, scope, wanted).await?;
        let mut said = said(&mut tx, &from, wanted).await?;
        let kind = match (&wanted.what, &wanted.to) {
            (What::All, _) => MERGE,
            (What::Instances(_), _) => INSTANCES,
            (What::Series(_), Target::New) => SPLIT,
            (What::Series(_), Target::Study(_)) => SERIES,
        };
        if let (MERGE, Some(None), Some(step)) = (kind, to.as_ref().map(|to| to.step_id), from.step_id) {
            said.exam = Some(linking::name(&exams::within(&mut tx, ExamId(step)).await?));
        }
        let after =
            serde_json::to_value(&said).map_err(|error| Error::internal("write a move down", error))?;
        let act = NewAct {
            kind,
            actor: &actor.id,
            subject_kind: "study",
            subject_uid: wanted.from.as_str(),
            reason: Some(wanted.reason),
            before: None,
            after: Some(after),
            undoes: None,
        };
        let act = acts::record(&mut tx, &act, now_ms).await?;
        // Whoever stores from here on waits for this transaction, and must not remember its rows.
        self.0.arrivals.forget();
        let target = obey::target(&mut tx, &said, wanted.from.as_str(), now_ms).await?;
        let shown = [(from.study, from.shown), (target, to.as_ref().map_or(0, |to| to.shown))];
        if kind == MERGE {
            obey::redirect(&mut tx, wanted.from.as_str()).await?;
        }
        for series in &said.series {
            obey::file_series(&mut tx, series, now_ms).await?;
        }
        obey::file_instances(&mut tx, &said, now_ms).await?;
        if let Some(naming) = naming {
            left::answer(&mut tx, (from.study, &from.study_uid), naming, act, now_ms).await?;
        }
        let by = settle::By { word: "move", actor: &actor.id, reason: Some(wanted.reason) };
        let handed = match &said.exam {
            Some(_) => settle::hand_over(&mut tx, from.study, target, &by, now_ms).await?,
            None => None,
        };
        settle::after(&mut tx, &shown, &by, now_ms).await?;
        if let Some(exam) = &handed {
            settle::tell_requester(&mut tx, &from.study_uid, &from.facility, exam, now_ms).await?;
        }
        settle::tell_routes(&mut tx, said.series.iter().chain(said.made()), now_ms).await?;
        let sql = "select instance_count from study where id = $1";
        let instances = tx.fetch_one(sql, params![target]).await?.get("instance_count")?;
        let left = tx.fetch_one(sql, params![from.study]).await?.get("instance_count")?;
        tx.commit().await?;
        self.0.arrivals.forget();
        let study = Uid::parse(&said.to).map_err(|why| Error::internal("name a study", why))?;
        Ok(Moved { act, study, instances, left })
    }
}

/// Locks the studies that images leave and come to, in the order of their UIDs.
async fn lock_both(
    tx: &mut Transaction,
    scope: &Scope,
    wanted: &Move<'_>,
) -> Result<(Locked, Option<Locked>)> {
    match &wanted.to {
        Target::New => Ok((edit::lock(tx, scope, wanted.from).await?, None)),
        Target::Study(to) if to == wanted.from => match wanted.what {
            What::Instances(_) => {
                Ok((edit::lock(tx, scope, to).await?, Some(edit::lock(tx, scope, to).await?)))
            }
            _ => Err(Error::Conflict("the images are in that study already".into())),
        },
        Target::Study(to) if to.as_str() < wanted.from.as_str() => {
            let to = edit::lock(tx, scope, to).await?;
            Ok((edit::lock(tx, scope, wanted.from).await?, Some(to)))
        }
        Target::Study(to) => {
            let from = edit::lock(tx, scope, wanted.from).await?;
            Ok((from, Some(edit::lock(tx, scope, to).await?)))
        }
    }
}

/// What the act is to say, once it is known that it can be done.
async fn said(tx: &mut Transaction, from: &Locked, wanted: &Move<'_>) -> Result<Said> {
    let mut said = Said::default();
    // The target as it was sent, since its corrections are acts of their own; a new one as its images stand now.
    let (sql, like) = match &wanted.to {
        Target::Study(to) => (
            "select coalesce(sent_attributes, attributes) as attributes, facility from study where uid = $1",
            to,
        ),
        Target::New => ("select attributes, facility from study where uid = $1", wanted.from),
    };
    let row = tx.fetch_one(sql, params![like]).await?;
    said.study_attributes = Some(json_of(&row.get::<String>("attributes")?)?);
    said.facility = Some(row.get("facility")?);
    said.to = match &wanted.to {
        Target::Study(to) => to.to_string(),
        Target::New => Uid::generate(rand::random()).to_string(),
    };
    let mut of_instances = None;
    match &wanted.what {
        What::All if wanted.to == Target::New => {
            return Err(Error::Conflict("a study that takes all images of another would be the same".into()));
        }
        What::All => said.series = from.series.iter().map(|(_, uid)| uid.clone()).collect(),
        What::Series(series) => {
            for uid in series {
                let sql = "select 1 from series where uid = $1 and study_id = $2 and instance_count > 0";
                tx.fetch_optional(sql, params![uid, from.study]).await?.ok_or(Error::NotFound)?;
                said.series.push(uid.to_string());
            }
        }
        What::Instances(instances) => {
            for uid in instances {
                let sql = "select s.uid, s.attributes from instance i join series s on s.id = i.series_id
                     where i.uid = $1 and s.study_id = $2 and i.rejection_id is null";
                let row = tx.fetch_optional(sql, params![uid, from.study]).await?.ok_or(Error::NotFound)?;
                let series: (String, String) = (row.get("uid")?, row.get("attributes")?);
                if of_instances.as_ref().is_some_and(|other| *other != series) {
                    return Err(Error::Conflict("the instances are not of one series".into()));
                }
                of_instances = Some(series);
                said.instances.push(uid.to_string());
            }
        }
    }
    if let Some((_, attributes)) = of_instances {
        said.series_attributes = Some(json_of(&attributes)?);
        said.to_series = Some(Uid::generate(rand::random()).to_string());
    }
    if said.series.is_empty() && said.instances.is_empty() {
        return Err(Error::Conflict("nothing is to be moved".into()));
    }
    let about = std::iter::once(&said.to).chain(&said.series).chain(&said.instances).chain(&said.to_series);
    said.about = about.filter(|uid| uid.as_str() != wanted.from.as_str()).cloned().collect();
    Ok(said)
}

pub(super) fn json_of(attributes: &str) -> Result<Value> {
    let parsed = serde_json::from_str(attributes);
    parsed.map_err(|error| Error::Corrupt(format!("a row's attributes: {error}")))
}

/// The act that takes a move back.
pub(super) fn undoing<'a>(
    act: &'a acts::Act,
    said: &Said,
    actor: &'a str,
    reason: Option<&'a str>,
) -> NewAct<'a> {
    NewAct {
        kind: super::UNDO,
        actor,
        subject_kind: &act.subject_kind,
        subject_uid: &act.subject_uid,
        reason,
        before: None,
        after: Some(json!({ acts::ABOUT: said.about })),
        undoes: Some(act.id),
    }
}
