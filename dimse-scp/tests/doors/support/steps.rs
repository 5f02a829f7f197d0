//! A program that works with unified procedure steps.

use dimse_scp::dimse::{CommandField, CommandSet, Status, command::element};
use dimse_scp::scu::{Association, Proposal};
use pacs_core::dataset::DataSet;
use pacs_core::uid::Uid;
use pacs_core::{Tag, tags, uids};

use super::{Harness, uid};

pub const PUSH: &str = uids::UNIFIED_PROCEDURE_STEP_PUSH;
pub const WATCH: &str = uids::UNIFIED_PROCEDURE_STEP_WATCH;
pub const PULL: &str = uids::UNIFIED_PROCEDURE_STEP_PULL;
pub const QUERY: &str = uids::UNIFIED_PROCEDURE_STEP_QUERY;

pub fn with(values: &[(Tag, &str)]) -> DataSet {
    let mut set = DataSet::new();
    values.iter().for_each(|(tag, value)| set.put_text(*tag, value));
    set
}

pub fn code(value: &str, scheme: &str) -> DataSet {
    with(&[(tags::CODE_VALUE, value), (tags::CODING_SCHEME_DESIGNATOR, scheme), (tags::CODE_MEANING, value)])
}

/// A step to be created: the least that has to be sent, and a patient.
pub fn step(label: &str) -> DataSet {
    with(&[
        (tags::PROCEDURE_STEP_STATE, "SCHEDULED"),
        (tags::SCHEDULED_PROCEDURE_STEP_PRIORITY, "MEDIUM"),
        (tags::PROCEDURE_STEP_LABEL, label),
        (tags::SCHEDULED_PROCEDURE_STEP_START_DATE_TIME, "20260921200000"),
        (tags::INPUT_READINESS_STATE, "READY"),
        (tags::PATIENT_NAME, "Dupont^André"),
        (tags::PATIENT_ID, "BN001"),
    ])
}

/// What a step has to have before it is COMPLETED.
pub fn finished() -> DataSet {
    let mut performed = with(&[
        (tags::PERFORMED_PROCEDURE_STEP_START_DATE_TIME, "20260921200000"),
        (tags::PERFORMED_PROCEDURE_STEP_END_DATE_TIME, "20260921200500"),
    ]);
    performed.put_items(tags::PERFORMED_STATION_NAME_CODE_SEQUENCE, vec![code("AI1", "99SEN")]);
    performed.put_items(tags::PERFORMED_WORKITEM_CODE_SEQUENCE, vec![code("CAD", "99SEN")]);
    performed.put_empty(tags::OUTPUT_INFORMATION_SEQUENCE);
    let mut set = DataSet::new();
    set.put_items(tags::UNIFIED_PROCEDURE_STEP_PERFORMED_PROCEDURE_SEQUENCE, vec![performed]);
    set
}

/// An association of it, for all parts of the service.
pub struct Program(pub Association);

impl Program {
    pub async fn connect(server: &Harness) -> Self {
        let propose = |class| Proposal::new(uid(class), vec![uid(uids::EXPLICIT_VR_LITTLE_ENDIAN)]);
        Self(server.connect(&[PUSH, WATCH, PULL, QUERY].map(propose)).await)
    }

    pub async fn create(
        &mut self,
        step: Option<&str>,
        set: Option<&DataSet>,
    ) -> (CommandSet, Option<DataSet>) {
        let complete = |command: CommandSet| {
            let command = command.with_uid(element::AFFECTED_SOP_CLASS_UID, &uid(PUSH));
            match step {
                Some(step) => command.with_uid(element::AFFECTED_SOP_INSTANCE_UID, &uid(step)),
                None => command,
            }
        };
        self.0.normalized(CommandField::NCreate, &uid(PUSH), complete, set).await.unwrap()
    }

    pub async fn set(&mut self, step: &Uid, set: &DataSet) -> CommandSet {
        let about = |command| requested(command, step);
        self.0.normalized(CommandField::NSet, &uid(PULL), about, Some(set)).await.unwrap().0
    }

    pub async fn get(&mut self, class: &str, step: &Uid, asked: &[Tag]) -> (CommandSet, Option<DataSet>) {
        let complete = |command: CommandSet| {
            let command = requested(command, step);
            if asked.is_empty() {
                command
            } else {
                command.with_tags(element::ATTRIBUTE_IDENTIFIER_LIST, asked)
            }
        };
        self.0.normalized(CommandField::NGet, &uid(class), complete, None).await.unwrap()
    }

    /// An action with a step, in the context of that class.
    pub async fn action(
        &mut self,
        class: &str,
        step: &Uid,
        number: u16,
        set: Option<&DataSet>,
    ) -> CommandSet {
        let complete = |command| requested(command, step).with_number(element::ACTION_TYPE_ID, number);
        self.0.normalized(CommandField::NAction, &uid(class), complete, set).await.unwrap().0
    }

    pub async fn change_state(&mut self, step: &Uid, state: &str, key: Option<&str>) -> Status {
        let mut set = with(&[(tags::PROCEDURE_STEP_STATE, state)]);
        key.into_iter().for_each(|key| set.put_text(tags::TRANSACTION_UID, key));
        self.action(PULL, step, 1, Some(&set)).await.status().unwrap()
    }

    pub async fn find(&mut self, class: &str, keys: &DataSet) -> (Vec<DataSet>, Status) {
        self.0.find(&uid(class), keys).await.unwrap().all().await.unwrap()
    }

    pub async fn release(self) {
        self.0.release().await.unwrap();
    }
}

/// About an instance of UPS Push, whatever was negotiated.
fn requested(command: CommandSet, step: &Uid) -> CommandSet {
    command
        .with_uid(element::REQUESTED_SOP_CLASS_UID, &uid(PUSH))
        .with_uid(element::REQUESTED_SOP_INSTANCE_UID, step)
}
