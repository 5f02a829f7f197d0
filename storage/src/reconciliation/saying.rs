//! What a study says of itself follows what is served of it: where another content of its instances is served,
//! lists and searches say what these say.

use std::collections::{BTreeMap, HashMap, HashSet};

use futures::StreamExt;
use pacs_core::access::Scope;
use pacs_core::attributes::{PatientAttributes, SERIES_TAGS, STUDY_TAGS, lift_patient};
use pacs_core::dataset::DataSet;
use pacs_core::identity::{Likeness, compare};
use pacs_core::uid::Uid;
use pacs_core::{Tag, tags};

use super::alike::Alike;
use super::contents::Change;
use crate::Archive;
use crate::corrections::{series, study};
use crate::database::{Durability, Transaction, params};
use crate::deletion::rows::{self, Collisions, Locked};
use crate::error::{Error, Result};
use crate::exams::matching;
use crate::index::arrivals::{clip, doubts};
use crate::index::deletions::Subject;
use crate::index::instances::{self, InstancePlace};
use crate::index::spooled;
use crate::index::{InstanceId, SeriesId, StudyId, discrepancies, grounds, studies};
use crate::read::HEADERS_AT_ONCE;

/// What says who the patient is. It is taken as a whole, or the number of one would get the name of another.
const PATIENT: [Tag; 6] = [
    tags::PATIENT_ID,
    tags::ISSUER_OF_PATIENT_ID,
    tags::ISSUER_OF_PATIENT_ID_QUALIFIERS_SEQUENCE,
    tags::PATIENT_NAME,
    tags::PATIENT_BIRTH_DATE,
    tags::PATIENT_SEX,
];

/// A content of an instance, by its row and hash: the number of a row that was deleted may be another's.
type Content = (InstanceId, [u8; 32]);

/// What the contents say that are served of a study, but for those that people have moved to it.
#[derive(Debug)]
pub(super) struct Saying {
    pub study: Uid,
    /// What was heard.
    heard: HashSet<Content>,
    /// What cannot be read.
    unread: HashSet<Content>,
    alike: Alike,
    /// Everybody whom they name.
    named: Vec<PatientAttributes>,
    series: BTreeMap<SeriesId, OfSeries>,
}

#[derive(Debug)]
struct OfSeries {
    alike: Alike,
    /// Whether any of them names another study or series.
    names_others: bool,
}

impl Saying {
    fn hear(saying: Option<Self>, place: &InstancePlace, header: &DataSet) -> Result<Self> {
        let patient = lift_patient(header);
        let mut saying = match saying {
            Some(mut saying) => {
                saying.alike.hear(header, STUDY_TAGS)?;
                saying
            }
            None => Self {
                study: place.study_uid.clone(),
                heard: HashSet::new(),
                unread: HashSet::new(),
                alike: Alike::of(header, STUDY_TAGS)?,
                named: Vec::new(),
                series: BTreeMap::new(),
            },
        };
        saying.heard.insert((place.id, place.hash));
        if !saying.named.contains(&patient) {
            saying.named.push(patient);
        }
        let names =
            |tag, uid: &Uid| header.uid(tag).is_some_and(|named| named.is_ok_and(|named| named == *uid));
        let names_others = !names(tags::STUDY_INSTANCE_UID, &place.study_uid)
            || !names(tags::SERIES_INSTANCE_UID, &place.series_uid);
        match saying.series.get_mut(&place.series_id) {
            Some(of_series) => {
                of_series.alike.hear(header, SERIES_TAGS)?;
                of_series.names_others |= names_others;
            }
            None => {
                let of_series = OfSeries { alike: Alike::of(header, SERIES_TAGS)?, names_others };
                saying.series.insert(place.series_id, of_series);
            }
        }
        Ok(saying)
    }

    /// What of it a study is to say: of the patient all or nothing, and its own key never.
    fn settled(mut self) -> Self {
        let agree = match self.named.split_first() {
            Some((first, others)) => others.iter().all(|other| is_one(first, other)),
            None => false,
        };
        for tag in PATIENT {
            match agree {
                true => self.alike.follow_first(tag),
                false => self.alike.leave(tag),
            }
        }
        self.alike.leave(tags::STUDY_INSTANCE_UID);
        for of_series in self.series.values_mut() {
            of_series.alike.leave(tags::SERIES_INSTANCE_UID);
        }
        self
    }
}

/// Whether two images name one patient.
fn is_one(one: &PatientAttributes, other: &PatientAttributes) -> bool {
    let number = |patient: &PatientAttributes| {
        (clip(&patient.id).to_owned(), patient.issuer.clone(), patient.issuer_universal_id.clone())
    };
    number(one) == number(other) && compare(one, other) == Likeness::Same
}

