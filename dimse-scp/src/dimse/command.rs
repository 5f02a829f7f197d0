//! Command sets (PS3.7 6.3.1, E): the group 0000 elements that begin every message, always in
//! Implicit VR Little Endian.

use std::collections::BTreeMap;

use pacs_core::Tag;
use pacs_core::uid::{AeTitle, Uid};

use super::Status;

/// The longest command set that is read. Real ones have about 200 bytes; the attribute lists of
/// N-GET are the longest that the standard foresees.
pub const MAX_COMMAND_BYTES: usize = 16 * 1024;

/// The longest Error Comment (0000,0902), VR LO.
const MAX_COMMENT_CHARS: usize = 64;

/// The value of Command Data Set Type (0000,0800) that says that no data set follows.
const NO_DATA_SET: u16 = 0x0101;

/// The value written when a data set follows; anything but [`NO_DATA_SET`] says so.
const HAS_DATA_SET: u16 = 0x0001;

/// Element numbers of group 0000 (PS3.7 E.1).
pub mod element {
    #![allow(missing_docs, reason = "the names are the standard's keywords")]
    pub const GROUP_LENGTH: u16 = 0x0000;
    pub const AFFECTED_SOP_CLASS_UID: u16 = 0x0002;
    pub const REQUESTED_SOP_CLASS_UID: u16 = 0x0003;
    pub const COMMAND_FIELD: u16 = 0x0100;
    pub const MESSAGE_ID: u16 = 0x0110;
    pub const MESSAGE_ID_BEING_RESPONDED_TO: u16 = 0x0120;
    pub const MOVE_DESTINATION: u16 = 0x0600;
    pub const PRIORITY: u16 = 0x0700;
    pub const COMMAND_DATA_SET_TYPE: u16 = 0x0800;
    pub const STATUS: u16 = 0x0900;
    pub const ERROR_COMMENT: u16 = 0x0902;
    pub const ERROR_ID: u16 = 0x0903;
    pub const AFFECTED_SOP_INSTANCE_UID: u16 = 0x1000;
    pub const REQUESTED_SOP_INSTANCE_UID: u16 = 0x1001;
    pub const EVENT_TYPE_ID: u16 = 0x1002;
    pub const ATTRIBUTE_IDENTIFIER_LIST: u16 = 0x1005;
    pub const ACTION_TYPE_ID: u16 = 0x1008;
    pub const NUMBER_OF_REMAINING_SUBOPERATIONS: u16 = 0x1020;
    pub const NUMBER_OF_COMPLETED_SUBOPERATIONS: u16 = 0x1021;
    pub const NUMBER_OF_FAILED_SUBOPERATIONS: u16 = 0x1022;
    pub const NUMBER_OF_WARNING_SUBOPERATIONS: u16 = 0x1023;
    pub const MOVE_ORIGINATOR_AE: u16 = 0x1030;
    pub const MOVE_ORIGINATOR_MESSAGE_ID: u16 = 0x1031;
}

/// What a message asks for (PS3.7 E.1-1). A response has the same value with the top bit set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CommandField {
    /// Keep this SOP instance.
    Store,
    /// Send the matching SOP instances over this association.
    Get,
    /// Which entities match?
    Find,
    /// Send the matching SOP instances to another application entity.
    Move,
    /// Is anybody there?
    Echo,
    /// Stop an operation.
    Cancel,
    /// Something happened to a managed instance.
    NEventReport,
    /// What are the attributes of a managed instance?
    NGet,
    /// Change attributes of a managed instance.
    NSet,
    /// Do something with a managed instance.
    NAction,
    /// Make a managed instance.
    NCreate,
    /// An operation that is not performed here, with its number.
    Other(u16),
}

impl CommandField {
    /// The number of the request.
    pub fn request_code(self) -> u16 {
        match self {
            Self::Store => 0x0001,
            Self::Get => 0x0010,
            Self::Find => 0x0020,
            Self::Move => 0x0021,
            Self::Echo => 0x0030,
            Self::Cancel => 0x0fff,
            Self::NEventReport => 0x0100,
            Self::NGet => 0x0110,
            Self::NSet => 0x0120,
            Self::NAction => 0x0130,
            Self::NCreate => 0x0140,
            Self::Other(code) => code,
        }
    }

    /// The operation of a request's number.
    pub fn of_request(code: u16) -> Self {
        match code {
            0x0001 => Self::Store,
            0x0010 => Self::Get,
            0x0020 => Self::Find,
            0x0021 => Self::Move,
            0x0030 => Self::Echo,
            0x0fff => Self::Cancel,
            0x0100 => Self::NEventReport,
            0x0110 => Self::NGet,
            0x0120 => Self::NSet,
            0x0130 => Self::NAction,
            0x0140 => Self::NCreate,
            other => Self::Other(other),
        }
    }

