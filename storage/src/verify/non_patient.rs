//! Verifying objects that are of no patient.

use super::VerifyReport;
use super::background::{Plan, REST_MS, due_before_ms};
use crate::archive::Archive;
use crate::error::Result;
use crate::index::NonPatientId;
use crate::index::instances::InstancePlace;
use crate::index::place::Kept;
use crate::non_patient;
use crate::pace::Pace;

/// Rows asked for at a time.
const PAGE: i64 = 100;

impl Archive {
    /// Reads all of them back.
    pub(super) async fn verify_non_patient(&self, report: &mut VerifyReport) -> Result<()> {
        let mut after = NonPatientId(0);
        loop {
            let page = non_patient::after(&self.0.database, after, PAGE).await?;
            let Some(Kept::Apart(last)) = page.last().map(|place| place.place.kept) else { return Ok(()) };
            after = last;
            for place in page {
                self.check_apart(&place, &mut Pace::free(), report).await?;
            }
        }
    }

    /// Reads back the one that was not read for longest, if it is due.
    pub(super) async fn verify_next_non_patient(
        &self,
        plan: Plan,
        pace: &mut Pace,
    ) -> Result<Option<VerifyReport>> {
        let (database, now_ms) = (&self.0.database, self.0.config.clock.now_ms());
        let due =
            non_patient::to_verify(database, due_before_ms(plan, now_ms), now_ms.saturating_sub(REST_MS));
        let Some(place) = due.await? else { return Ok(None) };
        let mut report = VerifyReport::default();
        self.check_apart(&place, pace, &mut report).await?;
        metrics::counter!("sen_verified_bytes_total").increment(report.bytes);
        Ok(Some(report))
    }

    async fn check_apart(
        &self,
        place: &InstancePlace,
        pace: &mut Pace,
        report: &mut VerifyReport,
    ) -> Result<()> {
        let wrong = self.check(place, pace).await?;
        if let Some(why) = &wrong {
            metrics::counter!("sen_damaged_instances_total").increment(1);
            tracing::error!(instance = %place.uid, why, "an object of no patient is damaged");
        }
        if let Kept::Apart(id) = place.place.kept {
            non_patient::note_verified(&self.0.database, id, self.0.config.clock.now_ms()).await?;
        }
        report.add(place, wrong);
        Ok(())
    }
}
