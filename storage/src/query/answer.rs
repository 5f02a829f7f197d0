//! A row as an answer: a data set, or its attributes one by one.

use std::borrow::Cow;
use std::sync::Arc;

use pacs_core::dataset::DataSet;
use pacs_core::json::{self, JsonLimits};
use pacs_core::uid::Uid;
use pacs_core::{Tag, tags};

use super::numbers;
use super::packed::{Held, Line};
use super::position::Position;
use super::shape::{Field, Shape, Source};
use super::stop::Stop as _;
use crate::index::InstanceId;
use crate::{Error, Result};

/// An answer to a query below the patient level. It holds the row and reads it when it is asked.
#[derive(Debug)]
pub struct Answer {
    line: Line,
    shape: Arc<Shape>,
    /// What of the instance's header was asked for, where it was read.
    header: DataSet,
}

impl Answer {
    pub(super) fn new(line: Line, shape: Arc<Shape>) -> Self {
        Self { line, shape, header: DataSet::new() }
    }

    /// The row of an answer at the instance level.
    pub(super) fn instance(&self) -> Result<InstanceId> {
        Ok(InstanceId(self.line.instance()?.1))
    }

    /// The same with what was asked for of the instance's header, in UTF-8.
    pub(super) fn with_header(self, header: DataSet) -> Self {
        Self { header, ..self }
    }

    /// Where it stands among the answers.
    pub fn position(&self) -> Result<Position> {
        self.line.position(self.shape.level)
    }

    /// A UID that its row holds, if it is one.
    pub fn uid(&self, tag: Tag) -> Result<Option<Uid>> {
        let Ok(at) = self.shape.fields.binary_search_by_key(&tag, |field| field.tag) else { return Ok(None) };
        let held = self.shape.fields.get(at).map(|field| self.held(field)).transpose()?;
        Ok(match held {
            Some(Held::Text(text)) => Uid::parse(&text).ok(),
            _ => None,
        })
    }

    /// The attributes in the order of their tags, or `None` when some have to be looked for among those that rows keep
    /// whole or in the header, which [`Answer::data_set`] does.
    pub fn fields(&self) -> Result<Option<impl Iterator<Item = Result<(&Field, Held<'_>)>>>> {
        for attributes in self.whole() {
            if self.shape.has_wanted(attributes?) {
                return Ok(None);
            }
        }
        if self.others()?.is_some() || !self.header.is_empty() {
            return Ok(None);
        }
        Ok(Some(self.shape.fields.iter().map(|field| Ok((field, self.held(field)?)))))
    }

    /// The answer as a data set.
    pub fn data_set(&self) -> Result<DataSet> {
        let mut answer = DataSet::new();
        for attributes in self.whole() {
            copy(&mut answer, &self.shape, attributes?)?;
        }
        self.header.iter().for_each(|element| answer.put(element.clone()));
        for field in &self.shape.fields {
            match self.held(field)? {
                Held::Text(text) => answer.put_text(field.tag, &text),
                Held::Number(number) => answer.put_int(field.tag, number),
                Held::Nothing if matches!(field.source, Source::Whole) && answer.contains(field.tag) => {}
                Held::Nothing => answer.put_empty(field.tag),
            }
        }
        if let Some(index) = self.shape.is_own_issuer_at
            && self.line.number(index)? == Some(0)
            && answer.contains(tags::ISSUER_OF_PATIENT_ID_QUALIFIERS_SEQUENCE)
        {
            answer.put_empty(tags::ISSUER_OF_PATIENT_ID_QUALIFIERS_SEQUENCE);
        }
        if let Some(others) = self.others()? {
            numbers::put_others(&mut answer, &others);
        }
        Ok(answer)
    }

    /// Other numbers of the patient, where they are asked for and there are any.
    fn others(&self) -> Result<Option<Cow<'_, str>>> {
        self.shape.others_at.map_or(Ok(None), |index| self.line.text(index))
    }

    fn held(&self, field: &Field) -> Result<Held<'_>> {
        let held = match field.source {
            Source::Column(index) => self.line.at(index)?,
            Source::List(index) => match self.line.at(index)? {
                Held::Text(list) => Held::Text(Cow::Owned(list.trim_matches('\\').to_owned())),
                other => other,
            },
            Source::Always(text) => Held::Text(Cow::Borrowed(text)),
            Source::Whole => Held::Nothing,
        };
        Ok(match held {
            Held::Text(text) if text.is_empty() => Held::Nothing,
            held => held,
        })
    }

    /// The attributes that the row keeps whole, of its study and of its series.
    fn whole(&self) -> impl Iterator<Item = Result<&str>> {
        self.shape.whole_at.clone().map(|index| self.line.json(index))
    }
}

/// Copies what is wanted of the attributes that a row keeps whole.
fn copy(answer: &mut DataSet, shape: &Shape, attributes: &str) -> Result<()> {
    if !shape.has_wanted(attributes) {
        return Ok(());
    }
    let sets = json::parse(attributes.as_bytes(), &JsonLimits::default())
        .map_err(|error| Error::Corrupt(format!("a row's attributes: {error}")))?;
    for element in sets.iter().flatten() {
        if element.tag != tags::SPECIFIC_CHARACTER_SET && shape.wants(element.tag) {
            answer.put(element.clone());
        }
    }
    Ok(())
}
