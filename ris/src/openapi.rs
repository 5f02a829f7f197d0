//! This interface, described for programs (OpenAPI 3.1).

use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};

use crate::{
    archives, corrections, devices, events, intakes, keeping, orders, patients, performed, queue,
    reconciliation, rejections, routes, studies, system, unmatched, worklist,
};

/// The routes of this crate. Signing in is the program's, which adds its own and serves the whole.
#[derive(OpenApi)]
#[openapi(
    info(title = "Sen", description = "People's work: studies, worklist, orders, unmatched images"),
    paths(
        studies::search::search,
        studies::search::newest,
        studies::one::one,
        performed::of_study,
        performed::of_exam,
        queue::send::send,
        queue::send::resend,
        queue::list::list,
        queue::failures::failures,
        queue::act::cancel,
        queue::act::retry,
        queue::act::prioritise,
        queue::notices::list,
        queue::notices::retry,
        queue::notices::cancel,
        archives::ask::ask,
        archives::answer::answer,
        archives::pull::pull,
        routes::list::list,
        routes::edit::add,
        routes::edit::put,
        routes::edit::enable,
        routes::edit::remove,
        corrections::attributes::attributes,
        corrections::correct::correct,
        corrections::correct::preview,
        corrections::move_images::move_images,
        corrections::history::history,
        corrections::undo::undo,
        rejections::list::list,
        rejections::of_study::of_study,
        rejections::reject::reject,
        rejections::restore::restore,
        worklist::day::day,
        worklist::act::act,
        worklist::undo::undo,
        orders::create::create,
        orders::form::form,
        patients::search::search,
        patients::record::record,
        patients::merge::merge,
        patients::unmerge::unmerge,
        patients::numbers::add::add,
        patients::numbers::remove::remove,
        reconciliation::list::list,
        reconciliation::answer::answer,
        reconciliation::difference::difference,
        reconciliation::reopen::reopen,
        unmatched::list::list,
        unmatched::exams::exams,
        unmatched::link::link,
        unmatched::unlink::unlink,
        devices::list::list,
        devices::change::add,
        devices::change::change,
        devices::change::remove,
        devices::change::forget_failures,
        devices::echo::begin_echo,
        devices::echo::echo,
        events::follow,
        keeping::show,
        intakes::list::list,
        intakes::one::one,
        intakes::act::stop,
        intakes::act::resume,
        system::show,
    ),
    modifiers(&SignIn),
    security(("session" = []), ("token" = []), ("password" = []))
)]
struct Description;

/// The three ways to say who one is; each route takes any of them.
struct SignIn;

impl Modify for SignIn {
    fn modify(&self, description: &mut utoipa::openapi::OpenApi) {
        let http = |scheme| SecurityScheme::Http(HttpBuilder::new().scheme(scheme).build());
        let schemes = [
            ("session", SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::new("sen_session")))),
            ("token", http(HttpAuthScheme::Bearer)),
            ("password", http(HttpAuthScheme::Basic)),
        ];
        let components = description.components.get_or_insert_with(Default::default);
        for (name, scheme) in schemes {
            components.add_security_scheme(name, scheme);
        }
    }
}

/// The description of this crate's routes under `/api/v1`.
pub fn description() -> utoipa::openapi::OpenApi {
    Description::openapi()
}
