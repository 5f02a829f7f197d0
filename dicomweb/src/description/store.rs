//! Storing (PS3.18 10.5).

use super::operation::{Resource, accept, responses};
use super::schema;
use serde_json::{Map, Value, json};

/// Where instances are stored.
pub fn resources() -> Vec<Resource> {
    let paths = ["/studies", "/studies/{study}"];
    paths.map(|path| Resource { path: path.into(), methods: vec![("post", store())] }).into()
}

fn store() -> Value {
    let report = schema::reference("DataSet");
    let reports = [
        ("application/dicom+json", report.clone()),
        ("application/json", report),
        ("application/dicom+xml", schema::binary()),
    ];
    let mut responses = responses("All instances are kept", &reports, &[408, 413, 415]);
    let content = |schemas: &[(&str, Value)]| -> Map<String, Value> {
        let schemas = schemas.iter().cloned();
        schemas.map(|(media_type, schema)| (media_type.into(), json!({ "schema": schema }))).collect()
    };
    if let Some(responses) = responses.as_object_mut() {
        let told = |description: &str| json!({ "description": description, "content": content(&reports) });
        responses.insert("202".into(), told("Some are kept, or one is another version of a known instance"));
        responses
            .insert("409".into(), told("Nothing is kept, for several reasons or one outside the instances"));
        // A body that cannot be read is a problem; instances that are broken in themselves are reported.
        let mut either = content(&reports);
        either.extend(content(&[("application/problem+json", schema::reference("DicomwebProblem"))]));
        let description = "The body cannot be read, or every instance is broken in itself";
        responses.insert("400".into(), json!({ "description": description, "content": either }));
    }
    let bodies = [
        ("multipart/related", schema::binary()),
        ("application/dicom", schema::binary()),
        ("application/dicom+json", schema::reference("DataSets")),
        ("application/json", schema::reference("DataSets")),
    ];
    json!({
        "summary": "Store instances",
        "description": "Parts are application/dicom, or application/dicom+json and the values that it names",
        "tags": ["store"],
        "parameters": [accept(&reports.each_ref().map(|(media_type, _)| *media_type))],
        "requestBody": { "required": true, "content": content(&bodies) },
        "responses": responses,
    })
}
