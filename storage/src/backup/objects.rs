//! Packs, companions and the journal: what the target does not have yet is copied, and a list of all of it is made.

use futures::{StreamExt as _, TryStreamExt as _};
use object_store::ObjectStoreExt as _;

use super::copy::Failed;
use super::manifest::{self, Object, Part};
use super::output::Output;
use super::rotten::Rotten;
use super::rows::Packs;
use super::{BackupReport, Source, Target, copied_key, copy, key_of};
use crate::archive::gives_others;
use crate::database::{Durability, Row, params};
use crate::error::{Error, Result};
use crate::index::PackId;
use crate::routes::handed;
use crate::{journal, non_patient, packs};

/// Packs looked at in one statement.
const PAGE: i64 = 256;
/// Objects looked at or copied at once.
const AT_ONCE: usize = 4;

/// An object that is to be in the target.
struct Wanted {
    key: String,
    length_bytes: u64,
    /// Its hash, once it is known; it never changes.
    blake3: Option<String>,
}

/// What became of it.
enum Found {
    There(Object),
    Copied(Object),
    Damaged { key: String, why: String, object: Option<Object> },
}

/// Copies what is missing; answers length and hash of the list.
pub(super) async fn copy(
    source: &Source,
    target: &Target,
    named: Packs,
    report: &mut BackupReport,
    progress: &mut impl FnMut(&BackupReport),
) -> Result<Part> {
    let rotten = Rotten::of(target).await?;
    let mut list = Output::begin(&target.objects, key_of(&report.snapshot, manifest::OBJECTS));
    let listed = async {
        for folder in [journal::PREFIX, handed::PREFIX, non_patient::PREFIX] {
            copy_folder(source, (target, &rotten), folder, &mut list, report).await?;
        }
        copy_packs(source, (target, &rotten), &named, &mut list, report, progress).await
    };
    match listed.await {
        Ok(()) => list.finish().await,
        Err(error) => {
            list.discard().await;
            Err(error)
        }
    }
}

/// Copies what only grows: the journal, what routes have handed over, and what is of no patient.
async fn copy_folder(
    source: &Source,
    (target, rotten): (&Target, &Rotten),
    folder: &str,
    list: &mut Output,
    report: &mut BackupReport,
) -> Result<()> {
    let prefix = packs::path(folder);
    let objects = source.objects.list(Some(&prefix)).map_ok(|meta| Wanted {
        key: meta.location.to_string(),
        length_bytes: meta.size,
        blake3: None,
    });
    let mut found = objects
        .map(move |wanted| {
            let (source, target, rotten) = (source.clone(), target.clone(), rotten.clone());
            async move { provide(&source, (&target, &rotten), wanted?).await }
        })
        .buffered(AT_ONCE);
    while let Some(found) = found.next().await.transpose()? {
        note(found, list, report).await?;
    }
    Ok(())
}

async fn copy_packs(
    source: &Source,
    (target, rotten): (&Target, &Rotten),
    named: &Packs,
    list: &mut Output,
    report: &mut BackupReport,
    progress: &mut impl FnMut(&BackupReport),
) -> Result<()> {
    let mut after = String::new();
    loop {
        // From the rows as they are now: of what the snapshot names none has gone, since the backup holds it. A pack
        // that was finished since is copied too.
        let page = source
            .database
            .fetch(
                "select id, object_key, length_bytes, companion_bytes, blake3, companion_blake3 from pack
                 where object_key > $1 and id <= $2 and companion_bytes > 0 order by object_key limit $3",
                params![&after, named.newest, PAGE],
            )
            .await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = last.get("object_key")?;
        let mut rows = Vec::with_capacity(page.len());
        for row in page {
            if !named.deleted.contains(&row.get("id")?) {
                rows.push(row);
            }
        }
        let wanted = rows.iter().map(wanted).collect::<Result<Vec<_>>>()?;
        let unknown =
            wanted.iter().map(|[companion, tar]| companion.blake3.is_none() || tar.blake3.is_none());
        let unknown: Vec<bool> = unknown.collect();
        let mut found = futures::stream::iter(wanted.into_iter().flatten())
            .map(|wanted| {
                let (source, target, rotten) = (source.clone(), target.clone(), rotten.clone());
                async move { provide(&source, (&target, &rotten), wanted).await }
            })
            .buffered(AT_ONCE);
        let mut learnt = Vec::new();
        for (row, is_unknown) in rows.iter().zip(unknown) {
            let mut hashes = Vec::with_capacity(2);
            while hashes.len() < 2
                && let Some(found) = found.next().await.transpose()?
            {
                hashes.push(note(found, list, report).await?);
                progress(report);
            }
            if is_unknown && let [Some(companion), Some(tar)] = hashes.as_slice() {
                learnt.push((PackId(row.get("id")?), *companion, *tar));
            }
        }
        drop(found);
        learn(source, &learnt).await?;
    }
}

