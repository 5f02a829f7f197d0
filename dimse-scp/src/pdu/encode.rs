//! PDUs as bytes.

use super::associate::{AssociateAc, AssociateRq, UserInformation};
use super::{AbortSource, HEADER_BYTES, PDV_HEADER_BYTES, PduError, Rejection, control, item, kind};

impl AssociateRq {
    /// The whole PDU. Fails when an item is longer than its length field can say.
    pub fn encode(&self) -> Result<Vec<u8>, PduError> {
        let mut out = start(kind::ASSOCIATE_RQ, self.protocol_version, &self.called_ae, &self.calling_ae);
        put_text(&mut out, item::APPLICATION_CONTEXT, &self.application_context)?;
        for context in &self.contexts {
            put_item(&mut out, item::PRESENTATION_CONTEXT_RQ, |out| {
                out.extend([context.id, 0, 0, 0]);
                put_text(out, item::ABSTRACT_SYNTAX, &context.abstract_syntax)?;
                for syntax in &context.transfer_syntaxes {
                    put_text(out, item::TRANSFER_SYNTAX, syntax)?;
                }
                Ok(())
            })?;
        }
        put_user(&mut out, &self.user)?;
        finish(out)
    }
}

impl AssociateAc {
    /// The whole PDU. Fails when an item is longer than its length field can say.
    pub fn encode(&self) -> Result<Vec<u8>, PduError> {
        let mut out = start(kind::ASSOCIATE_AC, self.protocol_version, &self.called_ae, &self.calling_ae);
        put_text(&mut out, item::APPLICATION_CONTEXT, &self.application_context)?;
        for context in &self.contexts {
            put_item(&mut out, item::PRESENTATION_CONTEXT_AC, |out| {
                out.extend([context.id, 0, context.answer.code(), 0]);
                put_text(out, item::TRANSFER_SYNTAX, &context.transfer_syntax)
            })?;
        }
        put_user(&mut out, &self.user)?;
        finish(out)
    }
}

/// A-ASSOCIATE-RJ.
pub fn rejection(rejection: Rejection) -> [u8; 10] {
    let (result, source, reason) = rejection.codes();
    [kind::ASSOCIATE_RJ, 0, 0, 0, 0, 4, 0, result, source, reason]
}

/// A-RELEASE-RQ.
pub const fn release_request() -> [u8; 10] {
    [kind::RELEASE_RQ, 0, 0, 0, 0, 4, 0, 0, 0, 0]
}

/// A-RELEASE-RP.
pub const fn release_response() -> [u8; 10] {
    [kind::RELEASE_RP, 0, 0, 0, 0, 4, 0, 0, 0, 0]
}

/// A-ABORT. The reason has a meaning only when the provider aborts.
pub fn abort(source: AbortSource, reason: u8) -> [u8; 10] {
    let (source, reason) = match source {
        AbortSource::User => (0, 0),
        AbortSource::Provider => (2, reason),
    };
    [kind::ABORT, 0, 0, 0, 0, 4, 0, 0, source, reason]
}

/// The twelve bytes before the fragment of a P-DATA-TF PDU that holds one presentation data value.
/// `fragment_bytes` is bounded by the peer's maximum length, far below 4 GiB.
pub fn data_header(
    context: u8,
    is_command: bool,
    is_last: bool,
    fragment_bytes: u32,
) -> [u8; HEADER_BYTES + PDV_HEADER_BYTES] {
    let [p0, p1, p2, p3] = fragment_bytes.saturating_add(6).to_be_bytes();
    let [v0, v1, v2, v3] = fragment_bytes.saturating_add(2).to_be_bytes();
    let flags = if is_command { control::COMMAND } else { 0 } | if is_last { control::LAST } else { 0 };
    [kind::DATA, 0, p0, p1, p2, p3, v0, v1, v2, v3, context, flags]
}

fn start(kind: u8, protocol_version: u16, called: &str, calling: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(1024);
    out.extend([kind, 0, 0, 0, 0, 0]);
    out.extend(protocol_version.to_be_bytes());
    out.extend([0, 0]);
    for title in [called, calling] {
        out.extend(title.bytes().chain(std::iter::repeat(b' ')).take(16));
    }
    out.extend([0; 32]);
    out
}

/// Writes the PDU's length into its header.
fn finish(mut out: Vec<u8>) -> Result<Vec<u8>, PduError> {
    let length = u32::try_from(out.len().saturating_sub(HEADER_BYTES)).map_err(|_| TOO_LONG)?;
    if let Some(field) = out.get_mut(2..HEADER_BYTES) {
        field.copy_from_slice(&length.to_be_bytes());
    }
    Ok(out)
}

const TOO_LONG: PduError = PduError::Invalid("an item is longer than its length field can say");

