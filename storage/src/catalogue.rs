//! What can be ordered, and where it is done.

use crate::Result;
use crate::database::{Database, Durability, Row, params};
use crate::index::facilities;

/// A procedure that can be ordered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Procedure {
    /// Its code, the key.
    pub code: String,
    /// Its name for people.
    pub name: String,
    /// Modality it is made on.
    pub modality: String,
}

/// A room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Room {
    /// Its code within the facility.
    pub code: String,
    /// Its name for people.
    pub name: String,
    /// Code of the facility.
    pub facility: String,
    /// What is made there, when it is one thing.
    pub modality: Option<String>,
}

/// Every procedure, by modality and name.
pub async fn procedures(database: &Database) -> Result<Vec<Procedure>> {
    let rows = database
        .fetch("select code, name, modality from procedure_ order by modality, name limit 10000", params![])
        .await?;
    rows.iter()
        .map(|row| {
            Ok(Procedure { code: row.get("code")?, name: row.get("name")?, modality: row.get("modality")? })
        })
        .collect()
}

/// Every room, by facility and code.
pub async fn rooms(database: &Database) -> Result<Vec<Room>> {
    let rows = database
        .fetch(
            "select code, name, facility, modality from room order by facility, code limit 10000",
            params![],
        )
        .await?;
    rows.iter().map(read_room).collect()
}

/// Adds procedures and changes those with the same code.
pub async fn put_procedures(database: &Database, procedures: &[Procedure]) -> Result<()> {
    let mut tx = database.begin(Durability::Synced).await?;
    for procedure in procedures {
        tx.execute(
            "insert into procedure_ (code, name, modality) values ($1, $2, $3)
             on conflict (code) do update set name = excluded.name, modality = excluded.modality",
            params![&procedure.code, &procedure.name, &procedure.modality],
        )
        .await?;
    }
    tx.commit().await
}

/// Adds rooms and changes those with the same code in the same facility.
pub async fn put_rooms(database: &Database, rooms: &[Room]) -> Result<()> {
    let mut tx = database.begin(Durability::Synced).await?;
    for room in rooms {
        facilities::ensure(&mut tx, &room.facility).await?;
        tx.execute(
            "insert into room (code, name, facility, modality) values ($1, $2, $3, $4)
             on conflict (facility, code) do update set name = excluded.name, modality = excluded.modality",
            params![&room.code, &room.name, &room.facility, &room.modality],
        )
        .await?;
    }
    tx.commit().await
}

fn read_room(row: &Row) -> Result<Room> {
    Ok(Room {
        code: row.get("code")?,
        name: row.get("name")?,
        facility: row.get("facility")?,
        modality: row.get("modality")?,
    })
}
