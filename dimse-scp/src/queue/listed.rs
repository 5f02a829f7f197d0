//! The series of a study as another archive lists them, and how much of them is here.

use std::collections::BTreeSet;

use pacs_core::dataset::DataSet;
use pacs_core::uid::Uid;
use pacs_core::{tags, uids};
use storage::database::Database;
use storage::transfers::{self, Selection, Task, Trouble};

use super::peer::Peer;
use super::work::{Ended, answered};
use crate::scu::listing::{self, Listed, identifier};
use crate::scu::{self, Association};

/// The most series of a study, and instances of a series, that are pulled.
const MOST_SERIES: usize = 2_000;
const MOST_INSTANCES: usize = 50_000;

/// The SOP classes of a series of which an archive does not say them: what most series are of.
const UNSAID: &[&str] = &[
    uids::CT_IMAGE_STORAGE,
    uids::MR_IMAGE_STORAGE,
    uids::COMPUTED_RADIOGRAPHY_IMAGE_STORAGE,
    uids::DIGITAL_X_RAY_IMAGE_STORAGE_FOR_PRESENTATION,
    uids::ULTRASOUND_IMAGE_STORAGE,
    uids::ULTRASOUND_MULTI_FRAME_IMAGE_STORAGE,
    uids::SECONDARY_CAPTURE_IMAGE_STORAGE,
];

/// A series as the other archive lists it.
pub struct Wanted {
    /// Series Instance UID.
    pub series: Uid,
    /// Its SOP classes.
    pub classes: BTreeSet<Uid>,
    /// Its instances; none where the archive lists no further than series.
    pub instances: Vec<Uid>,
    /// How many instances it has, where they are not listed and the archive says so all the same: also that it has
    /// none.
    pub count: Option<i64>,
}

impl Wanted {
    /// Whether the archive has nothing of it: it says so, and lists nothing.
    pub fn is_empty(&self) -> bool {
        self.instances.is_empty() && self.count == Some(0)
    }

    /// How many instances it has, as far as anybody knows.
    pub fn total(&self) -> i64 {
        match self.instances.len() {
            0 => self.count.unwrap_or(0),
            listed => i64::try_from(listed).unwrap_or(i64::MAX),
        }
    }

    /// How many of its instances are here.
    pub async fn here(&self, database: &Database) -> storage::Result<i64> {
        if self.instances.is_empty() {
            let here = transfers::present_of_series(database, &self.series).await?;
            // It may have grown here, and is not to count as more than it is there.
            return Ok(self.count.map_or(here, |count| here.min(count)));
        }
        let here = transfers::present(database, &self.instances).await?;
        Ok(i64::try_from(here.len()).unwrap_or(i64::MAX))
    }

    /// Whether that many are all of it. Of a series that is not counted, nobody knows.
    pub fn is_whole(&self, here: i64) -> bool {
        (!self.instances.is_empty() || self.count.is_some()) && here >= self.total()
    }
}

/// The series and instances that the other archive has, or how the work ends because it does not say. A part of the
/// list is none: who takes it for the whole pulls a part of a study and says that it is all.
pub async fn list(peer: &Peer, task: &Task) -> Result<Result<Vec<Wanted>, Ended>, scu::Error> {
    let mut association =
        Association::connect(&peer.target, &[listing::study_root_find()?], &peer.options).await?;
    let study = (tags::STUDY_INSTANCE_UID, task.study.as_str());
    let asked = [tags::SERIES_INSTANCE_UID, tags::NUMBER_OF_SERIES_RELATED_INSTANCES];
    let of_study = identifier("SERIES", &[study], &asked);
    let answers = match whole(association.list(&of_study, MOST_SERIES).await?, "series", MOST_SERIES) {
        Ok(answers) => answers,
        Err(ended) => return Ok(Err(ended)),
    };
    let mut wanted = Vec::new();
    for answer in &answers {
        let Some(Ok(series)) = answer.uid(tags::SERIES_INSTANCE_UID) else { continue };
        if matches!(&task.selection, Selection::Series(meant) if !meant.contains(&series)) {
            continue;
        }
        let of_series = identifier(
            "IMAGE",
            &[study, (tags::SERIES_INSTANCE_UID, series.as_str())],
            &[tags::SOP_INSTANCE_UID, tags::SOP_CLASS_UID],
        );
        let listed = association.list(&of_series, MOST_INSTANCES).await?;
        let images = match whole(listed, "instances", MOST_INSTANCES) {
            Ok(images) => images,
            Err(ended) => return Ok(Err(ended)),
        };
        wanted.push(of_images(series, answer, &images));
    }
    association.release().await.ok();
    Ok(Ok(wanted))
}

/// A series by what is answered of it, and of its images.
fn of_images(series: Uid, answer: &DataSet, images: &[DataSet]) -> Wanted {
    let uids = |tag| images.iter().filter_map(move |image| image.uid(tag)?.ok());
    let instances: BTreeSet<Uid> = uids(tags::SOP_INSTANCE_UID).collect();
    let mut classes: BTreeSet<Uid> = uids(tags::SOP_CLASS_UID).collect();
    if classes.is_empty() {
        classes.extend(UNSAID.iter().filter_map(|class| Uid::parse(class).ok()));
    }
    // Answers without a UID are counted at least.
    let said = answer.int(tags::NUMBER_OF_SERIES_RELATED_INSTANCES).filter(|count| *count >= 0);
    let answered = i64::try_from(images.len()).ok().filter(|count| *count > 0);
    let count = said.max(answered).filter(|_| instances.is_empty());
    Wanted { series, classes, instances: instances.into_iter().collect(), count }
}

/// The answers to a question, when they are all that there are.
fn whole(listed: Listed, of: &str, most: usize) -> Result<Vec<DataSet>, Ended> {
    if listed.more {
        let why = Trouble::TooMany.because(format_args!("it has more {of} than can be pulled at once"));
        return Err(Ended::Never(why.with("most", most)));
    }
    match answered(Ok(listed.status)) {
        Ended::Done => Ok(listed.answers),
        ended => Err(ended),
    }
}
