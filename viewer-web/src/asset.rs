//! The embedded files and how each is answered.

use axum::body::Body;
use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, IF_NONE_MATCH, RETRY_AFTER, VARY};
use http::{HeaderMap, HeaderValue, StatusCode};
use rust_embed::{EmbeddedFile, RustEmbed};

use crate::encoding::{Encoding, accepted};

/// The build of `app/`. In development it is read from disk at each request, in a release it is part of the program.
#[derive(RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/app/dist"]
#[allow_missing = true]
struct Build;

/// How long a browser may keep a file without asking again.
#[derive(Clone, Copy)]
enum Keeping {
    /// The name contains a hash of the content: another content has another name.
    Forever,
    /// Asked for each time; an unchanged file costs a 304.
    Revalidated,
}

/// A page: always the same `index.html`.
pub(crate) async fn index(headers: HeaderMap) -> Response {
    answer("index.html", Keeping::Revalidated, &headers).unwrap_or_else(not_built)
}

/// A file under `/assets/`. A missing one is a 404 and never a page: a decoder that were answered with HTML would
/// break in ways nobody understands.
pub(crate) async fn hashed(Path(name): Path<String>, headers: HeaderMap) -> Response {
    // The folder is flat. In development it is a real one, out of which no name may lead.
    let plain = !name.starts_with('.') && !name.contains(['/', '\\']);
    plain
        .then(|| answer(&format!("assets/{name}"), Keeping::Forever, &headers))
        .flatten()
        .unwrap_or_else(|| StatusCode::NOT_FOUND.into_response())
}

/// The sign in the browser's tab.
pub(crate) async fn favicon(headers: HeaderMap) -> Response {
    answer("favicon.svg", Keeping::Revalidated, &headers)
        .unwrap_or_else(|| StatusCode::NOT_FOUND.into_response())
}

/// The file of this name in the smallest form the browser accepts; `None` when the build has no such file.
fn answer(name: &str, keeping: Keeping, request: &HeaderMap) -> Option<Response> {
    let plain = Build::get(name)?;
    let (file, encoding) = smallest(name, plain, request);
    // Every form has its own tag: a cache must not take the one for the other.
    let form = encoding.map_or("", Encoding::token);
    let etag = format!("\"{}{form}\"", hex(&file.metadata.sha256_hash()));
    if matches(request, &etag) {
        return Some(headed(StatusCode::NOT_MODIFIED, Body::empty(), keeping, &etag));
    }
    let mut response = headed(StatusCode::OK, Body::from(file.data), keeping, &etag);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, content_type(name));
    if let Some(encoding) = encoding {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static(encoding.token()));
    }
    Some(response)
}

/// The first accepted encoding that the build has prepared, else the plain file.
fn smallest(name: &str, plain: EmbeddedFile, request: &HeaderMap) -> (EmbeddedFile, Option<Encoding>) {
    accepted(request)
        .into_iter()
        .find_map(|encoding| Some((Build::get(&format!("{name}{}", encoding.suffix()))?, Some(encoding))))
        .unwrap_or((plain, None))
}

/// An answer with the headers that a 304 repeats (RFC 9110 15.4.5).
fn headed(status: StatusCode, body: Body, keeping: Keeping, etag: &str) -> Response {
    let cache_control = match keeping {
        Keeping::Forever => "public, max-age=31536000, immutable",
        Keeping::Revalidated => "no-cache",
    };
    let mut response = (status, body).into_response();
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(cache_control));
    headers.insert(VARY, HeaderValue::from_static("Accept-Encoding"));
    if let Ok(etag) = HeaderValue::from_str(etag) {
        headers.insert(ETAG, etag);
    }
    response
}

fn matches(request: &HeaderMap, etag: &str) -> bool {
    request
        .get_all(IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|known| known.trim().trim_start_matches("W/") == etag)
}

/// The media type by the name's ending: the few kinds that a build contains.
fn content_type(name: &str) -> HeaderValue {
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    HeaderValue::from_static(match ending {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "wasm" => "application/wasm",
        "json" => "application/json",
        "png" => "image/png",
        "woff2" => "font/woff2",
        _ => "application/octet-stream",
    })
}

/// The program was compiled without a build of the pages.
fn not_built() -> Response {
    let text = "The pages are not part of this build. Run `npm ci && npm run build` in viewer-web/app and compile again.\n";
    (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, "60")], text).into_response()
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().take(16).fold(String::with_capacity(32), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
