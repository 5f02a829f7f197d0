//! Devices: application entities that may push and query, and where C-MOVE sends to.
//!
//! Entries of the configuration file win and are read-only in the pages; the others are rows, live
//! at once.

mod dealings;
mod rules;

use pacs_core::text::CharacterSet;
use pacs_core::uid::AeTitle;

use crate::database::{Database, Durability, Row, Transaction, params};
use crate::index::facilities;
use crate::{Error, Result, dialect};

pub use dealings::{Dealings, RetrieveBy};
pub use rules::{Binding, Rules};

/// A device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// Its application entity title, the key.
    pub ae_title: AeTitle,
    /// Host name or address, for associations to it and for knowing it by.
    pub host: Option<String>,
    /// Port it listens on.
    pub port: Option<u16>,
    /// Code of the facility it stands in.
    pub facility: Option<String>,
    /// For people.
    pub description: String,
    /// Modality it makes, when it is a station of the worklist.
    pub modality: Option<String>,
    /// Code of the room it stands in.
    pub room: Option<String>,
    /// What its console can read; `None` leaves that to each of its queries, and to UTF-8.
    pub character_set: Option<CharacterSet>,
    /// What is done for it, and asked of it, by this side.
    pub dealings: Dealings,
    /// What it may do and has to show.
    pub rules: Rules,
    /// Where the entry comes from.
    pub source: Source,
    /// When it last opened an association.
    pub last_seen_ms: Option<i64>,
}

/// Where a device's entry comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The configuration file.
    File,
    /// A row, made in the pages or by `sen device`.
    Rows,
}

impl Source {
    /// The source's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Rows => "rows",
        }
    }

    /// From a row with a column of that name.
    pub(crate) fn of_row(row: &Row) -> Result<Self> {
        Ok(if row.get::<String>("source")? == "file" { Self::File } else { Self::Rows })
    }
}

impl Device {
    /// A device of which nothing but the title is known.
    pub fn named(ae_title: AeTitle) -> Self {
        Self {
            ae_title,
            host: None,
            port: None,
            facility: None,
            description: String::new(),
            modality: None,
            room: None,
            character_set: None,
            dealings: Dealings::default(),
            rules: Rules::default(),
            source: Source::Rows,
            last_seen_ms: None,
        }
    }
}

const COLUMNS: &str =
    "ae_title, host, port, facility, description, modality, room, character_set, send_limit, retrieve_by,
     is_archive, asks_commitment, takes_performed_steps, takes_availability, source, last_seen_ms";

/// `select … from device`, with the columns that [`read`] reads.
fn select() -> String {
    format!("select {COLUMNS}, {} from device", rules::COLUMNS)
}

/// A device's last association is noted at most this often.
const SEEN_EVERY_MS: i64 = 60_000;

/// Every device, by title.
pub async fn list(database: &Database) -> Result<Vec<Device>> {
    let sql = format!("{} order by ae_title", select());
    database.fetch(sqlx::AssertSqlSafe(sql), params![]).await?.iter().map(read).collect()
}

/// The device of that title.
pub async fn by_ae(database: &Database, ae_title: &AeTitle) -> Result<Option<Device>> {
    let sql = format!("{} where ae_title = $1", select());
    database
        .fetch_optional(sqlx::AssertSqlSafe(sql), params![ae_title.as_str()])
        .await?
        .as_ref()
        .map(read)
        .transpose()
}

/// Fails unless associations can be opened to that device.
pub(crate) async fn reachable(database: &Database, title: &AeTitle) -> Result<()> {
    let device = by_ae(database, title).await?;
    match device {
        Some(device) if device.host.is_some() && device.port.is_some() => Ok(()),
        Some(_) => Err(Error::Conflict(format!("{title} has no address"))),
        None => Err(Error::Conflict(format!("{title} is not a configured device"))),
    }
}

/// Adds or changes a device's row. [`Error::Conflict`] when the file has the title.
pub async fn upsert(database: &Database, device: &Device) -> Result<()> {
    let mut tx = database.begin(Durability::Synced).await?;
    put(&mut tx, device).await?;
    tx.commit().await
}

/// Adds a device's row. [`Error::Conflict`] when there is a device of its title.
pub async fn add(database: &Database, device: &Device) -> Result<()> {
    let mut tx = database.begin(Durability::Synced).await?;
    let added = tx
        .execute(
            "insert into device (ae_title, description, source) values ($1, '', $2) on conflict (ae_title) do nothing",
            params![device.ae_title.as_str(), Source::Rows.as_str()],
        )
        .await?;
    if added == 0 {
        return Err(Error::Conflict(format!("there is a device {} already", device.ae_title)));
    }
    put(&mut tx, device).await?;
    tx.commit().await
}

/// Changes a device's row. [`Error::NotFound`] when there is none, [`Error::Conflict`] when the file has the title.
pub async fn change(database: &Database, device: &Device) -> Result<()> {
    let mut tx = database.begin(Durability::Synced).await?;
    let sql = format!("select 1 from device where ae_title = $1{}", dialect::for_update(tx.engine()));
    tx.fetch_one(sqlx::AssertSqlSafe(sql), params![device.ae_title.as_str()]).await?;
    put(&mut tx, device).await?;
    tx.commit().await
}

