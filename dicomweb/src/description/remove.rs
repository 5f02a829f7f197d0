//! Rejecting, restoring and deleting: no part of PS3.18.

use super::operation::{Resource, parameter, problem, responses};
use super::schema;
use serde_json::{Value, json};

/// What is removed, and brought back.
pub fn resources() -> Vec<Resource> {
    let levels = [
        ("/studies/{study}", "a study"),
        ("/studies/{study}/series/{series}", "a series"),
        ("/studies/{study}/series/{series}/instances/{instance}", "an instance"),
    ];
    let of_level = |(path, what)| {
        let post = |rest: &str, operation| Resource {
            path: format!("{path}{rest}"),
            methods: vec![("post", operation)],
        };
        [
            Resource { path: String::from(path), methods: vec![("delete", delete(what))] },
            post("/reject/{reason}", counted(&format!("Hide {what}"), &[400, 404, 409])),
            post("/restore", restored(what)),
        ]
    };
    levels.into_iter().flat_map(of_level).collect()
}

fn counted(summary: &str, problems: &[u16]) -> Value {
    let answer = [("application/json", schema::reference("Changed"))];
    json!({
        "summary": summary,
        "tags": ["remove"],
        "responses": responses("How many instances were changed", &answer, problems),
    })
}

fn restored(what: &str) -> Value {
    let answer = [("application/json", schema::reference("Changed"))];
    let content = json!({ "application/json": { "schema": schema::reference("Why") } });
    json!({
        "summary": format!("Take the rejection of {what} back"),
        "tags": ["remove"],
        "requestBody": { "required": true, "content": content },
        "responses": responses("How many instances were changed", &answer, &[400, 404, 409, 413]),
    })
}

fn delete(what: &str) -> Value {
    let problems = [400, 401, 403, 404, 409, 503].map(|status| (status.to_string(), problem(status)));
    let mut responses: serde_json::Map<String, Value> = problems.into_iter().collect();
    responses.insert("204".into(), json!({ "description": "It is gone" }));
    let reason = "Why; of what has been rejected, the reason for that where none is named";
    json!({
        "summary": format!("Delete {what} for good"),
        "tags": ["remove"],
        "parameters": [parameter("reason", reason, schema::reference("Reason"))],
        "responses": responses,
    })
}
