//! `GET /api/v1/intakes`: imports and migrations, how far each is.

use axum::Json;
use axum::extract::State as Has;
use jiff::tz::TimeZone;
use pacs_core::access::Act;
use pacs_core::clock;
use serde::{Deserialize as _, Serialize};
use serde_json::Value;
use storage::intake::{self, Line};
use storage::pace::Hours;
use utoipa::ToSchema;

use crate::Result;
use crate::caller::Caller;
use crate::dates;
use crate::reason::Reason;
use crate::state::State;

/// More than anybody begins in years.
const MOST: u32 = 100;

/// Imports and migrations.
#[derive(Debug, Serialize, ToSchema)]
pub struct Intakes {
    /// The newest first.
    items: Vec<Intake>,
}

/// An import or a migration. Times are RFC 3339, on the wall where the caller works.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Intake {
    id: i64,
    /// `import` or `migration`.
    kind: &'static str,
    /// The AE title of the other PACS, or the folders and files.
    from: Vec<String>,
    /// `running`, `stopped` or `done`.
    state: &'static str,
    /// Whether a server does it; else the command that began it, while that runs.
    by_server: bool,
    /// A migration goes backward from the newest study date that it asks for; `YYYY-MM-DD`.
    newest_date: Option<String>,
    /// The oldest.
    oldest_date: Option<String>,
    /// The day that it is at; null behind its last day, at the studies without a date, and for imports.
    at_date: Option<String>,
    /// Hours of the day at which it goes on, such as `18:00-06:00`; null: at all.
    hours: Option<String>,
    /// At most so many bytes a second; 0: as fast as they come.
    bytes_per_second: u64,
    /// Instances that are kept now.
    taken: u64,
    /// That were here already.
    present: u64,
    /// That are kept beside another of the same UID.
    conflicts: u64,
    /// Files that are nothing that an archive keeps.
    skipped: u64,
    /// What should have been kept and was not.
    failed: u64,
    bytes: u64,
    /// Why it waits just now.
    note: Option<Reason>,
    started_at: String,
    /// When it last got on.
    updated_at: String,
    ended_at: Option<String>,
    may_stop: bool,
    may_resume: bool,
}

impl Intake {
    pub(super) fn of(line: Line, zone: &TimeZone) -> Self {
        let at = |ms: i64| clock::rfc3339_on(ms, zone);
        let (may_stop, may_resume) = (line.may_end(), line.may_resume());
        let row = line.intake;
        let setting = |name: &str| row.settings.get(name);
        let day = |name: &str| setting(name).and_then(Value::as_str).map(str::to_owned);
        let hours = setting("hours").and_then(|hours| Hours::deserialize(hours).ok());
        let counts = row.counts;
        Self {
            id: row.id.0,
            kind: line.kind.as_str(),
            from: from(&row.source),
            state: row.state.as_str(),
            by_server: line.by_server,
            newest_date: day("until"),
            oldest_date: day("from"),
            at_date: match &row.position {
                None => day("until"),
                Some(position) => day("until").and_then(|_| dates::iso_date(position)),
            },
            hours: hours.map(|hours| hours.to_string()),
            bytes_per_second: setting("bytesPerSecond").and_then(Value::as_u64).unwrap_or(0),
            taken: counts.taken,
            present: counts.present,
            conflicts: counts.conflicts,
            skipped: counts.skipped,
            failed: counts.failed,
            bytes: counts.bytes,
            note: row.note.map(Reason::from),
            started_at: at(row.started_ms),
            updated_at: at(line.updated_ms),
            ended_at: line.ended_ms.map(at),
            may_stop,
            may_resume,
        }
    }
}

/// What a source names: `{"aeTitle": …}` or `{"paths": […]}`.
fn from(source: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    match (source.get("aeTitle"), source.get("paths").and_then(Value::as_array)) {
        (Some(title), _) => text(title).into_iter().collect(),
        (None, Some(paths)) => paths.iter().filter_map(text).collect(),
        (None, None) => Vec::new(),
    }
}

/// The newest imports and migrations.
#[utoipa::path(get, path = "/api/v1/intakes", tag = "system", responses((status = 200, body = Intakes)))]
pub async fn list(Has(state): Has<State>, caller: Caller) -> Result<Json<Intakes>> {
    caller.needs(Act::ManageDevices)?;
    let zone = state.home_zone(&caller).await?;
    let lines = intake::newest(state.archive.database(), MOST).await?;
    Ok(Json(Intakes { items: lines.into_iter().map(|line| Intake::of(line, &zone)).collect() }))
}
