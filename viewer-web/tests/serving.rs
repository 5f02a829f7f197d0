//! The router as browsers meet it. Every case holds with and without a build of the pages, except those that look
//! into files of the build: these say so when there is none.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "functions that tests share may fail a test, and say why they skip, as tests do"
)]

use std::path::{Path, PathBuf};

use axum::body::Body;
use axum::response::Response;
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use tower::ServiceExt;

fn dist() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("app/dist")
}

fn is_built() -> bool {
    let built = dist().join("index.html").is_file();
    if !built {
        println!("skipped: the pages are not built (npm run build in viewer-web/app)");
    }
    built
}

/// The name of some file of the build with this ending.
fn asset(ending: &str) -> String {
    std::fs::read_dir(dist().join("assets"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .find(|name| name.ends_with(ending))
        .unwrap()
}

async fn get(path: &str, headers: &[(&str, &str)]) -> Response {
    let mut request = Request::get(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    viewer_web::router().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
}

fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    response.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

async fn bytes(response: Response) -> Vec<u8> {
    response.into_body().collect().await.unwrap().to_bytes().to_vec()
}

#[tokio::test]
async fn pages_are_answered_with_the_application() {
    for path in [
        "/",
        "/search",
        "/viewer/1.2.840.1",
        "/orders/new",
        "/worklist",
        "/unmatched",
        "/devices",
        "/sign-in",
    ] {
        let response = get(path, &[]).await;
        if !dist().join("index.html").is_file() {
            assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE, "{path}");
            continue;
        }
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        assert_eq!(header(&response, "content-type"), "text/html; charset=utf-8");
        assert_eq!(header(&response, "cache-control"), "no-cache");
        assert_eq!(bytes(response).await, std::fs::read(dist().join("index.html")).unwrap());
    }
}

#[tokio::test]
async fn other_addresses_are_not_pages() {
    for path in ["/nothing", "/viewer", "/viewer/1/2", "/api/v1/studies", "/dicomweb/studies", "/index.html"]
    {
        assert_eq!(get(path, &[]).await.status(), StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn a_missing_asset_is_never_a_page() {
    for path in [
        "/assets/gone.js",
        "/assets/gone.wasm",
        "/assets/../index.html",
        "/assets/..%2findex.html",
        "/assets/.hidden",
    ] {
        let response = get(path, &[]).await;
        assert_eq!(response.status(), StatusCode::NOT_FOUND, "{path}");
        assert_eq!(bytes(response).await, b"", "{path}");
    }
}

#[tokio::test]
async fn every_answer_says_what_to_refuse() {
    for path in ["/", "/assets/gone.js"] {
        let response = get(path, &[]).await;
        let policy = header(&response, "content-security-policy");
        for part in ["default-src 'self'", "script-src 'self' 'wasm-unsafe-eval'", "frame-ancestors 'none'"] {
            assert!(policy.contains(part), "{path}: {policy}");
        }
        assert!(!policy.contains("'unsafe-eval'"), "{policy}");
        assert_eq!(header(&response, "x-content-type-options"), "nosniff");
        assert_eq!(header(&response, "x-frame-options"), "DENY");
        assert_eq!(header(&response, "referrer-policy"), "no-referrer");
    }
}

#[tokio::test]
async fn hashed_files_are_kept_for_good_and_typed() {
    if !is_built() {
        return;
    }
    for (ending, kind) in [
        (".js", "text/javascript; charset=utf-8"),
        (".css", "text/css; charset=utf-8"),
        (".wasm", "application/wasm"),
    ] {
        let name = asset(ending);
        let response = get(&format!("/assets/{name}"), &[]).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(header(&response, "content-type"), kind);
        assert_eq!(header(&response, "content-encoding"), "");
        assert_eq!(header(&response, "cache-control"), "public, max-age=31536000, immutable");
        assert_eq!(bytes(response).await, std::fs::read(dist().join("assets").join(&name)).unwrap());
    }
}

#[tokio::test]
async fn the_smallest_accepted_form_is_sent() {
    if !is_built() {
        return;
    }
    let name = asset(".wasm");
    for (accept, encoding, suffix) in
        [("gzip, deflate, br", "br", ".br"), ("gzip", "gzip", ".gz"), ("br;q=0", "", "")]
    {
        let response = get(&format!("/assets/{name}"), &[("accept-encoding", accept)]).await;
        assert_eq!(header(&response, "content-encoding"), encoding);
        assert_eq!(header(&response, "content-type"), "application/wasm");
        assert_eq!(header(&response, "vary"), "Accept-Encoding");
        let file = dist().join("assets").join(format!("{name}{suffix}"));
        assert_eq!(bytes(response).await, std::fs::read(file).unwrap(), "{accept}");
    }
}

#[tokio::test]
async fn an_unchanged_file_costs_a_304_and_its_forms_have_their_own_tags() {
    if !is_built() {
        return;
    }
    let plain = get("/", &[]).await;
    let etag = header(&plain, "etag").to_owned();
    let again = get("/", &[("if-none-match", &format!("\"other\", W/{etag}"))]).await;
    assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
    assert_eq!(header(&again, "etag"), etag);
    assert_eq!(bytes(again).await, b"");

    let path = format!("/assets/{}", asset(".wasm"));
    let (plain, packed) = (get(&path, &[]).await, get(&path, &[("accept-encoding", "gzip")]).await);
    assert_ne!(header(&plain, "etag"), header(&packed, "etag"));
}
