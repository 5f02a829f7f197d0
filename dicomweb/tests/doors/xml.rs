//! Searches and metadata in XML say what they say in JSON, to a reader of XML that is not ours.

use crate::support::steps::made;
use crate::support::{Answer, House, above, file, path_of};
use http::StatusCode;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};
use serde_json::Value;

const XML: &str = r#"multipart/related; type="application/dicom+xml""#;

fn digits(text: &str) -> u32 {
    u32::from_str_radix(text, 16).unwrap()
}

/// What a data set says, a line each.
fn of_json(set: &Value, lines: &mut Vec<String>) {
    let attributes = set.as_object().unwrap();
    for (key, attribute) in attributes {
        let is_private = digits(&key[..4]) % 2 == 1;
        let creator = format!("{}00{}", &key[..4], &key[4..6]);
        let creator =
            attributes.get(&creator).filter(|_| is_private).and_then(|creator| creator["Value"][0].as_str());
        if is_private && digits(&key[4..]) < 0x100 {
            continue;
        }
        let tag = if creator.is_some() { format!("{}00{}", &key[..4], &key[6..]) } else { key.clone() };
        lines.push(format!("{tag} {} {}", attribute["vr"].as_str().unwrap(), creator.unwrap_or_default()));
        for value in attribute["Value"].as_array().into_iter().flatten() {
            match (attribute["vr"].as_str().unwrap(), value) {
                ("SQ", item) => {
                    lines.push("item".to_owned());
                    of_json(item, lines);
                }
                ("PN", Value::Object(groups)) => {
                    lines.push("name".to_owned());
                    let mut components = Vec::new();
                    for group in ["Alphabetic", "Ideographic", "Phonetic"] {
                        let name = groups.get(group).and_then(Value::as_str).unwrap_or_default();
                        components
                            .extend(name.splitn(5, '^').filter(|part| !part.is_empty()).map(str::to_owned));
                    }
                    lines.extend(components);
                }
                ("PN", _) => lines.push("name".to_owned()),
                (_, Value::Null) => lines.push(String::new()),
                (_, Value::String(text)) => lines.push(text.clone()),
                // Decimals are written in more than one way.
                (_, number) => lines.push(number.as_f64().unwrap().to_string()),
            }
        }
        for key in ["BulkDataURI", "InlineBinary"] {
            lines.extend(attribute.get(key).and_then(Value::as_str).map(str::to_owned));
        }
    }
}

fn attribute(start: &BytesStart<'_>, name: &str) -> String {
    let found =
        start.attributes().map(Result::unwrap).find(|attribute| attribute.key.as_ref() == name.as_bytes());
    found
        .map(|attribute| attribute.normalized_value(XmlVersion::Implicit1_0).unwrap().into_owned())
        .unwrap_or_default()
}

fn of_xml(document: &[u8]) -> Vec<String> {
    let mut reader = Reader::from_str(std::str::from_utf8(document).unwrap());
    let (mut lines, mut text, mut depth) = (Vec::new(), String::new(), 0);
    loop {
        match reader.read_event().unwrap() {
            event @ (Event::Start(_) | Event::Empty(_)) => {
                let (Event::Start(start) | Event::Empty(start)) = &event else { unreachable!() };
                depth += i32::from(matches!(event, Event::Start(_)));
                text.clear();
                match start.name().as_ref() {
                    b"NativeDicomModel" => {
                        assert_eq!(
                            attribute(start, "xmlns"),
                            "http://dicom.nema.org/PS3.19/models/NativeDICOM"
                        );
                    }
                    b"DicomAttribute" => {
                        let [tag, vr, creator] =
                            ["tag", "vr", "privateCreator"].map(|name| attribute(start, name));
                        lines.push(format!("{tag} {vr} {creator}"));
                    }
                    b"Item" => lines.push("item".to_owned()),
                    b"PersonName" => lines.push("name".to_owned()),
                    b"BulkData" => lines.push(attribute(start, "uri")),
                    _ => {}
                }
            }
            Event::Text(part) => text.push_str(&part.decode().unwrap()),
            Event::GeneralRef(entity) => match entity.resolve_char_ref().unwrap() {
                Some(character) => text.push(character),
                None => text.push_str(resolve_predefined_entity(&entity.decode().unwrap()).unwrap()),
            },
            Event::End(end) => {
                depth -= 1;
                let name = String::from_utf8(end.name().as_ref().to_vec()).unwrap();
                if name == "Value"
                    || name == "InlineBinary"
                    || name.ends_with("Name") && name != "PersonName"
                    || name.starts_with("Name")
                {
                    lines.push(text.clone());
                }
            }
            Event::Eof => break,
            _ => {}
        }
    }
    assert_eq!(depth, 0);
    lines
}

