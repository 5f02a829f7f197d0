//! `OPTIONS` of the service itself: what it can do (PS3.18 8.9, annex H), as WADL or as the OpenAPI description that it is
//! made from.

use crate::accept::Accept;
use crate::answer::BY_ACCEPT;
use crate::base_url::BaseUrl;
use crate::description::description;
use crate::error::Error;
use crate::query_string;
use crate::state::State;
use crate::validators::CACHE;
use axum::extract::RawQuery;
use axum::response::{IntoResponse, Response};
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, VARY};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use serde_json::{Value, json};
use url::Url;

/// The forms of the description.
#[derive(Debug, Clone, Copy)]
enum Form {
    Wadl,
    OpenApi,
}

/// What the answer needs of its request.
#[derive(axum::extract::FromRequestParts)]
#[from_request(state(State))]
pub struct Request {
    base: BaseUrl,
    query: RawQuery,
    headers: HeaderMap,
}

/// `OPTIONS /`
pub async fn show(request: Request) -> Result<Response, Error> {
    let parameters = query_string::parameters(request.query.0.as_deref())?;
    let parameter = parameters.iter().find(|(name, _)| name.eq_ignore_ascii_case("accept"));
    let accept = Accept::read(&request.headers, parameter.map(|(_, value)| value.as_str()))?;
    let offered = [
        ("application", "vnd.sun.wadl+xml", Form::Wadl),
        ("application", "json", Form::OpenApi),
        ("application", "openapi+json", Form::OpenApi),
    ];
    let form = accept.choose(&offered, "application/vnd.sun.wadl+xml and application/json")?;
    let base = Url::parse(request.base.as_str()).map_err(|_| Error::bad_request("the Host is not a host"))?;
    let (server, mount) = (base.origin().ascii_serialization(), base.path().trim_end_matches('/'));
    let mut description = description(mount);
    let (content_type, body) = match form {
        Form::Wadl => ("application/vnd.sun.wadl+xml", wadl(&description, &server)),
        Form::OpenApi => {
            if let Some(description) = description.as_object_mut() {
                description.insert("servers".to_owned(), json!([{ "url": server }]));
            }
            ("application/json", description.to_string())
        }
    };
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static(content_type)),
        (CACHE_CONTROL, CACHE),
        (VARY, HeaderValue::from_static(BY_ACCEPT)),
        (ALLOW, HeaderValue::from_static("OPTIONS")),
    ];
    Ok((headers, body).into_response())
}

/// What a resource answers to methods that it does not have. `OPTIONS` asks for those that it has, which `Allow` says.
pub async fn other_methods(method: Method) -> Response {
    match method {
        Method::OPTIONS => StatusCode::NO_CONTENT.into_response(),
        _ => Error::MethodNotAllowed.into_response(),
    }
}

/// The description as a Web Application Description (W3C submission of 2009).
fn wadl(description: &Value, server: &str) -> String {
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<application xmlns=\"http://wadl.dev.java.net/2009/02\">\n\
         <resources base=\"{}/\">\n",
        escaped(server)
    );
    for (path, item) in entries(description.get("paths")) {
        text.push_str(&format!("<resource path=\"{}\">\n", escaped(path.trim_start_matches('/'))));
        parameters(&mut text, item, "template");
        for (method, operation) in entries(Some(item)).filter(|(name, _)| *name != "parameters") {
            text.push_str(&format!("<method name=\"{}\">\n<request>\n", method.to_ascii_uppercase()));
            parameters(&mut text, operation, "query");
            representations(&mut text, operation.get("requestBody"));
            text.push_str("</request>\n");
            for (status, response) in entries(operation.get("responses")) {
                text.push_str(&format!("<response status=\"{status}\">\n"));
                representations(&mut text, Some(response));
                text.push_str("</response>\n");
            }
            text.push_str("</method>\n");
        }
        text.push_str("</resource>\n");
    }
    text.push_str("</resources>\n</application>\n");
    text
}

fn parameters(text: &mut String, of: &Value, style: &str) {
    for parameter in of.get("parameters").and_then(Value::as_array).into_iter().flatten() {
        let name = escaped(parameter.get("name").and_then(Value::as_str).unwrap_or_default());
        let required = parameter.get("required").and_then(Value::as_bool).unwrap_or_default();
        text.push_str(&format!("<param name=\"{name}\" style=\"{style}\" required=\"{required}\"/>\n"));
    }
}

fn representations(text: &mut String, of: Option<&Value>) {
    for (media_type, _) in entries(of.and_then(|of| of.get("content"))) {
        text.push_str(&format!("<representation mediaType=\"{}\"/>\n", escaped(media_type)));
    }
}

fn entries(object: Option<&Value>) -> impl Iterator<Item = (&str, &Value)> {
    object.and_then(Value::as_object).into_iter().flatten().map(|(name, value)| (name.as_str(), value))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;")
}
