//! Finding the places of instances by their UIDs, within what the caller may see.

use std::sync::Arc;

use pacs_core::access::Scope;
use pacs_core::uid::Uid;

use super::Archive;
use crate::error::Result;
use crate::index::InstanceId;
use crate::index::instances::{self, InstancePlace};

/// Instances that one statement looks for.
const LOOKED_FOR: usize = 500;

impl Archive {
    /// The instances of a study, by series and instance number; empty when there are none in scope.
    pub async fn locate_study(&self, scope: &Scope, study: &Uid) -> Result<Vec<InstancePlace>> {
        instances::of_study(&self.0.database, scope, study).await
    }

    /// The instances of a series, by instance number; empty when there are none in scope.
    pub async fn locate_series(
        &self,
        scope: &Scope,
        study: &Uid,
        series: &Uid,
    ) -> Result<Vec<InstancePlace>> {
        instances::of_series(&self.0.database, scope, study, series).await
    }

    /// The series of a study that have instances, in their order; empty when there are none in scope.
    pub async fn locate_series_of(&self, scope: &Scope, study: &Uid) -> Result<Vec<Uid>> {
        instances::series_of_study(&self.0.database, scope, study).await
    }

    /// Instances that were located before, by their rows, in no order: where they lie now. What is rejected counts;
    /// what was deleted is left out.
    pub async fn locate_again(&self, ids: &[InstanceId]) -> Result<Vec<InstancePlace>> {
        instances::by_ids(&self.0.database, ids).await
    }

    /// The middle instance of each series of a study, or of one series, with the ones before and behind it: what may
    /// stand for the series in a picture. Empty when there are none in scope.
    pub async fn locate_middle(
        &self,
        scope: &Scope,
        study: &Uid,
        series: Option<&Uid>,
    ) -> Result<Arc<[InstancePlace]>> {
        let database = &self.0.database;
        let asked = (scope.clone(), study.clone(), series.cloned());
        let read = async || {
            let places = instances::middle_of_each(database, scope, study, series).await?;
            Ok((!places.is_empty()).then(|| Arc::from(places)))
        };
        Ok(self.0.caches.middles.or_read(database, asked, read).await?.unwrap_or_default())
    }

    /// One instance, if it is in scope and, where they are given, in that study and series.
    pub async fn locate_instance(
        &self,
        scope: &Scope,
        study: Option<&Uid>,
        series: Option<&Uid>,
        instance: &Uid,
    ) -> Result<Option<InstancePlace>> {
        let database = &self.0.database;
        let asked = (scope.clone(), study.cloned(), series.cloned(), instance.clone());
        let read = async || instances::by_uid(database, scope, study, series, instance).await;
        self.0.caches.places.or_read(database, asked, read).await
    }

    /// The first of these instances of a study that is shown and in scope. That is mostly the first of all, which is
    /// remembered; the others are looked for together, and in parts, since an object may name any number.
    pub async fn locate_first(
        &self,
        scope: &Scope,
        study: &Uid,
        instances: &[Uid],
    ) -> Result<Option<InstancePlace>> {
        let Some((first, others)) = instances.split_first() else { return Ok(None) };
        if let Some(place) = self.locate_instance(scope, Some(study), None, first).await? {
            return Ok(Some(place));
        }
        for some in others.chunks(LOOKED_FOR) {
            let shown = instances::shown_of(&self.0.database, scope, study, some).await?;
            if let Some(uid) = some.iter().find(|uid| shown.contains(*uid)) {
                return self.locate_instance(scope, Some(study), None, uid).await;
            }
        }
        Ok(None)
    }

    /// Whether there is this study, in it this series and in that this instance, as far as they are
    /// given and within the scope; what is rejected counts.
    pub async fn holds(
        &self,
        scope: &Scope,
        study: &Uid,
        series: Option<&Uid>,
        instance: Option<&Uid>,
    ) -> Result<bool> {
        instances::is_held(&self.0.database, scope, study, series, instance).await
    }
}