/// Numbers as they are compared.
fn alike(lines: Vec<String>) -> Vec<String> {
    let number = |line: String| line.parse::<f64>().map_or(line, |number| number.to_string());
    lines.into_iter().map(number).collect()
}

fn documents(answer: &Answer) -> Vec<Vec<String>> {
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    let parts = answer.parts();
    parts
        .iter()
        .map(|(headers, content)| {
            assert!(headers.content_type.as_ref().unwrap().is("application", "dicom+xml"));
            alike(of_xml(content))
        })
        .collect()
}

fn data_sets(answer: &Answer) -> Vec<Vec<String>> {
    let sets = answer.json();
    let lines = |set: &Value| {
        let mut lines = Vec::new();
        of_json(set, &mut lines);
        // What XML has no form for.
        let printable = |line: String| line.replace(|c: char| c < ' ' && !"\t\r\n".contains(c), "\u{FFFD}");
        alike(lines.into_iter().map(printable).collect())
    };
    sets.as_array().unwrap().iter().map(lines).collect()
}

#[tokio::test]
async fn metadata_in_xml_is_that_in_json() {
    for name in [
        "modality/ct-small.dcm",
        "modality/mr-enhanced-10frames.dcm",
        "modality/sr-comprehensive.dcm",
        "modality/ecg-12lead.dcm",
        "modality/pdf-encapsulated.dcm",
        "charset/vn-utf8-nfc.dcm",
        "charset/vn-gb18030.dcm",
        "modality/rtplan.dcm",
    ] {
        let stored = file(name);
        let house = House::new().await;
        house.keep(std::slice::from_ref(&stored)).await;
        let instance = path_of(&stored);
        let study = above(&instance, "/series");
        for resource in [instance.clone(), above(&instance, "/instances"), study] {
            let path = format!("{resource}/metadata");
            let xml = house.get(&path, &[("accept", XML), ("range", "bytes=0-9")]).await;
            let (xml, json) = (documents(&xml), data_sets(&house.get(&path, &[]).await));
            assert!(json.len() == 1 && json[0].len() > 20, "{name}");
            assert_eq!(xml, json, "{name}: {path}");
        }
    }
}

#[tokio::test]
async fn searches_in_xml_are_those_in_json() {
    let house = House::new().await;
    house.keep(&[file("charset/vn-utf8-nfc.dcm"), file("modality/sr-basic-text.dcm")]).await;
    for path in ["/studies", "/series?includefield=all", "/instances?limit=1"] {
        let xml = house.get(path, &[("accept", XML)]).await;
        let json = house.get(path, &[]).await;
        assert_eq!(documents(&xml), data_sets(&json), "{path}");
        assert_eq!(xml.headers.get("warning"), json.headers.get("warning"));
    }
    let by_parameter =
        house.get("/studies?accept=multipart/related;+type=%22application/dicom%2Bxml%22", &[]).await;
    assert_eq!(documents(&by_parameter).len(), 2);
    let none = house.get("/studies?PatientID=nobody", &[("accept", XML)]).await;
    assert_eq!((none.status, none.body.len()), (StatusCode::NO_CONTENT, 0));
    let wrong = house.get("/studies?Nothing=1", &[("accept", XML)]).await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST, "{}", wrong.text());
    // Whoever takes both gets what they want more.
    for (accept, is_xml) in [
        (format!("application/dicom+json; q=0.5, {XML}"), true),
        (format!("application/dicom+json, {XML}; q=0.5"), false),
        (format!("{XML}; q=0, */*"), false),
        ("*/*".to_owned(), false),
    ] {
        let answer = house.get("/studies", &[("accept", accept.as_str())]).await;
        assert_eq!(answer.header("content-type").starts_with("multipart/"), is_xml, "{accept}");
    }
}

#[tokio::test]
async fn steps_in_xml_are_those_in_json() {
    let house = House::new().await;
    let none = house.get("/workitems", &[("accept", XML)]).await;
    assert_eq!((none.status, none.body.len()), (StatusCode::NO_CONTENT, 0));
    for uid in ["1.2.3", "1.2.4"] {
        made(&house, uid).await;
    }
    for path in ["/workitems", "/workitems?limit=1&includefield=all", "/workitems/1.2.4"] {
        let xml = house.get(path, &[("accept", XML)]).await;
        let json = house.get(path, &[]).await;
        assert_eq!(documents(&xml), data_sets(&json), "{path}");
        assert_eq!(xml.headers.get("link"), json.headers.get("link"));
    }
    let absent = house.get("/workitems/1.2.5", &[("accept", XML)]).await;
    assert_eq!(absent.status, StatusCode::NOT_FOUND, "{}", absent.text());
}
