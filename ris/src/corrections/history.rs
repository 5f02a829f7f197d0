//! `GET /api/v1/studies/{studyUid}/acts`: everything that people did to a study.

use axum::Json;
use axum::extract::State as Has;
use pacs_core::access::{self, Act as Right};
use pacs_core::clock;
use pacs_core::uid::Uid;
use serde::Serialize;
use storage::{acts, corrections};
use utoipa::ToSchema;

use super::wire::Change;
use crate::caller::Caller;
use crate::rejections::code_of;
use crate::request::Segments;
use crate::state::State;
use crate::{Error, Result};

/// Nobody scrolls further.
const MOST: u32 = 500;

/// What was done to a study, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct History {
    items: Vec<Done>,
}

/// An act on a study or on what is in it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Done {
    /// Its number.
    act_id: i64,
    /// What was done: `study.correct`, `series.correct`, `series.move`, `instance.move`, `study.merge`,
    /// `study.split`, `study.part`, `study.link`, `study.unlink`, `study.reject`, `study.restore`, …, `study.assign`,
    /// `study.reconcile`, `series.serve`, `correction.undo`, `move.undo`.
    kind: String,
    /// Who did it: `user:`, `token:` or `device:` and a name, or `system`.
    by: String,
    /// When; RFC 3339, on the wall where the caller works.
    at: String,
    /// Why, in somebody's words.
    reason: Option<String>,
    /// Why it was rejected or deleted: Code Value in the scheme DCM (PS3.16 CID 7011), such as `113001`.
    code: Option<&'static str>,
    /// `study`, `series` or `instance`.
    subject_kind: String,
    /// Its UID.
    subject_uid: String,
    /// The act that this one takes back.
    undoes: Option<i64>,
    /// Whether it was taken back.
    is_undone: bool,
    /// Whether the caller may take it back.
    can_undo: bool,
    /// The attributes that it corrected.
    changes: Vec<Change>,
    /// What it moved.
    movement: Option<Movement>,
}

/// What an act has moved.
#[derive(Debug, Serialize, ToSchema)]
pub struct Movement {
    /// Study that images left.
    from: String,
    /// Study that they came to.
    to: String,
    /// How many series, where they were moved whole.
    series: usize,
    /// How many instances, where they were not.
    instances: usize,
}

/// Corrections, moves, matchings and rejections of a study, with who did them, why, and whether they stand.
#[utoipa::path(
    get,
    path = "/api/v1/studies/{studyUid}/acts",
    tag = "corrections",
    params(("studyUid" = String, Path, description = "Study Instance UID")),
    responses((status = 200, body = History), (status = 404, body = crate::error::Problem))
)]
pub async fn history(
    Has(state): Has<State>,
    caller: Caller,
    Segments(study): Segments<Uid>,
) -> Result<Json<History>> {
    caller.needs(Right::CorrectImages)?;
    if !state.archive.holds(&caller.scope(), &study, None, None).await? {
        return Err(Error::NotFound);
    }
    let zone = state.home_zone(&caller).await?;
    let acts = acts::of_study(state.archive.database(), study.as_str(), MOST).await?;
    let done = |(act, is_undone): (acts::Act, bool)| -> Result<Done> {
        let right = corrections::right_to_undo(&act.kind);
        let may = right.is_some_and(|right| access::may(&caller.actor, right));
        let changes = corrections::changes_of(&act)?.into_iter().map(Change::from).collect();
        let movement = corrections::movement_of(&act).map(|movement| Movement {
            from: movement.from,
            to: movement.to,
            series: movement.series,
            instances: movement.instances,
        });
        let code = code_of(&act);
        Ok(Done {
            act_id: act.id,
            at: clock::rfc3339_on(act.at_ms, &zone),
            can_undo: may && !is_undone,
            changes,
            movement,
            is_undone,
            kind: act.kind,
            by: act.actor,
            reason: act.reason.filter(|_| code.is_none()),
            code,
            subject_kind: act.subject_kind,
            subject_uid: act.subject_uid,
            undoes: act.undoes,
        })
    };
    Ok(Json(History { items: acts.into_iter().map(done).collect::<Result<_>>()? }))
}
