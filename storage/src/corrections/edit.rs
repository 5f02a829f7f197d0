//! Correcting attributes of a study or of one of its series.

use pacs_core::access::{Actor, Scope};
use pacs_core::correction::Edit;
use pacs_core::dataset::{DataSet, keyword_of};
use pacs_core::identity::Likeness;
use pacs_core::json;
use pacs_core::uid::Uid;
use serde_json::{Value, json};

use super::{ATTRIBUTES, SERIES, STUDY, series, standing, study};
use crate::acts::{self, NewAct};
use crate::archive::Archive;
use crate::database::{Durability, Transaction, params};
use crate::deletion::rows::{self, Collisions, Locked};
use crate::error::{Error, Result};
use crate::events::{self, EventKind, NewEvent};
use crate::exams::matching;
use crate::index::deletions::Subject;
use crate::index::studies;

/// What somebody wants corrected.
#[derive(Debug, Clone)]
pub struct Correction<'a> {
    /// The study.
    pub study: &'a Uid,
    /// The series of it whose attributes are meant; `None` for those of the study.
    pub series: Option<&'a Uid>,
    /// The new values.
    pub edit: Edit,
    /// Why, for the history.
    pub reason: &'a str,
}

/// One attribute before and after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The attribute's keyword.
    pub keyword: &'static str,
    /// How it stood.
    pub before: Option<String>,
    /// How it stands now.
    pub after: Option<String>,
}

/// What a correction has done, or would do.
#[derive(Debug, Clone)]
pub struct Corrected {
    /// Every attribute that changes.
    pub changes: Vec<Change>,
    /// How many instances leave otherwise than before.
    pub instances: i64,
    /// Whether the study fulfils an exam afterwards.
    pub is_matched: bool,
    /// Why it fulfils none.
    pub unmatched_reason: Option<String>,
    /// Whether what is known of the patient that it names now contradicts what it says.
    pub is_doubtful: bool,
}

impl Archive {
    /// Corrects attributes, and answers what that has done with the number of the act, by which it is taken back.
    /// [`Error::NotFound`] outside the scope and when nothing of the study is shown, [`Error::Conflict`] when
    /// everything stands so already.
    pub async fn correct(
        &self,
        scope: &Scope,
        actor: &Actor,
        correction: &Correction<'_>,
    ) -> Result<(i64, Corrected)> {
        let mut collisions = Collisions::default();
        let (tx, act, corrected) = loop {
            match self.try_correct(scope, actor, correction).await {
                Err(Error::Conflict(why)) if collisions.again(&why) => {}
                done => break done?,
            }
        };
        tx.commit().await?;
        self.0.arrivals.forget();
        self.keep_in_journal().await;
        Ok((act, corrected))
    }

    /// What [`Archive::correct`] would do.
    pub async fn preview_correction(
        &self,
        scope: &Scope,
        actor: &Actor,
        correction: &Correction<'_>,
    ) -> Result<Corrected> {
        Ok(self.try_correct(scope, actor, correction).await?.2)
    }

    /// Corrects in a transaction that may still be given up.
    async fn try_correct(
        &self,
        scope: &Scope,
        actor: &Actor,
        correction: &Correction<'_>,
    ) -> Result<(Transaction, i64, Corrected)> {
        let now_ms = self.0.config.clock.now_ms();
        let mut tx = self.0.database.begin(Durability::Synced).await?;
        let locked = lock(&mut tx, scope, correction.study).await?;
        let standing = attributes(&mut tx, &locked, correction.series).await?;
        let unchanged = || Error::Conflict("nothing would change".into());
        let edit = correction.edit.clone().without(&standing).ok_or_else(unchanged)?;
        let (kind, subject_kind, subject) = match correction.series {
            Some(series) => (SERIES, "series", series),
            None => (STUDY, "study", correction.study),
        };
        let about: &[&Uid] = if correction.series.is_some() { &[correction.study] } else { &[] };
        let before = standing_values(&standing, &edit);
        let act = NewAct {
            kind,
            actor: &actor.id,
            subject_kind,
            subject_uid: subject.as_str(),
            reason: Some(correction.reason),
            before: Some(json!({ ATTRIBUTES: document(&before)? })),
            after: Some(json!({ ATTRIBUTES: document(edit.attributes())?, acts::ABOUT: about })),
            undoes: None,
        };
        let act = acts::record(&mut tx, &act, now_ms).await?;
        // Whoever stores from here on waits for this transaction, and must not remember its rows.
        self.0.arrivals.forget();
        let changes = edit
            .attributes()
            .iter()
            .map(|element| Change {
                keyword: keyword_of(element.tag).unwrap_or_default(),
                before: standing.text(element.tag),
                after: edit.attributes().text(element.tag),
            })
            .collect();
        let mut corrected = bring_in_line(&mut tx, &locked, correction.series, &actor.id, now_ms).await?;
        corrected.changes = changes;
        tell_routes(&mut tx, &locked, correction.series, now_ms).await?;
        Ok((tx, act, corrected))
    }
}

