//! The pages of Sen: the built browser application, embedded in the program, and the router that serves it.
//!
//! The application lives in `app/` and is built by `npm run build`; without a build the crate still compiles and
//! its pages answer 503. The router is complete in itself and is merged into the program's: it answers the
//! addresses of pages, `/assets/…` and the favicon, and nothing else, so that an unknown address stays a 404.

mod asset;
mod encoding;
mod pages;
mod security;

use axum::Router;
use axum::middleware;
use axum::routing::get;

/// The router of the pages. It keeps no state and needs no sign-in: what is worth protecting comes from `/api/v1`
/// and `/dicomweb`.
pub fn router() -> Router {
    let mut router =
        Router::new().route("/assets/{name}", get(asset::hashed)).route("/favicon.svg", get(asset::favicon));
    for page in pages::PAGES {
        router = router.route(page, get(asset::index));
    }
    router.layer(middleware::map_response(security::headers))
}
