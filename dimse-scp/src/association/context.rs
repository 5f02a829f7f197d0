//! The presentation contexts that both sides agreed upon.

use pacs_core::uid::Uid;

use crate::sop_class::Service;

/// One accepted presentation context.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Context {
    /// Odd, 1 to 255.
    pub id: u8,
    /// The SOP class.
    pub abstract_syntax: Uid,
    /// The encoding of its data sets.
    pub transfer_syntax: Uid,
    /// Whether the acceptor may be service class user, that is, send C-STORE requests for C-GET.
    pub acceptor_is_user: bool,
    /// What it is for, where we are the acceptor.
    pub service: Option<Service>,
    /// Options that extended negotiation granted (PS3.4 C.5).
    pub options: QueryOptions,
}

/// Options of query and retrieve that extended negotiation grants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct QueryOptions {
    /// Keys of higher levels may be left out.
    pub relational: bool,
    /// Ranges of a date and of its time are the two ends of one period.
    pub combined: bool,
    /// Names may be matched by the beginnings of their words.
    pub fuzzy: bool,
    /// Two quotation marks match where there is no value (PS3.4 C.2.2.2.7).
    pub empty_values: bool,
    /// Of several values of a key an attribute has to have all (PS3.4 C.2.2.2.8).
    pub all_values: bool,
}

/// The accepted presentation contexts of an association, at most 128.
#[derive(Debug, Clone, Default)]
pub struct Contexts(Vec<Context>);

impl Contexts {
    /// The context with that identifier.
    pub fn get(&self, id: u8) -> Option<&Context> {
        self.0.iter().find(|context| context.id == id)
    }

    /// Every context.
    pub fn iter(&self) -> impl Iterator<Item = &Context> {
        self.0.iter()
    }

    /// The contexts of a SOP class.
    pub fn of_class<'a>(&'a self, class: &'a Uid) -> impl Iterator<Item = &'a Context> {
        self.0.iter().filter(move |context| context.abstract_syntax == *class)
    }
}

impl FromIterator<Context> for Contexts {
    fn from_iter<I: IntoIterator<Item = Context>>(contexts: I) -> Self {
        Self(contexts.into_iter().collect())
    }
}
