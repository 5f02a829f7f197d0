//! What an association request proposes and its acceptance answers (PS3.8 9.3.2, 9.3.3; PS3.7 D.3.3).
//!
//! Names and UIDs are kept as text here: a request with one bad UID in one presentation context is
//! still a request, and negotiation refuses that context alone.

/// A-ASSOCIATE-RQ.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AssociateRq {
    /// Bit 0 stands for version 1, the only one there is.
    pub protocol_version: u16,
    /// The application entity that is asked for.
    pub called_ae: String,
    /// The application entity that asks.
    pub calling_ae: String,
    /// [`super::APPLICATION_CONTEXT`] for DICOM.
    pub application_context: String,
    /// At most 128, with odd identifiers that do not repeat.
    pub contexts: Vec<ProposedContext>,
    /// What the two sides tell each other about themselves.
    pub user: UserInformation,
}

/// One presentation context of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProposedContext {
    /// Odd, 1 to 255.
    pub id: u8,
    /// The SOP class, or meta SOP class, it is for.
    pub abstract_syntax: String,
    /// The transfer syntaxes the proposer can use, in its order of preference.
    pub transfer_syntaxes: Vec<String>,
}

/// A-ASSOCIATE-AC.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AssociateAc {
    /// Bit 0 stands for version 1.
    pub protocol_version: u16,
    /// Sent back as asked for.
    pub called_ae: String,
    /// Sent back as asked for.
    pub calling_ae: String,
    /// [`super::APPLICATION_CONTEXT`] for DICOM.
    pub application_context: String,
    /// The answer to each proposed context.
    pub contexts: Vec<ContextResult>,
    /// What the acceptor tells about itself.
    pub user: UserInformation,
}

/// The answer to one presentation context.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContextResult {
    /// The proposed identifier.
    pub id: u8,
    /// Accepted, or why not.
    pub answer: ContextAnswer,
    /// The transfer syntax to use; without meaning unless accepted.
    pub transfer_syntax: String,
}

/// Result/Reason of a presentation context (PS3.8 table 9-18).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContextAnswer {
    /// 0: may be used.
    Accepted,
    /// 1: the user refuses it.
    UserRejection,
    /// 2: the provider refuses it without saying why.
    NoReason,
    /// 3: the SOP class is not supported.
    AbstractSyntaxNotSupported,
    /// 4: none of its transfer syntaxes is supported.
    TransferSyntaxesNotSupported,
}

impl ContextAnswer {
    /// The byte of the result field.
    pub fn code(self) -> u8 {
        match self {
            Self::Accepted => 0,
            Self::UserRejection => 1,
            Self::NoReason => 2,
            Self::AbstractSyntaxNotSupported => 3,
            Self::TransferSyntaxesNotSupported => 4,
        }
    }

    /// What a byte of the result field means; values the standard does not name mean a refusal.
    pub fn from_code(code: u8) -> Self {
        match code {
            0 => Self::Accepted,
            1 => Self::UserRejection,
            3 => Self::AbstractSyntaxNotSupported,
            4 => Self::TransferSyntaxesNotSupported,
            _ => Self::NoReason,
        }
    }
}

/// The user information item of both PDUs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserInformation {
    /// The longest P-DATA-TF variable field the sender of this item takes, in bytes; 0 means any.
    pub max_pdu_bytes: u32,
    /// Identifies the implementation (PS3.7 D.3.3.2).
    pub implementation_class: String,
    /// At most 16 characters; may be empty.
    pub implementation_version: String,
    /// Operations invoked and performed at a time; absent means 1 and 1.
    pub asynchronous_operations: Option<(u16, u16)>,
    /// Who may be user and who provider of a SOP class.
    pub roles: Vec<RoleSelection>,
    /// Options of services, such as relational queries.
    pub extended: Vec<ExtendedNegotiation>,
    /// What the SOP classes are special kinds of, in a request; nothing answers it.
    pub common: Vec<CommonExtendedNegotiation>,
    /// Who asks, in a request.
    pub identity: Option<UserIdentity>,
    /// The acceptor's answer to an identity, in an acceptance.
    pub identity_answer: Option<Vec<u8>>,
}

/// SCP/SCU role selection (PS3.7 D.3.3.4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleSelection {
    /// The SOP class it is about.
    pub sop_class: String,
    /// Whether the association requestor is (to be) service class user.
    pub scu: bool,
    /// Whether the association requestor is (to be) service class provider, as C-GET needs.
    pub scp: bool,
}

/// SOP class extended negotiation (PS3.7 D.3.3.5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExtendedNegotiation {
    /// The SOP class it is about.
    pub sop_class: String,
    /// Bytes whose meaning the service class defines.
    pub information: Vec<u8>,
}

/// SOP class common extended negotiation (PS3.7 D.3.3.6): what a class that the acceptor may not know belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommonExtendedNegotiation {
    /// The SOP class it is about.
    pub sop_class: String,
    /// The service class it belongs to.
    pub service_class: String,
    /// The general SOP classes that it is a special kind of.
    pub related: Vec<String>,
}

/// User identity (PS3.7 D.3.3.7). The secret field never leaves this value: `Debug` hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct UserIdentity {
    /// 1 user name, 2 user name and passcode, 3 Kerberos ticket, 4 SAML assertion, 5 JSON Web Token.
    pub kind: u8,
    /// Whether the requestor wants to be told that the identity was accepted.
    pub wants_answer: bool,
    /// User name, ticket, assertion or token.
    pub primary: Vec<u8>,
    /// Passcode, for kind 2.
    pub secondary: Vec<u8>,
}

impl std::fmt::Debug for UserIdentity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UserIdentity")
            .field("kind", &self.kind)
            .field("wants_answer", &self.wants_answer)
            .finish_non_exhaustive()
    }
}