    /// A word for metrics and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Store => "c-store",
            Self::Get => "c-get",
            Self::Find => "c-find",
            Self::Move => "c-move",
            Self::Echo => "c-echo",
            Self::Cancel => "c-cancel",
            Self::NEventReport => "n-event-report",
            Self::NGet => "n-get",
            Self::NSet => "n-set",
            Self::NAction => "n-action",
            Self::NCreate => "n-create",
            Self::Other(_) => "other",
        }
    }
}

/// Why bytes are not a command set. The association is aborted: what follows cannot be told apart.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// An element declares more bytes than there are.
    #[error("an element of the command set reaches past its end")]
    Truncated,
    /// An element of another group.
    #[error("an element of group {0:04x} in a command set")]
    ForeignGroup(u16),
    /// Longer than [`MAX_COMMAND_BYTES`].
    #[error("the command set is longer than {MAX_COMMAND_BYTES} bytes")]
    TooLong,
    /// Without the element with this number, which every message needs.
    #[error("the command set has no usable (0000,{0:04x})")]
    Missing(u16),
}

/// A command set: element numbers and values as sent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CommandSet(BTreeMap<u16, Vec<u8>>);

impl CommandSet {
    /// A request without data set; [`CommandSet::followed_by_data`] changes that.
    pub fn request(field: CommandField, message_id: u16) -> Self {
        Self::default()
            .with_number(element::COMMAND_FIELD, field.request_code())
            .with_number(element::MESSAGE_ID, message_id)
            .with_number(element::COMMAND_DATA_SET_TYPE, NO_DATA_SET)
    }

    /// The response to a request, with its SOP class and instance and the number of its event or action,
    /// without data set. What a request asks for is what its response is about (PS3.7 10.3).
    pub fn response(request: &Self, status: Status) -> Self {
        let code = request.number(element::COMMAND_FIELD).unwrap_or_default() | 0x8000;
        let mut response = Self::default()
            .with_number(element::COMMAND_FIELD, code)
            .with_number(element::MESSAGE_ID_BEING_RESPONDED_TO, request.message_id())
            .with_number(element::COMMAND_DATA_SET_TYPE, NO_DATA_SET)
            .with_number(element::STATUS, status.0);
        for (asked, answered) in [
            (element::AFFECTED_SOP_CLASS_UID, element::AFFECTED_SOP_CLASS_UID),
            (element::AFFECTED_SOP_INSTANCE_UID, element::AFFECTED_SOP_INSTANCE_UID),
            (element::REQUESTED_SOP_CLASS_UID, element::AFFECTED_SOP_CLASS_UID),
            (element::REQUESTED_SOP_INSTANCE_UID, element::AFFECTED_SOP_INSTANCE_UID),
            (element::EVENT_TYPE_ID, element::EVENT_TYPE_ID),
            (element::ACTION_TYPE_ID, element::ACTION_TYPE_ID),
        ] {
            if let Some(value) = request.0.get(&asked) {
                response.0.insert(answered, value.clone());
            }
        }
        response
    }

    /// A C-CANCEL-RQ for the operation that a request began.
    pub fn cancel(message_id: u16) -> Self {
        Self::default()
            .with_number(element::COMMAND_FIELD, CommandField::Cancel.request_code())
            .with_number(element::MESSAGE_ID_BEING_RESPONDED_TO, message_id)
            .with_number(element::COMMAND_DATA_SET_TYPE, NO_DATA_SET)
    }

    /// Says that a data set follows.
    pub fn followed_by_data(self) -> Self {
        self.with_number(element::COMMAND_DATA_SET_TYPE, HAS_DATA_SET)
    }

    /// With a number (US).
    pub fn with_number(mut self, element: u16, value: u16) -> Self {
        self.0.insert(element, value.to_le_bytes().to_vec());
        self
    }

    /// With a UID (UI), padded to an even length.
    pub fn with_uid(self, element: u16, uid: &Uid) -> Self {
        self.with_padded(element, uid.as_str(), b'\0')
    }

    /// With an AE title (AE), padded to an even length.
    pub fn with_ae(self, element: u16, title: &AeTitle) -> Self {
        self.with_padded(element, title.as_str(), b' ')
    }

    /// With a list of attributes (AT).
    pub fn with_tags(mut self, element: u16, tags: &[Tag]) -> Self {
        let bytes = tags.iter().flat_map(|Tag(group, number)| [group.to_le_bytes(), number.to_le_bytes()]);
        self.0.insert(element, bytes.flatten().collect());
        self
    }

    /// With an Error Comment. Command sets know no character set, so what is outside ASCII is
    /// replaced, and what is too long is cut.
    pub fn with_comment(self, comment: &str) -> Self {
        let plain: String = comment
            .chars()
            .map(|c| if (' '..='~').contains(&c) && c != '\\' { c } else { '?' })
            .take(MAX_COMMENT_CHARS)
            .collect();
        if plain.is_empty() { self } else { self.with_padded(element::ERROR_COMMENT, &plain, b' ') }
    }

