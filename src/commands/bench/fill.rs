//! `sen bench fill`: an index as large as a province's after years, without its images, and what is still to be done.

use std::sync::Arc;

use anyhow::{Context as _, bail};
use clap::Args as ClapArgs;
use indicatif::ProgressBar;
use jiff::ToSpan as _;
use pacs_core::access::Actor;
use pacs_core::attributes;
use pacs_core::clock::Clock;
use pacs_core::dataset::DataSet;
use pacs_core::uid::Uid;
use pacs_core::{tags, uids};
use storage::catalogue::Procedure;
use storage::database::Durability;
use storage::index::arrivals::{Arrivals, NewInstance};
use storage::index::packs::{self, Sizes};
use storage::index::place::{Kept, Place};
use storage::index::{PackId, facilities};
use storage::schedule::{self, NewOrder, OrderPatient};
use testdata::Province;

use crate::commands::{self, Global, demo};
use crate::lifecycle;

/// Instances committed at once.
const BATCH: usize = 500;
/// Studies are spread over so many days.
const DAYS: u64 = 3650;
/// Open orders are for today and the days after it.
const ORDER_DAYS: u64 = 5;
/// What studies are of, and of how many in a thousand: modality, SOP class, description. One kind is rare, since
/// looking for what few have is another work than looking for what many have.
const STUDIED: [(u64, &str, &str, &str); 7] = [
    (400, "DX", uids::DIGITAL_X_RAY_IMAGE_STORAGE_FOR_PRESENTATION, "X quang ngực thẳng"),
    (250, "US", uids::ULTRASOUND_IMAGE_STORAGE, "Siêu âm ổ bụng"),
    (200, "CT", uids::CT_IMAGE_STORAGE, "CT bụng"),
    (79, "CT", uids::CT_IMAGE_STORAGE, "CT sọ não"),
    (50, "MR", uids::MR_IMAGE_STORAGE, "MRI cột sống thắt lưng"),
    (20, "MR", uids::MR_IMAGE_STORAGE, "MRI khớp gối"),
    (1, "PT", uids::POSITRON_EMISSION_TOMOGRAPHY_IMAGE_STORAGE, "PET/CT toàn thân"),
];
/// Bytes that the row of an instance claims.
const CLAIMED_BYTES: u64 = 526_000;
const CLAIMED_HEAD_BYTES: u64 = 400;

/// What `sen bench fill` takes.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Only an archive without studies is filled. Queries on it are real, its images are not there: take it
away after measuring. The archive must not be served at the same time.")]
pub struct Args {
    /// Studies to make rows of
    #[arg(long, default_value_t = 10_000)]
    studies: u64,

    /// Instances of each study
    #[arg(long, default_value_t = 5)]
    instances: u64,

    /// Open orders, each for one scheduled step of today or the four days after it
    #[arg(long, default_value_t = 1000)]
    orders: u64,

