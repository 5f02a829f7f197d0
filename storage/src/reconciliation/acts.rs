//! Answering a discrepancy, and taking the answer back.

use pacs_core::access::{Actor, Scope};
use pacs_core::attributes::PatientAttributes;
use pacs_core::reconciliation::{Answer, Choice, Kind, Serve};
use pacs_core::uid::Uid;
use serde_json::json;

use super::DiscrepancyId;
use super::contents::{self, Changes};
use super::list::{COLUMNS, kind};
use crate::Archive;
use crate::acts::{self, Act, NewAct};
use crate::corrections;
use crate::database::{Durability, Transaction, params};
use crate::deletion::rows::Collisions;
use crate::dialect;
use crate::error::{Error, Result};
use crate::events::{self, EventKind, NewEvent};
use crate::identity::assigning::{self, Giving, Owner};
use crate::identity::identifiers::{self, Number};
use crate::identity::{self, Named, merging};
use crate::index::discrepancies::{self, RECONCILE, REOPEN, SERVE, Said};
use crate::index::instances::push_scope;
use crate::index::{PatientId, belongings, grounds, issuers, patients};

/// Where an act that changes nothing names whom the study is filed with.
const PATIENT: &str = "patient";

/// Who answers, and why.
#[derive(Debug, Clone, Copy)]
pub(super) struct By<'a> {
    pub scope: &'a Scope,
    pub actor: &'a Actor,
    pub reason: Option<&'a str>,
    pub now_ms: i64,
}

