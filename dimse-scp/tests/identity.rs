//! Who is who when many devices push at once.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails"
)]

mod support;

use bytes::Bytes;
use dimse_scp::dimse::Status;
use dimse_scp::scu::{Association, Content, Instance, Options};
use pacs_core::access::Scope;
use pacs_core::dataset::{self, DataSet};
use pacs_core::{tags, transfer_syntax, uids};
use storage::identity::record;
use support::{Harness, ae, proposals_for, uid};

const ASSOCIATIONS: usize = 64;

/// An image of a study of its own, all of one patient.
fn image(study: usize) -> Instance {
    let (class, instance) = (uid(uids::CT_IMAGE_STORAGE), uid(&format!("1.2.{study}.1.1")));
    let syntax = uid(uids::EXPLICIT_VR_LITTLE_ENDIAN);
    let mut set = DataSet::new();
    set.put_uid(tags::SOP_CLASS_UID, &class);
    set.put_uid(tags::SOP_INSTANCE_UID, &instance);
    set.put_text(tags::MODALITY, "CT");
    set.put_text(tags::PATIENT_NAME, "NGUYEN^VAN A");
    set.put_text(tags::PATIENT_ID, "P1");
    set.put_uid(tags::STUDY_INSTANCE_UID, &uid(&format!("1.2.{study}")));
    set.put_uid(tags::SERIES_INSTANCE_UID, &uid(&format!("1.2.{study}.1")));
    let mut bytes = Vec::new();
    dataset::write(&set, &transfer_syntax::of(&syntax), &mut bytes).unwrap();
    Instance { class, instance, transfer_syntax: syntax, content: Content::Memory(Bytes::from(bytes)) }
}

/// Opens all associations, then stores over all of them at once: one study each, and a first image of a
/// patient whom nobody knows.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixty_four_associations_make_one_patient() {
    let server = Harness::start().await;
    let mut open = Vec::new();
    for study in 0..ASSOCIATIONS {
        let instance = image(study);
        let target = dimse_scp::scu::Target { calling_ae: ae(&format!("CT{study}")), ..server.target() };
        let proposals = proposals_for(std::slice::from_ref(&instance));
        let association = Association::connect(&target, &proposals, &Options::default()).await.unwrap();
        open.push((association, instance));
    }
    let storing: Vec<_> = open
        .into_iter()
        .map(|(mut association, instance)| {
            tokio::spawn(async move {
                let response = association.store(&instance).await.unwrap();
                association.release().await.unwrap();
                response.status
            })
        })
        .collect();
    for one in storing {
        assert_eq!(one.await.unwrap(), Status::SUCCESS);
    }
    let database = server.archive.database();
    let found = storage::identity::search(database, "P1").await.unwrap();
    assert_eq!(found.len(), 1, "{found:?}");
    let record = record::of(database, &Scope::All, found[0].id).await.unwrap().unwrap();
    assert_eq!(record.studies.len(), ASSOCIATIONS);
    assert!(record.studies.iter().all(|study| study.doubt.is_none()));
    server.stop().await;
}
