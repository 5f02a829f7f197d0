//! What an acceptor answers to each thing a requestor proposes (PS3.8 9.3.3, PS3.7 D.3.3).

use std::collections::HashSet;

use pacs_core::transfer_syntax;
use pacs_core::uid::Uid;
use pacs_core::uids;

use super::{Context, Contexts, IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME, QueryOptions};
use crate::pdu::associate::{
    AssociateAc, AssociateRq, ContextAnswer, ContextResult, ExtendedNegotiation, ProposedContext,
    RoleSelection, UserIdentity, UserInformation,
};
use crate::pdu::{APPLICATION_CONTEXT, Rejection};
use crate::sop_class::{Service, SopClasses};

/// The outcome of a negotiation.
#[derive(Debug)]
pub struct Agreed {
    /// What the requestor is told.
    pub answer: AssociateAc,
    /// The contexts that were accepted.
    pub contexts: Contexts,
    /// The longest P-DATA-TF variable field to send.
    pub send_pdu_bytes: u32,
}

/// The checks that do not depend on who asks.
pub fn check(request: &AssociateRq) -> Result<(), Rejection> {
    if request.protocol_version & 1 == 0 {
        return Err(Rejection::ProtocolVersion);
    }
    if request.application_context != APPLICATION_CONTEXT {
        return Err(Rejection::ApplicationContext);
    }
    Ok(())
}

/// Answers a request that is not rejected as a whole.
pub fn negotiate(request: &AssociateRq, classes: &SopClasses, max_pdu_bytes: u32) -> Agreed {
    let user = &request.user;
    let roles = roles(request, classes);
    let extended = extended(request, classes);
    let mut accepted = Vec::new();
    let mut results = Vec::with_capacity(request.contexts.len());
    for proposed in &request.contexts {
        let answer = match answer(proposed, classes) {
            Ok((abstract_syntax, transfer_syntax)) => {
                let class = abstract_syntax.as_str();
                accepted.push(Context {
                    id: proposed.id,
                    acceptor_is_user: roles.iter().any(|role| role.sop_class == class && role.scp),
                    options: extended
                        .iter()
                        .find(|granted| granted.sop_class == class)
                        .map(|granted| options(&granted.information))
                        .unwrap_or_default(),
                    abstract_syntax,
                    transfer_syntax: transfer_syntax.clone(),
                });
                (ContextAnswer::Accepted, transfer_syntax.as_str().to_owned())
            }
            // The transfer syntax of a refused context has no meaning, but has to be there.
            Err(refusal) => (refusal, uids::IMPLICIT_VR_LITTLE_ENDIAN.to_owned()),
        };
        results.push(ContextResult { id: proposed.id, answer: answer.0, transfer_syntax: answer.1 });
    }
    let answer = AssociateAc {
        protocol_version: 1,
        called_ae: request.called_ae.clone(),
        calling_ae: request.calling_ae.clone(),
        application_context: APPLICATION_CONTEXT.to_owned(),
        contexts: results,
        user: UserInformation {
            max_pdu_bytes,
            implementation_class: IMPLEMENTATION_CLASS_UID.to_owned(),
            implementation_version: IMPLEMENTATION_VERSION_NAME.to_owned(),
            // One operation at a time, each way, whatever was asked for.
            asynchronous_operations: user.asynchronous_operations.map(|_| (1, 1)),
            roles,
            extended,
            identity: None,
            identity_answer: user.identity.as_ref().and_then(identity_answer),
        },
    };
    Agreed {
        answer,
        contexts: accepted.into_iter().collect(),
        send_pdu_bytes: send_limit(user, max_pdu_bytes),
    }
}

/// The longest variable field to send: what the peer takes, at most what is taken here.
pub fn send_limit(peer: &UserInformation, max_pdu_bytes: u32) -> u32 {
    match peer.max_pdu_bytes {
        0 => max_pdu_bytes,
        limit => limit.min(max_pdu_bytes),
    }
}

