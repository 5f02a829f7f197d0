//! What a retrieval is to send.

use futures::StreamExt as _;
use futures::stream::BoxStream;
use pacs_core::dataset::DataSet;
use pacs_core::non_patient::Kind;
use pacs_core::query::Query;
use pacs_core::uid::Uid;
use storage::InstancePlace;

use super::keys;
use crate::association::QueryOptions;
use crate::error::Failure;
use crate::session::Session;
use crate::sop_class::Root;

/// What an identifier names.
#[derive(Debug)]
pub enum Wanted {
    /// Instances of studies.
    Instances(Query),
    /// Objects that are of no patient.
    NonPatient(Kind, Vec<Uid>),
}

impl Wanted {
    /// What the identifier of a C-MOVE or C-GET means in a model.
    pub fn of(identifier: &DataSet, root: Root, options: QueryOptions) -> Result<Self, Failure> {
        match root {
            Root::NonPatient(kind) => {
                keys::uids_of_non_patient(identifier).map(|uids| Self::NonPatient(kind, uids))
            }
            root => keys::of_retrieve(identifier, root, options).map(Self::Instances),
        }
    }

    /// Where all of it lies that the caller may see.
    pub fn places(&self, session: &Session) -> BoxStream<'static, storage::Result<InstancePlace>> {
        let (database, scope) = (session.shared.archive.database(), &session.caller.scope);
        match self {
            Self::Instances(query) => storage::query::find_places(database, query, scope).boxed(),
            Self::NonPatient(kind, uids) => storage::non_patient::places(database, *kind, uids, scope),
        }
    }
}
