//! The people's side of a demonstration: hospitals, devices, what can be ordered, and today's orders.

use jiff::civil::Date;
use pacs_core::access::Actor;
use pacs_core::clock::Clock;
use pacs_core::text::CharacterSet;
use storage::catalogue::{self, Procedure, Room};
use storage::database::Database;
use storage::devices::{self, Device};
use storage::index::facilities;
use storage::schedule::{self, NewOrder, OrderPatient};
use testdata::{Order, Province};

/// Puts the province into the rows, with the orders of `today` and those that studies were made for.
/// What is there from an earlier run stays.
pub async fn prepare(
    database: &Database,
    province: &Province,
    today: Date,
    clock: &Clock,
) -> anyhow::Result<()> {
    for hospital in province.hospitals() {
        facilities::name(database, hospital.code, hospital.name).await?;
    }
    let procedures: Vec<Procedure> = province
        .procedures()
        .iter()
        .map(|procedure| Procedure {
            code: procedure.code.to_owned(),
            name: procedure.name.to_owned(),
            modality: procedure.modality.to_owned(),
        })
        .collect();
    catalogue::put_procedures(database, &procedures).await?;
    let rooms: Vec<Room> = province
        .devices()
        .iter()
        .map(|device| Room {
            code: room_code(device),
            name: device.room.to_owned(),
            facility: device.facility.to_owned(),
            modality: Some(device.modality.to_owned()),
        })
        .collect();
    catalogue::put_rooms(database, &rooms).await?;
    for device in province.devices() {
        put_device(database, device).await?;
    }
    // Orders first, then images: each study finds the order it was made for.
    let told = province.studies();
    let for_studies =
        told.iter().map(|study| study.order().clone()).filter(|order| order.scheduled_at.date() != today);
    for order in for_studies.chain(province.orders(today)) {
        put_order(database, province, &order, clock).await?;
    }
    Ok(())
}

/// A room's code is the last part of its device's AE title: `CT1`.
fn room_code(device: &testdata::Device) -> String {
    let title = device.ae_title.as_str();
    title.split_once('_').map_or(title, |(_, room)| room).to_owned()
}

async fn put_device(database: &Database, device: &testdata::Device) -> anyhow::Result<()> {
    let row = Device {
        facility: Some(device.facility.to_owned()),
        description: format!("{} {}", device.manufacturer, device.model),
        modality: Some(device.modality.to_owned()),
        room: Some(room_code(device)),
        character_set: device.ascii_names.then_some(CharacterSet::DEFAULT),
        ..Device::named(device.ae_title.clone())
    };
    match devices::upsert(database, &row).await {
        // Somebody put a device of this title into the configuration file; that one counts.
        Ok(()) | Err(storage::Error::Conflict(_)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

async fn put_order(
    database: &Database,
    province: &Province,
    order: &Order,
    clock: &Clock,
) -> anyhow::Result<()> {
    let patient = order.patient(province);
    let new = NewOrder {
        facility: order.hospital.code.to_owned(),
        patient: OrderPatient {
            id: Some(patient.id_at(order.hospital.code)),
            issuer: None,
            name: patient.name.dicom(),
            birth_date: Some(patient.birth_date.strftime("%Y%m%d").to_string()),
            sex: Some(patient.sex.code().to_owned()),
            national_id: Some(patient.national_id.clone()),
            insurance_id: Some(patient.insurance_card.clone()),
        },
        accession_number: Some(order.accession_number.clone()),
        procedure: Procedure {
            code: order.procedure.code.to_owned(),
            name: order.procedure.name.to_owned(),
            modality: order.procedure.modality.to_owned(),
        },
        station_ae: Some(order.device.ae_title.clone()),
        room: Some(room_code(&order.device)),
        scheduled_date: order.scheduled_at.strftime("%Y%m%d").to_string(),
        scheduled_time: order.scheduled_at.strftime("%H%M%S").to_string(),
        referring_physician: Some(order.referring_physician.dicom()),
        reason: Some(order.reason.to_owned()),
        emergency: order.emergency,
    };
    match schedule::create_order(database, &new, &Actor::system(), clock.now_ms()).await {
        // There from an earlier run.
        Ok(_) | Err(storage::Error::Conflict(_)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