fn answer(proposed: &ProposedContext, classes: &SopClasses) -> Result<(Uid, Uid), ContextAnswer> {
    let class =
        Uid::parse(&proposed.abstract_syntax).map_err(|_| ContextAnswer::AbstractSyntaxNotSupported)?;
    let service = classes.service(&class).ok_or(ContextAnswer::AbstractSyntaxNotSupported)?;
    let proposed = proposed.transfer_syntaxes.iter().filter_map(|syntax| Uid::parse(syntax).ok());
    let chosen = match service {
        Service::Storage => storage_syntax(proposed),
        _ => message_syntax(proposed),
    };
    chosen.map(|syntax| (class, syntax)).ok_or(ContextAnswer::TransferSyntaxesNotSupported)
}

/// For storage the first proposed syntax that the standard knows. Instances are kept as they are
/// sent, so none is better for the archive; the proposer lists first what it would rather send,
/// commonly the encoding that it holds. A private syntax is left alone: its sender has the same
/// images in a standard one, which others can read later.
fn storage_syntax(mut proposed: impl Iterator<Item = Uid>) -> Option<Uid> {
    proposed.find(|syntax| transfer_syntax::of(syntax).known())
}

/// For everything that is answered with data sets of our own making: explicit before implicit, so
/// that private and unknown attributes keep their representation, and big endian last.
fn message_syntax(proposed: impl Iterator<Item = Uid>) -> Option<Uid> {
    let ranking = [uids::EXPLICIT_VR_LITTLE_ENDIAN, uids::IMPLICIT_VR_LITTLE_ENDIAN, EXPLICIT_VR_BIG_ENDIAN];
    let ranked = proposed.filter_map(|syntax| {
        let rank = ranking.iter().position(|known| syntax == *known)?;
        Some((rank, syntax))
    });
    ranked.min_by_key(|(rank, _)| *rank).map(|(_, syntax)| syntax)
}

/// Retired, and still all that some old consoles speak beside implicit.
const EXPLICIT_VR_BIG_ENDIAN: &str = "1.2.840.10008.1.2.2";

/// The requestor may be user of everything, and provider of storage, where it receives what it asked for
/// with C-GET, and of storage commitment, where it reports what it was asked.
fn roles(request: &AssociateRq, classes: &SopClasses) -> Vec<RoleSelection> {
    let answered = asked(request, &request.user.roles, |role| &role.sop_class).filter_map(|role| {
        let service = classes.service(&Uid::parse(&role.sop_class).ok()?)?;
        let scp = role.scp && matches!(service, Service::Storage | Service::StorageCommitment);
        Some(RoleSelection { sop_class: role.sop_class.clone(), scu: role.scu, scp })
    });
    answered.collect()
}

/// The items that are about a SOP class of a proposed context, the first of each class: no more than
/// there are contexts, so that the answer fits its length field whatever was asked.
fn asked<'a, T>(
    request: &'a AssociateRq,
    items: &'a [T],
    class: impl Fn(&T) -> &str + 'a,
) -> impl Iterator<Item = &'a T> {
    let mut left: HashSet<&str> =
        request.contexts.iter().map(|context| context.abstract_syntax.as_str()).collect();
    items.iter().filter(move |item| left.remove(class(item)))
}

/// Grants relational queries and fuzzy matching where they are asked for (PS3.4 C.5, K.5); combined
/// date-time matching, time zone adjustment and conversions are not granted.
fn extended(request: &AssociateRq, classes: &SopClasses) -> Vec<ExtendedNegotiation> {
    let answered = asked(request, &request.user.extended, |item| &item.sop_class).filter_map(|item| {
        let service = classes.service(&Uid::parse(&item.sop_class).ok()?)?;
        let grantable: &[bool] = match service {
            Service::Find(_) => &[true, false, true, false, false],
            Service::Move(_) | Service::Get(_) => &[true, false],
            // The first two are reserved, and 1 in both directions.
            Service::Worklist => &[true, true, true, false],
            _ => return None,
        };
        let wanted = item.information.iter().map(|byte| *byte == 1);
        let information = wanted.zip(grantable).map(|(wanted, grant)| u8::from(wanted && *grant)).collect();
        Some(ExtendedNegotiation { sop_class: item.sop_class.clone(), information })
    });
    answered.collect()
}

