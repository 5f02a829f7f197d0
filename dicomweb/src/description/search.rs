//! Searches (PS3.18 10.6).

use super::operation::{Resource, accept, parameter, responses};
use super::schema;
use crate::qido::ANSWERS_MAX;
use pacs_core::dataset::{keyword_of, vr_of};
use pacs_core::query::Level;
use serde_json::{Value, json};

/// All searches, and the counts of their answers.
pub fn resources() -> Vec<Resource> {
    let searches = [
        ("/studies", Level::Study),
        ("/series", Level::Series),
        ("/instances", Level::Instance),
        ("/studies/{study}/series", Level::Series),
        ("/studies/{study}/instances", Level::Instance),
        ("/studies/{study}/series/{series}/instances", Level::Instance),
    ];
    let both = searches.map(|(path, level)| {
        [Resource::get(path, search(path, level)), Resource::get(format!("{path}/count"), count(path, level))]
    });
    both.into_iter().flatten().collect()
}

fn search(path: &str, level: Level) -> Value {
    let mut parameters = keys(path, level);
    let whole = |most: u32| json!({ "type": "integer", "minimum": 0, "maximum": most });
    parameters.extend(usual());
    parameters.extend([
        parameter("multiplevaluematching", "The attribute has to have all values of a key", truth()),
        parameter(
            "limit",
            &format!("At most so many answers, and never more than {ANSWERS_MAX}"),
            whole(u32::MAX),
        ),
        parameter("offset", "So many of the first answers are left out", whole(u32::MAX)),
        parameter(
            "after",
            "What the link to the next page carries",
            json!({ "type": "string", "pattern": r"^[0-9]{1,14}\.[0-9]{1,9}$" }),
        ),
    ]);
    let mut responses = responses(
        "The answers, newest study first; cut ones have a Warning and a Link to the next page",
        &schema::data_sets(),
        &[400, 406],
    );
    if let Some(responses) = responses.as_object_mut() {
        responses
            .insert("204".into(), json!({ "description": "There are no answers, which XML cannot say" }));
    }
    json!({
        "summary": format!("Find {}", what(level)),
        "tags": ["search"],
        "parameters": parameters,
        "responses": responses,
    })
}

/// What searches for anything have beside their keys and pages.
pub fn usual() -> [Value; 5] {
    [
        parameter(
            "includefield",
            "Attributes by keyword, tag or path through sequences, parted by commas, or all",
            json!({ "type": "string", "pattern": "^(all|[0-9A-Fa-f]{8}(,[0-9A-Fa-f]{8}){0,3})?$" }),
        ),
        parameter("fuzzymatching", "Words of a name may be beginnings of words", truth()),
        parameter(
            "emptyvaluematching",
            "A key of two quotation marks matches where there is no value",
            truth(),
        ),
        parameter(
            "charset",
            "Without effect: answers are UTF-8",
            json!({ "type": "string", "pattern": r"^[^\x00]*$" }),
        ),
        accept(&schema::DATA_SETS),
    ]
}

/// A parameter that is a word for yes or no.
pub fn truth() -> Value {
    json!({ "type": "string", "enum": ["true", "false", ""] })
}

fn count(path: &str, level: Level) -> Value {
    let mut parameters = keys(path, level);
    parameters.push(accept(&["application/json"]));
    json!({
        "summary": format!("Count {}", what(level)),
        "tags": ["search"],
        "parameters": parameters,
        "responses": responses(
            "How many answers the search has",
            &[("application/json", schema::reference("Count"))],
            &[400, 406],
        ),
    })
}

fn what(level: Level) -> &'static str {
    match level {
        Level::Patient | Level::Study => "studies",
        Level::Series => "series",
        Level::Instance => "instances",
    }
}

/// What is matched at a level, apart from what the path says.
fn keys(path: &str, level: Level) -> Vec<Value> {
    let in_path = |name: &str| match name {
        "StudyInstanceUID" => path.contains("{study}"),
        "SeriesInstanceUID" => path.contains("{series}"),
        _ => false,
    };
    let keys = storage::query::matched(level).into_iter().filter_map(|path| {
        let keywords: Option<Vec<&str>> = path.iter().map(|tag| keyword_of(*tag)).collect();
        let name = keywords?.join(".");
        let vr = vr_of(*path.last()?);
        (!in_path(&name)).then(|| parameter(&name, "A key", schema::of_key(vr)))
    });
    keys.collect()
}
