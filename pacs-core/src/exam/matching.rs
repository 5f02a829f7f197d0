//! When an image belongs to an order: facility, accession number (with its issuer) *and* patient
//! have to agree. Otherwise the image is kept, moves nothing, and waits for a person.

use serde::{Deserialize, Serialize};

use crate::attributes::PatientAttributes;
use crate::identity::{Likeness, PatientIdentifier, compare};

/// What an arriving image says of where it belongs.
#[derive(Debug, Clone)]
pub struct ImageIdentity<'a> {
    /// Code of the facility that made it.
    pub facility: &'a str,
    /// Accession Number (0008,0050).
    pub accession_number: Option<&'a str>,
    /// Issuer of the accession number, when the image names one.
    pub accession_issuer: Option<&'a str>,
    /// Patient identifier with the issuer that was found for it.
    pub identifier: &'a PatientIdentifier,
    /// Demographics.
    pub patient: &'a PatientAttributes,
}

/// What an order says of the images it waits for.
#[derive(Debug, Clone)]
pub struct OrderIdentity<'a> {
    /// Code of the facility that performs it.
    pub facility: &'a str,
    /// Its accession number.
    pub accession_number: &'a str,
    /// Who gave the accession number: the facility, unless a hospital system says otherwise.
    pub accession_issuer: &'a str,
    /// Every identifier of its patient.
    pub identifiers: &'a [PatientIdentifier],
    /// Demographics of its patient.
    pub patient: &'a PatientAttributes,
}

/// Why an image was not matched. The words are keys of the language files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Disagreement {
    /// The image has no accession number.
    NoAccession,
    /// No order has this accession number.
    NoOrder,
    /// The order is another facility's, or its number another issuer's.
    FacilityDiffers,
    /// The order is another patient's.
    PatientDiffers,
    /// The console has told that it had picked the wrong worklist entry.
    WrongEntry,
}

impl Disagreement {
    /// Every reason.
    pub const ALL: [Self; 5] =
        [Self::NoAccession, Self::NoOrder, Self::FacilityDiffers, Self::PatientDiffers, Self::WrongEntry];

    /// The reason's word in JSON and rows.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoAccession => "noAccession",
            Self::NoOrder => "noOrder",
            Self::FacilityDiffers => "facilityDiffers",
            Self::PatientDiffers => "patientDiffers",
            Self::WrongEntry => "wrongEntry",
        }
    }

    /// The reason of that word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == word)
    }
}

/// Whether the image belongs to the order.
///
/// Demographics count beside the identifier: a console on which the wrong line was picked sends
/// the right number with another person's name, and that has to stop here.
pub fn agree(image: &ImageIdentity<'_>, order: &OrderIdentity<'_>) -> Result<(), Disagreement> {
    match image.accession_number {
        None | Some("") => return Err(Disagreement::NoAccession),
        Some(number) if number != order.accession_number => return Err(Disagreement::NoOrder),
        Some(_) => {}
    }
    let issuers_differ = image.accession_issuer.is_some_and(|issuer| issuer != order.accession_issuer);
    if image.facility != order.facility || issuers_differ {
        return Err(Disagreement::FacilityDiffers);
    }
    let known = order.identifiers.contains(image.identifier);
    if !known || compare(order.patient, image.patient) == Likeness::Doubtful {
        return Err(Disagreement::PatientDiffers);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_three_have_to_agree() {
        let identifier =
            |value: &str, issuer: &str| PatientIdentifier { value: value.into(), issuer: issuer.into() };
        let named = |name: &str| PatientAttributes { name: name.into(), ..PatientAttributes::default() };
        let (known, patient) = (identifier("7", "BVTW"), named("NGUYỄN^VĂN A"));
        let order = OrderIdentity {
            facility: "BVTW",
            accession_number: "A1",
            accession_issuer: "BVTW",
            identifiers: &[known.clone(), identifier("001080000001", "CCCD")],
            patient: &patient,
        };
        let ascii = named("NGUYEN VAN A");
        let image = ImageIdentity {
            facility: "BVTW",
            accession_number: Some("A1"),
            accession_issuer: None,
            identifier: &known,
            patient: &ascii,
        };
        assert_eq!(agree(&image, &order), Ok(()));

        let (elsewhere, stranger, namesake) =
            (identifier("7", "BVH"), identifier("8", "BVTW"), named("Trần B"));
        for (image, why) in [
            (ImageIdentity { accession_number: None, ..image.clone() }, Disagreement::NoAccession),
            (ImageIdentity { accession_number: Some("A2"), ..image.clone() }, Disagreement::NoOrder),
            (ImageIdentity { facility: "BVH", ..image.clone() }, Disagreement::FacilityDiffers),
            (ImageIdentity { accession_issuer: Some("BVH"), ..image.clone() }, Disagreement::FacilityDiffers),
            (ImageIdentity { identifier: &elsewhere, ..image.clone() }, Disagreement::PatientDiffers),
            (ImageIdentity { identifier: &stranger, ..image.clone() }, Disagreement::PatientDiffers),
            (ImageIdentity { patient: &namesake, ..image.clone() }, Disagreement::PatientDiffers),
        ] {
            assert_eq!(agree(&image, &order), Err(why));
        }
    }
}