/// Tells routes that what a study, or one series of it, says has changed. Last in a transaction, as all events.
pub(super) async fn tell_routes(
    tx: &mut Transaction,
    locked: &Locked,
    only: Option<&Uid>,
    now_ms: i64,
) -> Result<()> {
    let corrected = NewEvent {
        facility: Some(&locked.facility),
        study_uid: Some(&locked.study_uid),
        series_uid: only.map(Uid::as_str),
        ..NewEvent::new(EventKind::ImagesCorrected)
    };
    events::append(tx, now_ms, &[corrected]).await
}

/// Locks a study of which something is shown to whoever is within the scope.
pub(crate) async fn lock(tx: &mut Transaction, scope: &Scope, study: &Uid) -> Result<Locked> {
    let locked = rows::lock(tx, &Subject::Study(study.clone())).await?.ok_or(Error::NotFound)?;
    if !locked.is_within(scope) || locked.shown == 0 {
        return Err(Error::NotFound);
    }
    Ok(locked)
}

/// Brings a study, or one series of it, in line with the acts on it, and tells what became of it.
pub(super) async fn bring_in_line(
    tx: &mut Transaction,
    locked: &Locked,
    only: Option<&Uid>,
    actor: &str,
    now_ms: i64,
) -> Result<Corrected> {
    let mut instances = 0;
    let likeness = match only {
        None => study::obey(tx, locked.study, now_ms).await?,
        Some(_) => Likeness::Same,
    };
    for (id, uid) in &locked.series {
        if only.is_none_or(|only| only.as_str() == uid) {
            series::obey(tx, *id).await?;
            let sql = "select instance_count from series where id = $1";
            instances += tx.fetch_one(sql, params![*id]).await?.get::<i64>("instance_count")?;
        }
    }
    if only.is_none() {
        matching::after_correction(tx, locked.study, actor, now_ms).await?;
    } else {
        // The modality of a series is one of its study's.
        studies::recount(tx, locked.study).await?;
    }
    locked.tell(tx, true, now_ms).await?;
    let row = tx
        .fetch_one("select step_id, unmatched_reason from study where id = $1", params![locked.study])
        .await?;
    Ok(Corrected {
        changes: Vec::new(),
        instances,
        is_matched: row.get::<Option<i64>>("step_id")?.is_some(),
        unmatched_reason: row.get("unmatched_reason")?,
        is_doubtful: likeness == Likeness::Doubtful,
    })
}

/// The attributes of a locked study, or of one of its series, as they stand.
async fn attributes(tx: &mut Transaction, locked: &Locked, series: Option<&Uid>) -> Result<DataSet> {
    let row = match series {
        None => tx.fetch_one("select attributes from study where id = $1", params![locked.study]).await?,
        Some(series) => {
            let sql = "select attributes from series where study_id = $1 and uid = $2 and instance_count > 0";
            tx.fetch_one(sql, params![locked.study, series]).await?
        }
    };
    standing::parse(&row.get::<String>("attributes")?)
}

/// What stands of the attributes that an edit changes; those without a value too, so that nothing is lost.
fn standing_values(standing: &DataSet, edit: &Edit) -> DataSet {
    let mut before = DataSet::like(standing);
    for element in edit.attributes() {
        match standing.get(element.tag) {
            Some(known) => before.put(known.clone()),
            None => before.put_empty(element.tag),
        }
    }
    before
}

fn document(attributes: &DataSet) -> Result<Value> {
    serde_json::from_str(&json::to_string(attributes))
        .map_err(|error| Error::internal("write attributes down", error))
}
