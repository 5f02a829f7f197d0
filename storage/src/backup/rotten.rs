//! Copies in a target that were found to be no longer what was copied. They stay, since some of it may be better than
//! nothing, and are copied again by the next backup.

use futures::StreamExt as _;
use object_store::path::Path;
use object_store::{ObjectStore as _, ObjectStoreExt as _, PutPayload};

use super::Target;
use crate::error::Result;

/// Folder of the marks: an empty object under the key of what it is about.
const ROTTEN: &str = "rotten";

/// Whether there are any: as a rule there are none, and nothing more is asked for.
#[derive(Debug, Clone)]
pub(super) struct Rotten {
    is_any: bool,
}

impl Rotten {
    /// Those of a target.
    pub async fn of(target: &Target) -> Result<Self> {
        let first = target.objects.list(Some(&Path::from(ROTTEN))).next().await.transpose()?;
        Ok(Self { is_any: first.is_some() })
    }

    /// Whether the copy of an object is one of them.
    pub async fn has(&self, target: &Target, key: &str) -> Result<bool> {
        if !self.is_any {
            return Ok(false);
        }
        match target.objects.head(&mark(key)).await {
            Ok(_) => Ok(true),
            Err(object_store::Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// To be called when it was copied again.
    pub async fn is_made_good(&self, target: &Target, key: &str) -> Result<()> {
        Ok(target.objects.delete(&mark(key)).await?)
    }
}

/// Marks the copy of an object.
pub(super) async fn note(target: &Target, key: &str) -> Result<()> {
    target.objects.put(&mark(key), PutPayload::new()).await?;
    Ok(())
}

fn mark(key: &str) -> Path {
    Path::from(format!("{ROTTEN}/{key}"))
}
