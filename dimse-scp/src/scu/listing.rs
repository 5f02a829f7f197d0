//! What another archive has: its answers to C-FIND, at most so many.

use pacs_core::dataset::DataSet;
use pacs_core::text::CharacterSet;
use pacs_core::uid::Uid;
use pacs_core::{Tag, tags, uids};
use storage::remote_queries::{Keys, Match};

use super::{Association, Error, Options, Proposal, Target};
use crate::dimse::Status;

/// Some of what matches.
#[derive(Debug)]
pub struct Listed {
    /// The answers, in the order in which they came.
    pub answers: Vec<DataSet>,
    /// Whether there would have been more.
    pub more: bool,
    /// The final status; a C-CANCEL's when there would have been more.
    pub status: Status,
}

/// The model that other archives are asked by: the one that all of them have.
pub fn study_root_find() -> Result<Proposal, Error> {
    let class = uids::STUDY_ROOT_QUERY_RETRIEVE_INFORMATION_MODEL_FIND;
    Proposal::for_messages(Uid::parse(class).map_err(|_| Error::NoContext)?)
}

/// Asks an archive over an association of its own which studies it has, in the letters that it reads; at most `limit`
/// are taken.
pub async fn studies(
    target: &Target,
    options: &Options,
    keys: &Keys,
    letters: CharacterSet,
    limit: usize,
) -> Result<(Vec<Match>, bool, Status), Error> {
    let mut association = Association::connect(target, &[study_root_find()?], options).await?;
    let listed = association.list(&study_keys(keys).encode_text_in(letters), limit).await?;
    association.release().await.ok();
    Ok((listed.answers.iter().filter_map(found).collect(), listed.more, listed.status))
}

impl Association {
    /// Asks which entities match in the study root, and stops the archive once `limit` have come.
    pub async fn list(&mut self, identifier: &DataSet, limit: usize) -> Result<Listed, Error> {
        let class = study_root_find()?.class;
        let mut answers = self.find(&class, identifier).await?;
        let mut kept = Vec::new();
        let mut more = false;
        while let Some(answer) = answers.next().await? {
            if kept.len() < limit {
                kept.push(answer);
            } else if !std::mem::replace(&mut more, true) {
                answers.cancel().await?;
            }
        }
        Ok(Listed { answers: kept, more, status: answers.status() })
    }
}

/// An identifier for a level: these keys, and these to be answered.
pub fn identifier(level: &str, keys: &[(Tag, &str)], wanted: &[Tag]) -> DataSet {
    let mut set = DataSet::new();
    set.put_text(tags::SPECIFIC_CHARACTER_SET, "ISO_IR 192");
    set.put_text(tags::QUERY_RETRIEVE_LEVEL, level);
    for tag in wanted {
        set.put_empty(*tag);
    }
    for (tag, value) in keys {
        set.put_text(*tag, value);
    }
    set
}

fn study_keys(keys: &Keys) -> DataSet {
    let range = match (keys.from.as_deref(), keys.to.as_deref()) {
        (None, None) => None,
        (Some(from), Some(to)) if from == to => Some(from.to_owned()),
        (from, to) => Some(format!("{}-{}", from.unwrap_or_default(), to.unwrap_or_default())),
    };
    let name = keys.patient_name.as_deref().map(|name| match name.contains(['*', '?']) {
        true => name.to_owned(),
        // The beginning of a name is what people type.
        false => format!("{name}*"),
    });
    let given = [
        (tags::PATIENT_ID, keys.patient_id.as_deref()),
        (tags::PATIENT_NAME, name.as_deref()),
        (tags::ACCESSION_NUMBER, keys.accession_number.as_deref()),
        (tags::MODALITIES_IN_STUDY, keys.modality.as_deref()),
        (tags::STUDY_DATE, range.as_deref()),
        (tags::STUDY_INSTANCE_UID, keys.study.as_ref().map(Uid::as_str)),
    ];
    let given: Vec<(Tag, &str)> = given.into_iter().filter_map(|(tag, value)| Some((tag, value?))).collect();
    let wanted = [
        tags::STUDY_DATE,
        tags::STUDY_TIME,
        tags::ACCESSION_NUMBER,
        tags::MODALITIES_IN_STUDY,
        tags::STUDY_DESCRIPTION,
        tags::PATIENT_NAME,
        tags::PATIENT_ID,
        tags::ISSUER_OF_PATIENT_ID,
        tags::PATIENT_BIRTH_DATE,
        tags::PATIENT_SEX,
        tags::STUDY_INSTANCE_UID,
        tags::NUMBER_OF_STUDY_RELATED_INSTANCES,
    ];
    identifier("STUDY", &given, &wanted)
}

/// A study of an answer; `None` for one that does not say which.
fn found(answer: &DataSet) -> Option<Match> {
    let text = |tag| answer.text(tag).filter(|text| !text.is_empty());
    Some(Match {
        study: answer.uid(tags::STUDY_INSTANCE_UID)?.ok()?,
        patient_id: text(tags::PATIENT_ID).unwrap_or_default(),
        issuer: text(tags::ISSUER_OF_PATIENT_ID).unwrap_or_default(),
        patient_name: text(tags::PATIENT_NAME).unwrap_or_default(),
        birth_date: text(tags::PATIENT_BIRTH_DATE),
        sex: text(tags::PATIENT_SEX),
        date: text(tags::STUDY_DATE),
        time: text(tags::STUDY_TIME),
        accession_number: text(tags::ACCESSION_NUMBER),
        description: text(tags::STUDY_DESCRIPTION),
        modalities: answer.texts(tags::MODALITIES_IN_STUDY),
        instances: answer.int(tags::NUMBER_OF_STUDY_RELATED_INSTANCES),
    })
}
