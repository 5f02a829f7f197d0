//! The Worklist Service (UPS-RS, PS3.18 11).

use super::operation::{Resource, accept, parameter, problem};
use super::{schema, search};
use pacs_core::dataset::{keyword_of, vr_of};
use serde_json::{Map, Value, json};

/// What is absent that a request names.
const ABSENT: u16 = 404;
/// What was there and has been forgotten.
const FORGOTTEN: u16 = 410;

/// Steps, and who is told of them.
pub fn resources() -> Vec<Resource> {
    const STEP: &str = "/workitems/{workitem}";
    let at = |path: String, methods: Vec<(&'static str, Value)>| Resource { path, methods };
    let below = |rest: &str, methods| at(format!("{STEP}{rest}"), methods);
    vec![
        at("/workitems".into(), vec![("get", find()), ("post", create())]),
        below("", vec![("get", retrieve()), ("post", update())]),
        below("/state", vec![("put", change_state())]),
        below("/cancelrequest", vec![("post", request_cancel())]),
        below(
            "/subscribers/{subscriber}",
            vec![("post", subscribe()), ("delete", following("Unsubscribe", "200", Vec::new()))],
        ),
        below(
            "/subscribers/{subscriber}/suspend",
            vec![("post", following("Suspend a subscription", "200", Vec::new()))],
        ),
        at(
            "/subscribers/{subscriber}".into(),
            vec![("get", following("Open the channel of event reports, as a WebSocket", "101", Vec::new()))],
        ),
    ]
}

fn find() -> Value {
    let number = || json!({ "type": "integer", "minimum": 0, "maximum": u32::MAX });
    let mut parameters: Vec<Value> = storage::ups::matched()
        .into_iter()
        .filter_map(|path| {
            let keywords: Option<Vec<&str>> = path.iter().map(|tag| keyword_of(*tag)).collect();
            Some(parameter(&keywords?.join("."), "A key", schema::of_key(vr_of(*path.last()?))))
        })
        .collect();
    parameters.extend(search::usual());
    parameters.extend([
        parameter("limit", "At most so many answers", number()),
        parameter("offset", "So many of the first answers are left out", number()),
        parameter(
            "after",
            "What the link to the next page carries",
            json!({ "type": "string", "pattern": "^[0-9]{1,14}$" }),
        ),
    ]);
    let mut find = answering("Find steps", "The steps, newest first", &[406], parameters);
    if let Some(responses) = find.get_mut("responses").and_then(Value::as_object_mut) {
        responses.insert("204".into(), json!({ "description": "There are no steps, which XML cannot say" }));
    }
    find
}

fn retrieve() -> Value {
    let parameters = vec![accept(&schema::DATA_SETS)];
    answering("Retrieve a step", "The step", &[ABSENT, 406, FORGOTTEN], parameters)
}

fn create() -> Value {
    let workitem = parameter(
        "workitem",
        "The UID of the new step; it may stand in the query alone, without this name",
        schema::reference("Uid"),
    );
    let content = body("NewStep", true);
    taking(operation("Create a step", "201", &[ABSENT], vec![workitem]), content)
}

fn update() -> Value {
    let transaction = parameter(
        "transaction-uid",
        "The UID with which the step was claimed; it may stand in the query alone, without this name",
        schema::reference("Uid"),
    );
    let content = body("Step", true);
    taking(operation("Update a step", "200", &[ABSENT, FORGOTTEN], vec![transaction]), content)
}

fn change_state() -> Value {
    let operation = operation("Change the state of a step", "200", &[ABSENT, FORGOTTEN], Vec::new());
    taking(operation, body("ChangeOfState", true))
}

fn request_cancel() -> Value {
    let operation = operation("Request the cancellation of a step", "202", &[ABSENT], Vec::new());
    taking(operation, body("Step", false))
}

fn subscribe() -> Value {
    let parameters = vec![
        parameter(
            "deletionlock",
            "Steps are kept after their end until the lock is taken away",
            search::truth(),
        ),
        parameter(
            "filter",
            "Of the filtered subscription: keys of a search with their values, parted by commas; each may be a \
             parameter of its own as well",
            json!({ "type": "string", "pattern": "^([A-Za-z0-9.]+=[^,=]*(,[A-Za-z0-9.]+=[^,=]*)*)?$" }),
        ),
        parameter(
            "fuzzymatching",
            "Words of a name in the filter may be beginnings of words",
            search::truth(),
        ),
    ];
    following("Subscribe to a step, to all, or to those of a filter", "201", parameters)
}

/// An operation on a subscription.
fn following(summary: &str, status: &str, parameters: Vec<Value>) -> Value {
    operation(summary, status, &[ABSENT, 409], parameters)
}

/// An operation whose success has no body.
fn operation(summary: &str, status: &str, problems: &[u16], parameters: Vec<Value>) -> Value {
    described(summary, (status, json!({ "description": "Done" })), problems, parameters)
}

/// An operation that is answered with steps.
fn answering(summary: &str, usual: &str, problems: &[u16], parameters: Vec<Value>) -> Value {
    let content: Map<String, Value> = schema::data_sets()
        .into_iter()
        .map(|(media_type, schema)| (media_type.to_owned(), json!({ "schema": schema })))
        .collect();
    described(summary, ("200", json!({ "description": usual, "content": content })), problems, parameters)
}

fn described(summary: &str, success: (&str, Value), problems: &[u16], parameters: Vec<Value>) -> Value {
    let mut responses: Map<String, Value> = problems
        .iter()
        .chain(&[400, 401, 403, 503])
        .map(|status| (status.to_string(), problem(*status)))
        .collect();
    responses.insert(success.0.to_owned(), success.1);
    json!({ "summary": summary, "tags": ["worklist"], "parameters": parameters, "responses": responses })
}

/// The operation with the data set that it brings, and what may be wrong with that.
fn taking(mut operation: Value, body: Value) -> Value {
    if let Some(responses) = operation.get_mut("responses").and_then(Value::as_object_mut) {
        responses.extend([408, 409, 413, 415].map(|status| (status.to_string(), problem(status))));
    }
    if let Some(operation) = operation.as_object_mut() {
        operation.insert("requestBody".into(), body);
    }
    operation
}

fn body(schema: &str, required: bool) -> Value {
    let content = json!({
        "application/dicom+json": { "schema": schema::reference(schema) },
        "application/json": { "schema": schema::reference(schema) },
    });
    json!({ "required": required, "content": content })
}
