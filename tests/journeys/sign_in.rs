//! Who may come in, and how.

use std::process::Output;

use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};

use crate::support::program::{Sen, Setup};
use crate::support::tools;

fn guarded() -> Sen {
    Setup::default().variable("SEN_AUTH", "on").start()
}

fn add_user(sen: &Sen, name: &str, role: &str, password: &str) -> Output {
    sen.run_with_input(&["user", "add", name, "--role", role], &format!("{password}\n"))
}

async fn sign_in(sen: &Sen, user: &str, password: &str) -> reqwest::Response {
    Client::new()
        .post(sen.url("/api/v1/session"))
        .json(&json!({ "user": user, "password": password }))
        .send()
        .await
        .unwrap()
}

fn cookie(answer: &reqwest::Response) -> String {
    let header = answer.headers()["set-cookie"].to_str().unwrap();
    header.split(';').next().unwrap().to_owned()
}

#[tokio::test]
async fn nothing_is_public() {
    let sen = guarded();
    for path in [
        "/api/v1/session",
        "/api/v1/studies",
        "/api/v1/worklist",
        "/api/v1/events",
        "/api/v1/system",
        "/dicomweb/studies",
    ] {
        let status = reqwest::get(sen.url(path)).await.unwrap().status();
        assert_eq!(status, StatusCode::UNAUTHORIZED, "{path}");
    }
    assert_eq!(reqwest::get(sen.url("/healthz")).await.unwrap().status(), 200);
}

#[tokio::test]
async fn the_first_start_prints_an_administrators_password_that_works_once() {
    let sen = guarded();
    let log = sen.log();
    let password = log
        .lines()
        .find_map(|line| line.trim().strip_prefix("password:"))
        .expect("a printed password")
        .trim()
        .to_owned();
    assert_eq!(sign_in(&sen, "admin", &password).await.status(), 200);
    let sen = sen.restart();
    assert_eq!(sen.log().matches("password:").count(), 1, "it is printed at the first start only");
    assert_eq!(sign_in(&sen, "admin", &password).await.status(), 200);
}