    fn with_padded(mut self, element: u16, text: &str, padding: u8) -> Self {
        let mut value = text.as_bytes().to_vec();
        if value.len() % 2 == 1 {
            value.push(padding);
        }
        self.0.insert(element, value);
        self
    }

    /// A number (US), when the element is there and is one.
    pub fn number(&self, element: u16) -> Option<u16> {
        let (bytes, _) = self.0.get(&element)?.split_first_chunk::<2>()?;
        Some(u16::from_le_bytes(*bytes))
    }

    /// A UID; `None` when absent, empty or invalid.
    pub fn uid(&self, element: u16) -> Option<Uid> {
        Uid::parse(&self.text(element)?).ok()
    }

    /// An AE title; `None` when absent, empty or invalid.
    pub fn ae(&self, element: u16) -> Option<AeTitle> {
        AeTitle::parse(&self.text(element)?).ok()
    }

    /// A list of attributes (AT); empty when absent.
    pub fn tags(&self, element: u16) -> Vec<Tag> {
        let (tags, _) = self.0.get(&element).map_or((&[][..], &[][..]), |value| value.as_chunks::<4>());
        let tag = |[a, b, c, d]: &[u8; 4]| Tag(u16::from_le_bytes([*a, *b]), u16::from_le_bytes([*c, *d]));
        tags.iter().map(tag).collect()
    }

    /// A text without its padding; `None` when absent.
    pub fn text(&self, element: u16) -> Option<String> {
        let value = self.0.get(&element)?;
        Some(String::from_utf8_lossy(value).trim_matches(['\0', ' ']).to_owned())
    }

    /// What the message asks for; `None` for a response.
    pub fn operation(&self) -> Option<CommandField> {
        let code = self.number(element::COMMAND_FIELD)?;
        (code & 0x8000 == 0).then(|| CommandField::of_request(code))
    }

    /// What a response answers; `None` for a request.
    pub fn answers(&self) -> Option<CommandField> {
        let code = self.number(element::COMMAND_FIELD)?;
        (code & 0x8000 != 0).then(|| CommandField::of_request(code & 0x7fff))
    }

    /// Message ID of a request.
    pub fn message_id(&self) -> u16 {
        self.number(element::MESSAGE_ID).unwrap_or_default()
    }

    /// The message that a response or a C-CANCEL-RQ is about.
    pub fn responds_to(&self) -> Option<u16> {
        self.number(element::MESSAGE_ID_BEING_RESPONDED_TO)
    }

    /// The status of a response.
    pub fn status(&self) -> Option<Status> {
        self.number(element::STATUS).map(Status)
    }

    /// Whether a data set follows.
    pub fn has_data_set(&self) -> bool {
        self.number(element::COMMAND_DATA_SET_TYPE).is_some_and(|kind| kind != NO_DATA_SET)
    }

    /// Reads a whole command set. Elements it does not know are kept; the group length is not
    /// believed, since the fragments say where the set ends.
    pub fn decode(bytes: &[u8]) -> Result<Self, CommandError> {
        if bytes.len() > MAX_COMMAND_BYTES {
            return Err(CommandError::TooLong);
        }
        let mut elements = BTreeMap::new();
        let mut rest = bytes;
        while !rest.is_empty() {
            let (&[g0, g1, e0, e1, l0, l1, l2, l3], after) =
                rest.split_first_chunk::<8>().ok_or(CommandError::Truncated)?;
            let group = u16::from_le_bytes([g0, g1]);
            if group != 0 {
                return Err(CommandError::ForeignGroup(group));
            }
            let length = u32::from_le_bytes([l0, l1, l2, l3]);
            let length = usize::try_from(length).map_err(|_| CommandError::Truncated)?;
            let (value, after) = after.split_at_checked(length).ok_or(CommandError::Truncated)?;
            elements.insert(u16::from_le_bytes([e0, e1]), value.to_vec());
            rest = after;
        }
        elements.remove(&element::GROUP_LENGTH);
        let set = Self(elements);
        for needed in [element::COMMAND_FIELD, element::COMMAND_DATA_SET_TYPE] {
            if set.number(needed).is_none() {
                return Err(CommandError::Missing(needed));
            }
        }
        Ok(set)
    }

