//! Who may do what, and on whose studies.
//!
//! Every door builds an [`Actor`] and asks [`may`]; what the actor may *see* is a [`Scope`], which
//! is part of every query and becomes SQL, never a filter after paging.

use serde::{Deserialize, Serialize};

/// What a person or a program is in the house. One role each; the words of the pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Role {
    /// Runs the system: devices, accounts, storage.
    Administrator,
    /// Reads and signs.
    Radiologist,
    /// Makes the images and keeps them with the right patient.
    Radiographer,
    /// Registers, schedules, hands out results.
    Clerk,
    /// Looks at images and reports, orders exams.
    Clinician,
    /// A modality or another archive, over DIMSE or DICOMweb.
    Device,
}

impl Role {
    /// Every role, in the order in which a form offers them.
    pub const ALL: [Self; 6] = [
        Self::Administrator,
        Self::Radiologist,
        Self::Radiographer,
        Self::Clerk,
        Self::Clinician,
        Self::Device,
    ];

    /// The role's word in commands, JSON and rows.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Administrator => "administrator",
            Self::Radiologist => "radiologist",
            Self::Radiographer => "radiographer",
            Self::Clerk => "clerk",
            Self::Clinician => "clinician",
            Self::Device => "device",
        }
    }

    /// The role of that word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == word)
    }
}

/// Whose studies an actor belongs with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Facilities {
    /// Of every facility of the province.
    All,
    /// Of the facilities with these codes.
    Only(Vec<String>),
}

/// Somebody who asks for something: a signed-in person, a program with a token, a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// A stable key for the audit log: `user:…`, `token:…`, `device:…`, `system`.
    pub id: String,
    /// The name to show beside an act.
    pub name: String,
    /// What the actor may do.
    pub role: Role,
    /// Whose studies the actor may see.
    pub facilities: Facilities,
}

impl Actor {
    /// The program itself, for acts of its timers and jobs.
    pub fn system() -> Self {
        Self {
            id: "system".into(),
            name: "Sen".into(),
            role: Role::Administrator,
            facilities: Facilities::All,
        }
    }

    /// The facility an actor works at when it does not say: the only one it has, else the default.
    pub fn home<'a>(&'a self, default_facility: &'a str) -> &'a str {
        match &self.facilities {
            Facilities::Only(codes) => match codes.as_slice() {
                [only] => only,
                _ => default_facility,
            },
            Facilities::All => default_facility,
        }
    }

    /// A device by its AE title. Without a facility of its own it serves the whole province, as an
    /// archive or a gateway does.
    pub fn device(ae_title: &crate::uid::AeTitle, facility: Option<&str>) -> Self {
        Self {
            id: format!("device:{ae_title}"),
            name: ae_title.to_string(),
            role: Role::Device,
            facilities: facility.map_or(Facilities::All, |code| Facilities::Only(vec![code.to_owned()])),
        }
    }
}

/// An act that a door asks about before it does it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Act {
    /// Find and look at studies, their images and their attributes.
    ReadImages,
    /// Add images to the archive.
    StoreImages,
    /// See the modality worklist and the day's exams.
    SeeWorklist,
    /// Make and change orders.
    ManageOrders,
    /// Move an exam along: arrive, call, accept.
    MoveExams,
    /// Match images to an order, or take that back.
    MatchImages,
    /// Correct what images say of patient, study and series, move them to other studies, or take that back.
    CorrectImages,
    /// Say who is who: merge patients, part them, and answer what does not go together.
    Reconcile,
    /// Send images to other application entities, and see to what is on its way.
    SendImages,
    /// Ask other archives what they have, and have it sent here.
    QueryArchives,
    /// Reject images, so that nobody is shown them, or take that back.
    RejectImages,
    /// Delete images for good.
    DeleteImages,
    /// Report what a modality does: performed steps begun and ended.
    ReportSteps,
    /// Create, change, claim and end unified procedure steps. Who sees the worklist sees them.
    DoSteps,
    /// See devices and the state of the system.
    SeeDevices,
    /// Add, change and remove devices.
    ManageDevices,
    /// Add, change and remove accounts and tokens.
    ManageAccounts,
}

