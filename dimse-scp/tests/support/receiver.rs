//! A device that images are sent to, and that does with them what a test says.

use std::net::SocketAddr;

use dimse_scp::Timeouts;
use dimse_scp::association::accept::{Admitted, Terms, accept};
use dimse_scp::association::{Association, End, Event};
use dimse_scp::dimse::{CommandField, CommandSet, Status, command::element};
use dimse_scp::sop_class::SopClasses;
use pacs_core::dataset::{self, DataSet, Limits, Until};
use pacs_core::uid::{AeTitle, Uid};
use pacs_core::{transfer_syntax, uids};
use storage::devices::{self, Device};
use tokio::net::TcpListener;

use super::{Harness, ae, uid};

/// It listens, and takes associations when the test does.
pub struct Receiver {
    title: AeTitle,
    listener: TcpListener,
}

impl Receiver {
    /// A device of the server, under that title.
    pub async fn of(server: &Harness, title: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut device = Device::named(ae(title));
        device.host = Some("127.0.0.1".into());
        device.port = Some(listener.local_addr().unwrap().port());
        devices::upsert(server.archive.database(), &device).await.unwrap();
        Self { title: ae(title), listener }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.listener.local_addr().unwrap()
    }

    /// Takes the next association.
    pub async fn association(&self) -> Open {
        let taking = async {
            let (stream, _) = self.listener.accept().await.unwrap();
            // What is no storage, and not served by an archive, is taken like storage.
            let classes = SopClasses::new([uid(uids::INSTANCE_AVAILABILITY_NOTIFICATION)]);
            let terms = Terms { classes: &classes, max_pdu_bytes: 65536, timeouts: Timeouts::default() };
            let judge = async |_: &dimse_scp::pdu::AssociateRq| {
                Ok(Admitted {
                    calling_ae: ae("SEN"),
                    called_ae: self.title.clone(),
                    identity_answer: None,
                    kept: (),
                })
            };
            accept(stream.into(), terms, judge).await.unwrap().0
        };
        Open(tokio::time::timeout(super::PATIENCE, taking).await.expect("nobody called"))
    }
}

/// An association that a receiver has taken.
pub struct Open(Association);

impl Open {
    /// Takes the next instance, and does not answer yet. `None`: the sender says goodbye, and is let go.
    pub async fn instance(&mut self) -> Option<(u8, CommandSet)> {
        match tokio::time::timeout(super::PATIENCE, self.0.reader.event()).await.expect("nothing came") {
            Ok(Event::Message(context, command)) => {
                assert_eq!(command.operation(), Some(CommandField::Store));
                while self.0.reader.data().await.unwrap().is_some() {}
                Some((context, command))
            }
            Ok(Event::ReleaseRequested) => None,
            other => panic!("{other:?}"),
        }
    }

    /// Takes the next request with its data set, and does not answer yet. `None`: the sender says goodbye.
    pub async fn message(&mut self) -> Option<(u8, CommandSet, DataSet)> {
        let event = tokio::time::timeout(super::PATIENCE, self.0.reader.event()).await.expect("nothing came");
        let (context, command) = match event {
            Ok(Event::Message(context, command)) => (context, command),
            Ok(Event::ReleaseRequested) => return None,
            other => panic!("{other:?}"),
        };
        let mut bytes = Vec::new();
        while let Some(piece) = self.0.reader.data().await.unwrap() {
            bytes.extend_from_slice(&piece);
        }
        let syntax = transfer_syntax::of(&self.0.contexts.get(context).unwrap().transfer_syntax);
        let read = dataset::read_slice(&bytes, &syntax, &Limits::default(), Until::End).unwrap();
        Some((context, command, read.data_set))
    }

    /// Answers a request.
    pub async fn respond(&mut self, context: u8, command: &CommandSet, status: Status) {
        let response = CommandSet::response(command, status);
        self.0.writer.message(context, &response, None).await.unwrap();
    }

    /// Answers for an instance; gives back which one it was.
    pub async fn answer(&mut self, (context, command): (u8, CommandSet), status: Status) -> Uid {
        let response = CommandSet::response(&command, status);
        self.0.writer.message(context, &response, None).await.unwrap();
        command.uid(element::AFFECTED_SOP_INSTANCE_UID).unwrap()
    }

    /// Takes everything that still comes and lets the sender go; gives back what came.
    pub async fn take_all(mut self) -> Vec<Uid> {
        let mut taken = Vec::new();
        while let Some(instance) = self.instance().await {
            taken.push(self.answer(instance, Status::SUCCESS).await);
        }
        self.0.close(&End::Released).await;
        taken
    }

    /// Waits until the sender has gone without a word.
    pub async fn gone(mut self) {
        let left = tokio::time::timeout(super::PATIENCE, self.0.reader.event()).await.expect("it stays");
        assert!(left.is_err(), "{left:?}");
    }
}
