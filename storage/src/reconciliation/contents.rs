//! Several contents of one instance: which of them is served, as a person says.

use futures::StreamExt;
use pacs_core::attributes;
use pacs_core::reconciliation::{Choice, Serve};
use pacs_core::uid::Uid;

use super::saying::{self, Saying};
use crate::Archive;
use crate::database::{Database, Durability, Transaction, params};
use crate::deletion::rows::{self, Collisions};
use crate::error::{Error, Result};
use crate::index::deletions::Subject;
use crate::index::instances::{self, InstancePlace};
use crate::index::{discrepancies, versions};
use crate::read::HEADERS_AT_ONCE;

/// The instances of a series that came with several contents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contents {
    /// The series.
    pub series_uid: String,
    /// How many instances have several contents.
    pub instances: i64,
    /// How many contents are kept beside those that are served.
    pub kept: i64,
    /// When the first of all contents came.
    pub first_ms: i64,
    /// When the last of all contents came.
    pub newest_ms: i64,
    /// Which are served; `None` when some of them are the first and some the newest.
    pub serves: Option<Serve>,
}

/// What there is of a series; `None` when nothing of it has several contents.
pub(super) async fn of_series(database: &Database, series_uid: &str) -> Result<Option<Contents>> {
    let row = database
        .fetch_optional(
            "select count(*) as instances, cast(coalesce(sum(kept), 0) as bigint) as kept,
                 min(case when first_ms < served_ms then first_ms else served_ms end) as first_ms,
                 max(case when newest_ms > served_ms then newest_ms else served_ms end) as newest_ms,
                 cast(coalesce(sum(case when served_ms <= first_ms then 1 else 0 end), 0) as bigint) as serves_first,
                 cast(coalesce(sum(case when served_ms >= newest_ms then 1 else 0 end), 0) as bigint) as serves_newest
             from (select i.received_ms as served_ms, count(*) as kept, min(v.received_ms) as first_ms,
                       max(v.received_ms) as newest_ms
                   from series s join instance i on i.series_id = s.id
                   join instance_version v on v.instance_id = i.id
                   where s.uid = $1 group by i.id, i.received_ms) as few",
            params![series_uid],
        )
        .await?
        .ok_or(Error::NotFound)?;
    let instances: i64 = row.get("instances")?;
    if instances == 0 {
        return Ok(None);
    }
    let serves = if row.get::<i64>("serves_first")? == instances {
        Some(Serve::First)
    } else if row.get::<i64>("serves_newest")? == instances {
        Some(Serve::Newest)
    } else {
        None
    };
    Ok(Some(Contents {
        series_uid: series_uid.to_owned(),
        instances,
        kept: row.get("kept")?,
        first_ms: row.get("first_ms")?,
        newest_ms: row.get("newest_ms")?,
        serves,
    }))
}

/// A content that is to be served in place of another.
pub(super) struct Change {
    pub before: InstancePlace,
    pub chosen: InstancePlace,
    lifted: attributes::InstanceAttributes,
}

/// What has to change in a series, and what its study says of itself then, if that is anything else.
#[derive(Default)]
pub(super) struct Changes {
    contents: Vec<Change>,
    saying: Option<Saying>,
}

impl Archive {
    /// What has to change in a series so that a choice, or without one the archive's rule, is followed.
    pub(super) async fn changes(&self, series_uid: &str, choice: Option<Choice>) -> Result<Changes> {
        let rule = self.0.config.serve;
        let prefers = |new_ms, served_ms| match choice {
            Some(choice) => choice.prefers(new_ms, served_ms, rule),
            None => rule.prefers(new_ms, served_ms),
        };
        let mut others = Vec::new();
        for served in instances::with_versions(&self.0.database, series_uid).await? {
            let mut best = served.clone();
            for kept in instances::versions_of(&self.0.database, &served).await? {
                if prefers(kept.received_ms, best.received_ms) {
                    best = kept;
                }
            }
            if best.hash != served.hash {
                others.push((served, best));
            }
        }
        let mut headers = futures::stream::iter(others)
            .map(|(served, best)| async move { (self.header(&best).await, served, best) })
            .buffered(HEADERS_AT_ONCE);
        let mut contents = Vec::new();
        while let Some((header, served, best)) = headers.next().await {
            let header = match header {
                Ok(header) => header,
                Err(error) => match self.unread(&best, error).await? {
                    Some(why) => return Err(Error::Corrupt(format!("a version of {}: {why}", served.uid))),
                    None => continue,
                },
            };
            let lifted = attributes::lift(&header).map_err(|refusal| {
                Error::Corrupt(format!("a version of {}: {}", served.uid, refusal.reason))
            })?;
            contents.push(Change { before: served, chosen: best, lifted: lifted.instance });
        }
        let saying = self.saying_after(&contents).await?;
        Ok(Changes { contents, saying })
    }

    /// Follows what was last said of a series' contents, where rows were made anew or come from before.
    pub(crate) async fn follow_choice(&self, series_uid: &str) -> Result<()> {
        let mut collisions = Collisions::default();
        loop {
            match self.try_to_follow(series_uid).await {
                Err(Error::Conflict(why)) if collisions.again(&why) => {}
                done => return done,
            }
        }
    }

    async fn try_to_follow(&self, series_uid: &str) -> Result<()> {
        let mut tx = self.0.database.begin(Durability::Batched).await?;
        let choice = discrepancies::chosen(&mut tx, series_uid).await?;
        drop(tx);
        let changes = self.changes(series_uid, choice.map(|(_, choice)| choice)).await?;
        let mut tx = self.0.database.begin(Durability::Synced).await?;
        self.0.arrivals.forget();
        let by = ("system", self.0.config.clock.now_ms());
        serve(&mut tx, series_uid, &changes, choice.map(|(act, _)| act), by).await?;
        tx.commit().await?;
        self.0.arrivals.forget();
        Ok(())
    }
}

/// Serves what was chosen by an act, and has the study say what is served of it. What has gone meanwhile is left;
/// [`Error::Conflict`] when the study has other images now than it was read with.
pub(super) async fn serve(
    tx: &mut Transaction,
    series_uid: &str,
    changes: &Changes,
    act: Option<i64>,
    (actor, now_ms): (&str, i64),
) -> Result<()> {
    for Change { chosen, lifted, .. } in &changes.contents {
        versions::serve(tx, chosen.id, &chosen.hash, lifted).await?;
    }
    if !changes.contents.is_empty() {
        let sql = "update series set revision = revision + 1 where uid = $1";
        tx.execute(sql, params![series_uid]).await?;
    }
    if let Some(saying) = &changes.saying
        && let Some(locked) = rows::lock(tx, &Subject::Study(saying.study.clone())).await?
    {
        saying::follow(tx, &locked, saying, act, (actor, now_ms)).await?;
    }
    Ok(())
}

/// A series that a discrepancy names.
pub(super) fn series(text: &str) -> Result<Uid> {
    Uid::parse(text).map_err(|why| Error::Corrupt(format!("a discrepancy names a series: {why}")))
}
