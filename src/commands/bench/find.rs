//! `sen bench find`: workstations asking, and modalities for what is to be done.

use std::borrow::Cow;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use clap::Args as ClapArgs;
use dimse_scp::dimse::Status;
use dimse_scp::scu::{Association, Options, Proposal};
use pacs_core::dataset::DataSet;
use pacs_core::uid::Uid;
use pacs_core::{Tag, tags, uids};

use super::Peer;
use super::measure::{self, Measurement, grouped, timed};
use crate::commands;

/// What every answer about studies is to contain.
const RETURN_KEYS: [Tag; 8] = [
    tags::PATIENT_NAME,
    tags::PATIENT_ID,
    tags::ACCESSION_NUMBER,
    tags::STUDY_DATE,
    tags::STUDY_TIME,
    tags::STUDY_DESCRIPTION,
    tags::MODALITIES_IN_STUDY,
    tags::STUDY_INSTANCE_UID,
];
/// Answers that are looked at for what to ask.
const SAMPLE: usize = 1000;
/// Studies whose series are looked up for what to ask.
const OPENED: usize = 20;

/// What `sen bench find` takes.
#[derive(Debug, ClapArgs)]
pub struct Args {
    #[command(flatten)]
    peer: Peer,

    /// Seconds for which each kind of query is asked, one after the other over one association; once at least
    #[arg(long, default_value_t = 3)]
    seconds: u64,

    /// Date of the studies to query for, YYYYMMDD; their values make the other queries
    #[arg(long, value_name = "DATE")]
    date: Option<String>,
}

/// One kind of query: each of its identifiers finds something.
struct Kind {
    what: &'static str,
    class: Uid,
    asked: Vec<DataSet>,
}

/// Asks for patients, studies, series, images and worklists.
pub async fn run(args: Args) -> anyhow::Result<()> {
    let study_root = Uid::parse(uids::STUDY_ROOT_QUERY_RETRIEVE_INFORMATION_MODEL_FIND)?;
    let patient_root = Uid::parse(uids::PATIENT_ROOT_QUERY_RETRIEVE_INFORMATION_MODEL_FIND)?;
    let worklist = Uid::parse(uids::MODALITY_WORKLIST_INFORMATION_MODEL_FIND)?;
    let syntax = Uid::parse(uids::EXPLICIT_VR_LITTLE_ENDIAN)?;
    let proposals = [&study_root, &patient_root, &worklist]
        .map(|class| Proposal::new(class.clone(), vec![syntax.clone()]));
    let mut association = Association::connect(&args.peer.target(), &proposals, &Options::default()).await?;
    let takes =
        |association: &Association, class: &Uid| association.contexts().of_class(class).next().is_some();

    // What is asked for has to be there, so the first queries find out what is.
    let date = args.date.as_deref().unwrap_or("");
    let of_date = of_study(&[(tags::STUDY_DATE, date)]);
    let (studies, status) = sample(&mut association, &study_root, &of_date).await?;
    if studies.is_empty() && status.is_failure() {
        bail!("the archive refuses to be asked for studies: {status}");
    }
    if studies.is_empty() {
        bail!("the archive has no studies to query for");
    }
    let mut kinds = kinds_of_studies(&study_root, &studies);
    kinds.extend(below(&mut association, &study_root, &studies).await?);
    let mut left_out: Vec<Cow<'_, str>> = Vec::new();
    match takes(&association, &patient_root) {
        true => kinds.extend(kinds_of_patients(&patient_root, &studies)),
        false => left_out.push("it has no patient root".into()),
    }
    match takes(&association, &worklist) {
        true => match sample(&mut association, &worklist, &of_step(&[], &[])).await? {
            (steps, status) if steps.is_empty() && status.is_failure() => {
                left_out.push(format!("it refuses to be asked for its worklist: {status}").into());
            }
            (steps, _) if steps.is_empty() => {
                left_out.push("no steps are scheduled: `sen bench fill` makes some".into());
            }
            (steps, _) => kinds.extend(kinds_of_steps(&worklist, &steps)),
        },
        false => left_out.push("it has no worklist".into()),
    }

    let mut rows = Vec::new();
    let mut failures = 0;
    for kind in kinds.iter().filter(|kind| !kind.asked.is_empty()) {
        let (row, failed) = measure_kind(&mut association, kind, Duration::from_secs(args.seconds)).await?;
        rows.push(row);
        failures += failed;
    }
    association.release().await?;
    measure::print_under(&["query", "answers", "rate", "median", "95 %"], &rows, args.peer.pid)?;
    for why in left_out {
        commands::print(&format!("left out: {why}"))?;
    }
    if failures > 0 {
        bail!("{failures} queries failed or found nothing");
    }
    Ok(())
}

