//! This service described for programs, in OpenAPI 3.1. The keys of searches are those that storage matches; tests hold
//! the rest to the routes.

mod operation;
mod remove;
mod retrieve;
mod schema;
mod search;
mod store;
mod worklist;

use operation::Resource;
use serde_json::{Map, Value, json};

/// The description of all resources, `mount` being what their paths begin with: nothing, or where the program placed
/// the service.
pub fn description(mount: &str) -> Value {
    let mut paths = Map::new();
    for Resource { path, methods } in resources() {
        let mut item = Map::new();
        let parameters = path_parameters(&path);
        if !parameters.is_empty() {
            item.insert("parameters".into(), parameters.into());
        }
        item.extend(methods.into_iter().map(|(method, operation)| (method.to_owned(), operation)));
        // The service itself has no slash at its end where it has a path.
        let below = if path == "/" && !mount.is_empty() { "" } else { path.as_str() };
        paths.insert(format!("{mount}{below}"), item.into());
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Sen DICOMweb",
            "description": "The Studies, URI and Worklist services of DICOM PS3.18",
            "version": env!("CARGO_PKG_VERSION"),
        },
        "paths": paths,
        "components": { "schemas": schema::all() },
    })
}

/// Every resource with what may be done with it.
fn resources() -> Vec<Resource> {
    let capabilities = json!({
        "summary": "What this service can do (PS3.18 8.9)",
        "tags": ["dicomweb"],
        "responses": operation::responses(
            "The description",
            &[("application/vnd.sun.wadl+xml", json!({ "type": "string" })), ("application/json", json!({ "type": "object" }))],
            &[400, 406],
        ),
    });
    let root = Resource { path: "/".into(), methods: vec![("options", capabilities)] };
    let services = [
        search::resources(),
        retrieve::resources(),
        store::resources(),
        remove::resources(),
        worklist::resources(),
    ];
    let mut all = vec![root];
    for next in services.into_iter().flatten() {
        match all.iter_mut().find(|known| known.path == next.path) {
            Some(known) => known.methods.extend(next.methods),
            None => all.push(next),
        }
    }
    all
}

/// The parameters that a path has.
fn path_parameters(path: &str) -> Vec<Value> {
    let names = path.split('/').filter_map(|step| step.strip_prefix('{')?.strip_suffix('}'));
    names
        .map(|name| {
            let schema = match name {
                "frames" => schema::reference("Frames"),
                "frame" => schema::reference("Frame"),
                "path" => schema::reference("ValuePath"),
                "reason" => schema::reference("Reason"),
                "subscriber" => schema::reference("AeTitle"),
                _ => schema::reference("Uid"),
            };
            json!({ "name": name, "in": "path", "required": true, "schema": schema })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// Methods and paths of the router's table of contents, as they are written there.
    fn routed() -> BTreeSet<(&'static str, String)> {
        let source = include_str!("../router.rs");
        let mut routed = BTreeSet::new();
        for route in source.split(".route(").skip(1) {
            let route: String = route.split_whitespace().collect();
            let route = route.split("//").next().unwrap();
            let (path, handlers) = match route.strip_prefix("&of(") {
                Some(both) => both.split_once(')').unwrap(),
                None => route.split_once(',').unwrap(),
            };
            let (base, rest) = path.split_once(',').unwrap_or((path, ""));
            let base = match base {
                "STUDY" => "/studies/{study}",
                "SERIES" => "/studies/{study}/series/{series}",
                "INSTANCE" => "/studies/{study}/series/{series}/instances/{instance}",
                "WORKITEM" => "/workitems/{workitem}",
                literal => literal.trim_matches('"'),
            };
            for method in ["get", "post", "put", "delete", "options"] {
                if handlers.contains(&format!("{method}(")) {
                    routed.insert((method, format!("{base}{}", rest.trim_matches('"'))));
                }
            }
        }
        routed
    }

    #[test]
    fn every_route_is_described_and_nothing_else() {
        let described = resources().into_iter().flat_map(|resource| {
            // One frame is a list of one, and a path of several steps has another name in the router.
            let path = resource.path.replace("{frame}", "{frames}").replace("{path}", "{*path}");
            resource.methods.into_iter().map(move |(method, _)| (method, path.clone()))
        });
        assert_eq!(described.collect::<BTreeSet<_>>(), routed());
    }

    /// What a request may say of steps stands in its description.
    #[test]
    fn the_worklist_is_described_with_its_parameters_and_bodies() {
        let description = description("");
        let operation = |path: &str, method: &str| description["paths"][path][method].clone();
        let names = |operation: &Value| -> Vec<String> {
            let parameters = operation["parameters"].as_array().unwrap();
            parameters.iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect()
        };
        let search = names(&operation("/workitems", "get"));
        for path in storage::ups::matched() {
            let keywords: Vec<_> =
                path.iter().map(|tag| pacs_core::dataset::keyword_of(*tag).unwrap()).collect();
            assert!(search.contains(&keywords.join(".")), "{path:?}");
        }
        for name in
            ["includefield", "fuzzymatching", "emptyvaluematching", "limit", "offset", "after", "accept"]
        {
            assert!(search.contains(&name.to_owned()), "{name}");
        }
        let of_step = "/workitems/{workitem}";
        assert_eq!(names(&operation("/workitems", "post")), ["workitem"]);
        assert_eq!(names(&operation(of_step, "post")), ["transaction-uid"]);
        let subscribers = format!("{of_step}/subscribers/{{subscriber}}");
        assert_eq!(names(&operation(&subscribers, "post")), ["deletionlock", "filter", "fuzzymatching"]);
        for (path, method, is_required) in [
            ("/workitems".to_owned(), "post", true),
            (of_step.to_owned(), "post", true),
            (format!("{of_step}/state"), "put", true),
            (format!("{of_step}/cancelrequest"), "post", false),
        ] {
            let body = operation(&path, method)["requestBody"].clone();
            assert_eq!(body["required"], is_required, "{method} {path}");
            assert!(body["content"]["application/dicom+json"]["schema"]["$ref"].is_string());
        }
    }

    #[test]
    fn references_lead_somewhere() {
        let description = description("/dicomweb");
        fn visit(value: &Value, root: &Value, seen: &mut usize) {
            match value {
                Value::Object(map) => {
                    if let Some(Value::String(reference)) = map.get("$ref") {
                        assert!(root.pointer(reference.trim_start_matches('#')).is_some(), "{reference}");
                        *seen += 1;
                    }
                    map.values().for_each(|value| visit(value, root, seen));
                }
                Value::Array(values) => values.iter().for_each(|value| visit(value, root, seen)),
                _ => {}
            }
        }
        let mut seen = 0;
        visit(&description, &description, &mut seen);
        assert!(seen > 50 && description["paths"]["/dicomweb/studies"]["post"].is_object());
    }
}
