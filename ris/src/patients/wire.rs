//! A patient as the pages see one.

use pacs_core::text::display_name;
use serde::Serialize;
use storage::exams::Person;
use utoipa::ToSchema;

use crate::dates;

/// A patient beside a study or an exam: always two identifiers, birth date and sex.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PatientSummary)]
pub struct Patient {
    /// Patient ID.
    pub id: String,
    /// Code of who gave it.
    pub issuer: String,
    /// The name in reading order, without the carets of the standard.
    pub name: String,
    /// `YYYY-MM-DD`.
    pub birth_date: Option<String>,
    /// `M`, `F` or `O`.
    pub sex: Option<String>,
}

impl From<Person> for Patient {
    fn from(person: Person) -> Self {
        Self {
            id: person.id,
            issuer: person.issuer,
            name: display_name(&person.name),
            birth_date: person.birth_date.as_deref().and_then(dates::iso_date),
            sex: person.sex.filter(|sex| matches!(sex.as_str(), "M" | "F" | "O")),
        }
    }
}
