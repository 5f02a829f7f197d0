//! The province: where everything else is asked for.

use crate::case;
use crate::hospital::{Device, HOSPITALS, Hospital, devices};
use crate::name::{Name, Sex};
use crate::order::Order;
use crate::patient::Patient;
use crate::procedure::{PROCEDURES, Procedure};
use crate::random::stream;
use jiff::civil::Date;
use rand::RngExt;

/// A synthetic province on one day. Nothing is stored: every answer is a function of seed, day and number.
#[derive(Debug, Clone)]
pub struct Province {
    seed: u64,
    today: Date,
    devices: Vec<Device>,
}

impl Province {
    /// How many people live here.
    pub const PATIENTS: u64 = 200_000;
    /// How many patients, the first ones, have told cases: [`Province::studies`] shows them.
    pub const TOLD_PATIENTS: u64 = case::TOLD.len() as u64;

    /// The province that belongs to a seed, on a day.
    pub fn new(seed: u64, today: Date) -> Province {
        Province { seed, today, devices: devices() }
    }

    /// The seed.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// The day that counts as today.
    pub fn today(&self) -> Date {
        self.today
    }

    /// Every facility; the first is the provincial hospital.
    pub fn hospitals(&self) -> &'static [Hospital] {
        HOSPITALS
    }

    /// Every machine.
    pub fn devices(&self) -> &[Device] {
        &self.devices
    }

    /// The catalogue of procedures.
    pub fn procedures(&self) -> &'static [Procedure] {
        PROCEDURES
    }

    /// One person by number; the first [`Province::TOLD_PATIENTS`] are those of the told cases.
    pub fn patient(&self, number: u64) -> Patient {
        match usize::try_from(number).ok().and_then(|place| case::TOLD.get(place)) {
            Some(told) => {
                Patient::named(self.seed, number, told.name(), told.sex, told.age_years, self.today)
            }
            None => Patient::make(self.seed, number, self.today),
        }
    }

    /// One of the doctors who read and order.
    pub fn doctor(&self, number: u64) -> Name {
        let mut random = stream(self.seed, "doctor", number);
        let sex = if random.random_bool(0.55) { Sex::Male } else { Sex::Female };
        Name::random(&mut random, sex)
    }

    /// The book of a day, every hospital, in the order of the hours.
    pub fn orders(&self, date: Date) -> Vec<Order> {
        let mut orders: Vec<Order> = (0..HOSPITALS.len())
            .flat_map(|hospital| case::orders(self, hospital, date).chain(Order::book(self, hospital, date)))
            .collect();
        orders.sort_by(|a, b| {
            (a.scheduled_at, &a.accession_number).cmp(&(b.scheduled_at, &b.accession_number))
        });
        orders
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;
    use std::collections::HashSet;

    fn province() -> Province {
        Province::new(7, date(2026, 11, 23))
    }

    #[test]
    fn the_same_seed_gives_the_same_province() {
        let (one, two) = (province(), province());
        assert_eq!(one.orders(one.today()), two.orders(two.today()));
        let other = Province::new(8, one.today());
        assert_ne!(one.orders(one.today()), other.orders(one.today()));
    }

    #[test]
    fn accession_numbers_and_study_uids_are_unique() {
        let province = province();
        let mut numbers = HashSet::new();
        let mut uids = HashSet::new();
        for days in 0..30 {
            let day = date(2026, 11, 1).saturating_add(jiff::Span::new().days(days));
            for order in province.orders(day) {
                assert!(order.accession_number.len() <= 16);
                assert!(numbers.insert(order.accession_number.clone()));
                assert!(uids.insert(order.study.clone()));
                assert_eq!(order.device.modality, order.procedure.modality);
                assert_eq!(order.device.facility, order.hospital.code);
            }
        }
    }

    #[test]
    fn the_first_patient_is_the_one_everybody_searches() {
        assert_eq!(province().patient(0).name.spoken(), "Nguyễn Văn An");
    }
}
