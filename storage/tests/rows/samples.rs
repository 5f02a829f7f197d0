//! Instances and orders as devices and clerks make them.

use std::sync::Arc;

use pacs_core::access::Actor;
use pacs_core::attributes::lift;
use pacs_core::clock::Clock;
use pacs_core::dataset::DataSet;
use pacs_core::tags;
use pacs_core::uid::{AeTitle, Uid};
use storage::catalogue::Procedure;
use storage::database::Database;
use storage::index::SegmentId;
use storage::index::arrivals::{Arrivals, NewInstance};
use storage::index::place::{Kept, Place};
use storage::index::segments;
use storage::schedule::{NewOrder, OrderPatient};

/// When every test begins: 2026-09-21 13:13:20 UTC, 20:13:20 in Vietnam.
pub const NOW_MS: i64 = 1_790_000_000_000;

pub fn uid(text: &str) -> Uid {
    Uid::parse(text).unwrap()
}

/// What a device sends; change what matters.
#[derive(Clone)]
pub struct Image {
    pub patient_id: &'static str,
    pub name: &'static str,
    pub study: String,
    pub series: String,
    pub number: i64,
    pub date: Option<&'static str>,
    pub accession: Option<String>,
    pub modality: &'static str,
    pub description: &'static str,
    pub facility: &'static str,
    pub birth_date: Option<&'static str>,
    pub content: u8,
    pub received_ms: i64,
    pub issuer: Option<&'static str>,
    /// Universal Entity ID of the issuer.
    pub issuer_oid: Option<&'static str>,
    /// Other Patient IDs: number and issuer.
    pub others: &'static [(&'static str, &'static str)],
    /// Patient Comments.
    pub comments: Option<&'static str>,
}

impl Default for Image {
    fn default() -> Self {
        Self {
            patient_id: "BN001",
            name: "NGUYỄN^VĂN A",
            study: "1.2.1".into(),
            series: "1.2.1.1".into(),
            number: 1,
            date: Some("20260921"),
            accession: None,
            modality: "CT",
            description: "Ngực",
            facility: "BVTW",
            birth_date: Some("19800102"),
            content: 1,
            received_ms: NOW_MS,
            issuer: None,
            issuer_oid: None,
            others: &[],
            comments: None,
        }
    }
}

impl Image {
    pub fn uid(&self) -> Uid {
        uid(&format!("{}.{}", self.series, self.number))
    }

    pub fn data_set(&self) -> DataSet {
        let mut set = DataSet::new();
        set.put_text(tags::SPECIFIC_CHARACTER_SET, "ISO_IR 192");
        set.put_text(tags::SOP_CLASS_UID, "1.2.840.10008.5.1.4.1.1.2");
        set.put_uid(tags::SOP_INSTANCE_UID, &self.uid());
        set.put_text(tags::STUDY_TIME, "081500.25");
        set.put_text(tags::MODALITY, self.modality);
        set.put_text(tags::STUDY_DESCRIPTION, self.description);
        set.put_text(tags::MANUFACTURER, "Phantom");
        set.put_text(tags::REFERRING_PHYSICIAN_NAME, "Lê^Thị Bình");
        set.put_text(tags::PATIENT_NAME, self.name);
        set.put_text(tags::PATIENT_ID, self.patient_id);
        set.put_text(tags::PATIENT_SEX, "M");
        set.put_text(tags::PATIENT_AGE, "046Y");
        set.put_uid(tags::STUDY_INSTANCE_UID, &uid(&self.study));
        set.put_uid(tags::SERIES_INSTANCE_UID, &uid(&self.series));
        set.put_int(tags::SERIES_NUMBER, 1);
        set.put_int(tags::INSTANCE_NUMBER, self.number);
        set.put_int(tags::ROWS, 512);
        set.put_int(tags::COLUMNS, 512);
        let optional = [
            (tags::STUDY_DATE, self.date),
            (tags::ACCESSION_NUMBER, self.accession.as_deref()),
            (tags::PATIENT_BIRTH_DATE, self.birth_date),
            (tags::ISSUER_OF_PATIENT_ID, self.issuer),
            (tags::PATIENT_COMMENTS, self.comments),
        ];
        for (tag, value) in optional {
            if let Some(value) = value {
                set.put_text(tag, value);
            }
        }
        if let Some(oid) = self.issuer_oid {
            let mut qualifiers = DataSet::new();
            qualifiers.put_text(tags::UNIVERSAL_ENTITY_ID, oid);
            qualifiers.put_text(tags::UNIVERSAL_ENTITY_ID_TYPE, "ISO");
            set.put_items(tags::ISSUER_OF_PATIENT_ID_QUALIFIERS_SEQUENCE, vec![qualifiers]);
        }
        let others = self.others.iter().map(|(number, issuer)| {
            let mut other = DataSet::new();
            other.put_text(tags::PATIENT_ID, number);
            other.put_text(tags::ISSUER_OF_PATIENT_ID, issuer);
            other
        });
        if !self.others.is_empty() {
            set.put_items(tags::OTHER_PATIENT_I_DS_SEQUENCE, others.collect());
        }
        set
    }

