//! Opening an association: the requestor's side of PS3.8 9.2.

use pacs_core::uid::{AeTitle, Uid};
use pacs_core::uids;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{Association, Error};
use crate::association::negotiation::send_limit;
use crate::association::stream::Stream;
use crate::association::{
    self, Context, Contexts, End, IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME, QueryOptions,
    Reader, Writer,
};
use crate::config::{DEFAULT_MAX_PDU_BYTES, Timeouts};
use crate::pdu::associate::{
    AssociateAc, AssociateRq, ContextAnswer, ProposedContext, RoleSelection, UserInformation,
};
use crate::pdu::stream::Token;
use crate::pdu::{APPLICATION_CONTEXT, AbortSource, encode};
use crate::tls::Secured;

/// Host and port as [`Target`] has them: an IPv6 address stands in brackets (RFC 3986 3.2.2).
pub fn address(host: &str, port: u16) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

/// Whom to call, and as whom.
#[derive(Debug, Clone)]
pub struct Target {
    /// `host:port`, as [`address`] writes it.
    pub address: String,
    /// Our AE title.
    pub calling_ae: AeTitle,
    /// Theirs.
    pub called_ae: AeTitle,
}

/// A presentation context to propose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// The SOP class.
    pub class: Uid,
    /// In order of preference.
    pub transfer_syntaxes: Vec<Uid>,
    /// Whether we want to be provider of this class, to receive what we ask for with C-GET.
    pub as_provider: bool,
}

impl Proposal {
    /// Proposes to be user of a SOP class.
    pub fn new(class: Uid, transfer_syntaxes: Vec<Uid>) -> Self {
        Self { class, transfer_syntaxes, as_provider: false }
    }

    /// Proposes to be user of a SOP class whose data sets are of our own making: explicit before implicit.
    pub fn for_messages(class: Uid) -> Result<Self, Error> {
        let uid = |text| Uid::parse(text).map_err(|_| Error::NoContext);
        let syntaxes = vec![uid(uids::EXPLICIT_VR_LITTLE_ENDIAN)?, uid(uids::IMPLICIT_VR_LITTLE_ENDIAN)?];
        Ok(Self::new(class, syntaxes))
    }
}

/// How an association is used.
#[derive(Debug, Clone)]
pub struct Options {
    /// The longest P-DATA-TF variable field to take and send.
    pub max_pdu_bytes: u32,
    /// How long the peer may take.
    pub timeouts: Timeouts,
    /// How it is encrypted; `None`: not.
    pub tls: Option<Secured>,
}

impl Default for Options {
    fn default() -> Self {
        Self { max_pdu_bytes: DEFAULT_MAX_PDU_BYTES, timeouts: Timeouts::default(), tls: None }
    }
}

/// Presentation context identifiers are odd and one byte: this many there are.
pub(crate) const MAX_CONTEXTS: usize = 128;

impl Association {
    /// Connects and asks for an association. Of the proposals the first 128 are made.
    pub async fn connect(target: &Target, proposals: &[Proposal], options: &Options) -> Result<Self, Error> {
        let stream = open(&target.address, options).await?;
        let (read, write) = stream.into_split();
        let mut reader = Reader::new(read, options.max_pdu_bytes, options.timeouts);
        let mut writer = Writer::new(write, options.max_pdu_bytes, options.timeouts.write);
        let request = request(target, proposals, options);
        writer.raw(&request.encode()?).await?;
        let answer = match reader.handshake(options.timeouts.artim).await {
            Ok(Token::AssociateAc(answer)) => answer,
            Ok(Token::AssociateRj(rejection)) => return Err(Error::Rejected(rejection)),
            Ok(Token::Abort(source_of_abort, reason)) => {
                return Err(End::Aborted { source_of_abort, reason }.into());
            }
            Ok(_) => {
                writer.raw(&encode::abort(AbortSource::Provider, 2)).await?;
                return Err(End::unexpected("the answer to a request is none").into());
            }
            Err(End::Idle) => return Err(End::Stalled.into()),
            Err(end) => return Err(end.into()),
        };
        writer.limit_pdu(send_limit(&answer.user, options.max_pdu_bytes));
        let inner = association::Association {
            calling_ae: target.calling_ae.clone(),
            called_ae: target.called_ae.clone(),
            contexts: accepted(&request, &answer),
            reader,
            writer,
        };
        Ok(Self { inner, timeouts: options.timeouts, last_message_id: 0 })
    }
}

async fn open(address: &str, options: &Options) -> Result<Stream, Error> {
    let late = |_| std::io::Error::new(std::io::ErrorKind::TimedOut, "no answer in time");
    let limit = options.timeouts.connect;
    let connecting = timeout(limit, TcpStream::connect(address)).await;
    let stream = connecting.map_err(late).flatten().map_err(Error::Unreachable)?;
    stream.set_nodelay(true).map_err(Error::Unreachable)?;
    match &options.tls {
        None => Ok(Stream::Plain(stream)),
        Some(secured) => {
            let shaking = timeout(limit, secured.connect(stream)).await;
            shaking
                .map_err(late)
                .flatten()
                .map(|stream| Stream::Tls(Box::new(stream)))
                .map_err(Error::Handshake)
        }
    }
}

fn request(target: &Target, proposals: &[Proposal], options: &Options) -> AssociateRq {
    let proposals = proposals.iter().take(MAX_CONTEXTS);
    let mut roles: Vec<RoleSelection> = Vec::new();
    for proposal in proposals.clone().filter(|proposal| proposal.as_provider) {
        if !roles.iter().any(|role| role.sop_class == proposal.class.as_str()) {
            let sop_class = proposal.class.as_str().to_owned();
            roles.push(RoleSelection { sop_class, scu: false, scp: true });
        }
    }
    let contexts = (1..=u8::MAX).step_by(2).zip(proposals).map(|(id, proposal)| ProposedContext {
        id,
        abstract_syntax: proposal.class.as_str().to_owned(),
        transfer_syntaxes: proposal.transfer_syntaxes.iter().map(|uid| uid.as_str().to_owned()).collect(),
    });
    AssociateRq {
        protocol_version: 1,
        called_ae: target.called_ae.as_str().to_owned(),
        calling_ae: target.calling_ae.as_str().to_owned(),
        application_context: APPLICATION_CONTEXT.to_owned(),
        contexts: contexts.collect(),
        user: UserInformation {
            max_pdu_bytes: options.max_pdu_bytes,
            implementation_class: IMPLEMENTATION_CLASS_UID.to_owned(),
            implementation_version: IMPLEMENTATION_VERSION_NAME.to_owned(),
            roles,
            ..UserInformation::default()
        },
    }
}

/// The contexts that were proposed and accepted in one of the transfer syntaxes proposed.
fn accepted(request: &AssociateRq, answer: &AssociateAc) -> Contexts {
    let results = answer.contexts.iter().filter(|result| result.answer == ContextAnswer::Accepted);
    let contexts = results.filter_map(|result| {
        let proposed = request.contexts.iter().find(|proposed| proposed.id == result.id)?;
        let chosen = proposed.transfer_syntaxes.iter().find(|syntax| **syntax == result.transfer_syntax)?;
        Some(Context {
            id: result.id,
            service: None,
            abstract_syntax: Uid::parse(&proposed.abstract_syntax).ok()?,
            transfer_syntax: Uid::parse(chosen).ok()?,
            acceptor_is_user: answer
                .user
                .roles
                .iter()
                .any(|role| role.sop_class == proposed.abstract_syntax && role.scp),
            options: QueryOptions::default(),
        })
    });
    contexts.collect()
}
