//! What was ordered: one imaging procedure for one patient at one time on one machine.

use crate::hospital::{Device, Hospital, Tier};
use crate::name::{Name, Sex};
use crate::patient::Patient;
use crate::procedure::{PROCEDURES, Procedure, Subject};
use crate::province::Province;
use crate::random::{pick, stream, uid};
use jiff::ToSpan;
use jiff::civil::{Date, DateTime};
use pacs_core::uid::Uid;
use rand::RngExt;

/// An order with its requested procedure and scheduled step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// Facility that ordered and performs.
    pub hospital: &'static Hospital,
    /// For whom, as a number of [`Province::patient`].
    pub patient: u64,
    /// What.
    pub procedure: &'static Procedure,
    /// Where.
    pub device: Device,
    /// When, in the province's local time (UTC+7).
    pub scheduled_at: DateTime,
    /// Accession number (0008,0050), unique within the facility.
    pub accession_number: String,
    /// Requested Procedure ID (0040,1001).
    pub requested_procedure_id: String,
    /// Scheduled Procedure Step ID (0040,0009).
    pub step_id: String,
    /// Study Instance UID that the images will carry.
    pub study: Uid,
    /// Who ordered.
    pub referring_physician: Name,
    /// Ward or clinic that ordered.
    pub department: &'static str,
    /// Why.
    pub reason: &'static str,
    /// Whether it must not wait.
    pub emergency: bool,
}

const DEPARTMENTS: &[&str] = &[
    "Khoa Khám bệnh",
    "Khoa Cấp cứu",
    "Khoa Ngoại tổng hợp",
    "Khoa Nội tiêu hóa",
    "Khoa Hô hấp",
    "Khoa Thần kinh",
];

impl Order {
    /// The order of one place in a day's book.
    pub(crate) fn make(
        province: &Province,
        slot: Slot,
        patient: u64,
        procedure: &'static Procedure,
        minute_of_day: i16,
    ) -> Option<Order> {
        let hospital = province.hospitals().get(slot.hospital)?;
        let place = slot.number();
        let mut random = stream(province.seed(), "order", place);
        let candidates: Vec<&Device> = province
            .devices()
            .iter()
            .filter(|device| device.facility == hospital.code && device.modality == procedure.modality)
            .collect();
        let device = (*candidates.get(random.random_range(0..candidates.len().max(1)))?).clone();
        let physician_sex = if random.random_bool(0.5) { Sex::Male } else { Sex::Female };
        let day = slot.date;
        let stamp = format!(
            "{:02}{:02}{:02}{:02}{:04}",
            day.year() % 100,
            day.month(),
            day.day(),
            slot.hospital,
            slot.order
        );
        Some(Order {
            hospital,
            patient,
            procedure,
            device,
            scheduled_at: day.at(0, 0, 0, 0).saturating_add(i64::from(minute_of_day).minutes()),
            requested_procedure_id: format!("YC{stamp}"),
            step_id: format!("BC{stamp}"),
            accession_number: stamp,
            study: uid(province.seed(), "study", place),
            referring_physician: Name::random(&mut random, physician_sex),
            department: pick::<&str>(&mut random, DEPARTMENTS),
            reason: pick::<&str>(&mut random, reasons(procedure)),
            emergency: random.random_ratio(1, 14),
        })
    }

    /// The orders of a day that belong to no told case: what fills the book of a hospital.
    pub(crate) fn book(province: &Province, hospital: usize, date: Date) -> impl Iterator<Item = Order> {
        let tier = province.hospitals().get(hospital).map(|hospital| hospital.tier);
        let count = match tier {
            Some(Tier::Province) => 28,
            Some(Tier::District) => 11,
            Some(Tier::Commune) | None => 3,
        };
        (0..count).filter_map(move |n| {
            let slot = Slot { hospital, date, order: 100 + n };
            let mut random = stream(province.seed(), "book", slot.number());
            let code = province.hospitals().get(hospital)?.code;
            let offered: Vec<&'static Procedure> = PROCEDURES
                .iter()
                .filter(|procedure| {
                    province
                        .devices()
                        .iter()
                        .any(|device| device.facility == code && device.modality == procedure.modality)
                })
                .collect();
            let procedure = *pick(&mut random, &offered);
            let patient = Province::TOLD_PATIENTS
                + random.random_range(0..Province::PATIENTS - Province::TOLD_PATIENTS);
            let minute = 7 * 60 + 5 * random.random_range(0..114);
            Order::make(province, slot, patient, procedure, minute)
        })
    }

    /// The patient.
    pub fn patient(&self, province: &Province) -> Patient {
        province.patient(self.patient)
    }
}

/// One line of a hospital's book on one day.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Slot {
    /// Place in the list of hospitals.
    pub(crate) hospital: usize,
    /// The day.
    pub(crate) date: Date,
    /// Line, below 10 000.
    pub(crate) order: u64,
}

impl Slot {
    /// A number no other line has.
    fn number(self) -> u64 {
        let day = u64::from(self.date.year().unsigned_abs()) * 366
            + u64::from(self.date.day_of_year().unsigned_abs());
        (day * 100 + self.hospital as u64) * 10_000 + self.order
    }
}

fn reasons(procedure: &Procedure) -> &'static [&'static str] {
    match procedure.subject {
        Some(Subject::CtAbdomen) => &[
            "Đau bụng thượng vị, theo dõi viêm tụy",
            "Theo dõi u gan",
            "Đau hố chậu phải",
            "Kiểm tra sau mổ",
        ],
        Some(Subject::CtChest) => {
            &["Ho kéo dài, nốt mờ phổi phải trên X-quang", "Khó thở, theo dõi viêm phổi"]
        }
        Some(Subject::ChestFrontal) => {
            &["Ho, sốt 3 ngày", "Khám sức khỏe định kỳ", "Đau ngực", "Trước phẫu thuật"]
        }
        Some(Subject::UltrasoundAbdomen) => {
            &["Đau hạ sườn phải sau ăn", "Men gan cao", "Khám sức khỏe định kỳ"]
        }
        Some(Subject::MrBrain) => &["Đau đầu kéo dài", "Yếu nửa người trái", "Chóng mặt"],
        None => &["Theo dõi", "Đau kéo dài", "Kiểm tra sau điều trị"],
    }
}
