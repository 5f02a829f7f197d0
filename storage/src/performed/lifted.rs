//! What rows hold of a performed step's attributes.

use pacs_core::dataset::DataSet;
use pacs_core::mpps::{self, State};
use pacs_core::{json, tags};

use super::PerformedId;
use crate::database::{Param, Transaction, params};
use crate::index::arrivals::clip;
use crate::{Error, Result};

/// The columns, in the order of [`values`].
pub(super) const COLUMNS: [&str; 14] = [
    "attributes",
    "state",
    "performed_id",
    "station_ae",
    "station_name",
    "modality",
    "description",
    "start_date",
    "start_time",
    "end_date",
    "end_time",
    "reason",
    "wrong_entry",
    "dose",
];

/// The longest step, as DICOM JSON: forty thousand instances named one by one.
const MOST_BYTES: usize = 8 << 20;

/// The values of [`COLUMNS`].
pub(super) fn values(set: &DataSet, state: State) -> Result<Vec<Param>> {
    let attributes = json::to_string(set);
    if attributes.len() > MOST_BYTES {
        return Err(Error::TooLarge(format!("a performed step has at most {MOST_BYTES} bytes")));
    }
    let text = |tag| set.text(tag).map(|value| clip(&value).to_owned());
    let needed = |tag| text(tag).unwrap_or_default();
    let broken_off = state == State::Discontinued;
    let reason = mpps::discontinuation_reason(set).filter(|_| broken_off);
    Ok(params![
        attributes,
        state.as_str(),
        needed(tags::PERFORMED_PROCEDURE_STEP_ID),
        needed(tags::PERFORMED_STATION_AE_TITLE),
        text(tags::PERFORMED_STATION_NAME),
        needed(tags::MODALITY),
        text(tags::PERFORMED_PROCEDURE_STEP_DESCRIPTION),
        needed(tags::PERFORMED_PROCEDURE_STEP_START_DATE),
        needed(tags::PERFORMED_PROCEDURE_STEP_START_TIME),
        text(tags::PERFORMED_PROCEDURE_STEP_END_DATE),
        text(tags::PERFORMED_PROCEDURE_STEP_END_TIME),
        reason.map(|reason| clip(&reason).to_owned()),
        broken_off && mpps::is_wrong_entry(set),
        text(tags::COMMENTS_ON_RADIATION_DOSE),
    ])
}

/// Writes down which series a step names; a later report replaces an earlier one.
pub(super) async fn write_series(tx: &mut Transaction, id: PerformedId, set: &DataSet) -> Result<()> {
    tx.execute("delete from performed_series where performed_step_id = $1", params![id]).await?;
    for series in mpps::performed_series(set) {
        tx.execute(
            "insert into performed_series (performed_step_id, series_uid, instance_count) values ($1, $2, $3)
             on conflict (performed_step_id, series_uid) do update
             set instance_count = performed_series.instance_count + excluded.instance_count",
            params![id, clip(&series.uid), i64::try_from(series.instances).unwrap_or(i64::MAX)],
        )
        .await?;
    }
    Ok(())
}
