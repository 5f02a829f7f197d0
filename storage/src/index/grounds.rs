//! What open discrepancies rest on. Where a correction, a move or another content takes that away, the act has answered
//! them: whoever met them later would be asked of two persons who have nothing in common any more.

use pacs_core::attributes::{OtherPatientId, lift_patient};
use pacs_core::reconciliation::Kind;

use super::discrepancies::{Found, flag};
use super::{PatientId, belongings, issuers};
use crate::Result;
use crate::corrections::parse_attributes;
use crate::database::{Row, Transaction, params};

/// Notes that what instances said against their study is said by none of them any more: all but what is `still`
/// found. `whole` is set where the study itself says something else than before. Without an act that has brought this
/// about the rows go. Answers whether there were any.
pub(crate) async fn lose(
    tx: &mut Transaction,
    study_uid: &str,
    still: &[Found],
    whole: bool,
    act: Option<i64>,
) -> Result<bool> {
    let sql = "select id, kind, other from discrepancy where study_uid = $1 and answer_act_id is null
         and kind in ('demographicsDiffer', 'twoPatients') and (sent is not null or $2 = 1)";
    let mut lost = false;
    for row in tx.fetch(sql, params![study_uid, i64::from(whole)]).await? {
        let (kind, other): (String, String) = (row.get("kind")?, row.get("other")?);
        if still.iter().any(|found| found.kind.as_str() == kind && found.other == other) {
            continue;
        }
        lost = true;
        let id: i64 = row.get("id")?;
        match act {
            Some(act) => answer(tx, id, act).await?,
            None => drop(tx.execute("delete from discrepancy where id = $1", params![id]).await?),
        }
    }
    if lost {
        flag(tx, study_uid).await?;
    }
    Ok(lost)
}

/// Opens again what one act had answered of a study.
pub(crate) async fn reopen(tx: &mut Transaction, study_uid: &str, act: i64) -> Result<()> {
    let sql = "update discrepancy set answer_act_id = null where study_uid = $1 and answer_act_id = $2";
    tx.execute(sql, params![study_uid, act]).await?;
    flag(tx, study_uid).await
}

/// Notes that an act has taken from a study the number or accession number that it shared with another patient, or has
/// made it that patient's own.
pub(crate) async fn shares_no_more(tx: &mut Transaction, study_uid: &str, act: i64) -> Result<()> {
    let rows = tx
        .fetch(
            "select d.id, d.kind, d.other, d.other_patient_id, t.patient_id, t.patient_identifier, t.patient_issuer,
                 t.accession_number, t.attributes
             from discrepancy d join study t on t.uid = d.study_uid
             where d.study_uid = $1 and d.answer_act_id is null and d.kind in ('sharedIdentifier', 'sharedAccession')
             order by d.id",
            params![study_uid],
        )
        .await?;
    let mut lost = false;
    for row in &rows {
        if !shares(tx, row).await? {
            answer(tx, row.get("id")?, act).await?;
            lost = true;
        }
    }
    if lost { flag(tx, study_uid).await } else { Ok(()) }
}

/// Whether a study still has what a discrepancy says that it shares.
async fn shares(tx: &mut Transaction, row: &Row) -> Result<bool> {
    let filed = PatientId(row.get("patient_id")?);
    if let Some(other) = row.get::<Option<i64>>("other_patient_id")?
        && belongings::survivor(tx, PatientId(other)).await? == filed
    {
        return Ok(false);
    }
    let other: String = row.get("other")?;
    if row.get::<String>("kind")? == Kind::SharedAccession.as_str() {
        let number = other.split_once('|').map_or(other.as_str(), |(number, _)| number);
        return Ok(row.get::<Option<String>>("accession_number")?.as_deref() == Some(number));
    }
    let Some((number, issuer)) = other.rsplit_once("^^^") else { return Ok(true) };
    if row.get::<String>("patient_identifier")? == number {
        // Of whoever the study was given to by hand it says nothing.
        let sql = "select 1 from patient_identifier n join issuer i on i.id = n.issuer_id
             where n.identifier = $1 and i.code = $2 and n.patient_id = $3";
        let values = params![number, row.get::<String>("patient_issuer")?, filed];
        return Ok(tx.fetch_optional(sql, values).await?.is_some());
    }
    for OtherPatientId { id, issuer: named, issuer_universal_id } in
        lift_patient(&parse_attributes(&row.get::<String>("attributes")?)?).others
    {
        let found = issuers::of_sender(tx, named.as_deref(), issuer_universal_id.as_deref()).await?;
        if id == number && found.is_some_and(|found| found.code == issuer) {
            return Ok(true);
        }
    }
    Ok(false)
}

async fn answer(tx: &mut Transaction, id: i64, act: i64) -> Result<()> {
    tx.execute("update discrepancy set answer_act_id = $2 where id = $1", params![id, act]).await.map(drop)
}
