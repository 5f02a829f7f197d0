//! What an acceptor answers to each thing a requestor proposes (PS3.8 9.3.3, PS3.7 D.3.3).

use std::collections::HashSet;

use pacs_core::transfer_syntax;
use pacs_core::uid::Uid;
use pacs_core::uids;

use super::{Context, Contexts, IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME, QueryOptions};
use crate::pdu::associate::{
    AssociateAc, AssociateRq, ContextAnswer, ContextResult, ExtendedNegotiation, ProposedContext,
    RoleSelection, UserInformation,
};
use crate::pdu::{APPLICATION_CONTEXT, Rejection};
use crate::sop_class::{Root, Service, SopClasses, Steps, is_without_pixels};

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

/// Answers a request that is not rejected as a whole. `identity_answer` is what the requestor is told of the user that
/// it names.
pub fn negotiate(
    request: &AssociateRq,
    classes: &SopClasses,
    max_pdu_bytes: u32,
    identity_answer: Option<Vec<u8>>,
) -> Agreed {
    let user = &request.user;
    let served = Served { classes, request };
    let roles = roles(served);
    let extended = extended(served);
    let mut accepted = Vec::new();
    let mut results = Vec::with_capacity(request.contexts.len());
    for proposed in &request.contexts {
        let answer = match answer(proposed, served) {
            Ok((abstract_syntax, service, transfer_syntax)) => {
                let class = abstract_syntax.as_str();
                accepted.push(Context {
                    id: proposed.id,
                    service: Some(service),
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
            common: Vec::new(),
            identity: None,
            identity_answer,
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

/// What the SOP classes of a request are for.
#[derive(Clone, Copy)]
struct Served<'a> {
    classes: &'a SopClasses,
    request: &'a AssociateRq,
}

impl Served<'_> {
    /// What a class is for; one that is not known here is for storage when its requestor says so, and names a class
    /// that is stored here as its general kind: it is kept like that one (PS3.7 D.3.3.6, PS3.4 B.3.1).
    fn service(self, class: &Uid) -> Option<Service> {
        self.classes.service(class).or_else(|| {
            let mut described = self.request.user.common.iter().filter(|common| {
                common.sop_class == class.as_str() && common.service_class == STORAGE_SERVICE_CLASS
            });
            let is_stored = |general: &String| {
                Uid::parse(general)
                    .is_ok_and(|general| self.classes.service(&general) == Some(Service::Storage))
            };
            described.any(|common| common.related.iter().any(is_stored)).then_some(Service::Storage)
        })
    }
}

/// The service class that all storage SOP classes belong to (PS3.6 table A-1).
const STORAGE_SERVICE_CLASS: &str = "1.2.840.10008.4.2";

fn answer(proposed: &ProposedContext, served: Served<'_>) -> Result<(Uid, Service, Uid), ContextAnswer> {
    let class =
        Uid::parse(&proposed.abstract_syntax).map_err(|_| ContextAnswer::AbstractSyntaxNotSupported)?;
    let service = served.service(&class).ok_or(ContextAnswer::AbstractSyntaxNotSupported)?;
    let proposed = proposed.transfer_syntaxes.iter().filter_map(|syntax| Uid::parse(syntax).ok());
    let chosen = match service {
        Service::Storage => storage_syntax(&class, proposed),
        _ => message_syntax(proposed),
    };
    chosen.map(|syntax| (class, service, syntax)).ok_or(ContextAnswer::TransferSyntaxesNotSupported)
}

/// For storage the first proposed syntax that the standard knows. Instances are kept as they are
/// sent, so none is better for the archive; the proposer lists first what it would rather send,
/// commonly the encoding that it holds. A private syntax is left alone: its sender has the same
/// images in a standard one, which others can read later. Where there are no pixels to compress the first that
/// compresses none: a document cannot be sent in another, and who retrieves may propose for it what it wants of images.
fn storage_syntax(class: &Uid, proposed: impl Iterator<Item = Uid>) -> Option<Uid> {
    let mut known = proposed.filter(|syntax| transfer_syntax::of(syntax).known());
    if !is_without_pixels(class) {
        return known.next();
    }
    let known: Vec<Uid> = known.collect();
    let plain = known.iter().find(|syntax| !transfer_syntax::of(syntax).encapsulated);
    plain.or(known.first()).cloned()
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
fn roles(served: Served<'_>) -> Vec<RoleSelection> {
    let request = served.request;
    let answered = asked(request, &request.user.roles, |role| &role.sop_class).filter_map(|role| {
        let service = served.service(&Uid::parse(&role.sop_class).ok()?)?;
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

/// Grants relational queries, combined date-time matching, and fuzzy, empty value and multiple value matching where
/// they are asked for (PS3.4 C.5, K.5); time zone adjustment and conversions are not granted. For storage it tells what
/// is done whatever is asked.
fn extended(served: Served<'_>) -> Vec<ExtendedNegotiation> {
    let request = served.request;
    let answered = asked(request, &request.user.extended, |item| &item.sop_class).filter_map(|item| {
        let service = served.service(&Uid::parse(&item.sop_class).ok()?)?;
        let grantable = match service {
            Service::Storage => {
                let information = STORAGE_INFORMATION.to_vec();
                return Some(ExtendedNegotiation { sop_class: item.sop_class.clone(), information });
            }
            service => grantable(service)?,
        };
        let wanted = item.information.iter().map(|byte| *byte == 1);
        let information = wanted.zip(grantable).map(|(wanted, grant)| u8::from(wanted && *grant)).collect();
        Some(ExtendedNegotiation { sop_class: item.sop_class.clone(), information })
    });
    answered.collect()
}

/// Level 2 of storage, signatures of level 1 (a corrected instance leaves with another header), and no coercion; every
/// second byte is reserved (PS3.4 B.3.1).
const STORAGE_INFORMATION: [u8; 6] = [2, 0, 1, 0, 0, 0];

/// The options of a service that are granted where they are asked for, by their byte; `None` where it has none.
pub fn grantable(service: Service) -> Option<&'static [bool]> {
    match service {
        Service::Find(Root::NonPatient(_))
        | Service::Move(Root::NonPatient(_))
        | Service::Get(Root::NonPatient(_)) => None,
        // Relational queries, combined date and time, fuzzy names, time zone, conversion of images, empty values, all
        // of several values.
        Service::Find(_) => Some(&[true, true, true, false, false, true, true]),
        // There is nothing above an instance to be left out (PS3.4 Y.5.1, Z.5.1).
        Service::Move(Root::Instance) | Service::Get(Root::Instance) | Service::GetWithoutBulk => {
            Some(&[false, false])
        }
        // Relational retrieval, conversion of images.
        Service::Move(_) | Service::Get(_) => Some(&[true, false]),
        // The first two are reserved, and 1 in both directions; fuzzy names, time zone.
        Service::Worklist | Service::ProcedureStep(Steps::Pull | Steps::Watch | Steps::Query) => {
            Some(&[true, true, true, false])
        }
        _ => None,
    }
}

fn options(granted: &[u8]) -> QueryOptions {
    let bit = |index: usize| granted.get(index) == Some(&1);
    QueryOptions {
        relational: bit(0),
        combined: bit(1),
        fuzzy: bit(2),
        empty_values: bit(5),
        all_values: bit(6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pdu::associate::CommonExtendedNegotiation;

    const CT: &str = "1.2.840.10008.5.1.4.1.1.2";
    const KEY_OBJECT: &str = "1.2.840.10008.5.1.4.1.1.88.59";
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
        negotiate(request, &SopClasses::default(), 65536, None)
    }

    #[test]
    fn each_context_is_answered_for_itself() {
        use ContextAnswer::*;
        let request = request(&[
            (CT, &[J2K, EXPLICIT, IMPLICIT]),
            (KEY_OBJECT, &["1.2.3", J2K, IMPLICIT, EXPLICIT]),
            (KEY_OBJECT, &[J2K]),
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
            vec![asked(FIND, &[1, 1, 0, 0, 1, 1, 1, 1]), asked(CT, &[2]), asked(WORKLIST, &[1, 1, 0, 1])];
        let agreed = agreed(&request);
        let granted = [
            asked(FIND, &[1, 1, 0, 0, 0, 1, 1]),
            asked(CT, &[2, 0, 1, 0, 0, 0]),
            asked(WORKLIST, &[1, 1, 0, 0]),
        ];
        assert_eq!(agreed.answer.user.extended, granted);
        let options = agreed.contexts.get(1).unwrap().options;
        let want = QueryOptions {
            relational: true,
            combined: true,
            empty_values: true,
            all_values: true,
            ..QueryOptions::default()
        };
        assert_eq!(options, want);
    }

    #[test]
    fn special_kinds_of_what_is_stored_are_stored() {
        const SPECIAL: &str = "1.2.826.0.1.77";
        let described = |service_class: &str, related: &[&str]| {
            let mut request = request(&[(SPECIAL, &[EXPLICIT])]);
            request.user.common = vec![CommonExtendedNegotiation {
                sop_class: SPECIAL.to_owned(),
                service_class: service_class.to_owned(),
                related: related.iter().map(|class| (*class).to_owned()).collect(),
            }];
            agreed(&request).contexts.get(1).and_then(|context| context.service)
        };
        assert_eq!(described(STORAGE_SERVICE_CLASS, &["1.2.3", CT]), Some(Service::Storage));
        assert_eq!(described(STORAGE_SERVICE_CLASS, &["1.2.3"]), None);
        assert_eq!(described(STORAGE_SERVICE_CLASS, &[]), None);
        assert_eq!(described("1.2.840.10008.4.1", &[CT]), None);
    }

    #[test]
    fn the_user_information_is_answered() {
        let mut request = request(&[]);
        request.user.asynchronous_operations = Some((0, 8));
        assert_eq!(agreed(&request).answer.user.asynchronous_operations, Some((1, 1)));
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