    /// Seed of the province
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Fills the index through the same batches as arriving images.
pub async fn run(args: Args, global: &Global) -> anyhow::Result<()> {
    let config = global.load()?;
    let archive = lifecycle::open_archive(&config).await?;
    if demo::has_studies(archive.database()).await? {
        archive.close().await;
        bail!("the archive has studies; only an empty one is filled");
    }
    let bar = commands::progress_bar(args.studies.saturating_mul(args.instances), "rows");
    let filled = fill(&archive, &args, &bar).await;
    bar.finish_and_clear();
    archive.close().await;
    let rows = filled?;
    commands::print(&format!("{} studies, {rows} instance rows, {} open orders", args.studies, args.orders))
}

async fn fill(archive: &storage::Archive, args: &Args, bar: &ProgressBar) -> anyhow::Result<u64> {
    let database = archive.database();
    let clock = Clock::system();
    let now_ms = clock.now_ms();
    let province = Province::new(args.seed, demo::today(&clock));
    for hospital in province.hospitals() {
        facilities::name(database, hospital.code, hospital.name).await?;
    }
    // The rows need a pack to point at; nothing lies under its key.
    let mut tx = database.begin(Durability::Synced).await?;
    let sizes = Sizes { length_bytes: 0, companion_bytes: 1, instance_count: 0 };
    let pack = packs::adopt(&mut tx, &format!("bench/{:016x}", rand::random::<u64>()), sizes, now_ms).await?;
    tx.commit().await?;

    let arrivals = Arrivals::new(database.clone(), Clock::system());
    let mut batch = Vec::with_capacity(BATCH);
    let mut rows = 0;
    for number in 0..args.studies {
        let study = StudyRows::of(&province, number, now_ms)?;
        for instance in 0..args.instances {
            batch.push(study.instance(instance, pack)?);
            if batch.len() == BATCH {
                rows += store(&arrivals, &mut batch, bar).await?;
            }
        }
    }
    rows += store(&arrivals, &mut batch, bar).await?;
    for number in 0..args.orders {
        order(archive, &province, number, now_ms).await?;
    }
    Ok(rows)
}

/// An order of a patient of the province for one of its devices, as the pages write it.
async fn order(
    archive: &storage::Archive,
    province: &Province,
    number: u64,
    now_ms: i64,
) -> anyhow::Result<()> {
    let devices = province.devices();
    let device = devices.get(usize::try_from(number)? % devices.len().max(1));
    let device = device.context("the province has no devices")?;
    let procedures = province.procedures().iter().filter(|procedure| procedure.modality == device.modality);
    let procedure = procedures.clone().nth(usize::try_from(number)? % procedures.count().max(1));
    let procedure = procedure.context("nothing can be ordered of a device")?;
    let patient = province.patient(number.wrapping_mul(7919) % Province::PATIENTS);
    let day = province.today().saturating_add(i64::try_from(number % ORDER_DAYS)?.days());
    let order = NewOrder {
        facility: device.facility.to_owned(),
        patient: OrderPatient {
            id: Some(patient.id_at(device.facility)),
            name: patient.name.dicom(),
            birth_date: Some(patient.birth_date.strftime("%Y%m%d").to_string()),
            sex: Some(patient.sex.code().to_owned()),
            ..OrderPatient::default()
        },
        accession_number: None,
        procedure: Procedure {
            code: procedure.code.to_owned(),
            name: procedure.name.to_owned(),
            modality: procedure.modality.to_owned(),
        },
        station_ae: Some(device.ae_title.clone()),
        room: None,
        scheduled_date: day.strftime("%Y%m%d").to_string(),
        scheduled_time: format!("{:02}{:02}00", 7 + number % 10, number % 60),
        referring_physician: Some(province.doctor(number % 200).dicom()),
        reason: None,
        emergency: number.is_multiple_of(50),
    };
    schedule::create_order(archive.database(), &order, &Actor::system(), now_ms).await?;
    Ok(())
}

async fn store(arrivals: &Arrivals, batch: &mut Vec<NewInstance>, bar: &ProgressBar) -> anyhow::Result<u64> {
    arrivals.store_batch(batch).await?;
    let stored = batch.len() as u64;
    bar.inc(stored);
    batch.clear();
    Ok(stored)
}

/// A study of which only rows are made.
struct StudyRows {
    number: u64,
    header: DataSet,
    facility: String,
    received_ms: i64,
}

impl StudyRows {
    /// Newest first: study 0 is today's.
    fn of(province: &Province, number: u64, now_ms: i64) -> anyhow::Result<Self> {
        let hospitals = province.hospitals();
        let hospital = hospitals.get(usize::try_from(number)? % hospitals.len().max(1));
        let facility = hospital.map(|hospital| hospital.code).unwrap_or_default();
        let patient = province.patient(number.wrapping_mul(7919) % Province::PATIENTS);
        let days = i64::try_from(number % DAYS)?;
        let date = province.today().saturating_sub(days.days());
        let (modality, class, description) = studied(number);
        let mut header = DataSet::new();
        header.put_text(tags::SPECIFIC_CHARACTER_SET, "ISO_IR 192");
        header.put_uid(tags::SOP_CLASS_UID, &Uid::parse(class)?);
        header.put_text(tags::STUDY_DATE, &date.strftime("%Y%m%d").to_string());
        header.put_text(tags::STUDY_TIME, &format!("{:02}{:02}00", 7 + number % 10, number % 60));
        header.put_text(tags::ACCESSION_NUMBER, &format!("F{number:012}"));
        header.put_text(tags::MODALITY, modality);
        header.put_text(tags::STUDY_DESCRIPTION, description);
        header.put_text(tags::REFERRING_PHYSICIAN_NAME, &province.doctor(number % 200).dicom());
        header.put_text(tags::PATIENT_NAME, &patient.name.dicom());
        header.put_text(tags::PATIENT_ID, &patient.id_at(facility));
        header.put_text(tags::PATIENT_BIRTH_DATE, &patient.birth_date.strftime("%Y%m%d").to_string());
        header.put_text(tags::PATIENT_SEX, patient.sex.code());
        header.put_uid(tags::STUDY_INSTANCE_UID, &made_up(number, 0));
        header.put_uid(tags::SERIES_INSTANCE_UID, &made_up(number, 1));
        header.put_int(tags::SERIES_NUMBER, 1);
        header.put_int(tags::ROWS, 512);
        header.put_int(tags::COLUMNS, 512);
        Ok(Self { number, header, facility: facility.to_owned(), received_ms: now_ms - days * 86_400_000 })
    }

    fn instance(&self, number: u64, pack: PackId) -> anyhow::Result<NewInstance> {
        let uid = made_up(self.number, 2 + number);
        let mut header = self.header.clone();
        header.put_uid(tags::SOP_INSTANCE_UID, &uid);
        header.put_int(tags::INSTANCE_NUMBER, i64::try_from(number)? + 1);
        let lifted = attributes::lift(&header).map_err(|refusal| anyhow::anyhow!(refusal.reason))?;
        let mut hash = [0; 32];
        for (byte, from) in
            hash.iter_mut().zip(self.number.to_le_bytes().into_iter().chain(number.to_le_bytes()))
        {
            *byte = from;
        }
        Ok(NewInstance {
            lifted,
            header: Arc::new(header),
            place: Place {
                kept: Kept::Pack(pack),
                offset_bytes: number * CLAIMED_BYTES,
                length_bytes: CLAIMED_BYTES,
                head_bytes: CLAIMED_HEAD_BYTES,
            },
            hash,
            transfer_syntax: Uid::parse(uids::EXPLICIT_VR_LITTLE_ENDIAN)?,
            received_ms: self.received_ms,
            facility: self.facility.clone(),
            calling_ae: None,
        })
    }
}

/// What the study of that number is of. Neighbours differ, and so do the studies of a day.
fn studied(number: u64) -> (&'static str, &'static str, &'static str) {
    // 389 has no divisor in common with a thousand, so that each thousand numbers have every place.
    let mut place = (number * 389 + number / DAYS * 7) % 1000;
    for (share, modality, class, description) in STUDIED {
        if place < share {
            return (modality, class, description);
        }
        place -= share;
    }
    let [(_, modality, class, description), ..] = STUDIED;
    (modality, class, description)
}

/// A UID that only depends on its place, under a prefix that no real one has.
fn made_up(study: u64, part: u64) -> Uid {
    let number = (u128::from(0x5e17_f111_u32) << 96) | (u128::from(study) << 32) | u128::from(part);
    Uid::generate(number.to_be_bytes())
}