/// Asks for so long; the row of the table, and how many failed.
async fn measure_kind(
    association: &mut Association,
    kind: &Kind,
    within: Duration,
) -> anyhow::Result<(Vec<String>, u64)> {
    let mut measured = Measurement::default();
    let mut answers = 0;
    let spinner = commands::spinner();
    spinner.set_message(kind.what);
    let started = Instant::now();
    for identifier in kind.asked.iter().cycle() {
        let before = association.bytes().1;
        let (found, took) =
            timed(async { association.find(&kind.class, identifier).await?.all().await }).await;
        let (matches, status) = found.context("the association ended")?;
        if status.is_failure() || matches.is_empty() {
            measured.failed();
        } else {
            answers += matches.len() as u64;
            measured.done(took, association.bytes().1 - before);
        }
        if started.elapsed() >= within {
            break;
        }
    }
    let elapsed = started.elapsed();
    spinner.finish_and_clear();
    let row = vec![
        kind.what.to_owned(),
        grouped(answers / (measured.count() as u64).max(1)),
        format!("{}/s", grouped(measured.rate(elapsed).round() as u64)),
        measured.at(0.5),
        measured.at(0.95),
    ];
    Ok((row, measured.failures()))
}

/// The first answers, and the last status; the rest is called off.
async fn sample(
    association: &mut Association,
    class: &Uid,
    identifier: &DataSet,
) -> anyhow::Result<(Vec<DataSet>, Status)> {
    let mut sample = Vec::new();
    let mut answers = association.find(class, identifier).await?;
    while let Some(answer) = answers.next().await? {
        if sample.len() < SAMPLE {
            sample.push(answer);
            if sample.len() == SAMPLE {
                answers.cancel().await?;
            }
        }
    }
    Ok((sample, answers.status()))
}

fn kinds_of_studies(class: &Uid, studies: &[DataSet]) -> Vec<Kind> {
    let by = |what, tag: Tag| {
        let values = studies.iter().filter_map(|study| study.text(tag));
        Kind { what, class: class.clone(), asked: values.map(|value| of_study(&[(tag, &value)])).collect() }
    };
    let mut kinds = vec![
        by("C-FIND study, StudyInstanceUID", tags::STUDY_INSTANCE_UID),
        by("C-FIND study, PatientID", tags::PATIENT_ID),
        by("C-FIND study, AccessionNumber", tags::ACCESSION_NUMBER),
        by("C-FIND study, StudyDate", tags::STUDY_DATE),
        by("C-FIND study, PatientName", tags::PATIENT_NAME),
    ];
    let of_modality = studies.iter().filter_map(|study| {
        let (date, modality) = (study.text(tags::STUDY_DATE)?, study.text(tags::MODALITIES_IN_STUDY)?);
        Some(of_study(&[(tags::STUDY_DATE, &date), (tags::MODALITIES_IN_STUDY, &modality)]))
    });
    let asked = of_modality.collect();
    kinds.push(Kind { what: "C-FIND study, StudyDate, ModalitiesInStudy", class: class.clone(), asked });
    // A name of which what stands between is not known.
    let begun = studies.iter().filter_map(|study| {
        let name = study.text(tags::PATIENT_NAME)?;
        let (family, _) = name.split_once('^')?;
        let word = name.rsplit(['^', '=', ' ']).find(|word| word.chars().count() > 1)?;
        Some(of_study(&[(tags::PATIENT_NAME, &format!("{family}*{word}"))]))
    });
    let asked = begun.take(OPENED).collect();
    kinds.push(Kind { what: "C-FIND study, PatientName=a*b", class: class.clone(), asked });
    kinds
}

/// Series of a study, images of a series.
async fn below(association: &mut Association, class: &Uid, studies: &[DataSet]) -> anyhow::Result<Vec<Kind>> {
    let of_series = |study: &str| {
        let wanted = [tags::SERIES_INSTANCE_UID, tags::MODALITY, tags::SERIES_NUMBER];
        identifier("SERIES", &[(tags::STUDY_INSTANCE_UID, study)], &wanted)
    };
    let uids = studies.iter().filter_map(|study| study.text(tags::STUDY_INSTANCE_UID));
    let series: Vec<DataSet> = uids.map(|study| of_series(&study)).collect();
    let mut images = Vec::new();
    for identifier_of_series in series.iter().take(OPENED) {
        for found in sample(association, class, identifier_of_series).await?.0 {
            let study = identifier_of_series.text(tags::STUDY_INSTANCE_UID).unwrap_or_default();
            let Some(uid) = found.text(tags::SERIES_INSTANCE_UID) else { continue };
            let keys =
                [(tags::STUDY_INSTANCE_UID, study.as_str()), (tags::SERIES_INSTANCE_UID, uid.as_str())];
            let wanted = [tags::SOP_INSTANCE_UID, tags::SOP_CLASS_UID, tags::INSTANCE_NUMBER];
            images.push(identifier("IMAGE", &keys, &wanted));
        }
    }
    Ok(vec![
        Kind { what: "C-FIND series of a study", class: class.clone(), asked: series },
        Kind { what: "C-FIND images of a series", class: class.clone(), asked: images },
    ])
}