impl<'a> By<'a> {
    fn giving(&self, undoes: Option<&'a Act>) -> Giving<'a> {
        Giving { actor: self.actor, reason: self.reason, undoes }
    }
}

/// A discrepancy that is about to be answered, locked.
pub(super) struct Locked {
    pub kind: Kind,
    pub facility: String,
    pub study: Uid,
    pub other: String,
    other_patient: Option<PatientId>,
    said: Option<Said>,
    merged: Option<PatientId>,
    answer: Option<i64>,
}

impl Archive {
    /// Answers a discrepancy. `patient` is whose the study is, for [`Answer::OtherPatient`].
    /// [`Error::NotFound`] out of scope, [`Error::Conflict`] when it is answered already or the answer is
    /// none of its kind.
    pub async fn reconcile(
        &self,
        (scope, actor): (&Scope, &Actor),
        id: DiscrepancyId,
        (answer, patient): (Answer, Option<PatientId>),
        reason: Option<&str>,
    ) -> Result<()> {
        let by = By { scope, actor, reason, now_ms: self.0.config.clock.now_ms() };
        if answer == Answer::Part {
            return self.part_study(by, id).await;
        }
        let choice = match answer {
            Answer::ServeFirst => Some(Serve::First),
            Answer::ServeNewest => Some(Serve::Newest),
            _ => None,
        };
        let choice = choice.map(|serve| Choice { serve, received_until_ms: by.now_ms });
        let mut collisions = Collisions::default();
        loop {
            let changes = match choice {
                Some(_) => self.changes_of(id, choice).await?,
                None => Changes::default(),
            };
            let mut tx = self.0.database.begin(Durability::Synced).await?;
            // Whoever stores from here on waits for this transaction, and must not remember its rows.
            self.0.arrivals.forget();
            match say(&mut tx, by, id, (answer, patient), (choice, &changes)).await {
                Ok(()) => {
                    tx.commit().await?;
                    self.0.arrivals.forget();
                    return Ok(());
                }
                Err(Error::Conflict(why)) if collisions.again(&why) => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Takes an answer back: what it changed is as before, and the discrepancy waits again.
    /// [`Error::Conflict`] when nobody has answered it.
    pub async fn reopen(
        &self,
        (scope, actor): (&Scope, &Actor),
        id: DiscrepancyId,
        reason: Option<&str>,
    ) -> Result<()> {
        let by = By { scope, actor, reason, now_ms: self.0.config.clock.now_ms() };
        if let Some(parting) = self.parting(scope, id).await? {
            return self.undo_move(scope, actor, &parting, reason).await;
        }
        let mut collisions = Collisions::default();
        loop {
            let changes = self.changes_of(id, None).await?;
            let mut tx = self.0.database.begin(Durability::Synced).await?;
            self.0.arrivals.forget();
            match take_back(&mut tx, by, id, &changes).await {
                Ok(()) => {
                    tx.commit().await?;
                    self.0.arrivals.forget();
                    return Ok(());
                }
                Err(Error::Conflict(why)) if collisions.again(&why) => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// The act that has parted the study of a discrepancy, where that is the answer.
    async fn parting(&self, scope: &Scope, id: DiscrepancyId) -> Result<Option<Act>> {
        let mut sql = "select d.answer_act_id from discrepancy d where d.id = $1".to_owned();
        let mut values = params![id];
        push_scope(&mut sql, &mut values, scope, "d.facility");
        let row = self.0.database.fetch_optional(sqlx::AssertSqlSafe(sql), values).await?;
        let Some(act) = row.ok_or(Error::NotFound)?.get::<Option<i64>>("answer_act_id")? else {
            return Ok(None);
        };
        let act = acts::read_by_id(&self.0.database, act).await?;
        Ok(act.filter(|act| act.kind == corrections::PART))
    }

    /// What serving other contents would change; nothing for a discrepancy of another kind.
    async fn changes_of(&self, id: DiscrepancyId, choice: Option<Choice>) -> Result<Changes> {
        let sql = "select kind, other from discrepancy where id = $1";
        let row = self.0.database.fetch_optional(sql, params![id]).await?.ok_or(Error::NotFound)?;
        match kind(&row)? {
            Kind::Conflict => self.changes(&row.get::<String>("other")?, choice).await,
            _ => Ok(Changes::default()),
        }
    }
}

async fn say(
    tx: &mut Transaction,
    by: By<'_>,
    id: DiscrepancyId,
    (answer, patient): (Answer, Option<PatientId>),
    (choice, changes): (Option<Choice>, &Changes),
) -> Result<()> {
    let found = lock(tx, by.scope, id).await?;
    check(&found, answer)?;
    let uid = found.study.as_str();
    let act = match answer {
        Answer::SamePerson => same_person(tx, by, &found).await?,
        Answer::NewPatient => {
            let giving = by.giving(None);
            assigning::assign_within(tx, by.scope, giving, &found.study, Owner::New, by.now_ms).await?.0
        }
        Answer::OtherPatient => {
            let patient = patient.ok_or_else(|| Error::Conflict("whose it is has to be said".into()))?;
            let (giving, owner) = (by.giving(None), Owner::Known(patient));
            assigning::assign_within(tx, by.scope, giving, &found.study, owner, by.now_ms).await?.0
        }
        Answer::LeaveApart => record(tx, by, &found, RECONCILE, answer).await?,
        Answer::ServeFirst | Answer::ServeNewest => {
            let series = contents::series(&found.other)?;
            serve(tx, by, (&found.study, &series), (choice, changes), None).await?
        }
        // It moves images, which is done in a transaction of its own.
        Answer::Part => return Err(Error::Conflict("that is no answer to this".into())),
    };
    discrepancies::answer(tx, uid, found.kind, Some(&found.other), act).await?;
    tell(tx, &found, by.now_ms).await
}

/// Two records become one, the older of which stays; a number without a record becomes the patient's; and
/// where it is one record already, what was sent is accepted.
async fn same_person(tx: &mut Transaction, by: By<'_>, found: &Locked) -> Result<i64> {
    let filed = filed(tx, &found.study).await?;
    if found.kind == Kind::DemographicsDiffer {
        return record(tx, by, found, RECONCILE, Answer::SamePerson).await;
    }
    if let Some(other) = other_now(tx, found).await? {
        if other == filed {
            return record(tx, by, found, RECONCILE, Answer::SamePerson).await;
        }
        let (older, newer) = (filed.min(other), filed.max(other));
        return match merging::merge_within(tx, by.scope, by.actor, (newer, older), by.reason, by.now_ms).await
        {
            // The newer one is another hospital's: then the older one is merged into it.
            Err(Error::NotFound) => {
                merging::merge_within(tx, by.scope, by.actor, (older, newer), by.reason, by.now_ms).await
            }
            merged => merged,
        };
    }
    match &found.said {
        Some(said) if !said.identifier.is_empty() => {
            let number = Number { identifier: &said.identifier, issuer: &said.issuer };
            identifiers::link_within(tx, by.scope, by.actor, filed, number, by.reason, by.now_ms).await
        }
        _ => record(tx, by, found, RECONCILE, Answer::SamePerson).await,
    }
}

/// Who the other patient is now. There may have been no record of theirs when this was found, and one since.
async fn other_now(tx: &mut Transaction, found: &Locked) -> Result<Option<PatientId>> {
    if let Some(other) = found.other_patient {
        return belongings::survivor(tx, other).await.map(Some);
    }
    let Some(said) = found.said.as_ref().filter(|said| !said.identifier.is_empty()) else { return Ok(None) };
    let Some(issuer) = issuers::named(tx, &said.issuer).await? else { return Ok(None) };
    let sent = PatientAttributes { name: said.name.clone(), ..PatientAttributes::default() };
    Ok(patients::find(tx, &said.identifier, &issuer, &sent).await?.map(|other| other.id))
}

async fn take_back(tx: &mut Transaction, by: By<'_>, id: DiscrepancyId, changes: &Changes) -> Result<()> {
    let found = lock(tx, by.scope, id).await?;
    let act = match found.answer {
        Some(act) => acts::by_id(tx, act).await?,
        None => None,
    };
    let act = act.ok_or_else(|| Error::Conflict("nobody has answered this".into()))?;
    match (act.kind.as_str(), found.merged) {
        (merging::MERGE, Some(merged)) => {
            merging::unmerge_within(tx, by.scope, by.actor, merged, by.reason, by.now_ms).await?;
        }
        (assigning::ASSIGN, _) => {
            let owner = assigning::before(tx, &act, by.now_ms).await?;
            let giving = by.giving(Some(&act));
            assigning::assign_within(tx, by.scope, giving, &found.study, owner, by.now_ms).await?;
        }
        (identifiers::IDENTIFY, _) => {
            let said = found.said.as_ref().ok_or_else(|| Error::Corrupt("a number is not said".into()))?;
            let filed = filed(tx, &found.study).await?;
            let number = Number { identifier: &said.identifier, issuer: &said.issuer };
            identifiers::unlink_within(tx, by.scope, by.actor, filed, number, by.reason, by.now_ms).await?;
        }
        (SERVE, _) if found.kind == Kind::Conflict => {
            let series = contents::series(&found.other)?;
            serve(tx, by, (&found.study, &series), (None, changes), Some(&act)).await?;
        }
        (RECONCILE, _) => {
            record(tx, by, &found, REOPEN, Answer::LeaveApart).await?;
        }
        _ => return Err(Error::Conflict("this was answered elsewhere, and is taken back there".into())),
    }
    let sql = "update discrepancy set answer_act_id = null where id = $1";
    tx.execute(sql, params![id]).await?;
    discrepancies::flag(tx, found.study.as_str()).await?;
    tell(tx, &found, by.now_ms).await
}

/// Serves what a choice, or without one the archive's rule, prefers, with the act that says so.
pub(super) async fn serve(
    tx: &mut Transaction,
    by: By<'_>,
    (study, series): (&Uid, &Uid),
    (choice, changes): (Option<Choice>, &Changes),
    undoes: Option<&Act>,
) -> Result<i64> {
    let before = discrepancies::chosen(tx, series.as_str()).await?;
    let mut after = json!(choice);
    if !after.is_object() {
        after = json!({});
    }
    if let Some(after) = after.as_object_mut() {
        after.insert(acts::ABOUT.into(), json!([study]));
    }
    let note = NewAct {
        kind: SERVE,
        actor: &by.actor.id,
        subject_kind: "series",
        subject_uid: series.as_str(),
        reason: by.reason,
        before: Some(json!(before.map(|(_, choice)| choice))),
        after: Some(after),
        undoes: undoes.map(|act| act.id),
    };
    let act = acts::record(tx, &note, by.now_ms).await?;
    if let Some(undone) = undoes {
        grounds::reopen(tx, study.as_str(), undone.id).await?;
    }
    contents::serve(tx, series.as_str(), changes, Some(act), (&by.actor.id, by.now_ms)).await?;
    Ok(act)
}

/// The act by which nothing but the discrepancy is changed.
async fn record(tx: &mut Transaction, by: By<'_>, found: &Locked, kind: &str, answer: Answer) -> Result<i64> {
    let filed = filed(tx, &found.study).await?;
    let record = Named::of(tx, filed).await?;
    let note = NewAct {
        kind,
        actor: &by.actor.id,
        subject_kind: "study",
        subject_uid: found.study.as_str(),
        reason: by.reason,
        before: None,
        after: Some(json!({ "kind": found.kind, "other": found.other, "answer": answer, PATIENT: record })),
        undoes: found.answer,
    };
    acts::record(tx, &note, by.now_ms).await
}

/// Does once more what an act did whose row had been lost, if the study is there.
pub(crate) async fn again(tx: &mut Transaction, act: &Act) -> Result<()> {
    let of = |key: &str| act.after.as_ref()?.get(key)?.as_str();
    let (Some(kind), Some(other)) = (of("kind").and_then(Kind::parse), of("other")) else {
        return Err(Error::Corrupt(format!("act {} does not say what it answers", act.id)));
    };
    if act.kind == RECONCILE {
        // What was known of the patient then, so that the study is the one of the two that is odd again.
        Named::in_act(act, PATIENT)?.ensure(tx, act.at_ms).await?;
        return discrepancies::answer(tx, &act.subject_uid, kind, Some(other), act.id).await;
    }
    tx.execute(
        "update discrepancy set answer_act_id = null where study_uid = $1 and kind = $2 and other = $3",
        params![&act.subject_uid, kind.as_str(), other],
    )
    .await?;
    discrepancies::flag(tx, &act.subject_uid).await
}

/// [`Error::Conflict`] unless a discrepancy waits, and for such an answer.
pub(super) fn check(found: &Locked, answer: Answer) -> Result<()> {
    if found.answer.is_some() {
        return Err(Error::Conflict("somebody has answered this already".into()));
    }
    let is_within = found.kind == Kind::DemographicsDiffer && found.said.is_some();
    match found.kind.answers(is_within).contains(&answer) {
        true => Ok(()),
        false => Err(Error::Conflict("that is no answer to this".into())),
    }
}

pub(super) async fn lock(tx: &mut Transaction, scope: &Scope, id: DiscrepancyId) -> Result<Locked> {
    let sql =
        format!("select {COLUMNS} from discrepancy d where d.id = $1{}", dialect::for_update(tx.engine()));
    let row = tx.fetch_one(sqlx::AssertSqlSafe(sql), params![id]).await?;
    let facility: String = row.get("discrepancy_facility")?;
    match scope {
        Scope::Facilities(codes) if !codes.contains(&facility) => return Err(Error::NotFound),
        _ => {}
    }
    let study = Uid::parse(&row.get::<String>("study_uid")?)
        .map_err(|why| Error::Corrupt(format!("a discrepancy names a study: {why}")))?;
    Ok(Locked {
        kind: kind(&row)?,
        facility,
        study,
        other: row.get("other")?,
        other_patient: row.get::<Option<i64>>("other_patient_id")?.map(PatientId),
        said: discrepancies::read_said(row.get("sent")?)?,
        merged: row.get::<Option<i64>>("merged_patient_id")?.map(PatientId),
        answer: row.get("answer_act_id")?,
    })
}

/// Whose a study is.
async fn filed(tx: &mut Transaction, study: &Uid) -> Result<PatientId> {
    let row = tx.fetch_one("select patient_id from study where uid = $1", params![study]).await?;
    Ok(PatientId(row.get("patient_id")?))
}

pub(super) async fn tell(tx: &mut Transaction, found: &Locked, now_ms: i64) -> Result<()> {
    let changed = NewEvent {
        facility: Some(&found.facility),
        study_uid: Some(found.study.as_str()),
        ..NewEvent::new(EventKind::StudyChanged)
    };
    let patient = filed(tx, &found.study).await?;
    events::append(tx, now_ms, &[changed]).await?;
    identity::tell(tx, patient, now_ms).await
}
