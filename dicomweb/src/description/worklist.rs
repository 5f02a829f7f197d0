//! The Worklist Service (UPS-RS, PS3.18 11).

use super::operation::{Resource, parameter, problem};
use super::schema;
use serde_json::{Map, Value, json};

/// Steps, and who is told of them.
pub fn resources() -> Vec<Resource> {
    const STEP: &str = "/workitems/{workitem}";
    let at = |path: String, methods: Vec<(&'static str, Value)>| Resource { path, methods };
    let below = |rest: &str, methods| at(format!("{STEP}{rest}"), methods);
    vec![
        at("/workitems".into(), vec![("get", search()), ("post", taking("Create a step", "201", &[404]))]),
        below("", vec![("get", retrieve()), ("post", taking("Update a step", "200", &[404, 410]))]),
        below("/state", vec![("put", taking("Change the state of a step", "200", &[404, 410]))]),
        below("/cancelrequest", vec![("post", taking("Request the cancellation of a step", "202", &[404]))]),
        below(
            "/subscribers/{subscriber}",
            vec![("post", plain("Subscribe to a step", "201")), ("delete", plain("Unsubscribe", "200"))],
        ),
        below("/subscribers/{subscriber}/suspend", vec![("post", plain("Suspend a subscription", "200"))]),
        at(
            "/subscribers/{subscriber}".into(),
            vec![("get", plain("Open the channel of event reports, as a WebSocket", "101"))],
        ),
    ]
}

fn operation(summary: &str, success: (&str, Value), problems: &[u16]) -> Value {
    let mut responses: Map<String, Value> = problems
        .iter()
        .chain(&[400, 401, 403, 503])
        .map(|status| (status.to_string(), problem(*status)))
        .collect();
    responses.insert(success.0.to_owned(), success.1);
    json!({ "summary": summary, "tags": ["worklist"], "responses": responses })
}

fn plain(summary: &str, status: &str) -> Value {
    operation(summary, (status, json!({ "description": "Done" })), &[404, 409])
}

/// A transaction that brings a data set; `absent` are the problems of a step that is not there.
fn taking(summary: &str, status: &str, absent: &[u16]) -> Value {
    let problems = [absent, &[408, 409, 413, 415]].concat();
    let mut operation = operation(summary, (status, json!({ "description": "Done" })), &problems);
    let content = json!({
        "application/dicom+json": { "schema": schema::reference("DataSets") },
        "application/json": { "schema": schema::reference("DataSets") },
    });
    if let Some(operation) = operation.as_object_mut() {
        operation.insert("requestBody".into(), json!({ "content": content }));
    }
    operation
}

fn answering(summary: &str, problems: &[u16]) -> Value {
    let content = json!({
        "application/dicom+json": { "schema": schema::reference("DataSets") },
        "application/json": { "schema": schema::reference("DataSets") },
    });
    operation(summary, ("200", json!({ "description": "The steps", "content": content })), problems)
}

fn retrieve() -> Value {
    answering("Retrieve a step", &[404, 406, 410])
}

fn search() -> Value {
    let mut search = answering("Find steps", &[406]);
    let number = || json!({ "type": "integer", "minimum": 0, "maximum": u32::MAX });
    let parameters = json!([
        parameter("includefield", "As of other searches", json!({ "type": "string" })),
        parameter("limit", "At most so many answers", number()),
        parameter("offset", "So many of the first answers are left out", number()),
        parameter(
            "after",
            "What the link to the next page carries",
            json!({ "type": "string", "pattern": "^[0-9]{1,14}$" }),
        ),
    ]);
    if let Some(search) = search.as_object_mut() {
        search.insert("parameters".into(), parameters);
    }
    search
}