fn kinds_of_patients(class: &Uid, studies: &[DataSet]) -> Vec<Kind> {
    let by = |what, tag: Tag| {
        let values = studies.iter().filter_map(|study| study.text(tag));
        let wanted = [tags::PATIENT_NAME, tags::PATIENT_ID, tags::PATIENT_BIRTH_DATE, tags::PATIENT_SEX];
        let asked = values.map(|value| identifier("PATIENT", &[(tag, &value)], &wanted)).collect();
        Kind { what, class: class.clone(), asked }
    };
    vec![
        by("C-FIND patient, PatientID", tags::PATIENT_ID),
        by("C-FIND patient, PatientName", tags::PATIENT_NAME),
    ]
}

/// Worklists: of a day, of a device and a day, of a patient.
fn kinds_of_steps(class: &Uid, steps: &[DataSet]) -> Vec<Kind> {
    let text = |step: &DataSet, tag: Tag| {
        let item = step.items(tags::SCHEDULED_PROCEDURE_STEP_SEQUENCE).first();
        item.and_then(|item| item.text(tag)).filter(|text| !text.is_empty())
    };
    let day = steps.iter().filter_map(|step| {
        let date = text(step, tags::SCHEDULED_PROCEDURE_STEP_START_DATE)?;
        Some(of_step(&[], &[(tags::SCHEDULED_PROCEDURE_STEP_START_DATE, &date)]))
    });
    let device = steps.iter().filter_map(|step| {
        let date = text(step, tags::SCHEDULED_PROCEDURE_STEP_START_DATE)?;
        let title = text(step, tags::SCHEDULED_STATION_AE_TITLE)?;
        let keys = [
            (tags::SCHEDULED_PROCEDURE_STEP_START_DATE, date.as_str()),
            (tags::SCHEDULED_STATION_AE_TITLE, title.as_str()),
        ];
        Some(of_step(&[], &keys))
    });
    let names = steps.iter().filter_map(|step| step.text(tags::PATIENT_NAME));
    let kind = |what, asked| Kind { what, class: class.clone(), asked };
    vec![
        kind("MWL C-FIND, date", day.collect()),
        kind("MWL C-FIND, date, station AE", device.collect()),
        kind(
            "MWL C-FIND, PatientName",
            names.map(|name| of_step(&[(tags::PATIENT_NAME, &name)], &[])).collect(),
        ),
    ]
}

/// An identifier with what is wanted, and values for some of it.
fn identifier(level: &str, keys: &[(Tag, &str)], wanted: &[Tag]) -> DataSet {
    let mut identifier = DataSet::new();
    identifier.put_text(tags::SPECIFIC_CHARACTER_SET, "ISO_IR 192");
    identifier.put_text(tags::QUERY_RETRIEVE_LEVEL, level);
    put(&mut identifier, keys, wanted);
    identifier
}

fn of_study(keys: &[(Tag, &str)]) -> DataSet {
    identifier("STUDY", keys, &RETURN_KEYS)
}

/// What a modality asks its worklist (PS3.4 K.6.1.2.2), with keys of the patient and of the step.
fn of_step(keys: &[(Tag, &str)], keys_of_step: &[(Tag, &str)]) -> DataSet {
    let mut step = DataSet::new();
    let wanted = [
        tags::MODALITY,
        tags::SCHEDULED_STATION_AE_TITLE,
        tags::SCHEDULED_PROCEDURE_STEP_START_DATE,
        tags::SCHEDULED_PROCEDURE_STEP_START_TIME,
        tags::SCHEDULED_PROCEDURE_STEP_ID,
        tags::SCHEDULED_PROCEDURE_STEP_DESCRIPTION,
    ];
    put(&mut step, keys_of_step, &wanted);
    let mut identifier = DataSet::new();
    identifier.put_text(tags::SPECIFIC_CHARACTER_SET, "ISO_IR 192");
    let wanted = [
        tags::PATIENT_NAME,
        tags::PATIENT_ID,
        tags::PATIENT_BIRTH_DATE,
        tags::PATIENT_SEX,
        tags::ACCESSION_NUMBER,
        tags::STUDY_INSTANCE_UID,
        tags::REQUESTED_PROCEDURE_ID,
    ];
    put(&mut identifier, keys, &wanted);
    identifier.put_items(tags::SCHEDULED_PROCEDURE_STEP_SEQUENCE, vec![step]);
    identifier
}

fn put(set: &mut DataSet, keys: &[(Tag, &str)], wanted: &[Tag]) {
    wanted.iter().for_each(|tag| set.put_empty(*tag));
    keys.iter().filter(|(_, value)| !value.is_empty()).for_each(|(tag, value)| set.put_text(*tag, value));
}
