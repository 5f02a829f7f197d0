//! What the service says of itself.

use crate::support::{Answer, House};
use axum::body::Body;
use http::{Request, StatusCode};

async fn options(house: &House, path: &str, accept: &str) -> Answer {
    let request = Request::options(format!("/dicomweb{path}")).header("accept", accept);
    house.send(request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn the_service_describes_itself() {
    let house = House::new().await;
    let wadl = options(&house, "", "*/*").await;
    assert_eq!(wadl.status, StatusCode::OK, "{}", wadl.text());
    assert_eq!(wadl.header("content-type"), "application/vnd.sun.wadl+xml");
    let text = wadl.text();
    for expected in [
        "<resources base=\"http://pacs.test/\">",
        "<resource path=\"dicomweb\">",
        "<resource path=\"dicomweb/studies/{study}/series/{series}/instances/{instance}/frames/{frames}\">",
        "<param name=\"PatientName\" style=\"query\" required=\"false\"/>",
        "<representation mediaType=\"application/dicom+json\"/>",
    ] {
        assert!(text.contains(expected), "{expected}");
    }
    let open_api = options(&house, "", "application/json").await;
    assert_eq!(open_api.header("content-type"), "application/json");
    let described = open_api.json();
    assert_eq!(described["servers"][0]["url"], "http://pacs.test");
    assert!(described["paths"]["/dicomweb/studies"]["post"].is_object());
    assert_eq!(options(&house, "?accept=application/json", "text/html").await.json(), described);
    assert_eq!(options(&house, "", "text/html").await.status, StatusCode::NOT_ACCEPTABLE);
}

#[tokio::test]
async fn a_resource_says_its_methods() {
    let house = House::new().await;
    for (path, methods) in [("/studies", "GET,HEAD,POST"), ("/studies/1.2/series", "GET,HEAD")] {
        let answer = options(&house, path, "*/*").await;
        assert_eq!((answer.status, answer.body.len()), (StatusCode::NO_CONTENT, 0), "{path}");
        assert_eq!(answer.header("allow"), methods);
    }
    assert_eq!(options(&house, "/nowhere", "*/*").await.status, StatusCode::NOT_FOUND);
    let stranger = Request::options("/dicomweb").body(Body::empty()).unwrap();
    assert_eq!(house.send_as(None, stranger).await.status, StatusCode::UNAUTHORIZED);
}
