//! `GET /api/v1/orders/form`: what an order can be made of.

use axum::Json;
use axum::extract::State as Has;
use pacs_core::access::{Act, Scope};
use serde::Serialize;
use storage::index::facilities;
use storage::{catalogue, devices};
use utoipa::ToSchema;

use crate::Result;
use crate::caller::Caller;
use crate::state::State;

/// Choices of the order form, of the facilities the caller works for.
#[derive(Debug, Serialize, ToSchema)]
pub struct FormChoices {
    facilities: Vec<Facility>,
    stations: Vec<Station>,
    rooms: Vec<Room>,
    procedures: Vec<Procedure>,
    /// Kinds of device that there are procedures or stations for.
    modalities: Vec<String>,
}

/// A facility.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Facility {
    code: String,
    name: String,
    /// Zone of its wall, as an IANA name: an order's time is of this wall.
    time_zone: String,
}

/// A device that an order can name.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Station {
    ae_title: String,
    description: String,
    modality: String,
    room: Option<String>,
    facility: Option<String>,
}

/// A room that an order can name.
#[derive(Debug, Serialize, ToSchema)]
pub struct Room {
    code: String,
    name: String,
    facility: String,
    modality: Option<String>,
}

/// A procedure of the catalogue.
#[derive(Debug, Serialize, ToSchema)]
pub struct Procedure {
    code: String,
    name: String,
    modality: String,
}

/// What the order form offers.
#[utoipa::path(get, path = "/api/v1/orders/form", tag = "orders", responses((status = 200, body = FormChoices)))]
pub async fn form(Has(state): Has<State>, caller: Caller) -> Result<Json<FormChoices>> {
    caller.needs(Act::ManageOrders)?;
    let (database, scope) = (state.archive.database(), caller.scope());
    let is_ours = |code: &str| match &scope {
        Scope::All => true,
        Scope::Facilities(codes) => codes.iter().any(|own| own == code),
    };
    let facilities = facilities::all(database).await?;
    let stations: Vec<Station> = devices::list(database)
        .await?
        .into_iter()
        .filter(|device| device.facility.as_deref().is_none_or(is_ours))
        .filter_map(|device| {
            Some(Station {
                ae_title: device.ae_title.to_string(),
                description: device.description,
                modality: device.modality?,
                room: device.room,
                facility: device.facility,
            })
        })
        .collect();
    let procedures = catalogue::procedures(database).await?;
    let mut modalities: Vec<String> = procedures
        .iter()
        .map(|procedure| &procedure.modality)
        .chain(stations.iter().map(|station| &station.modality))
        .cloned()
        .collect();
    modalities.sort_unstable();
    modalities.dedup();
    let rooms = catalogue::rooms(database).await?;
    Ok(Json(FormChoices {
        facilities: facilities
            .into_iter()
            .filter(|facility| is_ours(&facility.code))
            .map(|facility| Facility {
                code: facility.code,
                name: facility.name,
                time_zone: facility.time_zone,
            })
            .collect(),
        stations,
        rooms: rooms
            .into_iter()
            .filter(|room| is_ours(&room.facility))
            .map(|room| Room {
                code: room.code,
                name: room.name,
                facility: room.facility,
                modality: room.modality,
            })
            .collect(),
        procedures: procedures
            .into_iter()
            .map(|procedure| Procedure {
                code: procedure.code,
                name: procedure.name,
                modality: procedure.modality,
            })
            .collect(),
        modalities,
    }))
}