/// Whether the actor's role allows the act. Which studies it applies to is [`scope`]'s answer.
pub fn may(actor: &Actor, act: Act) -> bool {
    use Act::*;
    match actor.role {
        Role::Administrator => true,
        Role::Radiologist | Role::Radiographer => matches!(
            act,
            ReadImages
                | StoreImages
                | SeeWorklist
                | ManageOrders
                | MoveExams
                | MatchImages
                | CorrectImages
                | Reconcile
                | SendImages
                | QueryArchives
                | RejectImages
                | DoSteps
                | SeeDevices
        ),
        Role::Clerk => matches!(act, ReadImages | SeeWorklist | ManageOrders | MoveExams | Reconcile),
        Role::Clinician => matches!(act, ReadImages | SeeWorklist | ManageOrders),
        Role::Device => matches!(act, ReadImages | StoreImages | SeeWorklist | ReportSteps | DoSteps),
    }
}

/// Which studies an actor may see. A study belongs to the facilities that made or requested it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Every study.
    All,
    /// The studies of the facilities with these codes; an empty list sees nothing.
    Facilities(Vec<String>),
}

impl Scope {
    /// Whether everything is seen that another scope sees.
    pub fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::All, _) => true,
            (Self::Facilities(_), Self::All) => false,
            (Self::Facilities(own), Self::Facilities(others)) => others.iter().all(|code| own.contains(code)),
        }
    }
}

/// The scope of an actor.
pub fn scope(actor: &Actor) -> Scope {
    match &actor.facilities {
        Facilities::All => Scope::All,
        Facilities::Only(codes) => Scope::Facilities(codes.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn actor(role: Role) -> Actor {
        Actor { role, ..Actor::system() }
    }

    #[test]
    fn roles_have_words_that_read_back() {
        for role in Role::ALL {
            assert_eq!(Role::parse(role.as_str()), Some(role));
        }
        assert_eq!(Role::parse("root"), None);
    }

    #[test]
    fn each_role_does_its_own_work_only() {
        assert!(may(&actor(Role::Administrator), Act::ManageAccounts));
        assert!(may(&actor(Role::Device), Act::StoreImages));
        assert!(!may(&actor(Role::Device), Act::ManageOrders));
        assert!(!may(&actor(Role::Clerk), Act::StoreImages));
        assert!(!may(&actor(Role::Clinician), Act::MatchImages));
        assert!(may(&actor(Role::Clerk), Act::Reconcile) && !may(&actor(Role::Clinician), Act::Reconcile));
        assert!(may(&actor(Role::Radiographer), Act::RejectImages));
        assert!(may(&actor(Role::Radiographer), Act::SendImages));
        assert!(!may(&actor(Role::Clinician), Act::SendImages));
        assert!(!may(&actor(Role::Device), Act::RejectImages));
        assert!(may(&actor(Role::Radiographer), Act::CorrectImages));
        assert!(
            !may(&actor(Role::Clerk), Act::CorrectImages)
                && !may(&actor(Role::Clinician), Act::CorrectImages)
        );
        for role in Role::ALL {
            assert_eq!(may(&actor(role), Act::ManageDevices), role == Role::Administrator);
            assert_eq!(may(&actor(role), Act::DeleteImages), role == Role::Administrator);
        }
    }

    #[test]
    fn whoever_has_one_facility_is_at_home_there() {
        let at = |facilities| Actor { facilities, ..Actor::system() }.home("BVAH").to_owned();
        assert_eq!(at(Facilities::All), "BVAH");
        assert_eq!(at(Facilities::Only(vec!["BVTW".into()])), "BVTW");
        assert_eq!(at(Facilities::Only(vec!["BVTW".into(), "BVTL".into()])), "BVAH");
        assert_eq!(at(Facilities::Only(Vec::new())), "BVAH");
    }

    #[test]
    fn a_device_of_a_facility_sees_that_facility() {
        let title = crate::uid::AeTitle::parse("CT1").unwrap();
        assert_eq!(scope(&Actor::device(&title, Some("BVTW"))), Scope::Facilities(vec!["BVTW".into()]));
        assert_eq!(scope(&Actor::device(&title, None)), Scope::All);
    }

    #[test]
    fn a_wider_scope_covers_a_narrower_one() {
        let of = |codes: &[&str]| Scope::Facilities(codes.iter().map(|code| (*code).to_owned()).collect());
        assert!(Scope::All.covers(&of(&["BVTW"])) && Scope::All.covers(&Scope::All));
        assert!(of(&["BVTW", "BVH"]).covers(&of(&["BVH"])));
        assert!(!of(&["BVH"]).covers(&of(&["BVTW", "BVH"])) && !of(&["BVH"]).covers(&Scope::All));
    }
}
