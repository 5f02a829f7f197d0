//! Objects that are of no patient and lie in no study (PS3.4 GG): how to hang images, what colours to show, which
//! implants there are, what a scanner is to do, what an archive holds.

use crate::uid::Uid;

/// What such objects are for. The objects of a kind have their query/retrieve information model in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Hanging protocols (PS3.4 U).
    HangingProtocol,
    /// Colour palettes (PS3.4 X).
    ColorPalette,
    /// Templates of implants (PS3.4 BB).
    ImplantTemplate,
    /// How implants fit together (PS3.4 BB).
    ImplantAssembly,
    /// Implants of a family (PS3.4 BB).
    ImplantGroup,
    /// What a CT or an angiograph is to do (PS3.4 HH).
    DefinedProcedureProtocol,
    /// Who has approved of such a protocol (PS3.4 II).
    ProtocolApproval,
    /// What an archive holds (PS3.4 JJ, KK).
    Inventory,
}

/// The storage SOP classes and what their instances are for.
const CLASSES: [(&str, Kind); 9] = [
    ("1.2.840.10008.5.1.4.38.1", Kind::HangingProtocol),
    ("1.2.840.10008.5.1.4.39.1", Kind::ColorPalette),
    ("1.2.840.10008.5.1.4.43.1", Kind::ImplantTemplate),
    ("1.2.840.10008.5.1.4.44.1", Kind::ImplantAssembly),
    ("1.2.840.10008.5.1.4.45.1", Kind::ImplantGroup),
    ("1.2.840.10008.5.1.4.1.1.200.1", Kind::DefinedProcedureProtocol), // of CT
    ("1.2.840.10008.5.1.4.1.1.200.7", Kind::DefinedProcedureProtocol), // of X-ray angiography
    ("1.2.840.10008.5.1.4.1.1.200.3", Kind::ProtocolApproval),
    ("1.2.840.10008.5.1.4.1.1.201.1", Kind::Inventory),
];

impl Kind {
    /// What the instances of a storage SOP class are for; `None` for those of patients.
    pub fn of_class(class: &Uid) -> Option<Self> {
        CLASSES.iter().find(|(uid, _)| class == uid).map(|(_, kind)| *kind)
    }

    /// Its storage SOP classes.
    pub fn classes(self) -> impl Iterator<Item = &'static str> {
        CLASSES.iter().filter(move |(_, kind)| *kind == self).map(|(uid, _)| *uid)
    }

    /// Whether they tell of patients all the same: an inventory lists whose studies an archive holds.
    pub fn tells_of_patients(self) -> bool {
        self == Self::Inventory
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_of_one_kind() {
        let kind = |uid| Kind::of_class(&Uid::parse(uid).unwrap());
        assert_eq!(kind("1.2.840.10008.5.1.4.1.1.200.7"), Some(Kind::DefinedProcedureProtocol));
        assert_eq!(kind("1.2.840.10008.5.1.4.1.1.200.8"), None, "a performed protocol is a patient's");
        assert_eq!(kind("1.2.840.10008.5.1.4.1.1.2"), None);
        assert_eq!(Kind::DefinedProcedureProtocol.classes().count(), 2);
        assert_eq!(Kind::HangingProtocol.classes().collect::<Vec<_>>(), ["1.2.840.10008.5.1.4.38.1"]);
    }
}
