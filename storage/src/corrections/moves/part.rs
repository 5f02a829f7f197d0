//! Parting a study whose images name two patients: those of the other become a study of their own, of that patient.

use pacs_core::access::{Actor, Scope};
use pacs_core::reconciliation::Kind;
use pacs_core::uid::Uid;
use serde_json::Value;

use super::{Answers, PART, Said, Taken, act, obey, settle};
use crate::acts::{self, NewAct};
use crate::corrections::{edit, study};
use crate::database::{Transaction, params};
use crate::error::{Error, Result};
use crate::index::{StudyId, discrepancies};

/// What is parted from a study.
#[derive(Debug)]
pub(crate) struct Parting<'a> {
    pub scope: &'a Scope,
    pub actor: &'a Actor,
    /// Why, for the history.
    pub reason: Option<&'a str>,
    /// The study.
    pub study: &'a Uid,
    /// Its instances that name the other patient, each with the series it is in.
    pub instances: &'a [(Uid, Uid)],
    /// What is at odds.
    pub kind: Kind,
    /// What tells the discrepancy that this answers from others of the study.
    pub other: &'a str,
    /// Whom those instances name.
    pub named: &'a discrepancies::Said,
    /// What one of them says of patient and study, as DICOM JSON.
    pub attributes: Value,
}

/// Parts a study; answers the act's number. The caller forgets what arrivals remember, before and after its commit.
/// [`Error::Conflict`] when nothing or all of the study would go.
pub(crate) async fn part(tx: &mut Transaction, parting: &Parting<'_>, now_ms: i64) -> Result<i64> {
    let from = edit::lock(tx, parting.scope, parting.study).await?;
    // What came late goes where the first part went.
    let before = acts::standing_of(tx, parting.study.as_str(), PART).await?;
    let before = before.as_ref().map(Said::of).transpose()?;
    let is_same = |before: &Said| {
        let is_it = |answers: &Answers| (answers.kind, &*answers.other) == (parting.kind, parting.other);
        before.answers.as_ref().is_some_and(is_it)
    };
    let before = before.filter(is_same);
    let sql = "select coalesce(sent_attributes, attributes) as stay from study where id = $1";
    let stay: String = tx.fetch_one(sql, params![from.study]).await?.get("stay")?;
    let mut said = Said {
        to: before.map_or_else(|| Uid::generate(rand::random()).to_string(), |before| before.to),
        answers: Some(Answers {
            other: parting.other.to_owned(),
            named: parting.named.clone(),
            kind: parting.kind,
            stay: act::json_of(&stay)?,
        }),
        study_attributes: Some(parting.attributes.clone()),
        facility: Some(from.facility.clone()),
        ..Said::default()
    };
    for (id, uid) in &from.series {
        let here = parting.instances.iter().filter(|(_, series)| series.as_str() == uid);
        let going: Vec<String> = here.map(|(instance, _)| instance.to_string()).collect();
        if going.is_empty() {
            continue;
        }
        let sql =
            "select (select count(*) from instance where series_id = $1) as kept, attributes from series
             where id = $1";
        let row = tx.fetch_one(sql, params![*id]).await?;
        if usize::try_from(row.get::<i64>("kept")?).is_ok_and(|kept| kept == going.len()) {
            said.series.push(uid.clone());
            continue;
        }
        said.taken.push(Taken {
            instances: going.clone(),
            to_series: Uid::generate(rand::random()).to_string(),
            series_attributes: act::json_of(&row.get::<String>("attributes")?)?,
        });
        said.instances.extend(going);
    }
    if said.series.is_empty() && said.instances.is_empty() {
        return Err(Error::Conflict("no image of the study names that patient any more".into()));
    }
    if said.taken.is_empty() && said.series.len() == from.series.len() {
        return Err(Error::Conflict("all images of the study name that patient".into()));
    }
    let made = said.taken.iter().map(|taken| &taken.to_series);
    said.about =
        std::iter::once(&said.to).chain(&said.series).chain(&said.instances).chain(made).cloned().collect();
    let note = NewAct {
        kind: PART,
        actor: &parting.actor.id,
        subject_kind: "study",
        subject_uid: parting.study.as_str(),
        reason: parting.reason,
        before: None,
        after: Some(
            serde_json::to_value(&said).map_err(|error| Error::internal("write a move down", error))?,
        ),
        undoes: None,
    };
    let act = acts::record(tx, &note, now_ms).await?;
    let target = obey::target(tx, &said, parting.study.as_str(), now_ms).await?;
    let sql = "select instance_count from study where id = $1";
    let shown = tx.fetch_one(sql, params![target]).await?.get("instance_count")?;
    for series in &said.series {
        obey::file_series(tx, series, now_ms).await?;
    }
    obey::file_instances(tx, &said, now_ms).await?;
    if parting.kind == Kind::DemographicsDiffer {
        ask_whose(tx, (target, &said.to), &from.facility, now_ms).await?;
    }
    let by = settle::By { word: "move", actor: &parting.actor.id, reason: parting.reason };
    settle::after(tx, &[(from.study, from.shown), (target, shown)], &by, now_ms).await?;
    settle::tell_routes(tx, said.series.iter().chain(said.made()), now_ms).await?;
    Ok(act)
}

/// A study that was made of images of another person under the same number is filed with the first by that number
/// still, and waits for somebody to say whose it is.
pub(super) async fn ask_whose(
    tx: &mut Transaction,
    (study, uid): (StudyId, &str),
    facility: &str,
    now_ms: i64,
) -> Result<()> {
    if let Some(unlike) = study::unlike(tx, study, now_ms).await? {
        discrepancies::note(tx, (uid, facility), &unlike).await?;
        discrepancies::flag(tx, uid).await?;
    }
    Ok(())
}