    /// The instance at a place of that segment that no other instance has.
    pub fn at(&self, segment: SegmentId, offset_bytes: u64) -> NewInstance {
        let header = self.data_set();
        NewInstance {
            lifted: lift(&header).unwrap(),
            header: Arc::new(header),
            place: Place { kept: Kept::Segment(segment), offset_bytes, length_bytes: 4096, head_bytes: 200 },
            hash: [self.content; 32],
            transfer_syntax: uid("1.2.840.10008.1.2.1"),
            received_ms: self.received_ms,
            facility: self.facility.into(),
            calling_ae: Some(AeTitle::parse("CT1").unwrap()),
        }
    }
}

/// A segment for instances to lie in.
pub async fn segment(db: &Database) -> SegmentId {
    let id = SegmentId(i64::from(rand::random::<u32>()));
    segments::ensure(db, "1", &[id], NOW_MS).await.unwrap();
    id
}

/// A handle of its own, which remembers nothing yet.
pub fn arrivals(db: &Database) -> Arrivals {
    Arrivals::new(db.clone(), Clock::standing_at(NOW_MS))
}

/// Stores these images in one batch and says what was decided.
pub async fn store(db: &Database, images: &[Image]) -> Vec<storage::Decision> {
    let arrivals = arrivals(db);
    let segment = segment(db).await;
    let batch: Vec<_> =
        images.iter().enumerate().map(|(at, image)| image.at(segment, at as u64 * 8192)).collect();
    decide(&arrivals, &batch).await
}

/// Stores a batch of which nothing was deleted.
pub async fn decide(arrivals: &Arrivals, batch: &[NewInstance]) -> Vec<storage::Decision> {
    arrivals.store_batch(batch).await.unwrap().into_iter().map(Option::unwrap).collect()
}

pub fn clerk() -> Actor {
    Actor { id: "user:clerk".into(), name: "Văn thư".into(), ..Actor::system() }
}

/// An order of that facility for the patient of [`Image::default`].
pub fn order() -> NewOrder {
    NewOrder {
        facility: "BVTW".into(),
        patient: OrderPatient {
            id: Some("BN001".into()),
            name: "NGUYỄN^VĂN A".into(),
            birth_date: Some("19800102".into()),
            sex: Some("M".into()),
            ..OrderPatient::default()
        },
        accession_number: None,
        procedure: Procedure {
            code: "CT-NGUC".into(), name: "Chụp CLVT ngực".into(), modality: "CT".into()
        },
        station_ae: Some(AeTitle::parse("CT1").unwrap()),
        room: None,
        scheduled_date: "20260921".into(),
        scheduled_time: "090000".into(),
        referring_physician: Some("Lê^Thị Bình".into()),
        reason: Some("Ho kéo dài".into()),
        emergency: false,
    }
}
