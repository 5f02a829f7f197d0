//! `GET /api/v1/intakes/{id}`: one of them, what of it was not taken and why, and how its counts compare.

use axum::Json;
use axum::extract::State as Has;
use pacs_core::access::Act;
use serde::{Deserialize, Serialize};
use storage::intake::{self, IntakeId, Kind};
use utoipa::{IntoParams, ToSchema};

use super::list::Intake;
use crate::Result;
use crate::caller::Caller;
use crate::reason::Reason;
use crate::request::{Params, Segments};
use crate::state::State;

/// What was not taken, at a time.
const PAGE: u32 = 200;

/// Which part of what was not taken.
#[derive(Debug, Default, Deserialize, IntoParams)]
pub struct After {
    /// Behind this name: the last of the page before.
    #[serde(default)]
    after: String,
}

/// An import or a migration, and what is missing.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct IntakeDetails {
    #[serde(flatten)]
    intake: Intake,
    /// What was not taken, by name, 200 at a time.
    not_taken: Vec<NotTaken>,
    /// Whether there is more.
    more: bool,
    /// How a migration's counts compare with those of the other PACS.
    compared: Option<Compared>,
}

/// Something that was not taken.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NotTaken {
    /// A file, or a Study Instance UID.
    name: String,
    /// Whether it is nothing that an archive keeps.
    skipped: bool,
    /// Why.
    reason: Reason,
}

/// What another PACS says it has, and what is here.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Compared {
    /// Studies that were asked for.
    studies: u64,
    /// Studies of which it does not say how many instances it has.
    uncounted: u64,
    /// Instances that it counts in the rest.
    expected: u64,
    /// Instances of that rest that are here.
    arrived: u64,
    /// Studies of which fewer are here than it counts.
    incomplete: u64,
}

/// One import or migration.
#[utoipa::path(
    get,
    path = "/api/v1/intakes/{id}",
    tag = "system",
    params(("id" = i64, Path, description = "The import or migration"), After),
    responses((status = 200, body = IntakeDetails), (status = 404, body = crate::error::Problem))
)]
pub async fn one(
    Has(state): Has<State>,
    caller: Caller,
    Segments(id): Segments<i64>,
    Params(After { after }): Params<After>,
) -> Result<Json<IntakeDetails>> {
    caller.needs(Act::ManageDevices)?;
    let (database, zone, id) = (state.archive.database(), state.home_zone(&caller).await?, IntakeId(id));
    let line = intake::line(database, id).await?;
    let compared = match line.kind {
        Kind::Migration => Some(intake::compare(database, id).await?),
        Kind::Import => None,
    };
    let not_taken = intake::failures(database, id, &after, PAGE).await?;
    Ok(Json(IntakeDetails {
        intake: Intake::of(line, &zone),
        more: not_taken.len() >= PAGE as usize,
        not_taken: not_taken
            .into_iter()
            .map(|failure| NotTaken {
                name: failure.name,
                skipped: failure.skipped,
                reason: failure.reason.into(),
            })
            .collect(),
        compared: compared.map(|compared| Compared {
            studies: compared.studies,
            uncounted: compared.uncounted,
            expected: compared.expected,
            arrived: compared.arrived,
            incomplete: compared.incomplete,
        }),
    }))
}
