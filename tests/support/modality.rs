//! A modality of our own, for what foreign ones cannot be made to do.

use std::net::SocketAddr;

use bytes::Bytes;
use dimse_scp::scu::{Association, Content, Instance, Options, Proposal, Target};
use pacs_core::uid::{AeTitle, Uid};
use pacs_core::uids;

use super::images::{Study, dataset_bytes};

/// An association under that title for what an instance needs.
pub async fn associate(to: SocketAddr, calling: &str, instance: &Instance) -> Association {
    let target = Target {
        address: to.to_string(),
        calling_ae: AeTitle::parse(calling).unwrap(),
        called_ae: AeTitle::parse("SEN").unwrap(),
    };
    let proposal = Proposal::new(instance.class.clone(), vec![instance.transfer_syntax.clone()]);
    Association::connect(&target, &[proposal], &Options::default()).await.unwrap()
}

/// A slice of a synthetic study as it is sent.
pub fn slice(study: &Study, number: u32) -> Instance {
    Instance {
        class: Uid::parse(uids::CT_IMAGE_STORAGE).unwrap(),
        instance: study.instance(number),
        transfer_syntax: Uid::parse(uids::EXPLICIT_VR_LITTLE_ENDIAN).unwrap(),
        content: Content::Memory(Bytes::copy_from_slice(dataset_bytes(&study.slice(number)))),
    }
}