/// Writes an item around what `content` writes.
fn put_item(
    out: &mut Vec<u8>,
    kind: u8,
    content: impl FnOnce(&mut Vec<u8>) -> Result<(), PduError>,
) -> Result<(), PduError> {
    out.extend([kind, 0, 0, 0]);
    let start = out.len();
    content(out)?;
    let length = u16::try_from(out.len() - start).map_err(|_| TOO_LONG)?;
    if let Some(field) = out.get_mut(start - 2..start) {
        field.copy_from_slice(&length.to_be_bytes());
    }
    Ok(())
}

fn put_text(out: &mut Vec<u8>, kind: u8, text: &str) -> Result<(), PduError> {
    put_item(out, kind, |out| {
        out.extend(text.bytes());
        Ok(())
    })
}

/// Bytes preceded by their count in two bytes.
fn put_counted(out: &mut Vec<u8>, bytes: &[u8]) -> Result<(), PduError> {
    out.extend(u16::try_from(bytes.len()).map_err(|_| TOO_LONG)?.to_be_bytes());
    out.extend(bytes);
    Ok(())
}

fn put_user(out: &mut Vec<u8>, user: &UserInformation) -> Result<(), PduError> {
    put_item(out, item::USER_INFORMATION, |out| {
        put_item(out, item::MAX_LENGTH, |out| {
            out.extend(user.max_pdu_bytes.to_be_bytes());
            Ok(())
        })?;
        put_text(out, item::IMPLEMENTATION_CLASS, &user.implementation_class)?;
        if let Some((invoked, performed)) = user.asynchronous_operations {
            put_item(out, item::ASYNCHRONOUS_OPERATIONS, |out| {
                out.extend(invoked.to_be_bytes());
                out.extend(performed.to_be_bytes());
                Ok(())
            })?;
        }
        for role in &user.roles {
            put_item(out, item::ROLE_SELECTION, |out| {
                put_counted(out, role.sop_class.as_bytes())?;
                out.extend([u8::from(role.scu), u8::from(role.scp)]);
                Ok(())
            })?;
        }
        if !user.implementation_version.is_empty() {
            put_text(out, item::IMPLEMENTATION_VERSION, &user.implementation_version)?;
        }
        for extended in &user.extended {
            put_item(out, item::EXTENDED_NEGOTIATION, |out| {
                put_counted(out, extended.sop_class.as_bytes())?;
                out.extend(&extended.information);
                Ok(())
            })?;
        }
        for common in &user.common {
            put_item(out, item::COMMON_EXTENDED_NEGOTIATION, |out| {
                put_counted(out, common.sop_class.as_bytes())?;
                put_counted(out, common.service_class.as_bytes())?;
                let mut list = Vec::new();
                common.related.iter().try_for_each(|class| put_counted(&mut list, class.as_bytes()))?;
                put_counted(out, &list)
            })?;
        }
        if let Some(identity) = &user.identity {
            put_item(out, item::USER_IDENTITY_RQ, |out| {
                out.extend([identity.kind, u8::from(identity.wants_answer)]);
                put_counted(out, &identity.primary)?;
                put_counted(out, &identity.secondary)
            })?;
        }
        if let Some(answer) = &user.identity_answer {
            put_item(out, item::USER_IDENTITY_AC, |out| put_counted(out, answer))?;
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::associate::*;
    use super::*;

    fn uid() -> impl Strategy<Value = String> {
        "[1-9](\\.[0-9]{1,4}){1,8}"
    }

    fn user() -> impl Strategy<Value = UserInformation> {
        let role = (uid(), any::<bool>(), any::<bool>()).prop_map(|(sop_class, scu, scp)| RoleSelection {
            sop_class,
            scu,
            scp,
        });
        let extended = (uid(), prop::collection::vec(any::<u8>(), 0..8))
            .prop_map(|(sop_class, information)| ExtendedNegotiation { sop_class, information });
        let common = (uid(), uid(), prop::collection::vec(uid(), 0..4)).prop_map(
            |(sop_class, service_class, related)| CommonExtendedNegotiation {
                sop_class,
                service_class,
                related,
            },
        );
        let bytes = || prop::collection::vec(any::<u8>(), 0..64);
        let identity = (1u8..=5, any::<bool>(), bytes(), bytes()).prop_map(
            |(kind, wants_answer, primary, secondary)| UserIdentity {
                kind,
                wants_answer,
                primary,
                secondary,
            },
        );
        (
            any::<u32>(),
            uid(),
            "[A-Z0-9_]{0,16}",
            any::<Option<(u16, u16)>>(),
            prop::collection::vec(role, 0..4),
            (prop::collection::vec(extended, 0..4), prop::collection::vec(common, 0..4)),
            prop::option::of(identity),
            prop::option::of(bytes()),
        )
            .prop_map(
                |(max, class, version, operations, roles, (extended, common), identity, answer)| {
                    UserInformation {
                        max_pdu_bytes: max,
                        implementation_class: class,
                        implementation_version: version,
                        asynchronous_operations: operations,
                        roles,
                        extended,
                        common,
                        identity,
                        identity_answer: answer,
                    }
                },
            )
    }

    fn request() -> impl Strategy<Value = AssociateRq> {
        let contexts = prop::collection::vec((uid(), prop::collection::vec(uid(), 0..6)), 0..=128);
        (any::<u16>(), "[A-Z][A-Z0-9_]{0,15}", "[A-Z][A-Z0-9_]{0,15}", contexts, user()).prop_map(
            |(protocol_version, called_ae, calling_ae, contexts, user)| AssociateRq {
                protocol_version,
                called_ae,
                calling_ae,
                application_context: super::super::APPLICATION_CONTEXT.into(),
                contexts: (0u8..)
                    .zip(contexts)
                    .map(|(n, (abstract_syntax, transfer_syntaxes))| ProposedContext {
                        id: n * 2 + 1,
                        abstract_syntax,
                        transfer_syntaxes,
                    })
                    .collect(),
                user,
            },
        )
    }

    proptest! {
        #[test]
        fn requests_read_back(request in request()) {
            let bytes = request.encode().unwrap();
            prop_assert_eq!(bytes[0], kind::ASSOCIATE_RQ);
            prop_assert_eq!(u32::from_be_bytes(bytes[2..6].try_into().unwrap()) as usize, bytes.len() - 6);
            prop_assert_eq!(AssociateRq::decode(&bytes[6..]).unwrap(), request);
        }

        #[test]
        fn a_changed_request_is_read_or_refused(
            request in request(),
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..20),
            cut in any::<prop::sample::Index>(),
        ) {
            let mut bytes = request.encode().unwrap();
            for (at, value) in changes {
                let at = at.index(bytes.len());
                bytes[at] = value;
            }
            let _ = AssociateRq::decode(&bytes[6..]);
            let _ = AssociateAc::decode(&bytes[6..]);
            let _ = AssociateRq::decode(&bytes[6..][..cut.index(bytes.len() - 6)]);
        }
    }

    #[test]
    fn the_longest_honest_request_is_read() {
        let syntax = "1.2.840.10008.1.2.4.100.1".to_owned();
        let context = |id| ProposedContext {
            id,
            abstract_syntax: "1.2.840.10008.5.1.4.1.1.77.1.5.1".into(),
            transfer_syntaxes: vec![syntax.clone(); 60],
        };
        let contexts = (1..=u8::MAX).step_by(2).map(context).collect();
        let bytes = AssociateRq { contexts, ..AssociateRq::default() }.encode().unwrap();
        assert!(bytes.len() < super::super::MAX_ASSOCIATE_BYTES as usize, "{}", bytes.len());
    }

    #[test]
    fn acceptances_read_back() {
        let answer = AssociateAc {
            protocol_version: 1,
            called_ae: "SEN".into(),
            calling_ae: "CT1".into(),
            application_context: super::super::APPLICATION_CONTEXT.into(),
            contexts: [0u8, 1, 2, 3, 4]
                .iter()
                .map(|&code| ContextResult {
                    id: code * 2 + 1,
                    answer: ContextAnswer::from_code(code),
                    transfer_syntax: "1.2.840.10008.1.2".into(),
                })
                .collect(),
            user: UserInformation { max_pdu_bytes: 16384, ..UserInformation::default() },
        };
        let bytes = answer.encode().unwrap();
        assert_eq!(AssociateAc::decode(&bytes[6..]).unwrap(), answer);
    }

    #[test]
    fn unknown_items_are_skipped() {
        let request =
            AssociateRq { called_ae: "SEN".into(), calling_ae: "CT1".into(), ..AssociateRq::default() };
        let mut bytes = request.encode().unwrap();
        bytes.extend([0x77, 0, 0, 3, 1, 2, 3]);
        assert_eq!(AssociateRq::decode(&bytes[6..]).unwrap(), request);
    }

    #[test]
    fn context_identifiers_are_odd_and_do_not_repeat() {
        let context = |id| ProposedContext { id, abstract_syntax: "1.2".into(), transfer_syntaxes: vec![] };
        for contexts in [vec![context(2)], vec![context(3), context(3)]] {
            let request = AssociateRq { contexts, ..AssociateRq::default() };
            let bytes = request.encode().unwrap();
            assert!(matches!(AssociateRq::decode(&bytes[6..]), Err(PduError::Invalid(_))));
        }
    }

    #[test]
    fn an_item_that_lies_about_its_length_is_refused() {
        let mut bytes = AssociateRq::default().encode().unwrap();
        bytes.extend([item::APPLICATION_CONTEXT, 0, 0xff, 0xff, b'1']);
        assert_eq!(AssociateRq::decode(&bytes[6..]), Err(PduError::Truncated));
    }

    #[test]
    fn a_title_longer_than_its_field_is_cut() {
        let request = AssociateRq { called_ae: "A".repeat(20), ..AssociateRq::default() };
        let bytes = request.encode().unwrap();
        assert_eq!(AssociateRq::decode(&bytes[6..]).unwrap().called_ae, "A".repeat(16));
    }
}