/// A pack's companion and the pack, in the order of their keys.
fn wanted(row: &Row) -> Result<[Wanted; 2]> {
    let key: String = row.get("object_key")?;
    let length = |column| -> Result<u64> {
        u64::try_from(row.get::<i64>(column)?).map_err(|_| Error::Corrupt("a length is negative".into()))
    };
    let hash = |column| -> Result<Option<String>> {
        let hash: Option<Vec<u8>> = row.get(column)?;
        let bytes = hash.and_then(|hash| <[u8; 32]>::try_from(hash).ok());
        Ok(bytes.map(|bytes| blake3::Hash::from_bytes(bytes).to_hex().to_string()))
    };
    Ok([
        Wanted {
            key: packs::companion_key(&key),
            length_bytes: length("companion_bytes")?,
            blake3: hash("companion_blake3")?,
        },
        Wanted { key, length_bytes: length("length_bytes")?, blake3: hash("blake3")? },
    ])
}

/// Sees to it that the target has an object.
async fn provide(source: &Source, (target, rotten): (&Target, &Rotten), wanted: Wanted) -> Result<Found> {
    let Wanted { key, length_bytes, blake3 } = wanted;
    let to = copied_key(&key);
    let lies_there = match target.objects.head(&to).await {
        Ok(found) => found.size == length_bytes,
        Err(object_store::Error::NotFound { .. }) => false,
        Err(error) => return Err(error.into()),
    };
    let is_rotten = lies_there && rotten.has(target, &key).await?;
    let is_there = lies_there && !is_rotten;
    if is_there && let Some(blake3) = &blake3 {
        let part = Part { length_bytes, blake3: blake3.clone() };
        return Ok(Found::There(Object { key, part }));
    }
    let read = async {
        let content = copy::object(&source.objects, &packs::path(&key)).await.map_err(Failed::From)?;
        if is_there { copy::hash(content).await.map_err(Failed::From) } else { target.put(content, to).await }
    };
    let part = match read.await {
        Ok(part) => part,
        Err(Failed::From(error)) => {
            let why = why_not_given(source, &key, error).await?;
            let object = match (lies_there, blake3) {
                (false, _) => None,
                (true, Some(blake3)) => {
                    Some(Object { key: key.clone(), part: Part { length_bytes, blake3 } })
                }
                // What was copied before may well be whole.
                (true, None) => {
                    let copied =
                        async { copy::hash(copy::object(&target.objects, &copied_key(&key)).await?).await };
                    copied.await.ok().map(|part| Object { key: key.clone(), part })
                }
            };
            return Ok(Found::Damaged { key, why, object });
        }
        Err(Failed::To(error)) => return Err(error),
    };
    if is_rotten {
        rotten.is_made_good(target, &key).await?;
    }
    let wrong = if part.length_bytes != length_bytes {
        Some("it has another length".to_owned())
    } else if blake3.as_ref().is_some_and(|known| *known != part.blake3) {
        Some("it has another hash than before".to_owned())
    } else {
        None
    };
    Ok(match wrong {
        // Better than nothing: other instances in it may be whole.
        Some(why) => {
            let known = blake3.map(|blake3| Part { length_bytes, blake3 }).unwrap_or(part);
            Found::Damaged { key: key.clone(), why, object: Some(Object { key, part: known }) }
        }
        None if is_there => Found::There(Object { key, part }),
        None => Found::Copied(Object { key, part }),
    })
}

/// What is to be said of an object that the archive does not give; fails when it gives no other one either.
async fn why_not_given(source: &Source, key: &str, error: Error) -> Result<String> {
    match (&error, error.of_reading()) {
        (Error::NotFound, _) => Ok("it is gone".to_owned()),
        (_, Some(why)) if gives_others(&source.database, &source.objects, key).await? => {
            Ok(format!("it cannot be read: {why}"))
        }
        _ => Err(error),
    }
}

/// Counts an object and writes its line; answers its hash if that may be remembered.
async fn note(found: Found, list: &mut Output, report: &mut BackupReport) -> Result<Option<[u8; 32]>> {
    let (object, is_whole) = match found {
        Found::There(object) => (Some(object), true),
        Found::Copied(object) => {
            report.copied += 1;
            report.copied_bytes += object.part.length_bytes;
            (Some(object), true)
        }
        Found::Damaged { key, why, object } => {
            report.damage(&key, &why);
            (object, false)
        }
    };
    let Some(object) = object else { return Ok(None) };
    report.objects += 1;
    report.object_bytes += object.part.length_bytes;
    serde_json::to_writer(&mut *list.line(), &object)
        .map_err(|error| Error::internal("write the list of a backup", error))?;
    list.line().push(b'\n');
    list.send().await?;
    let hash = blake3::Hash::from_hex(&object.part.blake3).ok().map(|hash| *hash.as_bytes());
    Ok(hash.filter(|_| is_whole))
}

/// Remembers hashes that were not known before.
async fn learn(source: &Source, learnt: &[(PackId, [u8; 32], [u8; 32])]) -> Result<()> {
    if learnt.is_empty() {
        return Ok(());
    }
    let mut tx = source.database.begin(Durability::Batched).await?;
    for (pack, companion, tar) in learnt {
        let sql = "update pack set companion_blake3 = $2, blake3 = $3 where id = $1";
        tx.execute(sql, params![*pack, companion, tar]).await?;
    }
    tx.commit().await
}
