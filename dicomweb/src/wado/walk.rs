//! The instances of an answer, one after the other. Of those that are still to come only what finds them again is kept,
//! so that thousands who read long series slowly do not fill the memory with rows.

use crate::error::Error;
use crate::state::State;
use std::collections::HashMap;
use std::sync::Arc;
use std::vec;
use storage::InstancePlace;
use storage::index::InstanceId;

/// Instances whose rows are held at a time.
const AHEAD: usize = 32;

/// What is kept of an instance until its turn comes.
#[derive(Debug, Clone)]
struct Known {
    id: InstanceId,
    /// The beginning of the hash of its content.
    content: [u8; 8],
    overlay: Option<Arc<str>>,
}

fn content(place: &InstancePlace) -> [u8; 8] {
    place.hash.first_chunk().copied().unwrap_or_default()
}

/// The instances that are still to come.
#[derive(Debug, Clone)]
pub struct Walk {
    located: vec::IntoIter<InstancePlace>,
    known: vec::IntoIter<Known>,
}

impl Walk {
    /// Along these, in their order.
    pub fn along(mut places: Vec<InstancePlace>) -> Self {
        // Most have the corrections of the one before.
        let mut last: Option<Arc<str>> = None;
        let known = places.iter().skip(AHEAD).map(|place| {
            if place.overlay != last {
                last.clone_from(&place.overlay);
            }
            Known { id: place.id, content: content(place), overlay: last.clone() }
        });
        let known: Vec<Known> = known.collect();
        places.truncate(AHEAD);
        places.shrink_to_fit();
        Self { located: places.into_iter(), known: known.into_iter() }
    }

    /// Whether nothing comes any more.
    pub fn is_over(&self) -> bool {
        self.located.as_slice().is_empty() && self.known.as_slice().is_empty()
    }

    /// The next one, with the corrections that it had when the walk began. One that was deleted since, or exchanged for
    /// another content, is an error: the answer was said to have it.
    pub async fn next(&mut self, state: &State) -> Result<Option<InstancePlace>, Error> {
        if let Some(place) = self.located.next() {
            return Ok(Some(place));
        }
        let known: Vec<Known> = self.known.by_ref().take(AHEAD).collect();
        let ids: Vec<InstanceId> = known.iter().map(|known| known.id).collect();
        let again = state.archive.locate_again(&ids).await?;
        let mut again: HashMap<InstanceId, InstancePlace> =
            again.into_iter().map(|place| (place.id, place)).collect();
        let mut located = Vec::with_capacity(known.len());
        for Known { id, content: of_it, overlay } in known {
            let place = again.remove(&id).filter(|place| content(place) == of_it);
            let place = place.ok_or(Error::NotFound("an instance that was there when it was asked for"))?;
            located.push(InstancePlace { overlay, ..place });
        }
        self.located = located.into_iter();
        Ok(self.located.next())
    }
}
