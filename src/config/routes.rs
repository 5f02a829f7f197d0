//! Routes named in the file.

use pacs_core::routing::{Conditions, Hours};
use storage::devices::Source;
use storage::jobs::lanes::Priority;
use storage::routes::Route;

use super::ConfigError;
use super::dimse::title;
use super::keys::{Keys, List, RouteKeys};

/// The longest name, in characters.
const MAX_NAME_CHARS: usize = 64;

/// Checks all `[[route]]` tables.
pub(super) fn from_keys(keys: &Keys) -> Result<Vec<Route>, ConfigError> {
    let mut routes: Vec<Route> = Vec::with_capacity(keys.route.len());
    for route in &keys.route {
        let name = route.name.trim().to_owned();
        if name.is_empty() || name.chars().count() > MAX_NAME_CHARS {
            return Err(ConfigError::value("route", format!("a name has 1 to {MAX_NAME_CHARS} characters")));
        }
        if routes.iter().any(|known| known.name == name) {
            return Err(ConfigError::value("route", format!("the name {name} is there twice")));
        }
        let wrong = |what: &str| ConfigError::value("route", format!("{name}: {what}"));
        let priority = route.priority.as_deref().map_or(Some(Priority::Normal), Priority::parse);
        routes.push(Route {
            device: title("route", &route.to)?,
            conditions: conditions(route).map_err(wrong)?,
            priority: priority.ok_or_else(|| wrong("priority must be low, normal or high"))?,
            after_corrections: route.after_corrections.unwrap_or(false),
            is_enabled: true,
            source: Source::File,
            name,
        });
    }
    Ok(routes)
}

fn conditions(route: &RouteKeys) -> Result<Conditions, &'static str> {
    let items = |list: &Option<List>| -> Vec<String> {
        list.iter().flat_map(List::items).map(str::to_owned).collect()
    };
    let hours = route.hours.as_deref().map(|text| Hours::parse(text).ok_or("hours must be like 18:00-06:00"));
    Ok(Conditions {
        calling_ae: items(&route.calling_ae),
        modality: items(&route.modality),
        body_part: items(&route.body_part),
        facility: items(&route.facility),
        hours: hours.transpose()?,
    })
}
