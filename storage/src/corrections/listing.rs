//! What may be corrected of a study, and what acts have changed.

use pacs_core::access::Scope;
use pacs_core::correction::{Level, of_level};
use pacs_core::dataset::{DataSet, keyword_of};
use pacs_core::uid::Uid;

use super::{ATTRIBUTES, Change, standing};
use crate::Result;
use crate::acts::Act;
use crate::database::{Database, Row, params};
use crate::index::instances::push_scope;

/// The attributes of a study and of its series that may be corrected.
#[derive(Debug, Clone)]
pub struct Listed {
    /// Of the study.
    pub study: Attributes,
    /// Of each series that is shown, in their order.
    pub series: Vec<Attributes>,
}

/// The attributes of a study or series that may be corrected.
#[derive(Debug, Clone)]
pub struct Attributes {
    /// Its UID.
    pub uid: String,
    /// How many of its instances are shown.
    pub instances: i64,
    /// Each attribute with its value as it was sent and as it stands.
    pub values: Vec<Change>,
}

/// What may be corrected of a study; `None` when nothing of it is shown within the scope.
pub async fn listed(database: &Database, scope: &Scope, study: &Uid) -> Result<Option<Listed>> {
    let mut params = params![study];
    let mut sql = "select t.id, t.uid, t.instance_count, t.attributes, t.sent_attributes from study t
         where t.uid = $1 and t.instance_count > 0"
        .to_owned();
    push_scope(&mut sql, &mut params, scope, "t.facility");
    let Some(row) = database.fetch_optional(sqlx::AssertSqlSafe(sql), params).await? else { return Ok(None) };
    let sql = "select uid, instance_count, attributes, sent_attributes from series
         where study_id = $1 and instance_count > 0 order by number, id";
    let series = database.fetch(sql, params![row.get::<i64>("id")?]).await?;
    Ok(Some(Listed {
        study: attributes(&row, Level::Study)?,
        series: series.iter().map(|row| attributes(row, Level::Series)).collect::<Result<_>>()?,
    }))
}

fn attributes(row: &Row, level: Level) -> Result<Attributes> {
    let stands = standing::parse(&row.get::<String>("attributes")?)?;
    let sent = row.get::<Option<String>>("sent_attributes")?;
    let sent = sent.as_deref().map(standing::parse).transpose()?;
    let values = of_level(level).map(|editable| Change {
        keyword: editable.keyword(),
        before: sent.as_ref().unwrap_or(&stands).text(editable.tag),
        after: stands.text(editable.tag),
    });
    Ok(Attributes { uid: row.get("uid")?, instances: row.get("instance_count")?, values: values.collect() })
}

/// The attributes that an act has corrected; none of one of another kind.
pub fn changes_of(act: &Act) -> Result<Vec<Change>> {
    let said = |document: &Option<serde_json::Value>| -> Result<DataSet> {
        let attributes = document.as_ref().and_then(|document| document.get(ATTRIBUTES));
        attributes.map_or_else(|| Ok(DataSet::new()), |attributes| standing::parse(&attributes.to_string()))
    };
    if !matches!(act.kind.as_str(), super::STUDY | super::SERIES) {
        return Ok(Vec::new());
    }
    let (before, after) = (said(&act.before)?, said(&act.after)?);
    let named = after.iter().filter_map(|element| Some((element.tag, keyword_of(element.tag)?)));
    let changes = named
        .filter(|(_, keyword)| *keyword != "SpecificCharacterSet")
        .map(|(tag, keyword)| Change { keyword, before: before.text(tag), after: after.text(tag) });
    Ok(changes.collect())
}

/// What an act has moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Movement {
    /// Study that images left.
    pub from: String,
    /// Study that they came to.
    pub to: String,
    /// How many series, where they were moved whole.
    pub series: usize,
    /// How many instances, where they were not.
    pub instances: usize,
}

/// What an act has moved; `None` of one of another kind.
pub fn movement_of(act: &Act) -> Option<Movement> {
    let after = act.after.as_ref()?;
    let count = |key: &str| after.get(key).and_then(serde_json::Value::as_array).map_or(0, Vec::len);
    super::moves::ACTS.contains(&act.kind.as_str()).then_some(())?;
    Some(Movement {
        from: act.subject_uid.clone(),
        to: after.get("to")?.as_str()?.to_owned(),
        series: count("series"),
        instances: count("instances"),
    })
}