impl Archive {
    /// What a study says once these contents are served; `None` when nothing of it says anything else than before.
    pub(super) async fn saying_after(&self, contents: &[Change]) -> Result<Option<Saying>> {
        let mut is_other = false;
        let Some(first) = contents.first() else { return Ok(None) };
        let places: Vec<_> =
            contents.iter().map(|change| (change.before.clone(), change.chosen.clone())).collect();
        let mut headers = futures::stream::iter(places)
            .map(|(before, chosen)| async move {
                (self.parsed(&before).await, self.parsed(&chosen).await, before)
            })
            .buffered(HEADERS_AT_ONCE);
        while !is_other && let Some((before, after, place)) = headers.next().await {
            let after = after?;
            let before = match before {
                Ok(before) => before,
                // Nobody knows what it said, and the other content is chosen for that.
                Err(error) => {
                    is_other |= self.unread(&place, error).await?.is_some();
                    continue;
                }
            };
            for wanted in [STUDY_TAGS, SERIES_TAGS, &[tags::SERIES_INSTANCE_UID]] {
                is_other |= !Alike::of(&before.set, wanted)?.hear(&after.set, wanted)?;
            }
        }
        match is_other {
            true => self.saying(&first.chosen.study_uid, contents).await,
            false => Ok(None),
        }
    }

    async fn saying(&self, study: &Uid, contents: &[Change]) -> Result<Option<Saying>> {
        let moved = self.moved_series(study).await?;
        let chosen: HashMap<InstanceId, &InstancePlace> =
            contents.iter().map(|change| (change.chosen.id, &change.chosen)).collect();
        let mut served = instances::of_study(&self.0.database, &Scope::All, study).await?;
        served.retain(|place| !moved.contains(&place.series_id));
        for place in &mut served {
            if let Some(chosen) = chosen.get(&place.id) {
                place.clone_from(chosen);
            }
        }
        let mut headers = futures::stream::iter(served)
            .map(|place| async move { (self.parsed(&place).await, place) })
            .buffered(HEADERS_AT_ONCE);
        let (mut saying, mut unread) = (None, HashSet::new());
        while let Some((header, place)) = headers.next().await {
            match header {
                Ok(header) => saying = Some(Saying::hear(saying, &place, &header.set)?),
                Err(error) => {
                    if let Some(why) = self.unread(&place, error).await? {
                        tracing::warn!(instance = %place.uid, why, "a damaged instance says nothing of its study");
                        unread.insert((place.id, place.hash));
                    }
                }
            }
        }
        Ok(saying.map(|saying| Saying { unread, ..saying }.settled()))
    }

    /// The series of a study that people have moved to it: whose they are was said.
    async fn moved_series(&self, study: &Uid) -> Result<HashSet<SeriesId>> {
        let sql = "select s.id from series s join study t on t.id = s.study_id
             where t.uid = $1 and (s.sent_study_uid is not null or s.sent_series_uid is not null)";
        let rows = self.0.database.fetch(sql, params![study]).await?;
        rows.iter().map(|row| Ok(SeriesId(row.get("id")?))).collect()
    }

    /// Makes a study say what is served of it, where no act has chosen that: the archive's rule has, or the rows were
    /// made anew from whichever content was found first. A series that is `settled` with that is noted to be so by the
    /// same transaction: an act that comes behind it may want it to be settled again.
    pub(crate) async fn say_what_is_served(&self, study: &Uid, settled: Option<SeriesId>) -> Result<()> {
        let mut collisions = Collisions::default();
        loop {
            match self.try_to_say(study, settled).await {
                Err(Error::Conflict(why)) if collisions.again(&why) => {}
                done => return done,
            }
        }
    }

    async fn try_to_say(&self, study: &Uid, settled: Option<SeriesId>) -> Result<()> {
        let saying = self.saying(study, &[]).await?;
        let mut tx = self.0.database.begin(Durability::Synced).await?;
        self.0.arrivals.forget();
        let now_ms = self.0.config.clock.now_ms();
        if let Some(saying) = &saying
            && let Some(locked) = rows::lock(&mut tx, &Subject::Study(study.clone())).await?
            && follow(&mut tx, &locked, saying, None, ("system", now_ms)).await?
        {
            locked.tell(&mut tx, true, now_ms).await?;
        }
        if let Some(series) = settled {
            spooled::settled(&mut tx, series).await?;
        }
        tx.commit().await?;
        self.0.arrivals.forget();
        Ok(())
    }

