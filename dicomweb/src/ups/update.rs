//! `POST /workitems/{workitem}?{transaction-uid}` (PS3.18 11.6): changes attributes of a step.

use super::refusal::Transaction;
use super::{Request, WorkitemPath, bad_uid, named, parameters, payload};
use crate::error::Error;
use axum::body::Body;
use axum::response::Response;
use http::StatusCode;
use pacs_core::audit::AuditAct;
use pacs_core::dataset::DataSet;
use pacs_core::tags;
use pacs_core::uid::Uid;

/// Lays the payload over the step.
pub async fn answer(path: WorkitemPath, request: Request, body: Body) -> Result<Response, Error> {
    request.doing(named(&path.0), "update").await?;
    let change = payload::one(&request.headers, body).await?;
    let key = transaction_uid(&request.parameters()?, &change)?;
    let changed =
        storage::ups::update(request.database(), &request.asker(), &path.0, &change, key.as_ref()).await;
    changed.map_err(|error| request.refused(Transaction::Update, error))?;
    request.record(AuditAct::Step, named(&path.0), Some("update")).await;
    Ok(request.done(StatusCode::OK, None))
}

/// The transaction UID: the query, alone or with a name, or the attribute that a data set over DIMSE would have.
fn transaction_uid(query: &[(String, String)], change: &DataSet) -> Result<Option<Uid>, Error> {
    const NAMES: [&str; 4] = ["transaction-uid", "transaction", "transactionuid", "00081195"];
    let named = parameters::uid(query, &NAMES, "the transaction UID")?;
    let of_set = of_set(change)?;
    match (named, of_set) {
        (Some(named), Some(of_set)) if named != of_set => {
            Err(Error::bad_request("TransactionUID is not the one of the query"))
        }
        (named, of_set) => Ok(named.or(of_set)),
    }
}

/// The Transaction UID (0008,1195) of a data set.
pub(super) fn of_set(set: &DataSet) -> Result<Option<Uid>, Error> {
    set.uid(tags::TRANSACTION_UID).transpose().map_err(|error| bad_uid("TransactionUID", &error))
}
