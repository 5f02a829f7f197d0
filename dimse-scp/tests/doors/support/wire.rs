//! A connection that says whatever a test wants, well formed or not.

use std::net::SocketAddr;
use std::time::Duration;

use dimse_scp::dimse::CommandSet;
use dimse_scp::pdu::associate::{AssociateRq, ProposedContext, UserInformation};
use dimse_scp::pdu::stream::{Decoder, Token};
use dimse_scp::pdu::{APPLICATION_CONTEXT, encode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

pub struct Wire {
    pub stream: TcpStream,
    decoder: Decoder,
}

impl Wire {
    pub async fn connect(address: SocketAddr) -> Self {
        Self::over(TcpStream::connect(address).await.unwrap())
    }

    /// Speaks over a connection that is there already.
    pub fn over(stream: TcpStream) -> Self {
        stream.set_nodelay(true).unwrap();
        Self { stream, decoder: Decoder::new(1 << 20) }
    }

    /// Connects and establishes an association with these contexts.
    pub async fn associate(address: SocketAddr, contexts: &[(&str, &str)]) -> Self {
        let mut wire = Self::connect(address).await;
        wire.send(&request(contexts).encode().unwrap()).await;
        let answer = wire.token().await;
        assert!(matches!(answer, Some(Token::AssociateAc(_))), "{answer:?}");
        wire
    }

    /// Sends bytes; a peer that has hung up meanwhile is no fault of the test.
    pub async fn send(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes).await;
    }

    pub async fn send_set(&mut self, context: u8, is_command: bool, content: &[u8]) {
        let mut pdu = encode::data_header(context, is_command, true, content.len() as u32).to_vec();
        pdu.extend(content);
        self.send(&pdu).await;
    }

    pub async fn send_command(&mut self, context: u8, command: &CommandSet) {
        self.send_set(context, true, &command.encode()).await;
    }

    /// The next token; `None` when the server has closed the connection.
    pub async fn token(&mut self) -> Option<Token> {
        let reading = async {
            loop {
                if let Some(token) = self.decoder.next_token().unwrap() {
                    return Some(token);
                }
                match self.stream.read_buf(self.decoder.buffer()).await {
                    Ok(0) | Err(_) => return None,
                    Ok(_) => {}
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(20), reading).await.expect("the server says nothing")
    }

    /// Reads a command set, whole in one fragment as the server sends it.
    pub async fn command(&mut self) -> CommandSet {
        match self.token().await {
            Some(Token::Data(piece)) if piece.is_command && piece.is_last => {
                CommandSet::decode(&piece.bytes).unwrap()
            }
            other => panic!("not a command: {other:?}"),
        }
    }
}

/// A well formed request with these contexts, numbered 1, 3, 5 and on.
pub fn request(contexts: &[(&str, &str)]) -> AssociateRq {
    let contexts = contexts.iter().zip((1u8..).step_by(2)).map(|((class, syntax), id)| ProposedContext {
        id,
        abstract_syntax: (*class).to_owned(),
        transfer_syntaxes: vec![(*syntax).to_owned()],
    });
    AssociateRq {
        protocol_version: 1,
        called_ae: "SEN".into(),
        calling_ae: "WIRE".into(),
        application_context: APPLICATION_CONTEXT.into(),
        contexts: contexts.collect(),
        user: UserInformation {
            max_pdu_bytes: 16384,
            implementation_class: "1.2.3".into(),
            ..UserInformation::default()
        },
    }
}