    /// The set as bytes, with its group length.
    pub fn encode(&self) -> Vec<u8> {
        let length: usize = self.0.values().map(|value| 8 + value.len()).sum();
        let mut out = Vec::with_capacity(12 + length);
        let mut put = |element: u16, value: &[u8]| {
            out.extend([0, 0]);
            out.extend(element.to_le_bytes());
            out.extend(u32::try_from(value.len()).unwrap_or(u32::MAX).to_le_bytes());
            out.extend(value);
        };
        put(element::GROUP_LENGTH, &u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes());
        for (element, value) in &self.0 {
            put(*element, value);
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn sets_read_back() {
        let class = Uid::parse("1.2.840.10008.5.1.4.1.1.2").unwrap();
        let request = CommandSet::request(CommandField::Store, 7)
            .with_uid(element::AFFECTED_SOP_CLASS_UID, &class)
            .followed_by_data();
        let bytes = request.encode();
        assert_eq!(bytes.len() % 2, 0);
        assert_eq!(u32::from_le_bytes(bytes[8..12].try_into().unwrap()) as usize, bytes.len() - 12);
        let read = CommandSet::decode(&bytes).unwrap();
        assert_eq!(read, request);
        assert_eq!(read.operation(), Some(CommandField::Store));
        assert_eq!((read.message_id(), read.has_data_set()), (7, true));
        assert_eq!(read.uid(element::AFFECTED_SOP_CLASS_UID), Some(class.clone()));

        let response = CommandSet::response(&read, Status::OUT_OF_RESOURCES).with_comment("spool full\\ÿ");
        let response = CommandSet::decode(&response.encode()).unwrap();
        assert_eq!(response.operation(), None);
        assert_eq!(response.responds_to(), Some(7));
        assert_eq!(response.status(), Some(Status::OUT_OF_RESOURCES));
        assert_eq!(response.uid(element::AFFECTED_SOP_CLASS_UID), Some(class));
        assert_eq!(response.text(element::ERROR_COMMENT).as_deref(), Some("spool full??"));
        assert!(!response.has_data_set());
    }

    #[test]
    fn what_is_asked_for_is_what_the_response_is_about() {
        let (class, instance) = (Uid::parse("1.2.840.10008.1.20.1").unwrap(), Uid::parse("1.2.3").unwrap());
        let tags = [Tag(0x0040, 0x0252), Tag(0x0010, 0x0010)];
        let request = CommandSet::request(CommandField::NAction, 3)
            .with_uid(element::REQUESTED_SOP_CLASS_UID, &class)
            .with_uid(element::REQUESTED_SOP_INSTANCE_UID, &instance)
            .with_tags(element::ATTRIBUTE_IDENTIFIER_LIST, &tags)
            .with_number(element::ACTION_TYPE_ID, 1);
        let request = CommandSet::decode(&request.encode()).unwrap();
        assert_eq!(request.operation(), Some(CommandField::NAction));
        assert_eq!(request.tags(element::ATTRIBUTE_IDENTIFIER_LIST), tags);
        let response = CommandSet::response(&request, Status::SUCCESS);
        assert_eq!(response.number(element::COMMAND_FIELD), Some(0x8130));
        assert_eq!((response.answers(), request.answers()), (Some(CommandField::NAction), None));
        assert_eq!(response.uid(element::AFFECTED_SOP_CLASS_UID), Some(class));
        assert_eq!(response.uid(element::AFFECTED_SOP_INSTANCE_UID), Some(instance));
        assert_eq!(response.number(element::ACTION_TYPE_ID), Some(1));
        assert_eq!(response.uid(element::REQUESTED_SOP_CLASS_UID), None);
    }

    #[test]
    fn comments_fit_their_representation() {
        let response = CommandSet::default().with_comment(&"x".repeat(200));
        assert_eq!(response.text(element::ERROR_COMMENT).unwrap().len(), MAX_COMMENT_CHARS);
    }

    #[test]
    fn faults_are_told_apart() {
        let good = CommandSet::request(CommandField::Echo, 1).encode();
        assert_eq!(CommandSet::decode(&good[..good.len() - 1]), Err(CommandError::Truncated));
        assert_eq!(CommandSet::decode(&[]), Err(CommandError::Missing(element::COMMAND_FIELD)));
        assert_eq!(CommandSet::decode(&[8, 0, 0, 0, 0, 0, 0, 0]), Err(CommandError::ForeignGroup(8)));
        assert_eq!(CommandSet::decode(&vec![0; MAX_COMMAND_BYTES + 1]), Err(CommandError::TooLong));
        let lie = [0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff, 1, 0];
        assert_eq!(CommandSet::decode(&lie), Err(CommandError::Truncated));
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
            let _ = CommandSet::decode(&bytes);
        }

        #[test]
        fn what_is_read_is_written_back(
            elements in prop::collection::btree_map(1u16.., prop::collection::vec(any::<u8>(), 0..40), 0..10),
        ) {
            let set = CommandSet(elements)
                .with_number(element::COMMAND_FIELD, 1)
                .with_number(element::COMMAND_DATA_SET_TYPE, 1);
            prop_assert_eq!(CommandSet::decode(&set.encode()).unwrap(), set);
        }
    }
}