#[tokio::test]
async fn a_session_lasts_until_it_is_signed_out() {
    let sen = guarded();
    tools::succeeded(&add_user(&sen, "lan", "radiographer", "mật khẩu dài 1"));
    assert_eq!(sign_in(&sen, "lan", "sai").await.status(), StatusCode::UNAUTHORIZED);
    let answer = sign_in(&sen, "lan", "mật khẩu dài 1").await;
    assert_eq!(answer.status(), 200);
    let attributes = answer.headers()["set-cookie"].to_str().unwrap().to_owned();
    assert!(attributes.contains("HttpOnly") && attributes.contains("SameSite=Strict"), "{attributes}");
    assert!(!attributes.contains("Secure"), "plain HTTP on loopback: {attributes}");
    let cookie = cookie(&answer);
    let body: Value = answer.json().await.unwrap();
    assert_eq!(body["user"]["name"], "lan");
    assert_eq!(body["user"]["role"], "radiographer");

    let client = Client::new();
    let with = |method: Method, path: &str| client.request(method, sen.url(path)).header("cookie", &cookie);
    assert_eq!(with(Method::GET, "/api/v1/session").send().await.unwrap().status(), 200);
    assert_eq!(with(Method::GET, "/api/v1/studies").send().await.unwrap().status(), 200);
    let foreign = with(Method::DELETE, "/api/v1/session")
        .header("origin", "https://evil.example")
        .send()
        .await
        .unwrap();
    assert_eq!(foreign.status(), StatusCode::FORBIDDEN);
    let own = format!("http://{}", sen.http);
    let out = with(Method::DELETE, "/api/v1/session").header("origin", own).send().await.unwrap();
    assert_eq!(out.status(), StatusCode::NO_CONTENT);
    assert_eq!(with(Method::GET, "/api/v1/session").send().await.unwrap().status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn behind_a_proxy_that_speaks_https_the_cookie_is_secure() {
    let sen = guarded();
    tools::succeeded(&add_user(&sen, "lan", "clerk", "mật khẩu dài 1"));
    let answer = Client::new()
        .post(sen.url("/api/v1/session"))
        .header("x-forwarded-proto", "https")
        .header("x-forwarded-host", "pacs.example")
        .header("origin", "https://pacs.example")
        .json(&json!({ "user": "lan", "password": "mật khẩu dài 1" }))
        .send()
        .await
        .unwrap();
    assert!(answer.headers()["set-cookie"].to_str().unwrap().contains("Secure"));
}

#[tokio::test]
async fn programs_use_tokens_or_basic() {
    let sen = guarded();
    tools::succeeded(&add_user(&sen, "mai", "radiologist", "mật khẩu dài 2"));
    let created = tools::succeeded(&sen.run(&["token", "create", "--role", "device", "--name", "gateway"]));
    let token = created.trim().to_owned();
    assert_eq!(created.lines().count(), 1, "the token alone: {created}");

    let client = Client::new();
    let studies = || client.get(sen.url("/dicomweb/studies"));
    assert_eq!(studies().bearer_auth(&token).send().await.unwrap().status(), 200);
    assert_eq!(studies().bearer_auth("wrong").send().await.unwrap().status(), StatusCode::UNAUTHORIZED);
    assert_eq!(studies().basic_auth("mai", Some("mật khẩu dài 2")).send().await.unwrap().status(), 200);
    assert_eq!(
        studies().basic_auth("mai", Some("x")).send().await.unwrap().status(),
        StatusCode::UNAUTHORIZED
    );

    // A device's token may store and query; it may not make orders.
    let order = client.post(sen.url("/api/v1/orders")).bearer_auth(&token).json(&json!({
        "patient": { "id": "P1", "name": "NGUYỄN^VĂN A", "birthDate": "1980-01-02", "sex": "M" },
        "procedure": { "code": "CT.BUNG", "name": "CT bụng", "modality": "CT" },
        "scheduledAt": "2026-11-23T12:00",
    }));
    assert_eq!(order.send().await.unwrap().status(), StatusCode::FORBIDDEN);

    let listed = tools::succeeded(&sen.run(&["token", "list"]));
    assert!(listed.contains("gateway") && !listed.contains(&token), "{listed}");
    tools::succeeded(&sen.run(&["token", "revoke", "gateway"]));
    crate::support::eventually("the token is revoked", || async {
        let status = studies().bearer_auth(&token).send().await.ok()?.status();
        (status == StatusCode::UNAUTHORIZED).then_some(())
    })
    .await;
}

#[tokio::test]
async fn guessing_is_slowed() {
    let sen = guarded();
    let mut statuses = Vec::new();
    for n in 0..8 {
        statuses.push(sign_in(&sen, "admin", &format!("guess {n}")).await.status());
    }
    assert_eq!(statuses.first(), Some(&StatusCode::UNAUTHORIZED));
    assert_eq!(statuses.last(), Some(&StatusCode::TOO_MANY_REQUESTS), "{statuses:?}");
}

#[tokio::test]
async fn guesses_all_at_once_are_slowed_and_one_viewer_with_many_requests_is_not() {
    let sen = guarded();
    tools::succeeded(&add_user(&sen, "mai", "radiologist", "mật khẩu dài 2"));
    let client = Client::new();
    let ask = |password: String| {
        let request = client.get(sen.url("/dicomweb/studies")).basic_auth("mai", Some(password));
        async move { request.send().await.unwrap().status() }
    };
    let right = futures::future::join_all((0..40).map(|_| ask("mật khẩu dài 2".into()))).await;
    assert!(right.iter().all(|status| *status == 200), "{right:?}");
    let guesses = futures::future::join_all((0..40).map(|n| ask(format!("guess {n}")))).await;
    let looked_at = guesses.iter().filter(|status| **status == StatusCode::UNAUTHORIZED).count();
    assert!(looked_at < 10, "{looked_at} of 40 guesses at once were looked at");
    assert_eq!(ask("mật khẩu dài 2".into()).await, 200, "who is known is not held up by it");
}

#[tokio::test]
async fn a_program_with_an_old_password_holds_nobody_up() {
    let sen = guarded();
    tools::succeeded(&add_user(&sen, "gateway", "device", "mật khẩu dài 3"));
    let client = Client::new();
    let ask = async |password: &str| {
        let request = client.get(sen.url("/dicomweb/studies")).basic_auth("gateway", Some(password));
        request.send().await.unwrap().status()
    };
    assert_eq!(ask("mật khẩu dài 3").await, 200);
    tools::succeeded(&sen.run_with_input(&["user", "password", "gateway"], "mật khẩu dài 4\n"));
    crate::support::eventually("the old password is refused", || async {
        (ask("mật khẩu dài 3").await == StatusCode::UNAUTHORIZED).then_some(())
    })
    .await;
    for _ in 0..30 {
        assert_eq!(ask("mật khẩu dài 3").await, StatusCode::UNAUTHORIZED, "it is not told to wait");
    }
    assert_eq!(ask("mật khẩu dài 4").await, 200);
}

#[tokio::test]
async fn a_session_says_where_and_in_which_language_its_person_works() {
    let sen = guarded();
    tools::succeeded(&add_user(&sen, "lan", "radiographer", "mật khẩu dài 1"));
    let answer = sign_in(&sen, "lan", "mật khẩu dài 1").await;
    let cookie = cookie(&answer);
    let session: Value = answer.json().await.unwrap();
    assert_eq!(session["timeZone"], "Asia/Ho_Chi_Minh");
    assert_eq!(session["language"], Value::Null);
    let client = Client::new();
    let choose = async |language: &str| {
        let request = client.patch(sen.url("/api/v1/session")).header("cookie", &cookie);
        request.json(&json!({ "language": language })).send().await.unwrap().status()
    };
    assert_eq!(choose("en").await, StatusCode::NO_CONTENT);
    assert_eq!(choose("tlh").await, StatusCode::BAD_REQUEST);
    let again: Value = sign_in(&sen, "lan", "mật khẩu dài 1").await.json().await.unwrap();
    assert_eq!(again["language"], "en");
    let description = client.get(sen.url("/api/v1/openapi.json")).header("cookie", &cookie);
    let description: Value = description.send().await.unwrap().json().await.unwrap();
    for path in ["/api/v1/session", "/api/v1/studies", "/api/v1/exams/{examId}/undo"] {
        assert!(description["paths"][path].is_object(), "{path} is not described");
    }
    assert_eq!(reqwest::get(sen.url("/api/v1/openapi.json")).await.unwrap().status(), 401);
}

#[tokio::test]
async fn without_sign_in_every_local_caller_is_the_administrator_and_no_foreign_page_is() {
    let sen = Sen::start();
    let session: Value = reqwest::get(sen.url("/api/v1/session")).await.unwrap().json().await.unwrap();
    assert_eq!(session["user"]["role"], "administrator");
    let client = Client::new();
    let foreign = client
        .post(sen.url("/api/v1/orders"))
        .header("origin", "https://evil.example")
        .json(&json!({}))
        .send()
        .await
        .unwrap();
    assert_eq!(foreign.status(), StatusCode::FORBIDDEN);
    let rebound = client.get(sen.url("/api/v1/studies")).header("host", "evil.example").send().await.unwrap();
    assert_eq!(rebound.status(), StatusCode::FORBIDDEN, "a name pointed at loopback");
}

/// A viewer of another site, as OHIF is: its browser asks first, and what it sends brings its own token.
#[tokio::test]
async fn pages_of_configured_origins_may_use_dicomweb() {
    let viewer = "https://viewer.example";
    let sen = Setup::default().variable("SEN_AUTH", "on").variable("SEN_CORS_ORIGINS", viewer).start();
    let created = tools::succeeded(&sen.run(&["token", "create", "--role", "device", "--name", "viewer"]));
    let token = created.trim();
    let client = Client::new();
    let preflight = |path: &str, origin: &str| {
        client
            .request(Method::OPTIONS, sen.url(path))
            .header("origin", origin)
            .header("access-control-request-method", "GET")
            .header("access-control-request-headers", "authorization,range")
            .send()
    };
    let allowed = |answer: &reqwest::Response| answer.headers().get("access-control-allow-origin").cloned();
    let answer = preflight("/dicomweb/studies", viewer).await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(allowed(&answer).unwrap(), viewer);
    assert_eq!(answer.headers()["access-control-allow-headers"], "authorization,range");
    assert!(answer.headers().get("access-control-allow-credentials").is_none(), "cookies are never meant");
    for (path, origin) in [("/dicomweb/studies", "https://evil.example"), ("/api/v1/studies", viewer)] {
        assert_eq!(allowed(&preflight(path, origin).await.unwrap()), None, "{path} {origin}");
    }
    // Without a browser's question it is the service that is asked.
    let asked =
        client.request(Method::OPTIONS, sen.url("/dicomweb")).bearer_auth(token).send().await.unwrap();
    assert!(asked.text().await.unwrap().contains("<resource path=\"dicomweb/studies\">"));

    let get = |token: &str| {
        client.get(sen.url("/dicomweb/studies")).bearer_auth(token).header("origin", viewer).send()
    };
    let answer = get(token).await.unwrap();
    assert_eq!((answer.status(), allowed(&answer).unwrap()), (StatusCode::OK, viewer.parse().unwrap()));
    let exposed = answer.headers()["access-control-expose-headers"].to_str().unwrap();
    assert!(["content-range", "etag", "link"].iter().all(|name| exposed.contains(name)), "{exposed}");
    let vary: Vec<_> = answer.headers().get_all("vary").iter().map(|value| value.to_str().unwrap()).collect();
    assert!(vary.join(",").contains("origin") && vary.join(",").contains("accept"), "{vary:?}");
    let refused = get("no longer good").await.unwrap();
    assert_eq!(
        (refused.status(), allowed(&refused).unwrap()),
        (StatusCode::UNAUTHORIZED, viewer.parse().unwrap())
    );

    // What changes something needs an allowed origin, wherever the credentials come from.
    tools::succeeded(&add_user(&sen, "mai", "radiologist", "mật khẩu dài 2"));
    for (origin, status) in [(viewer, 415), ("https://evil.example", 403)] {
        let post = client.post(sen.url("/dicomweb/studies")).basic_auth("mai", Some("mật khẩu dài 2"));
        let answer = post.header("origin", origin).body("x").send().await.unwrap();
        assert_eq!(answer.status(), status, "{origin}");
    }
    // A session is of our own pages, also where the other page is of the same site and its browser adds the cookie.
    let session = cookie(&sign_in(&sen, "mai", "mật khẩu dài 2").await);
    let post = client.post(sen.url("/dicomweb/studies")).header("cookie", session).header("origin", viewer);
    assert_eq!(post.body("x").send().await.unwrap().status(), StatusCode::FORBIDDEN);
}

/// Without that nobody else's page gets anything.
#[tokio::test]
async fn other_sites_get_nothing_by_default() {
    let sen = Sen::start();
    let answer = Client::new()
        .get(sen.url("/dicomweb/studies"))
        .header("origin", "https://viewer.example")
        .send()
        .await
        .unwrap();
    assert!(answer.headers().get("access-control-allow-origin").is_none());
}
