//! A-ASSOCIATE-RQ and -AC from the bytes of their variable field.

use super::associate::{
    AssociateAc, AssociateRq, CommonExtendedNegotiation, ContextAnswer, ContextResult, ExtendedNegotiation,
    ProposedContext, RoleSelection, UserIdentity, UserInformation,
};
use super::fields::{Fields, text};
use super::{PduError, item};

/// More presentation contexts than odd identifiers cannot be.
const MAX_CONTEXTS: usize = 128;

impl AssociateRq {
    /// Reads the variable field of an A-ASSOCIATE-RQ: all bytes after the six of its header.
    pub fn decode(bytes: &[u8]) -> Result<Self, PduError> {
        let mut fields = Fields::new(bytes);
        let (protocol_version, called_ae, calling_ae) = preamble(&mut fields)?;
        let mut request = Self { protocol_version, called_ae, calling_ae, ..Self::default() };
        while let Some((kind, mut content)) = fields.item()? {
            match kind {
                item::APPLICATION_CONTEXT => request.application_context = content.text(),
                item::PRESENTATION_CONTEXT_RQ => {
                    let context = proposed_context(content)?;
                    if request.contexts.iter().any(|other| other.id == context.id) {
                        return Err(PduError::Invalid("a presentation context identifier is used twice"));
                    }
                    request.contexts.push(context);
                }
                item::USER_INFORMATION => request.user = user_information(content)?,
                _ => {}
            }
        }
        Ok(request)
    }
}

impl AssociateAc {
    /// Reads the variable field of an A-ASSOCIATE-AC.
    pub fn decode(bytes: &[u8]) -> Result<Self, PduError> {
        let mut fields = Fields::new(bytes);
        let (protocol_version, called_ae, calling_ae) = preamble(&mut fields)?;
        let mut answer = Self { protocol_version, called_ae, calling_ae, ..Self::default() };
        while let Some((kind, mut content)) = fields.item()? {
            match kind {
                item::APPLICATION_CONTEXT => answer.application_context = content.text(),
                item::PRESENTATION_CONTEXT_AC => {
                    if answer.contexts.len() == MAX_CONTEXTS {
                        return Err(PduError::Invalid("more presentation contexts than there can be"));
                    }
                    answer.contexts.push(context_result(content)?);
                }
                item::USER_INFORMATION => answer.user = user_information(content)?,
                _ => {}
            }
        }
        Ok(answer)
    }
}

/// Protocol version and the two AE titles, which both PDUs begin with, and 34 reserved bytes.
fn preamble(fields: &mut Fields<'_>) -> Result<(u16, String, String), PduError> {
    let version = fields.u16()?;
    fields.take(2)?;
    let called = text(fields.take(16)?);
    let calling = text(fields.take(16)?);
    fields.take(32)?;
    Ok((version, called, calling))
}

fn proposed_context(mut fields: Fields<'_>) -> Result<ProposedContext, PduError> {
    let id = fields.u8()?;
    if id % 2 == 0 {
        return Err(PduError::Invalid("a presentation context identifier is even"));
    }
    fields.take(3)?;
    let mut context = ProposedContext { id, abstract_syntax: String::new(), transfer_syntaxes: Vec::new() };
    while let Some((kind, mut content)) = fields.item()? {
        match kind {
            item::ABSTRACT_SYNTAX => context.abstract_syntax = content.text(),
            item::TRANSFER_SYNTAX => context.transfer_syntaxes.push(content.text()),
            _ => {}
        }
    }
    Ok(context)
}

/// What follows the related classes is reserved.
fn common(content: &mut Fields<'_>) -> Result<CommonExtendedNegotiation, PduError> {
    let sop_class = text(content.counted()?);
    let service_class = text(content.counted()?);
    let mut list = Fields::new(content.counted()?);
    let mut related = Vec::new();
    while !list.is_empty() {
        related.push(text(list.counted()?));
    }
    Ok(CommonExtendedNegotiation { sop_class, service_class, related })
}

fn context_result(mut fields: Fields<'_>) -> Result<ContextResult, PduError> {
    let id = fields.u8()?;
    fields.u8()?;
    let answer = ContextAnswer::from_code(fields.u8()?);
    fields.u8()?;
    let mut result = ContextResult { id, answer, transfer_syntax: String::new() };
    while let Some((kind, mut content)) = fields.item()? {
        if kind == item::TRANSFER_SYNTAX {
            result.transfer_syntax = content.text();
        }
    }
    Ok(result)
}

fn user_information(mut fields: Fields<'_>) -> Result<UserInformation, PduError> {
    let mut user = UserInformation::default();
    while let Some((kind, mut content)) = fields.item()? {
        match kind {
            item::MAX_LENGTH => user.max_pdu_bytes = content.u32()?,
            item::IMPLEMENTATION_CLASS => user.implementation_class = content.text(),
            item::IMPLEMENTATION_VERSION => user.implementation_version = content.text(),
            item::ASYNCHRONOUS_OPERATIONS => {
                user.asynchronous_operations = Some((content.u16()?, content.u16()?));
            }
            item::ROLE_SELECTION => user.roles.push(RoleSelection {
                sop_class: text(content.counted()?),
                scu: content.u8()? == 1,
                scp: content.u8()? == 1,
            }),
            item::EXTENDED_NEGOTIATION => user.extended.push(ExtendedNegotiation {
                sop_class: text(content.counted()?),
                information: content.rest().to_vec(),
            }),
            item::COMMON_EXTENDED_NEGOTIATION => user.common.push(common(&mut content)?),
            item::USER_IDENTITY_RQ => {
                user.identity = Some(UserIdentity {
                    kind: content.u8()?,
                    wants_answer: content.u8()? == 1,
                    primary: content.counted()?.to_vec(),
                    secondary: content.counted()?.to_vec(),
                });
            }
            item::USER_IDENTITY_AC => user.identity_answer = Some(content.counted()?.to_vec()),
            _ => {}
        }
    }
    Ok(user)
}
