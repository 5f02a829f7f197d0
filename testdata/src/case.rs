//! The told cases: a handful of patients with visits today and before, so that a reader finds priors.

use crate::name::{Name, Sex};
use crate::order::{Order, Slot};
use crate::procedure;
use crate::province::Province;
use jiff::ToSpan;
use jiff::civil::Date;

/// A patient of whom something is told.
pub(crate) struct Told {
    family: &'static str,
    middle: &'static str,
    given: &'static str,
    pub(crate) sex: Sex,
    pub(crate) age_years: i32,
    visits: &'static [Visit],
}

/// One procedure of a told patient: days before today, place of the hospital in the list, procedure, minute of day.
struct Visit(i32, usize, &'static str, i16);

pub(crate) const TOLD: &[Told] = &[
    told(
        "Nguyễn",
        "Văn",
        "An",
        Sex::Male,
        58,
        &[
            Visit(0, 0, "SA.BUNG", 450),
            Visit(0, 0, "CT.BUNG.CQ", 490),
            Visit(398, 0, "CT.BUNG.CQ", 615),
            Visit(398, 0, "XQ.NGUC.T", 560),
        ],
    ),
    told(
        "Trần",
        "Thị Bích",
        "Hồng",
        Sex::Female,
        46,
        &[Visit(0, 0, "XQ.NGUC.T", 465), Visit(0, 0, "CT.NGUC", 545), Visit(187, 0, "XQ.NGUC.T", 505)],
    ),
    told("Lê", "Quang", "Dũng", Sex::Male, 67, &[Visit(1, 0, "CT.NGUC", 870), Visit(366, 0, "CT.NGUC", 540)]),
    told("Phạm", "Thị Thu", "Hà", Sex::Female, 33, &[Visit(0, 0, "SA.BUNG", 475)]),
    told("Hoàng", "Minh", "Đức", Sex::Male, 51, &[Visit(0, 0, "MR.SONAO", 500)]),
    told(
        "Đặng",
        "Thị Kim",
        "Oanh",
        Sex::Female,
        72,
        &[Visit(0, 0, "XQ.NGUC.T", 515), Visit(341, 0, "XQ.NGUC.T", 600)],
    ),
    told("Võ", "Thành", "Tài", Sex::Male, 39, &[Visit(1, 1, "CT.BUNG", 640)]),
    told("Vũ", "Đình", "Nghĩa", Sex::Male, 63, &[Visit(2, 2, "XQ.NGUC.T", 555)]),
];

impl Told {
    pub(crate) fn name(&self) -> Name {
        Name::new(self.family, self.middle, self.given)
    }
}

/// The orders of told patients on one day at one hospital.
pub(crate) fn orders(province: &Province, hospital: usize, date: Date) -> impl Iterator<Item = Order> {
    all_orders(province)
        .filter(move |(place, order)| *place == hospital && order.scheduled_at.date() == date)
        .map(|(_, order)| order)
}

/// Every order of every told patient, with the place of its hospital in the list.
pub(crate) fn all_orders(province: &Province) -> impl Iterator<Item = (usize, Order)> {
    TOLD.iter().zip(0u64..).flat_map(move |(told, patient)| {
        told.visits.iter().zip(0u64..).filter_map(move |(visit, n)| {
            let &Visit(days_ago, hospital, code, minute) = visit;
            let date = province.today().checked_sub(days_ago.days()).ok()?;
            let slot = Slot { hospital, date, order: patient * 10 + n + 1 };
            let order = Order::make(province, slot, patient, procedure::by_code(code)?, minute)?;
            Some((hospital, order))
        })
    })
}

const fn told(
    family: &'static str,
    middle: &'static str,
    given: &'static str,
    sex: Sex,
    age_years: i32,
    visits: &'static [Visit],
) -> Told {
    Told { family, middle, given, sex, age_years, visits }
}
