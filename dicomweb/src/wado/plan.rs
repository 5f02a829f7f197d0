//! How all instances of an answer are to leave, decided before anything of it is sent.

use super::planned::{How, Planned, content_type};
use super::walk::Walk;
use crate::error::Error;
use crate::multipart::Boundary;
use crate::state::State;
use crate::wish::{Form, InstanceWish};
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use storage::InstancePlace;

/// The instances of an answer, and how they are to leave.
pub struct Plan {
    /// What holds them.
    pub form: Form,
    /// The tag of all of them together, in their order.
    pub etag: String,
    walk: Walk,
    wish: InstanceWish,
    stored: Option<Stored>,
}

/// How many instances of each Content-Type leave as stored, and how long all of them are.
#[derive(Default)]
struct Stored {
    counts: HashMap<String, u64>,
    bytes: u64,
}

impl Plan {
    /// Plans all instances by the first wish that all of them can fulfil.
    pub fn of(places: Vec<InstancePlace>, wishes: &[InstanceWish]) -> Result<Self, Error> {
        let mut unfulfilled = Error::NotFound("the instance");
        for wish in wishes {
            match Self::by(&places, wish) {
                Ok((etag, stored)) => {
                    let (form, wish) = (wish.form, wish.clone());
                    return Ok(Self { form, etag, walk: Walk::along(places), wish, stored });
                }
                Err(error) => unfulfilled = error,
            }
        }
        Err(unfulfilled)
    }

    /// The tag, and what leaves as stored where all does.
    fn by(places: &[InstancePlace], wish: &InstanceWish) -> Result<(String, Option<Stored>), Error> {
        let mut hasher = DefaultHasher::new();
        let mut stored = Some(Stored::default());
        for place in places {
            let how = How::of(place, wish)?;
            how.etag(place).hash(&mut hasher);
            stored = stored.zip(how.stored_bytes(place)).map(|(mut stored, bytes)| {
                stored.bytes += bytes;
                *stored.counts.entry(content_type(place.transfer_syntax.as_str())).or_default() += 1;
                stored
            });
        }
        Ok((format!("\"{:016x}-{}\"", hasher.finish(), places.len()), stored))
    }

    /// The next instance.
    pub async fn next(&mut self, state: &State) -> Result<Option<Planned>, Error> {
        let Some(place) = self.walk.next(state).await? else { return Ok(None) };
        Planned::new(place, &self.wish).map(Some)
    }

    /// Whether nothing comes any more.
    pub fn is_over(&self) -> bool {
        self.walk.is_over()
    }

    /// The length of a multipart body of all, when every instance leaves as stored: the client then sees how far it is,
    /// and finds out when something is missing.
    pub fn multipart_length(&self, boundary: &Boundary) -> Option<u64> {
        let Stored { counts, bytes } = self.stored.as_ref()?;
        let heads = counts.iter().map(|(content_type, count)| {
            (boundary.part_head(content_type, None).len() as u64).saturating_mul(*count)
        });
        Some(bytes + heads.sum::<u64>() + boundary.close().len() as u64)
    }
}
