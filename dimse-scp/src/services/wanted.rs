//! What a retrieval is to send.

use futures::stream::{self, BoxStream};
use futures::{StreamExt as _, TryStreamExt as _};
use pacs_core::dataset::DataSet;
use pacs_core::extraction::Selection;
use pacs_core::non_patient::Kind;
use pacs_core::query::Query;
use pacs_core::text::CharacterSet;
use pacs_core::uid::Uid;
use storage::InstancePlace;

use super::stored::Opened;
use super::{keys, stored};
use crate::association::QueryOptions;
use crate::error::Failure;
use crate::session::Session;
use crate::sop_class::Root;

/// What an identifier names.
#[derive(Debug)]
pub enum Wanted {
    /// Instances of studies.
    Instances(Query),
    /// Some frames of an instance, as one of their own.
    Frames(Query, Selection),
    /// Objects that are of no patient.
    NonPatient(Kind, Vec<Uid>),
}

/// Instances ahead of their turn.
pub type Opening = BoxStream<'static, storage::Result<(InstancePlace, storage::Result<Opened>)>>;

impl Wanted {
    /// What the identifier of a C-MOVE or C-GET means in a model.
    pub fn of(identifier: &DataSet, root: Root, options: QueryOptions) -> Result<Self, Failure> {
        match root {
            Root::NonPatient(kind) => {
                keys::uids_of_non_patient(identifier).map(|uids| Self::NonPatient(kind, uids))
            }
            Root::Instance if keys::is_of_frames(identifier) => {
                let query = keys::of_frames(identifier)?;
                Selection::of(identifier)
                    .map(|selection| Self::Frames(query, selection))
                    .map_err(Failure::of_frames)
            }
            root => keys::of_retrieve(identifier, root, options).map(Self::Instances),
        }
    }

    /// Opens all of it, in its order. Fails where an instance cannot be made of the frames that are wanted, which takes
    /// as long as its header and each of them take to be found.
    pub fn opened(
        &self,
        session: &Session,
        letters: CharacterSet,
    ) -> impl Future<Output = Result<Opening, Failure>> + use<> {
        let archive = session.shared.archive.clone();
        let mut places = self.places(session);
        let selection = match self {
            Self::Frames(_, selection) => Some(selection.clone()),
            Self::Instances(_) | Self::NonPatient(..) => None,
        };
        async move {
            let Some(selection) = selection else { return Ok(stored::opened(&archive, places, letters)) };
            let told = |error: storage::Error| Failure::of_retrieve(&error);
            let Some(place) = places.try_next().await.map_err(told)? else {
                return Ok(stream::empty().boxed());
            };
            let extracted = archive.extracted(&place, &selection, letters).await.map_err(told)?;
            let extracted = extracted.map_err(Failure::of_frames)?;
            let place = extracted.place.clone();
            let opened = stored::opened_of(extracted, letters).await;
            Ok(stream::once(std::future::ready(Ok((place, opened)))).boxed())
        }
    }

    /// Where all of it lies that the caller may see.
    pub fn places(&self, session: &Session) -> BoxStream<'static, storage::Result<InstancePlace>> {
        let (database, scope) = (session.shared.archive.database(), &session.caller.scope);
        match self {
            Self::Instances(query) | Self::Frames(query, _) => {
                storage::query::find_places(database, query, scope).boxed()
            }
            Self::NonPatient(kind, uids) => storage::non_patient::places(database, *kind, uids, scope),
        }
    }
}
