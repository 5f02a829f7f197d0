//! What is retrieved, and how a retrieval ends.

use std::collections::BTreeMap;

use dimse_scp::dimse::Status;
use dimse_scp::scu::{Association, Outcome, Proposal};
use pacs_core::dataset::{self, DataSet, Limits, Until, Value};
use pacs_core::uid::Uid;
use pacs_core::{Tag, transfer_syntax};
use storage::devices::{self, Device};

use super::{Harness, ae, uid};

/// A context in which the association's opener receives instances of a class.
pub fn receiving(class: &Uid, syntax: &str) -> Proposal {
    Proposal { class: class.clone(), transfer_syntaxes: vec![uid(syntax)], as_provider: true }
}

/// Gets everything that matches: SOP instance to transfer syntax and data set.
pub async fn get(
    association: &mut Association,
    class: &str,
    identifier: &DataSet,
) -> (BTreeMap<Uid, (Uid, Vec<u8>)>, Outcome) {
    let mut retrieval = association.get(&uid(class), identifier).await.unwrap();
    let mut arrived = BTreeMap::new();
    while let Some(arrival) = retrieval.next().await.unwrap() {
        let mut bytes = Vec::new();
        while let Some(piece) = retrieval.data().await.unwrap() {
            bytes.extend_from_slice(&piece);
        }
        arrived.insert(arrival.instance, (arrival.transfer_syntax, bytes));
        retrieval.answer(Status::SUCCESS).await.unwrap();
    }
    (arrived, retrieval.outcome().unwrap().clone())
}

/// Its status, and how many sub-operations were completed, failed and warned.
pub fn counts(outcome: &Outcome) -> (Status, u16, u16, u16) {
    (outcome.status, outcome.completed, outcome.failed, outcome.warning)
}

/// All elements with their values, whatever the encoding; pixels as bytes, and of compressed ones that they are.
pub fn content(bytes: &[u8], syntax: &Uid) -> Vec<(Tag, Vec<u8>)> {
    let limits = Limits { value_bytes: 64 << 20, retained_bytes: 64 << 20, ..Limits::default() };
    let read = dataset::read_slice(bytes, &transfer_syntax::of(syntax), &limits, Until::End).unwrap();
    let flat = |set: &DataSet| {
        let mut flat = Vec::new();
        flatten(set, bytes, &mut flat);
        flat
    };
    flat(&read.data_set)
}

fn flatten(set: &DataSet, encoded: &[u8], flat: &mut Vec<(Tag, Vec<u8>)>) {
    for element in set {
        match &element.value {
            Value::Bytes(bytes) => flat.push((element.tag, bytes.to_vec())),
            Value::Elsewhere { offset, length } => {
                flat.push((element.tag, encoded[*offset as usize..(offset + length) as usize].to_vec()));
            }
            Value::Items(items) => items.iter().for_each(|item| flatten(item, encoded, flat)),
            Value::Fragments(_) => flat.push((element.tag, b"fragments".to_vec())),
        }
    }
}

/// An archive that instances are sent to, under the title DEST.
pub async fn second_archive() -> Harness {
    Harness::start_with(|config| config.ae_titles = vec![(ae("DEST"), None)], |_| {}).await
}

/// Makes the address a device of `from` under the title DEST.
pub async fn destination(from: &Harness, address: std::net::SocketAddr) {
    let mut device = Device::named(ae("DEST"));
    device.host = Some(address.ip().to_string());
    device.port = Some(address.port());
    devices::upsert(from.archive.database(), &device).await.unwrap();
}
