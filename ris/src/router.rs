//! The table of contents.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post, put};

use crate::state::State;
use crate::{
    Error, archives, corrections, devices, events, intakes, keeping, orders, patients, performed, queue,
    reconciliation, rejections, routes, studies, system, unmatched, worklist,
};

/// A form is small; images come through DICOMweb.
const BODY_LIMIT_BYTES: usize = 1 << 20;

/// All routes, to be nested under `/api/v1`. The caller puts the signed-in
/// [`pacs_core::access::Actor`] into every request's extensions; without one, routes answer 401.
pub fn router(state: State) -> Router {
    Router::new()
        .route("/studies", get(studies::newest))
        .route("/studies/search", post(studies::search))
        .route("/studies/{study_uid}", get(studies::one))
        .route("/studies/{study_uid}/send", post(queue::send))
        .route("/studies/{study_uid}/performed-steps", get(performed::of_study))
        .route("/queue", get(queue::list))
        .route("/queue/{id}/failures", get(queue::failures))
        .route("/queue/{id}/cancel", post(queue::cancel))
        .route("/queue/{id}/retry", post(queue::retry))
        .route("/queue/{id}/priority", post(queue::prioritise))
        .route("/queue/{id}/resend", post(queue::resend))
        .route("/queue/notices", get(queue::notices::list))
        .route("/queue/notices/{id}/retry", post(queue::notices::retry))
        .route("/queue/notices/{id}/cancel", post(queue::notices::cancel))
        .route("/archives/queries/{id}", get(archives::answer))
        .route("/archives/{ae_title}/queries", post(archives::ask))
        .route("/archives/{ae_title}/pull", post(archives::pull))
        .route("/routes", get(routes::list))
        .route(
            "/routes/{name}",
            post(routes::add).put(routes::put).patch(routes::enable).delete(routes::remove),
        )
        .route("/studies/{study_uid}/corrections", get(corrections::attributes).post(corrections::correct))
        .route("/studies/{study_uid}/corrections/preview", post(corrections::preview))
        .route("/studies/{study_uid}/moves", post(corrections::move_images))
        .route("/studies/{study_uid}/acts", get(corrections::history))
        .route("/rejections", get(rejections::list))
        .route("/studies/{study_uid}/rejections", get(rejections::of_study).post(rejections::reject))
        .route("/studies/{study_uid}/rejections/restore", post(rejections::restore))
        .route("/acts/{act_id}/undo", post(corrections::undo))
        .route("/worklist", get(worklist::day))
        .route("/exams/search", post(unmatched::exams))
        .route("/exams/{exam_id}/acts", post(worklist::act))
        .route("/exams/{exam_id}/undo", post(worklist::undo))
        .route("/exams/{exam_id}/performed-steps", get(performed::of_exam))
        .route("/orders", post(orders::create))
        .route("/orders/form", get(orders::form))
        .route("/patients/search", post(patients::search))
        .route("/patients/{record_id}", get(patients::record))
        .route("/patients/{record_id}/merge", post(patients::merge))
        .route("/patients/{record_id}/unmerge", post(patients::unmerge))
        .route("/patients/{record_id}/numbers", post(patients::numbers::add))
        .route("/patients/{record_id}/numbers/remove", post(patients::numbers::remove))
        .route("/reconciliation", get(reconciliation::list))
        .route("/reconciliation/{discrepancy_id}/difference", get(reconciliation::difference))
        .route("/reconciliation/{discrepancy_id}/answer", post(reconciliation::answer))
        .route("/reconciliation/{discrepancy_id}/reopen", post(reconciliation::reopen))
        .route("/unmatched", get(unmatched::list))
        .route("/unmatched/{study_uid}/link", post(unmatched::link))
        .route("/unmatched/{study_uid}/unlink", post(unmatched::unlink))
        .route("/devices", get(devices::list).post(devices::add))
        .route("/devices/failures/forget", post(devices::forget_failures))
        .route("/devices/{ae_title}", put(devices::change).delete(devices::remove))
        .route("/devices/{ae_title}/echo", post(devices::begin_echo))
        .route("/devices/{ae_title}/echo/{job_id}", get(devices::echo))
        .route("/events", get(events::follow))
        .route("/storage", get(keeping::show))
        .route("/intakes", get(intakes::list))
        .route("/intakes/{id}", get(intakes::one))
        .route("/intakes/{id}/stop", post(intakes::stop))
        .route("/intakes/{id}/resume", post(intakes::resume))
        .route("/system", get(system::show))
        .fallback(async || Error::NotFound)
        .layer(DefaultBodyLimit::max(BODY_LIMIT_BYTES))
        .with_state(state)
}
