//! The interface over a real archive in a folder of its own, and who asks.

use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use http::{Request, StatusCode};
use pacs_core::access::{Actor, Facilities, Role};
use pacs_core::clock::Clock;
use serde_json::{Value, json};
use storage::audit_log::AuditLog;
use storage::{Archive, Config, Door, Envelope};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

/// 2026-11-23 at noon in Vietnam.
pub const NOON_MS: i64 = 1_795_410_000_000;

pub struct House {
    pub router: Router,
    pub archive: Archive,
    pub audit_log: AuditLog,
    _folder: TempDir,
}

impl House {
    pub async fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock::standing_at(NOON_MS);
        let config = Config {
            clock: clock.clone(),
            default_facility: "BVAH".into(),
            ..Config::embedded(folder.path())
        };
        let archive = Archive::open(config).await.unwrap();
        let system = ris::SystemFacts { version: "0", ae_title: "SEN".into(), dimse_port: 11112 };
        let audit_log = AuditLog::start(archive.database().clone(), clock.clone());
        let state = ris::State {
            archive: archive.clone(),
            audit_log: audit_log.clone(),
            clock,
            system,
            shutdown: CancellationToken::new(),
        };
        Self {
            router: Router::new().nest("/api/v1", ris::router(state)),
            archive,
            audit_log,
            _folder: folder,
        }
    }

    /// Asks as somebody and answers status and body.
    pub async fn ask(
        &self,
        who: Option<&Actor>,
        method: &str,
        path: &str,
        body: Option<Value>,
    ) -> (StatusCode, Value) {
        let mut request = Request::builder().method(method).uri(format!("/api/v1{path}"));
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        let mut request =
            request.body(body.map_or_else(Body::empty, |body| Body::from(body.to_string()))).unwrap();
        if let Some(actor) = who {
            request.extensions_mut().insert(actor.clone());
        }
        let answer = self.router.clone().oneshot(request).await.unwrap();
        let status = answer.status();
        let body = axum::body::to_bytes(answer.into_body(), usize::MAX).await.unwrap();
        (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
    }

    pub async fn get(&self, who: &Actor, path: &str) -> Value {
        let (status, body) = self.ask(Some(who), "GET", path, None).await;
        assert_eq!(status, StatusCode::OK, "{path}: {body}");
        body
    }

    pub async fn post(&self, who: &Actor, path: &str, body: Value) -> (StatusCode, Value) {
        self.ask(Some(who), "POST", path, Some(body)).await
    }

    pub async fn order(&self, who: &Actor, change: impl Fn(&mut Value)) -> (StatusCode, Value) {
        let mut form = json!({
            "patient": { "id": "P1", "name": "NGUYỄN^VĂN A", "birthDate": "1980-01-02", "sex": "M" },
            "procedure": { "code": "CT.BUNG", "name": "CT bụng", "modality": "CT" },
            "station": { "aeTitle": "CT1" },
            "scheduledAt": "2026-11-23T14:30",
        });
        change(&mut form);
        self.ask(Some(who), "POST", "/orders", Some(form)).await
    }

    /// Two small slices of a synthetic patient, of a facility.
    pub async fn images(&self, seed: u64, facility: &str) {
        for instance in testdata::ct_slices(2).sized(16).seeded(seed) {
            self.store(instance, facility).await;
        }
    }

    /// One instance, of a facility.
    pub async fn store(&self, instance: testdata::Instance, facility: &str) {
        let mut file = Bytes::from(instance.bytes);
        let head = file.split_to(instance.dataset_offset);
        let envelope = Envelope {
            transfer_syntax: instance.transfer_syntax,
            head: Some(head),
            declared_class: None,
            declared_instance: None,
            declared_study: None,
            calling_ae: None,
            called_ae: None,
            peer: None,
            facility: Some(facility.into()),
            received_by: Door::Import,
            expected_bytes: None,
        };
        let mut incoming = self.archive.begin(envelope).await.unwrap();
        incoming.write(file).await.unwrap();
        incoming.finish().await.unwrap();
    }
}

pub fn somebody(role: Role, facilities: Facilities) -> Actor {
    Actor { id: format!("user:{}", role.as_str()), name: role.as_str().into(), role, facilities }
}

pub fn administrator() -> Actor {
    somebody(Role::Administrator, Facilities::All)
}
