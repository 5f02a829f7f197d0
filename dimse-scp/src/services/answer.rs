//! The pending responses of a C-FIND: composed from what storage found, one write each, until the
//! matches end or the requestor cancels.

use futures::{Stream, StreamExt};
use pacs_core::dataset::{self, DataSet, Element};
use pacs_core::query::Level;
use pacs_core::text::CharacterSet;
use pacs_core::transfer_syntax::{self, TransferSyntax};
use pacs_core::uid::AeTitle;
use pacs_core::{Tag, VR, tags};

use super::commit;
use crate::association::{Context, End, Event};
use crate::dimse::{CommandField, CommandSet, Status};
use crate::error::Failure;
use crate::session::Session;

/// What every answer to a request has in common.
#[derive(Debug)]
pub struct Form {
    /// The keys that were asked for: each is in every answer, with or without a value.
    keys: Vec<(Tag, VR)>,
    /// The level of a query; a worklist has none.
    level: Option<Level>,
    /// Where the instances can be retrieved: here, under the title that was called.
    retrieve_ae: AeTitle,
    /// The encoding of the presentation context.
    syntax: TransferSyntax,
    /// What the requestor can read.
    character_set: CharacterSet,
}

impl Form {
    /// The form of the answers to an identifier.
    pub fn new(session: &Session, context: &Context, identifier: &DataSet, level: Option<Level>) -> Self {
        let asked = identifier.iter().filter(|element| element.tag.1 != 0);
        Self {
            keys: asked.map(|element| (element.tag, element.vr)).collect(),
            level,
            retrieve_ae: session.association.called_ae.clone(),
            syntax: transfer_syntax::of(&context.transfer_syntax),
            character_set: session.caller.character_set.unwrap_or_else(|| asked_for(identifier)),
        }
    }

    /// The identifier of one answer: the keys asked for and the unique keys of its level.
    fn compose(&self, found: &DataSet) -> DataSet {
        let mut answer = DataSet::like(found);
        for (tag, vr) in &self.keys {
            match found.get(*tag) {
                Some(element) => answer.put(element.clone()),
                None if dataset::vr_of(*tag) == VR::UN => answer.put(Element::new(*tag, *vr, Vec::new())),
                None => answer.put_empty(*tag),
            }
        }
        if let Some(level) = self.level {
            for tag in unique_keys(level) {
                if let Some(element) = found.get(*tag) {
                    answer.put(element.clone());
                }
            }
            answer.put_text(tags::QUERY_RETRIEVE_LEVEL, level.as_str());
            answer.put_text(tags::RETRIEVE_AE_TITLE, self.retrieve_ae.as_str());
            answer.put_text(tags::INSTANCE_AVAILABILITY, "ONLINE");
        }
        answer.encode_text_in(self.character_set)
    }

    fn encode(&self, found: &DataSet) -> Result<Vec<u8>, Failure> {
        let mut encoded = Vec::with_capacity(512);
        match dataset::write(&self.compose(found), &self.syntax, &mut encoded) {
            Ok(()) => Ok(encoded),
            Err(error) => Err(Failure::new(Status::CANNOT_UNDERSTAND, error.to_string())),
        }
    }
}

/// The character set that an identifier is written in, which its sender can therefore read; UTF-8 when
/// it names none. PS3.4 C.4.1.1.3 leaves the choice to us.
fn asked_for(identifier: &DataSet) -> CharacterSet {
    let named =
        identifier.get(tags::SPECIFIC_CHARACTER_SET).and_then(|name| name.text(CharacterSet::DEFAULT));
    named.as_deref().and_then(CharacterSet::named).unwrap_or(CharacterSet::UTF_8)
}

/// The unique keys of a level and of those above it in the study root model.
fn unique_keys(level: Level) -> &'static [Tag] {
    match level {
        Level::Patient => &[tags::PATIENT_ID],
        Level::Study => &[tags::STUDY_INSTANCE_UID],
        Level::Series => &[tags::STUDY_INSTANCE_UID, tags::SERIES_INSTANCE_UID],
        Level::Instance => &[tags::STUDY_INSTANCE_UID, tags::SERIES_INSTANCE_UID, tags::SOP_INSTANCE_UID],
    }
}

/// What a device is told that gets no more answers.
const TOO_MANY: &str = "more answers than this application may have; narrow it";

/// Answers a C-FIND request with everything that `found` yields. It hears the requestor also while nothing is found:
/// what is called off, or whose association has ended, is looked for no further than the statement that runs.
pub async fn stream(
    session: &mut Session,
    context: &Context,
    request: &CommandSet,
    form: &Form,
    pending: Status,
    mut found: impl Stream<Item = storage::Result<DataSet>> + Unpin,
) -> Result<(), End> {
    let response = CommandSet::response(request, pending).followed_by_data();
    let mut left = session.caller.rules.max_answers;
    loop {
        let next = tokio::select! {
            biased;
            event = meanwhile(session) => {
                if is_cancel(session, event?, request.message_id()).await? {
                    return session.answer(context, request, Status::CANCEL).await;
                }
                continue;
            }
            next = found.next() => next,
        };
        let encoded = match next {
            None => return session.answer(context, request, Status::SUCCESS).await,
            // The result is not whole, and whoever reads it has to know.
            Some(Ok(_)) if left == Some(0) => Err(Failure::new(Status::OUT_OF_RESOURCES, TOO_MANY)),
            Some(Ok(found)) => form.encode(&found),
            Some(Err(error)) => Err(Failure::of_find(&error)),
        };
        match encoded {
            Ok(identifier) => {
                left = left.map(|left| left.saturating_sub(1));
                session.association.writer.message(context.id, &response, Some(&identifier)).await?;
            }
            Err(failure) => return session.refuse(context, request, failure).await,
        }
    }
}

