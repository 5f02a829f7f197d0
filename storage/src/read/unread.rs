//! What cannot be read of one instance among many, which must not keep the others from being heard.

use crate::archive::Archive;
use crate::error::{Error, Outage, Result};
use crate::index::instances::{self, InstancePlace};
use crate::index::place::Kept;

impl Archive {
    /// Why an instance could not be read; `None` when it was deleted meanwhile. Fails with what has kept it from being
    /// read where that says nothing of this instance alone: the object store is away, or the database.
    pub(crate) async fn unread(&self, place: &InstancePlace, error: Error) -> Result<Option<String>> {
        match error {
            Error::Corrupt(why) => Ok(Some(why)),
            Error::NotFound => {
                let Some(place) = instances::place_again(&self.0.database, place).await? else {
                    return Ok(None);
                };
                match place.kept {
                    // Where a whole store has gone, as a disk that is not mounted, nothing is lost.
                    Kept::Pack(pack) if !self.gives_others_than(pack).await? => {
                        Err(Error::Unavailable(Outage::OBJECT_STORE))
                    }
                    _ => Ok(Some("its bytes are gone".to_owned())),
                }
            }
            error => match error.of_reading() {
                Some(why) if self.is_damage(place, &error).await? => Ok(Some(why)),
                _ => Err(error),
            },
        }
    }
}
