//! `POST /workitems?{workitem}` (PS3.18 11.4): creates a step.

use super::refusal::Transaction;
use super::{Request, STEPS, bad_uid, named, parameters, payload};
use crate::error::Error;
use axum::body::Body;
use axum::response::Response;
use http::header::LOCATION;
use http::{HeaderValue, StatusCode};
use pacs_core::access::Facilities;
use pacs_core::audit::AuditAct;
use pacs_core::dataset::DataSet;
use pacs_core::tags;
use pacs_core::uid::Uid;

/// Creates a step under the UID that the request names, or under a new one.
pub async fn answer(request: Request, body: Body) -> Result<Response, Error> {
    request.doing(STEPS.to_owned(), "create").await?;
    if let Facilities::Only(codes) = &request.caller.actor.facilities
        && codes.len() != 1
    {
        let homeless =
            Error::Forbidden("create workitems: a step belongs to one facility, which it does not have");
        request.permitted(Err(homeless), AuditAct::Step, STEPS.to_owned(), Some("create")).await?;
    }
    let set = payload::one(&request.headers, body).await?;
    let uid = uid(&request.parameters()?, &set)?;
    let made = storage::ups::create(request.database(), &request.asker(), set, uid.as_ref()).await;
    let made = made.map_err(|error| request.refused(Transaction::Create, error))?;
    request.record(AuditAct::Step, named(&made.uid), Some("create")).await;
    let warning = made.is_modified.then_some("The Workitem was created with modifications.");
    let mut response = request.done(StatusCode::CREATED, warning);
    if let Ok(location) = HeaderValue::try_from(format!("{}/workitems/{}", request.base, made.uid)) {
        response.headers_mut().insert(LOCATION, location);
    }
    Ok(response)
}

/// The UID of the query, alone or with a name, or that of the data set. Two that differ leave open what is meant.
fn uid(query: &[(String, String)], set: &DataSet) -> Result<Option<Uid>, Error> {
    let named = parameters::uid(query, &["workitem", "affectedsopinstanceuid"], "the workitem")?;
    let of_set = set.uid(tags::SOP_INSTANCE_UID).transpose();
    let of_set = of_set.map_err(|error| bad_uid("SOPInstanceUID", &error))?;
    match (named, of_set) {
        (Some(named), Some(of_set)) if named != of_set => {
            Err(Error::bad_request("SOPInstanceUID is not the workitem of the query"))
        }
        (named, of_set) => Ok(named.or(of_set)),
    }
}
