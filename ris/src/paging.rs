//! Which page of a list is asked for.

use serde::Deserialize;
use utoipa::IntoParams;

/// Rows of a page when the caller does not say.
const DEFAULT_LIMIT: u32 = 50;

/// Which page.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Paging {
    /// At most so many; 100 are given at once.
    limit: Option<u32>,
    /// The `next` of the page before.
    pub cursor: Option<String>,
}

impl Paging {
    /// How many are wanted at most.
    pub fn limit(&self) -> u32 {
        self.limit.unwrap_or(DEFAULT_LIMIT)
    }
}