/// Waits for what comes while an operation is under way, however long that takes; [`is_cancel`] says what it means.
/// Cancel safe.
pub async fn meanwhile(session: &mut Session) -> Result<Event, End> {
    session.association.reader.event_within(WHILE_IT_LASTS).await
}

/// Whether what came is a C-CANCEL for this message. With one operation at a time nothing else may come while one is
/// under way, but the answer to a report of ours, which is taken here, and may not be broken off half-way.
pub async fn is_cancel(session: &mut Session, event: Event, message_id: u16) -> Result<bool, End> {
    match event {
        Event::Message(_, command) if command.operation().is_none() => {
            commit::answered(session, &command).await?;
            Ok(false)
        }
        Event::Message(_, command) if command.operation() == Some(CommandField::Cancel) => {
            Ok(command.responds_to() == Some(message_id))
        }
        _ => Err(End::unexpected("a message while an operation is under way")),
    }
}

/// A requestor that waits for the end of a retrieval has nothing to say meanwhile.
const WHILE_IT_LASTS: std::time::Duration = std::time::Duration::from_secs(7 * 24 * 3600);

#[cfg(test)]
mod tests {
    use super::*;

    fn form(keys: &[Tag], character_set: CharacterSet) -> Form {
        Form {
            keys: keys.iter().map(|tag| (*tag, dataset::vr_of(*tag))).collect(),
            level: Some(Level::Study),
            retrieve_ae: AeTitle::parse("SEN").unwrap(),
            syntax: TransferSyntax::EXPLICIT_LITTLE_ENDIAN,
            character_set,
        }
    }

    fn found() -> DataSet {
        let mut found = DataSet::new();
        found.put_text(tags::PATIENT_NAME, "Đặng^Thị Hồng");
        found.put_text(tags::PATIENT_ID, "1");
        found.put_text(tags::STUDY_INSTANCE_UID, "1.2.3");
        found
    }

    #[test]
    fn an_answer_has_what_was_asked_for() {
        let private = Tag(0x0009, 0x1001);
        let mut form =
            form(&[tags::PATIENT_NAME, tags::STUDY_DATE, tags::QUERY_RETRIEVE_LEVEL], CharacterSet::UTF_8);
        form.keys.push((private, VR::LO));
        let answer = form.compose(&found());
        assert_eq!(answer.text(tags::PATIENT_NAME).as_deref(), Some("Đặng^Thị Hồng"));
        assert_eq!(answer.text(tags::SPECIFIC_CHARACTER_SET).as_deref(), Some("ISO_IR 192"));
        assert_eq!(answer.text(tags::STUDY_INSTANCE_UID).as_deref(), Some("1.2.3"));
        assert_eq!(answer.text(tags::QUERY_RETRIEVE_LEVEL).as_deref(), Some("STUDY"));
        assert_eq!(answer.text(tags::RETRIEVE_AE_TITLE).as_deref(), Some("SEN"));
        assert_eq!(answer.text(tags::INSTANCE_AVAILABILITY).as_deref(), Some("ONLINE"));
        assert!(answer.get(tags::STUDY_DATE).unwrap().is_empty());
        assert_eq!(answer.vr(private), Some(VR::LO));
        assert!(!answer.contains(tags::PATIENT_ID), "not asked for");
    }

    #[test]
    fn a_limited_console_gets_base_letters() {
        for (set, term) in [(CharacterSet::DEFAULT, None), (CharacterSet::LATIN_1, Some("ISO_IR 100"))] {
            let answer = form(&[tags::PATIENT_NAME], set).compose(&found());
            assert_eq!(answer.text(tags::PATIENT_NAME).as_deref(), Some("Dang^Thi Hong"));
            assert_eq!(answer.text(tags::SPECIFIC_CHARACTER_SET).as_deref(), term);
        }
    }

    #[test]
    fn what_an_identifier_is_written_in_can_be_read() {
        for (label, want) in [
            ("", CharacterSet::UTF_8),
            ("ISO_IR 999", CharacterSet::UTF_8),
            ("ISO_IR 100", CharacterSet::LATIN_1),
            ("ISO_IR 6", CharacterSet::DEFAULT),
            ("\\ISO 2022 IR 87", CharacterSet::parse("\\ISO 2022 IR 87")),
        ] {
            let mut identifier = DataSet::new();
            identifier.put_bytes(tags::SPECIFIC_CHARACTER_SET, VR::CS, label.as_bytes());
            assert_eq!(asked_for(&identifier), want, "{label}");
        }
        assert_eq!(asked_for(&DataSet::new()), CharacterSet::UTF_8);
    }
}
