//! Retrieving (PS3.18 10.4), and the URI service (9).

use super::operation::{Resource, accept, conditional, parameter, responses};
use super::schema;
use serde_json::{Value, json};

const MULTIPART: &str = "multipart/related";
const DICOM: &str = "application/dicom";

/// What is retrieved.
pub fn resources() -> Vec<Resource> {
    const STUDY: &str = "/studies/{study}";
    const SERIES: &str = "/studies/{study}/series/{series}";
    const INSTANCE: &str = "/studies/{study}/series/{series}/instances/{instance}";
    let mut resources = Vec::new();
    for (path, what, is_one) in
        [(STUDY, "a study", false), (SERIES, "a series", false), (INSTANCE, "an instance", true)]
    {
        let mut add =
            |rest: &str, operation| resources.push(Resource::get(format!("{path}{rest}"), operation));
        add("", instances(what, is_one));
        add("/metadata", metadata(what));
        add("/rendered", if is_one { picture("Draw an instance") } else { pictures(what) });
        add("/thumbnail", picture(&format!("A small picture of {what}")));
        add("/pixeldata", values(&format!("The pixels of {what}"), "The pixels of each instance"));
        add(
            "/bulkdata",
            values(&format!("All bulk data of {what}"), "Every value with a BulkDataURI, and pixels"),
        );
    }
    let frame = format!("{INSTANCE}/frames/{{frame}}");
    resources.extend([
        Resource::get(format!("{INSTANCE}/frames/{{frames}}"), frames()),
        Resource::get(format!("{INSTANCE}/bulkdata/{{path}}"), bulk_data()),
        Resource::get(format!("{INSTANCE}/frames/{{frames}}/rendered"), drawn_frames()),
        Resource::get(format!("{frame}/thumbnail"), picture("A small picture of a frame")),
        Resource::get("/wado", uri()),
    ]);
    resources
}

fn instances(what: &str, is_one: bool) -> Value {
    let mut media_types = vec!["multipart/related; type=\"application/dicom\"", "application/zip"];
    let mut content = vec![(MULTIPART, schema::binary()), ("application/zip", schema::binary())];
    if is_one {
        media_types.push(DICOM);
        content.push((DICOM, schema::binary()));
    }
    operation(
        &format!("Retrieve {what}"),
        vec![accept(&media_types)],
        conditional(responses("The instances", &content, &[400, 404, 406, 413]), is_one),
    )
}

fn metadata(what: &str) -> Value {
    operation(
        &format!("All but the bulk data of {what}"),
        vec![accept(&schema::DATA_SETS)],
        conditional(responses("The data sets", &schema::data_sets(), &[400, 404, 406]), true),
    )
}

fn frames() -> Value {
    let content = [
        (MULTIPART, schema::binary()),
        ("application/octet-stream", schema::binary()),
        ("image/*", schema::binary()),
        ("video/*", schema::binary()),
    ];
    operation(
        "Retrieve frames",
        vec![accept(&[
            "multipart/related; type=\"application/octet-stream\"; transfer-syntax=*",
            "application/octet-stream",
        ])],
        conditional(responses("The frames, one also alone", &content, &[400, 404, 406, 413]), true),
    )
}

fn bulk_data() -> Value {
    let content = [(MULTIPART, schema::binary()), ("*/*", schema::binary())];
    operation(
        "Retrieve a value",
        vec![accept(&["multipart/related; type=\"application/octet-stream\"", "application/octet-stream"])],
        conditional(responses("The value", &content, &[400, 404, 406, 413]), true),
    )
}

fn values(summary: &str, usual: &str) -> Value {
    operation(
        summary,
        vec![accept(&[
            "multipart/related; type=\"application/octet-stream\"; transfer-syntax=*",
            "multipart/related; type=\"application/octet-stream\"",
        ])],
        conditional(responses(usual, &[(MULTIPART, schema::binary())], &[400, 404, 406, 413]), false),
    )
}

