//! Order entry, as the page does it.

use reqwest::Client;
use serde_json::Value;

use super::program::Sen;

/// Writes the order of a form; answers its row of the worklist.
pub async fn place(sen: &Sen, form: &Value) -> Value {
    let answer = Client::new().post(sen.url("/api/v1/orders")).json(form).send().await.expect("an answer");
    let status = answer.status();
    let row: Value = answer.json().await.expect("JSON");
    assert_eq!(status, 201, "{row}");
    row
}
