//! A device that images are sent to, and that does with them what a test says.

use std::net::SocketAddr;

use dimse_scp::Timeouts;
use dimse_scp::association::accept::{Admitted, NotEstablished, Terms, accept};
use dimse_scp::association::{Association, End, Event};
use dimse_scp::dimse::{CommandField, CommandSet, Status, command::element};
use dimse_scp::pdu::{AssociateRq, Rejection};
use dimse_scp::refused::{Reason, Refused};
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

    /// Takes the next connection, and hangs up.
    pub async fn hang_up(&self) {
        let called = tokio::time::timeout(super::PATIENCE, self.listener.accept()).await;
        drop(called.expect("nobody called").unwrap());
    }

    /// Takes the next association.
    pub async fn association(&self) -> Open {
        let judge = async |_: &AssociateRq| {
            Ok(Admitted {
                calling_ae: ae("SEN"),
                called_ae: self.title.clone(),
                identity_answer: None,
                kept: (),
            })
        };
        Open(self.accept(judge).await.unwrap().0)
    }

    /// Rejects the next association.
    pub async fn reject(&self, rejection: Rejection) {
        let judge =
            async |_: &AssociateRq| Err::<Admitted<()>, _>(Refused::new(rejection, Reason::NothingServed));
        self.accept(judge).await.unwrap_err();
    }

    async fn accept(
        &self,
        judge: impl AsyncFnOnce(&AssociateRq) -> Result<Admitted<()>, Refused>,
    ) -> Result<(Association, ()), NotEstablished> {
        let taking = async {
            let (stream, _) = self.listener.accept().await.unwrap();
            // What is no storage, and not served by an archive, is taken like storage.
            let others = [uids::INSTANCE_AVAILABILITY_NOTIFICATION, uids::UNIFIED_PROCEDURE_STEP_EVENT];
            let classes = SopClasses::new(others.map(uid));
            let terms = Terms { classes: &classes, max_pdu_bytes: 65536, timeouts: Timeouts::default() };
            accept(stream.into(), terms, judge).await
        };
        tokio::time::timeout(super::PATIENCE, taking).await.expect("nobody called")
    }
}

/// A request: its context, its command and its data set.
pub type Asked = (u8, CommandSet, DataSet);

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

    /// Takes an instance that is cut off in the middle.
    pub async fn cut_off(mut self) {
        let reading = async {
            let event = self.0.reader.event().await;
            assert!(matches!(event, Ok(Event::Message(..))), "{event:?}");
            while let Ok(piece) = self.0.reader.data().await {
                assert!(piece.is_some(), "it came whole");
            }
        };
        tokio::time::timeout(super::PATIENCE, reading).await.expect("it is not cut off");
    }

    /// Takes the next request with its data set, and does not answer yet. `None`: the sender says goodbye.
    pub async fn message(&mut self) -> Option<Asked> {
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

    /// Sends a response as it is.
    pub async fn send(&mut self, context: u8, response: &CommandSet) {
        self.0.writer.message(context, response, None).await.unwrap();
    }

    /// Answers a request with a data set.
    pub async fn respond_with(&mut self, context: u8, command: &CommandSet, status: Status, set: &DataSet) {
        let mut bytes = Vec::new();
        let syntax = transfer_syntax::of(&self.0.contexts.get(context).unwrap().transfer_syntax);
        dataset::write(set, &syntax, &mut bytes).unwrap();
        let response = CommandSet::response(command, status).followed_by_data();
        self.0.writer.message(context, &response, Some(&bytes)).await.unwrap();
    }

    /// Sends a request of this side with a data set, as a provider reports.
    pub async fn request(&mut self, context: u8, command: &CommandSet, set: &DataSet) {
        let mut bytes = Vec::new();
        let syntax = transfer_syntax::of(&self.0.contexts.get(context).unwrap().transfer_syntax);
        dataset::write(set, &syntax, &mut bytes).unwrap();
        self.0.writer.message(context, command, Some(&bytes)).await.unwrap();
    }

    /// Takes the answer to a request of this side.
    pub async fn response(&mut self) -> CommandSet {
        let event = tokio::time::timeout(super::PATIENCE, self.0.reader.event()).await.expect("nothing came");
        match event {
            Ok(Event::Message(_, command)) if command.operation().is_none() => command,
            other => panic!("{other:?}"),
        }
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
        self.let_go().await;
        taken
    }

    /// Lets a sender go that has said goodbye.
    pub async fn let_go(self) {
        self.0.close(&End::Released).await;
    }

    /// Waits until the sender has gone without a word.
    pub async fn gone(mut self) {
        let left = tokio::time::timeout(super::PATIENCE, self.0.reader.event()).await.expect("it stays");
        assert!(left.is_err(), "{left:?}");
    }

    /// Waits until the sender has aborted the association.
    pub async fn aborted(mut self) {
        let left = tokio::time::timeout(super::PATIENCE, self.0.reader.event()).await.expect("it stays");
        assert!(matches!(left, Err(End::Aborted { .. })), "{left:?}");
    }
}
