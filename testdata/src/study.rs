//! Studies with images: what an order becomes once it has been performed.

use crate::case;
use crate::instance::Instance;
use crate::order::Order;
use crate::patient::Patient;
use crate::procedure::Subject;
use crate::province::Province;
use crate::random::{number_of, uid_below};
use crate::series::{Painter, SeriesPlan, plans};
use jiff::ToSpan;
use jiff::civil::DateTime;
use pacs_core::uid::Uid;
use rayon::prelude::*;
use std::collections::VecDeque;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// One performed study. It holds no pixels: they are computed while [`Study::instances`] is walked.
#[derive(Debug, Clone)]
pub struct Study {
    order: Order,
    patient: Patient,
    subject: Subject,
    years_before_today: f32,
}

impl Province {
    /// The studies of the told cases that have images, newest first. Each belongs to an order of its day.
    pub fn studies(&self) -> Vec<Study> {
        let mut studies: Vec<Study> =
            case::all_orders(self).filter_map(|(_, order)| Study::of(self, order)).collect();
        studies.sort_by_key(|study| std::cmp::Reverse(study.performed_at()));
        studies
    }
}

impl Study {
    /// The study of an order; `None` when its procedure is one of those that this crate cannot draw.
    pub fn of(province: &Province, order: Order) -> Option<Study> {
        let subject = order.procedure.subject?;
        let days = order.scheduled_at.date().until(province.today()).map_or(0, |span| span.get_days());
        let patient = order.patient(province);
        Some(Study { order, patient, subject, years_before_today: days as f32 / 365.25 })
    }

    /// The order it answers.
    pub fn order(&self) -> &Order {
        &self.order
    }

    /// Whose it is.
    pub fn patient(&self) -> &Patient {
        &self.patient
    }

    /// Study Instance UID (0020,000D).
    pub fn uid(&self) -> &Uid {
        &self.order.study
    }

    /// When the first image was made.
    pub fn performed_at(&self) -> DateTime {
        self.order.scheduled_at.saturating_add(7.minutes())
    }

    /// Number of instances.
    pub fn instance_count(&self) -> usize {
        self.plans().iter().map(|plan| plan.count).sum()
    }

    /// The instances, one after the other. A few are computed ahead on all threads of the current rayon pool; no
    /// more than those are in memory.
    pub fn instances(&self) -> Instances<'_> {
        let plans = self.plans().into_iter().enumerate();
        let series = plans
            .map(|(n, plan)| Series {
                uid: uid_below(self.uid(), "series", n as u64 + 1),
                plan,
                painter: None,
            })
            .collect();
        Instances { study: self, series, next: 0, ready: VecDeque::new() }
    }

    /// Writes every instance as `<folder>/<study>/<series>/<instance>.dcm` and returns how many there are.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn write_folder(&self, folder: &Path) -> io::Result<usize> {
        let mut written = 0;
        for instance in self.instances() {
            let path: PathBuf = [instance.study.as_str(), instance.series.as_str()].iter().collect();
            let path = folder.join(path);
            fs::create_dir_all(&path)?;
            fs::write(path.join(format!("{}.dcm", instance.uid)), &instance.bytes)?;
            written += 1;
        }
        Ok(written)
    }

    fn plans(&self) -> Vec<SeriesPlan> {
        plans(self.subject, &self.order)
    }
}

/// The instances of a study, see [`Study::instances`].
pub struct Instances<'a> {
    study: &'a Study,
    series: VecDeque<Series>,
    next: usize,
    ready: VecDeque<Instance>,
}

struct Series {
    uid: Uid,
    plan: SeriesPlan,
    /// Made when the series begins, dropped with it.
    painter: Option<Painter>,
}

impl Iterator for Instances<'_> {
    type Item = Instance;

    fn next(&mut self) -> Option<Instance> {
        loop {
            if let Some(instance) = self.ready.pop_front() {
                return Some(instance);
            }
            let series = self.series.front_mut()?;
            if self.next >= series.plan.count {
                self.series.pop_front();
                self.next = 0;
                continue;
            }
            let study = self.study;
            let (plan, uid) = (&series.plan, &series.uid);
            let painter = series.painter.get_or_insert_with(|| {
                Painter::new(plan, &study.patient, number_of(study.uid().as_str()), study.years_before_today)
            });
            let end = (self.next + rayon::current_num_threads()).min(plan.count);
            let made: Vec<Instance> = (self.next..end)
                .into_par_iter()
                .map(|index| {
                    painter.instance(plan, uid, &study.patient, &study.order, study.performed_at(), index)
                })
                .collect();
            self.next = end;
            self.ready.extend(made);
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let planned: usize = self.series.iter().map(|series| series.plan.count).sum();
        let left = planned - self.next + self.ready.len();
        (left, Some(left))
    }
}

impl ExactSizeIterator for Instances<'_> {}
