//! Segments of the spool into a snapshot.

use super::copy::Failed;
use super::manifest::Segment;
use super::{BackupReport, Source, Target, copy, key_of, segment_path};
use crate::error::{Error, Result};

/// The name of a segment in a snapshot.
pub(super) fn name(segment: i64) -> String {
    format!("spool/{segment:020}.tar")
}

/// Copies each segment up to the end that the rows know. What stands behind it has no row yet: it belongs to the next
/// backup.
pub(super) async fn copy(
    source: &Source,
    target: &Target,
    segments: Vec<(i64, u64)>,
    report: &mut BackupReport,
    progress: &mut impl FnMut(&BackupReport),
) -> Result<Vec<Segment>> {
    let mut copied = Vec::with_capacity(segments.len());
    for (id, end) in segments {
        let key = key_of(&report.snapshot, &name(id));
        let put = async {
            let content = copy::file(segment_path(&source.spool_dir, id), end).await.map_err(Failed::From)?;
            target.put(content, key).await
        };
        match put.await {
            Ok(part) => {
                report.segments += 1;
                report.copied_bytes += part.length_bytes;
                copied.push(Segment { id, part });
            }
            // Nobody frees segments now: it was gone before.
            Err(Failed::From(Error::NotFound)) => report.damage(&name(id), "the segment is gone"),
            Err(Failed::From(Error::Corrupt(why))) => report.damage(&name(id), &why),
            Err(Failed::From(error)) => match error.of_reading() {
                Some(why) => report.damage(&name(id), &format!("it cannot be read: {why}")),
                None => return Err(error),
            },
            Err(Failed::To(error)) => return Err(error),
        }
        progress(report);
    }
    Ok(copied)
}