/// How pictures are drawn (PS3.18 8.3.5).
fn drawing(media_types: &[&str]) -> Vec<Value> {
    let number = "-?[0-9]{1,5}(\\.[0-9]{1,3})?";
    vec![
        parameter(
            "window",
            "center,width and linear, linear-exact or sigmoid",
            json!({ "type": "string", "pattern": format!("^{number},[1-9][0-9]{{0,4}}(,(linear|linear-exact|sigmoid))?$") }),
        ),
        parameter(
            "viewport",
            "Width and height in pixels at most, and left, top, width and height of the source",
            json!({ "type": "string", "pattern": "^[1-9][0-9]{0,2},[1-9][0-9]{0,2}(,[0-9]{1,3},[0-9]{1,3},[1-9][0-9]{0,2},[1-9][0-9]{0,2})?$" }),
        ),
        parameter("annotation", "What is written on it", annotation()),
        parameter("quality", "Of a JPEG", json!({ "type": "integer", "minimum": 1, "maximum": 100 })),
        accept(media_types),
    ]
}

fn annotation() -> Value {
    json!({ "type": "string", "enum": ["patient", "technique", "patient,technique"] })
}

fn picture(summary: &str) -> Value {
    const FORMATS: [&str; 3] = ["image/jpeg", "image/png", "image/webp"];
    let content = FORMATS.map(|format| (format, schema::binary()));
    operation(
        summary,
        drawing(&FORMATS),
        conditional(responses("The picture", &content, &[400, 404, 406, 413]), true),
    )
}

fn drawn_frames() -> Value {
    let formats = ["image/jpeg", "image/png", "image/webp"];
    let multipart = formats.map(|format| format!("multipart/related; type=\"{format}\""));
    let accepted: Vec<&str> = formats.into_iter().chain(multipart.iter().map(String::as_str)).collect();
    let mut content = formats.map(|format| (format, schema::binary())).to_vec();
    content.push((MULTIPART, schema::binary()));
    operation(
        "Draw frames",
        drawing(&accepted),
        conditional(
            responses("The picture of one frame; those of several as parts", &content, &[400, 404, 406, 413]),
            true,
        ),
    )
}

fn pictures(what: &str) -> Value {
    operation(
        &format!("Draw {what}"),
        drawing(&[
            "multipart/related; type=\"image/jpeg\"",
            "multipart/related; type=\"image/png\"",
            "multipart/related; type=\"image/webp\"",
        ]),
        conditional(
            responses(
                "A picture of each instance with pixels",
                &[(MULTIPART, schema::binary())],
                &[400, 404, 406, 413],
            ),
            false,
        ),
    )
}

fn uri() -> Value {
    let required = |name: &str, schema: Value| json!({ "name": name, "in": "query", "required": true, "schema": schema });
    let whole = |most: u32| json!({ "type": "integer", "minimum": 1, "maximum": most });
    let number = || json!({ "type": "number", "minimum": -100_000, "maximum": 100_000 });
    let parameters = vec![
        required("requestType", json!({ "type": "string", "enum": ["WADO"] })),
        required("studyUID", schema::reference("Uid")),
        required("seriesUID", schema::reference("Uid")),
        required("objectUID", schema::reference("Uid")),
        parameter(
            "contentType",
            "Media types",
            json!({ "type": "string", "enum": [DICOM, "image/jpeg", "image/png"] }),
        ),
        parameter("transferSyntax", "Of an object; * is the stored one", schema::reference("Uid")),
        parameter("frameNumber", "The frame to draw", schema::reference("Frame")),
        parameter("windowCenter", "With windowWidth", number()),
        parameter("windowWidth", "With windowCenter", number()),
        parameter("rows", "Height in pixels at most", whole(8192)),
        parameter("columns", "Width in pixels at most", whole(8192)),
        parameter(
            "region",
            "left,top,right,bottom from 0 to 1",
            json!({ "type": "string", "pattern": "^0\\.[0-4],0\\.[0-4],0\\.[5-9],0\\.[5-9]$" }),
        ),
        parameter("imageQuality", "Of a JPEG", whole(100)),
        parameter("annotation", "What is written on a picture", annotation()),
        parameter(
            "presentationSeriesUID",
            "The series of a presentation state of the study; with presentationUID",
            schema::reference("Uid"),
        ),
        parameter(
            "presentationUID",
            "The presentation state by which the picture is shown, without windowCenter and windowWidth",
            schema::reference("Uid"),
        ),
    ];
    let content = [DICOM, "image/jpeg", "image/png"].map(|media_type| (media_type, schema::binary()));
    operation(
        "Retrieve or draw an instance (WADO-URI)",
        parameters,
        conditional(responses("The object or the picture", &content, &[400, 404, 406, 413]), true),
    )
}

fn operation(summary: &str, parameters: Vec<Value>, responses: Value) -> Value {
    json!({ "summary": summary, "tags": ["retrieve"], "parameters": parameters, "responses": responses })
}