fn options(granted: &[u8]) -> QueryOptions {
    let bit = |index: usize| granted.get(index) == Some(&1);
    QueryOptions { relational: bit(0), fuzzy: bit(2) }
}

/// A user name is taken note of; what a peer may do follows from its AE title and address. Tickets
/// and assertions cannot be verified here, and are therefore not confirmed.
fn identity_answer(identity: &UserIdentity) -> Option<Vec<u8>> {
    (identity.wants_answer && matches!(identity.kind, 1 | 2)).then(Vec::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CT: &str = "1.2.840.10008.5.1.4.1.1.2";
    const FIND: &str = uids::STUDY_ROOT_QUERY_RETRIEVE_INFORMATION_MODEL_FIND;
    const J2K: &str = "1.2.840.10008.1.2.4.90";
    const EXPLICIT: &str = uids::EXPLICIT_VR_LITTLE_ENDIAN;
    const IMPLICIT: &str = uids::IMPLICIT_VR_LITTLE_ENDIAN;

    fn request(contexts: &[(&str, &[&str])]) -> AssociateRq {
        let contexts = contexts.iter().zip(0u8..).map(|((class, syntaxes), n)| ProposedContext {
            id: n * 2 + 1,
            abstract_syntax: (*class).to_owned(),
            transfer_syntaxes: syntaxes.iter().map(|syntax| (*syntax).to_owned()).collect(),
        });
        AssociateRq {
            protocol_version: 1,
            application_context: APPLICATION_CONTEXT.to_owned(),
            contexts: contexts.collect(),
            ..AssociateRq::default()
        }
    }

    fn agreed(request: &AssociateRq) -> Agreed {
        negotiate(request, &SopClasses::default(), 65536)
    }

    #[test]
    fn each_context_is_answered_for_itself() {
        use ContextAnswer::*;
        let request = request(&[
            (CT, &[J2K, EXPLICIT, IMPLICIT]),
            (CT, &["1.2.840.113619.5.2", IMPLICIT]),
            (CT, &["1.2.840.113619.5.2"]),
            (CT, &[]),
            (FIND, &[IMPLICIT, EXPLICIT]),
            (FIND, &[IMPLICIT]),
            (FIND, &[EXPLICIT_VR_BIG_ENDIAN, IMPLICIT]),
            (FIND, &[J2K]),
            ("1.2.3", &[IMPLICIT]),
            ("not a uid", &[IMPLICIT]),
        ]);
        let got: Vec<_> = agreed(&request)
            .answer
            .contexts
            .iter()
            .map(|result| (result.answer, result.transfer_syntax.clone()))
            .collect();
        let want = [
            (Accepted, J2K),
            (Accepted, IMPLICIT),
            (TransferSyntaxesNotSupported, IMPLICIT),
            (TransferSyntaxesNotSupported, IMPLICIT),
            (Accepted, EXPLICIT),
            (Accepted, IMPLICIT),
            (Accepted, IMPLICIT),
            (TransferSyntaxesNotSupported, IMPLICIT),
            (AbstractSyntaxNotSupported, IMPLICIT),
            (AbstractSyntaxNotSupported, IMPLICIT),
        ];
        assert_eq!(got, want.map(|(answer, syntax)| (answer, syntax.to_owned())));
    }

    #[test]
    fn every_standard_syntax_is_taken_for_storage() {
        for syntax in transfer_syntax::known() {
            let uid = syntax.uid.unwrap();
            let agreed = agreed(&request(&[(CT, &[uid])]));
            assert_eq!(agreed.contexts.get(1).unwrap().transfer_syntax, uid);
        }
    }

    #[test]
    fn roles_are_granted_for_storage_only() {
        let mut request = request(&[(CT, &[EXPLICIT]), (FIND, &[EXPLICIT])]);
        let role = |class: &str| RoleSelection { sop_class: class.to_owned(), scu: true, scp: true };
        request.user.roles = vec![role(CT), role(FIND), role("1.2.3")];
        let agreed = agreed(&request);
        let granted: Vec<_> = agreed
            .answer
            .user
            .roles
            .iter()
            .map(|role| (role.sop_class.as_str(), role.scu, role.scp))
            .collect();
        assert_eq!(granted, [(CT, true, true), (FIND, true, false)]);
        assert!(agreed.contexts.get(1).unwrap().acceptor_is_user);
        assert!(!agreed.contexts.get(3).unwrap().acceptor_is_user);
    }

    /// The most that a request can hold, all of it about one class: the answer has to fit too.
    #[test]
    fn repeated_items_are_answered_once() {
        let mut request = request(&[(CT, &[EXPLICIT])]);
        let role = RoleSelection { sop_class: CT.to_owned(), scu: true, scp: true };
        request.user.roles = vec![role; 1980];
        request.encode().unwrap();
        let answer = agreed(&request).answer;
        assert_eq!(answer.user.roles.len(), 1);
        answer.encode().unwrap();
    }

    #[test]
    fn options_of_queries_are_granted() {
        const WORKLIST: &str = uids::MODALITY_WORKLIST_INFORMATION_MODEL_FIND;
        let mut request = request(&[(FIND, &[EXPLICIT]), (CT, &[EXPLICIT]), (WORKLIST, &[EXPLICIT])]);
        let asked = |class: &str, information: &[u8]| ExtendedNegotiation {
            sop_class: class.to_owned(),
            information: information.to_vec(),
        };
        request.user.extended =
            vec![asked(FIND, &[1, 1, 1, 0, 1, 1]), asked(CT, &[2]), asked(WORKLIST, &[1, 1, 0, 1])];
        let agreed = agreed(&request);
        let granted = [asked(FIND, &[1, 0, 1, 0, 0]), asked(WORKLIST, &[1, 1, 0, 0])];
        assert_eq!(agreed.answer.user.extended, granted);
        let options = agreed.contexts.get(1).unwrap().options;
        assert_eq!(options, QueryOptions { relational: true, fuzzy: true });
    }

    #[test]
    fn the_user_information_is_answered() {
        let mut request = request(&[]);
        request.user.asynchronous_operations = Some((0, 8));
        let identity = |kind, wants_answer| UserIdentity {
            kind,
            wants_answer,
            primary: b"user".to_vec(),
            secondary: Vec::new(),
        };
        for (kind, wants, answer) in
            [(1, true, Some(vec![])), (2, true, Some(vec![])), (2, false, None), (5, true, None)]
        {
            request.user.identity = Some(identity(kind, wants));
            let user = agreed(&request).answer.user;
            assert_eq!(user.asynchronous_operations, Some((1, 1)));
            assert_eq!(user.identity_answer, answer, "{kind}");
        }
        for (theirs, limit) in [(0, 65536), (16384, 16384), (1 << 20, 65536)] {
            request.user.max_pdu_bytes = theirs;
            assert_eq!(agreed(&request).send_pdu_bytes, limit);
        }
    }

    #[test]
    fn requests_for_other_protocols_are_rejected() {
        assert_eq!(check(&request(&[])), Ok(()));
        let version = AssociateRq { protocol_version: 2, ..request(&[]) };
        assert_eq!(check(&version), Err(Rejection::ProtocolVersion));
        let context = AssociateRq { application_context: "1.2.3".into(), ..request(&[]) };
        assert_eq!(check(&context), Err(Rejection::ApplicationContext));
    }
}
