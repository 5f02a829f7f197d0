//! The answer to an N-GET (PS3.7 10.1.2): all attributes of an instance, or those of a list.

use pacs_core::dataset::DataSet;
use pacs_core::{Tag, tags};

use super::data_set;
use crate::association::{Context, End};
use crate::dimse::{CommandSet, Status, command::element};
use crate::error::Failure;
use crate::session::Session;

/// Answers with what was found of the instance. Attributes that are not there are named, with a warning.
pub async fn answer(
    session: &mut Session,
    context: &Context,
    request: &CommandSet,
    found: Result<DataSet, Failure>,
) -> Result<(), End> {
    session.association.reader.skip_data().await?;
    let chosen = found.and_then(|mut set| {
        let missing = choose(&mut set, request.tags(element::ATTRIBUTE_IDENTIFIER_LIST));
        Ok((missing, data_set::encode(session, context, &set)?))
    });
    let (missing, encoded) = match chosen {
        Ok(chosen) => chosen,
        Err(failure) => return session.refuse(context, request, failure).await,
    };
    let response = if missing.is_empty() {
        CommandSet::response(request, Status::SUCCESS)
    } else {
        CommandSet::response(request, Status::OPTIONAL_ATTRIBUTES_UNSUPPORTED)
            .with_tags(element::ATTRIBUTE_IDENTIFIER_LIST, &missing)
    };
    session.finish_with(context, request, response.followed_by_data(), &encoded, "").await
}

/// Leaves what is asked for, everything when nothing is; answers what of it is not there.
fn choose(set: &mut DataSet, mut asked: Vec<Tag>) -> Vec<Tag> {
    asked.retain(|tag| *tag != tags::SPECIFIC_CHARACTER_SET);
    if !asked.is_empty() {
        set.retain(|element| asked.contains(&element.tag) || element.tag == tags::SPECIFIC_CHARACTER_SET);
    }
    asked.retain(|tag| !set.contains(*tag));
    asked
}
