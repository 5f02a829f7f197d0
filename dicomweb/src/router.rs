//! The table of contents.

use crate::caller::Caller;
use crate::error::Error;
use crate::removal::{delete, reject, restore};
use crate::state::State;
use crate::{capabilities, qido, stow, telemetry, ups, wado, xml};
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_extractor, from_fn};
use axum::routing::{MethodRouter, get, options, post, put};

/// Every resource of the service. The program mounts it, usually at `/dicomweb`, and puts the caller's
/// [`pacs_core::access::Actor`] into the extensions of each request.
pub fn router(state: State) -> Router {
    const STUDY: &str = "/studies/{study}";
    const SERIES: &str = "/studies/{study}/series/{series}";
    const INSTANCE: &str = "/studies/{study}/series/{series}/instances/{instance}";
    const WORKITEM: &str = "/workitems/{workitem}";
    let of = |resource: &str, rest: &str| format!("{resource}{rest}");
    // Data sets, in JSON or XML.
    let sets = |method: MethodRouter<State>| method.route_layer(from_fn(xml::offer));
    // A reason in somebody's own words.
    let reason = || DefaultBodyLimit::max(restore::BODY_BYTES);

    Router::new()
        // Capabilities (PS3.18 8.9)
        .route("/", options(capabilities::show))
        // QIDO-RS (PS3.18 10.6), STOW-RS (10.5)
        .route("/studies", sets(get(qido::studies)).post(stow::any_study))
        .route("/series", sets(get(qido::series)))
        .route("/instances", sets(get(qido::instances)))
        .route(&of(STUDY, "/series"), sets(get(qido::series_of_study)))
        .route(&of(STUDY, "/instances"), sets(get(qido::instances_of_study)))
        .route(&of(SERIES, "/instances"), sets(get(qido::instances_of_series)))
        .route("/studies/count", get(qido::count::studies))
        .route("/series/count", get(qido::count::series))
        .route("/instances/count", get(qido::count::instances))
        .route(&of(STUDY, "/series/count"), get(qido::count::series_of_study))
        .route(&of(STUDY, "/instances/count"), get(qido::count::instances_of_study))
        .route(&of(SERIES, "/instances/count"), get(qido::count::instances_of_series))
        // WADO-RS (PS3.18 10.4): instances
        .route(STUDY, get(wado::study::retrieve).post(stow::one_study).delete(delete::study))
        .route(SERIES, get(wado::series::retrieve).delete(delete::series))
        .route(INSTANCE, get(wado::instance::retrieve).delete(delete::instance))
        // metadata
        .route(&of(STUDY, "/metadata"), sets(get(wado::metadata::of_study)))
        .route(&of(SERIES, "/metadata"), sets(get(wado::metadata::of_series)))
        .route(&of(INSTANCE, "/metadata"), sets(get(wado::metadata::of_instance)))
        // frames, pixel data and bulk data
        .route(&of(INSTANCE, "/frames/{frames}"), get(wado::frames::retrieve))
        .route(&of(STUDY, "/pixeldata"), get(wado::pixeldata::of_study))
        .route(&of(SERIES, "/pixeldata"), get(wado::pixeldata::of_series))
        .route(&of(INSTANCE, "/pixeldata"), get(wado::pixeldata::of_instance))
        .route(&of(STUDY, "/bulkdata"), get(wado::bulkdata_all::of_study))
        .route(&of(SERIES, "/bulkdata"), get(wado::bulkdata_all::of_series))
        .route(&of(INSTANCE, "/bulkdata"), get(wado::bulkdata_all::of_instance))
        .route(&of(INSTANCE, "/bulkdata/{*path}"), get(wado::bulkdata::retrieve))
        // rendered
        .route(&of(STUDY, "/rendered"), get(wado::rendered_all::of_study))
        .route(&of(SERIES, "/rendered"), get(wado::rendered_all::of_series))
        .route(&of(INSTANCE, "/rendered"), get(wado::rendered::of_instance))
        .route(&of(INSTANCE, "/frames/{frames}/rendered"), get(wado::rendered_frames::retrieve))
        .route(&of(STUDY, "/thumbnail"), get(wado::thumbnail::of_study))
        .route(&of(SERIES, "/thumbnail"), get(wado::thumbnail::of_series))
        .route(&of(INSTANCE, "/thumbnail"), get(wado::thumbnail::of_instance))
        .route(&of(INSTANCE, "/frames/{frames}/thumbnail"), get(wado::thumbnail::of_frame))
        // WADO-URI (PS3.18 9)
        .route("/wado", get(wado::uri::retrieve))
        // rejected (IHE RAD TF-3 4.66)
        .route(&of(STUDY, "/reject/{reason}"), post(reject::study))
        .route(&of(SERIES, "/reject/{reason}"), post(reject::series))
        .route(&of(INSTANCE, "/reject/{reason}"), post(reject::instance))
        .route(&of(STUDY, "/restore"), post(restore::study).layer(reason()))
        .route(&of(SERIES, "/restore"), post(restore::series).layer(reason()))
        .route(&of(INSTANCE, "/restore"), post(restore::instance).layer(reason()))
        // UPS-RS (PS3.18 11)
        .route("/workitems", sets(get(ups::search::answer)).post(ups::create::answer))
        .route(WORKITEM, sets(get(ups::retrieve::answer)).post(ups::update::answer))
        .route(&of(WORKITEM, "/state"), put(ups::state::answer))
        .route(&of(WORKITEM, "/cancelrequest"), post(ups::cancel::answer))
        .route(
            &of(WORKITEM, "/subscribers/{subscriber}"),
            post(ups::subscribe::answer).delete(ups::unsubscribe::answer),
        )
        .route(&of(WORKITEM, "/subscribers/{subscriber}/suspend"), post(ups::suspend::answer))
        .route("/subscribers/{subscriber}", get(ups::channel::open))
        .fallback(|| async { Error::NotFound("this resource") })
        .method_not_allowed_fallback(capabilities::other_methods)
        // Whoever has not signed in learns nothing, not even which resources there are.
        .layer(from_extractor::<Caller>())
        .layer(from_fn(telemetry::measure))
        // An instance may be of any size: what is stored is bounded by the spool, not by the request.
        .layer(DefaultBodyLimit::disable())
        .with_state(state)
}
