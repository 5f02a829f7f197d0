//! Storing (PS3.18 10.5).

use super::operation::{Resource, responses};
use super::schema;
use serde_json::{Value, json};

/// Where instances are stored.
pub fn resources() -> Vec<Resource> {
    let paths = ["/studies", "/studies/{study}"];
    paths.map(|path| Resource { path: path.into(), methods: vec![("post", store())] }).into()
}

fn store() -> Value {
    let report = schema::reference("DataSet");
    let mut responses =
        responses("All instances are kept", &[("application/dicom+json", report.clone())], &[408, 413, 415]);
    if let Some(responses) = responses.as_object_mut() {
        let told = |description: &str| json!({ "description": description, "content": { "application/dicom+json": { "schema": report } } });
        responses.insert("202".into(), told("Some are kept, or one is another version of a known instance"));
        responses
            .insert("409".into(), told("Nothing is kept, for several reasons or one outside the instances"));
        // A body that cannot be read is a problem; instances that are broken in themselves are reported.
        let content = json!({
            "application/problem+json": { "schema": schema::reference("DicomwebProblem") },
            "application/dicom+json": { "schema": report },
        });
        let description = "The body cannot be read, or every instance is broken in itself";
        responses.insert("400".into(), json!({ "description": description, "content": content }));
    }
    let bodies = [
        ("multipart/related", schema::binary()),
        ("application/dicom", schema::binary()),
        ("application/dicom+json", schema::reference("DataSets")),
        ("application/json", schema::reference("DataSets")),
    ];
    let content: serde_json::Map<String, Value> = bodies
        .into_iter()
        .map(|(media_type, schema)| (media_type.into(), json!({ "schema": schema })))
        .collect();
    json!({
        "summary": "Store instances",
        "description": "Parts are application/dicom, or application/dicom+json and the values that it names",
        "tags": ["store"],
        "requestBody": { "required": true, "content": content },
        "responses": responses,
    })
}
