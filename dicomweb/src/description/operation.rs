//! Operations and their answers.

use super::schema;
use serde_json::{Map, Value, json};

/// A resource and what may be done with it.
pub struct Resource {
    /// Below the base of the service.
    pub path: String,
    /// Methods in small letters, each with its operation.
    pub methods: Vec<(&'static str, Value)>,
}

impl Resource {
    /// A resource to be got.
    pub fn get(path: impl Into<String>, operation: Value) -> Self {
        Self { path: path.into(), methods: vec![("get", operation)] }
    }
}

/// A query parameter.
pub fn parameter(name: &str, description: &str, schema: Value) -> Value {
    json!({ "name": name, "in": "query", "description": description, "schema": schema })
}

/// The `accept` parameter of a resource with these media types.
pub fn accept(media_types: &[&str]) -> Value {
    parameter(
        "accept",
        "Media types in place of the Accept header",
        json!({ "type": "string", "enum": media_types }),
    )
}

/// The answers of an operation: the usual one, in any of these media types, and what may be wrong.
pub fn responses(usual: &str, media_types: &[(&str, Value)], problems: &[u16]) -> Value {
    let content: Map<String, Value> = media_types
        .iter()
        .map(|(media_type, schema)| ((*media_type).to_owned(), json!({ "schema": schema })))
        .collect();
    let mut responses = Map::new();
    responses.insert("200".into(), json!({ "description": usual, "content": content }));
    // Of every resource: nobody signed in, not allowed, the database away.
    for status in problems.iter().chain(&[401, 403, 503]) {
        responses.insert(status.to_string(), problem(*status));
    }
    responses.into()
}

/// What of a representation that a client may hold, or ask in part, is answered instead.
pub fn conditional(mut responses: Value, has_ranges: bool) -> Value {
    if let Some(responses) = responses.as_object_mut() {
        responses.insert("304".into(), json!({ "description": "The client holds it" }));
        responses.insert("412".into(), problem(412));
        if has_ranges {
            let part = responses.get("200").and_then(|whole| whole.get("content")).cloned();
            responses.insert("206".into(), json!({ "description": "The byte range", "content": part }));
            responses.insert("416".into(), problem(416));
        }
    }
    responses
}

/// An answer that says what is wrong (RFC 9457).
pub fn problem(status: u16) -> Value {
    let description = match status {
        400 => "A path, parameter, header or body cannot be read",
        401 => "Nobody has signed in",
        403 => "The role does not allow it",
        404 => "There is no such thing, or it is not the caller's to see",
        406 => "Nothing that is accepted can be made",
        408 => "The sender stopped sending",
        409 => "It is not in a state for that",
        410 => "There was such a thing, and it was forgotten",
        412 => "It is not the representation that the request names",
        413 => "It takes more than a bound allows",
        415 => "The body is of a kind that is not taken",
        416 => "The range begins behind the end",
        _ => "The archive is full, busy or away; Retry-After says when to come again",
    };
    let schema = schema::reference("DicomwebProblem");
    json!({ "description": description, "content": { "application/problem+json": { "schema": schema } } })
}