    /// The same of every study of which anything has several contents; answers how many do not. What keeps one study
    /// from it is told of, and keeps no other.
    pub(crate) async fn say_what_is_served_everywhere(&self) -> Result<u64> {
        let sql = "select distinct t.uid from instance_version v join instance i on i.id = v.instance_id
             join series s on s.id = i.series_id join study t on t.id = s.study_id order by t.uid";
        let mut silent = 0;
        for row in self.0.database.fetch(sql, params![]).await? {
            let study = instances::uid(&row, "uid")?;
            match self.say_what_is_served(&study, None).await {
                Ok(()) | Err(Error::NotFound) => {}
                Err(Error::Corrupt(why) | Error::Conflict(why)) => {
                    tracing::error!(%study, why, "a study does not say what is served of it");
                    silent += 1;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(silent)
    }

    /// Whether anything of a series has several contents.
    pub(crate) async fn has_versions(&self, series: SeriesId) -> Result<bool> {
        let sql = "select 1 from instance i join instance_version v on v.instance_id = i.id
             where i.series_id = $1 limit 1";
        Ok(self.0.database.fetch_optional(sql, params![series]).await?.is_some())
    }
}

/// Makes the rows of a study, which are locked, say what is served of it; what does not go together with that waits to
/// be looked at, and what was open of what is served no more is answered by `act`. Says whether anything has changed.
/// [`Error::Conflict`] when something of what was heard is gone; and when something has come since, but for an act, for
/// which somebody waits: what has come is left to settling.
pub(super) async fn follow(
    tx: &mut Transaction,
    locked: &Locked,
    saying: &Saying,
    act: Option<i64>,
    (actor, now_ms): (&str, i64),
) -> Result<bool> {
    let heard = heard(tx, locked.study, saying).await?;
    if heard == Heard::BeforeSome {
        if act.is_none() {
            return Err(Error::Conflict("images came to the study while it was read".into()));
        }
        settle_again(tx, locked.study, now_ms).await?;
    }
    let is_all = heard == Heard::All;
    let mut changed = false;
    for (id, of_series) in &saying.series {
        if locked.series.iter().any(|(known, _)| known == id) {
            changed |= series::say_anew(tx, *id, &of_series.alike).await?;
            if is_all || of_series.names_others {
                changed |= series::names_others(tx, *id, of_series.names_others).await?;
            }
        }
    }
    let restated = study::say_anew(tx, &locked.study_uid, &saying.alike, now_ms).await?;
    if restated || changed {
        for (id, _) in &locked.series {
            series::obey(tx, *id).await?;
        }
        studies::count(tx, locked.study).await?;
    }
    let mut found = doubts::of_all(tx, locked.study, &saying.named, now_ms).await?;
    if restated {
        found.extend(study::unlike(tx, locked.study, now_ms).await?);
    }
    let weighed = is_all && grounds::lose(tx, &locked.study_uid, &found, restated, act).await?;
    for one in &found {
        discrepancies::note(tx, (&locked.study_uid, &locked.facility), one).await?;
    }
    discrepancies::flag(tx, &locked.study_uid).await?;
    if restated {
        matching::after_correction(tx, locked.study, actor, now_ms).await?;
    }
    Ok(restated || changed || weighed || !found.is_empty())
}

/// How much of a study was heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Heard {
    /// All that it has, but for what people have moved to it.
    All,
    /// All but what cannot be read or was rejected: on either what waits may rest.
    Readable,
    /// Not what has come since.
    BeforeSome,
}

/// How much of a study was heard. [`Error::Conflict`] when something of what was heard is gone.
async fn heard(tx: &mut Transaction, study: StudyId, saying: &Saying) -> Result<Heard> {
    let sql = "select i.id, i.hash, i.rejection_id from instance i join series s on s.id = i.series_id
         where s.study_id = $1 and s.sent_study_uid is null and s.sent_series_uid is null";
    let (mut count, mut is_all, mut has_grown) = (0, true, false);
    for row in tx.fetch(sql, params![study]).await? {
        let content = (InstanceId(row.get("id")?), instances::hash(&row)?);
        if saying.heard.contains(&content) {
            count += 1;
        } else if saying.unread.contains(&content) || row.get::<Option<i64>>("rejection_id")?.is_some() {
            is_all = false;
        } else {
            has_grown = true;
        }
    }
    if count < saying.heard.len() {
        return Err(Error::Conflict("images left the study while it was read".into()));
    }
    Ok(match (has_grown, is_all) {
        (true, _) => Heard::BeforeSome,
        (false, false) => Heard::Readable,
        (false, true) => Heard::All,
    })
}

/// Has settling come back to a study of which something has several contents.
async fn settle_again(tx: &mut Transaction, study: StudyId, now_ms: i64) -> Result<()> {
    let sql = "update series set unsettled = 1, updated_ms = $2 where study_id = $1 and exists (
             select 1 from instance i join instance_version v on v.instance_id = i.id where i.series_id = series.id)";
    tx.execute(sql, params![study, now_ms]).await.map(drop)
}
