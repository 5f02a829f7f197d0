//! What the studies of a patient tell of them, and what they do not.

use futures::TryStreamExt;
use pacs_core::access::Scope;
use pacs_core::dataset::{DataSet, vr_of};
use pacs_core::query::{Level, Query};
use pacs_core::tags;
use storage::query;

use crate::backends::{Fresh, on_every_engine};
use crate::samples::*;

on_every_engine!(qualifiers_of_another_authority_are_not_the_patients,);

/// A study that came under the number of the patient's identity card tells of that number's issuer.
async fn qualifiers_of_another_authority_are_not_the_patients(fresh: Fresh) {
    let of_hospital = Image {
        issuer: Some("BVTW"),
        issuer_oid: Some("1.2.3.4"),
        others: &[("079080000001", "CCCD")],
        date: Some("20250101"),
        ..Image::default()
    };
    let by_card = Image {
        study: "1.2.2".into(),
        series: "1.2.2.1".into(),
        patient_id: "079080000001",
        issuer: Some("CCCD"),
        issuer_oid: Some("1.2.9.9"),
        comments: Some("Dị ứng"),
        ..Image::default()
    };
    let mut query = Query::new(Level::Patient);
    for (tag, value) in [
        (tags::PATIENT_ID, "BN001"),
        (tags::ISSUER_OF_PATIENT_ID, ""),
        (tags::ISSUER_OF_PATIENT_ID_QUALIFIERS_SEQUENCE, ""),
        (tags::PATIENT_COMMENTS, ""),
        (tags::NUMBER_OF_PATIENT_RELATED_STUDIES, ""),
    ] {
        query.add(&[tag], vr_of(tag), value).unwrap();
    }
    for (image, studies, comments, oid) in
        [(of_hospital, 1, None, Some("1.2.3.4")), (by_card, 2, Some("Dị ứng"), None)]
    {
        store(&fresh.db, &[image]).await;
        let found: Vec<DataSet> = query::find(&fresh.db, &query, &Scope::All).try_collect().await.unwrap();
        let [found] = &found[..] else { panic!("{found:?}") };
        assert_eq!(found.int(tags::NUMBER_OF_PATIENT_RELATED_STUDIES), Some(studies));
        assert_eq!(found.text(tags::ISSUER_OF_PATIENT_ID).as_deref(), Some("BVTW"));
        assert_eq!(found.text(tags::PATIENT_COMMENTS).as_deref(), comments);
        let qualifiers = found.items(tags::ISSUER_OF_PATIENT_ID_QUALIFIERS_SEQUENCE).first();
        let told = qualifiers.and_then(|set| set.text(tags::UNIVERSAL_ENTITY_ID));
        assert_eq!(told.as_deref(), oid, "of {comments:?}");
    }
}