async fn put(tx: &mut Transaction, device: &Device) -> Result<()> {
    if write(tx, device, Source::Rows).await? == 0 {
        return Err(Error::Conflict(format!("{} is set in the configuration file", device.ae_title)));
    }
    Ok(())
}

/// Removes a device's row. [`Error::Conflict`] when it is set in the file, [`Error::NotFound`] when
/// there is none.
pub async fn remove(database: &Database, ae_title: &AeTitle) -> Result<()> {
    let removed = database
        .execute("delete from device where ae_title = $1 and source = 'rows'", params![ae_title.as_str()])
        .await?;
    match (removed, by_ae(database, ae_title).await?) {
        (0, Some(_)) => Err(Error::Conflict(format!("{ae_title} is set in the configuration file"))),
        (0, None) => Err(Error::NotFound),
        _ => Ok(()),
    }
}

/// Makes the entries of the file what they are now: adds and changes them, and takes away those
/// that the file no longer has. A row of the same title gives way.
pub async fn from_file(database: &Database, devices: &[Device]) -> Result<()> {
    let mut tx = database.begin(Durability::Synced).await?;
    let kept: Vec<String> = tx
        .fetch("select ae_title from device where source = 'file'", params![])
        .await?
        .iter()
        .map(|row| row.at(0))
        .collect::<Result<_>>()?;
    for gone in kept.iter().filter(|title| !devices.iter().any(|device| device.ae_title.as_str() == **title))
    {
        tx.execute("delete from device where ae_title = $1", params![gone]).await?;
    }
    for device in devices {
        write(&mut tx, device, Source::File).await?;
    }
    tx.commit().await
}

/// Notes that a device opened an association; cheap to call for each one.
pub async fn seen(database: &Database, ae_title: &AeTitle, now_ms: i64) -> Result<()> {
    let known = database
        .fetch_optional(
            "select 1 from device where ae_title = $1 and (last_seen_ms is null or last_seen_ms < $2)",
            params![ae_title.as_str(), now_ms - SEEN_EVERY_MS],
        )
        .await?;
    if known.is_some() {
        let mut tx = database.begin(Durability::Batched).await?;
        tx.execute(
            "update device set last_seen_ms = $2 where ae_title = $1",
            params![ae_title.as_str(), now_ms],
        )
        .await?;
        tx.commit().await?;
    }
    Ok(())
}

async fn write(tx: &mut Transaction, device: &Device, source: Source) -> Result<u64> {
    if let Some(facility) = &device.facility {
        facilities::ensure(tx, facility).await?;
    }
    let rules = &device.rules;
    tx.execute(
        "insert into device (ae_title, host, port, facility, description, modality, room, character_set, source,
             send_limit, retrieve_by, is_archive, asks_commitment, takes_performed_steps, takes_availability,
             called_ae, max_associations, max_answers, requires_tls, certificate, requires_user, worklist_own,
             worklist_days)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23)
         on conflict (ae_title) do update set host = excluded.host, port = excluded.port,
             facility = excluded.facility, description = excluded.description, modality = excluded.modality,
             room = excluded.room, character_set = excluded.character_set, source = excluded.source,
             send_limit = excluded.send_limit, retrieve_by = excluded.retrieve_by,
             is_archive = excluded.is_archive, asks_commitment = excluded.asks_commitment,
             takes_performed_steps = excluded.takes_performed_steps,
             takes_availability = excluded.takes_availability,
             called_ae = excluded.called_ae, max_associations = excluded.max_associations,
             max_answers = excluded.max_answers, requires_tls = excluded.requires_tls,
             certificate = excluded.certificate, requires_user = excluded.requires_user,
             worklist_own = excluded.worklist_own, worklist_days = excluded.worklist_days
         where device.source = 'rows' or excluded.source = 'file'",
        params![
            device.ae_title.as_str(),
            &device.host,
            device.port.map(i64::from),
            &device.facility,
            &device.description,
            &device.modality,
            &device.room,
            device.character_set.map(|set| set.to_string()),
            source.as_str(),
            i64::from(device.dealings.send_limit),
            device.dealings.retrieve_by.as_str(),
            device.dealings.is_archive,
            device.dealings.asks_commitment,
            device.dealings.takes_performed_steps,
            device.dealings.takes_availability,
            rules.called_text(),
            rules.max_associations.map(i64::from),
            rules.max_answers.map(i64::from),
            rules.requires_tls,
            rules.certificate.as_ref().map(Binding::as_str),
            rules.requires_user,
            rules.worklist_own,
            rules.worklist_days.map(i64::from)
        ],
    )
    .await
}

fn read(row: &Row) -> Result<Device> {
    let title: String = row.get("ae_title")?;
    let port: Option<i64> = row.get("port")?;
    let character_set: Option<String> = row.get("character_set")?;
    Ok(Device {
        ae_title: AeTitle::parse(&title).map_err(|why| Error::Corrupt(format!("a device's title: {why}")))?,
        host: row.get("host")?,
        port: port.and_then(|port| u16::try_from(port).ok()),
        facility: row.get("facility")?,
        description: row.get("description")?,
        modality: row.get("modality")?,
        room: row.get("room")?,
        character_set: character_set.as_deref().and_then(CharacterSet::named),
        dealings: Dealings::read(row)?,
        rules: Rules::read(row)?,
        source: Source::of_row(row)?,
        last_seen_ms: row.get("last_seen_ms")?,
    })
}
