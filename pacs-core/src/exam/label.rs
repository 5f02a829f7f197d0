//! The one word that people see of an exam, the same on every page and in every language file.

use serde::{Deserialize, Serialize};

use super::StepState;

/// An exam's label. Its JSON word is the key of the language files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Label {
    /// Đã chỉ định.
    Ordered,
    /// Đã xếp phòng.
    Scheduled,
    /// Đã tiếp nhận.
    Arrived,
    /// Đã gọi.
    Called,
    /// Đang chụp.
    InProgress,
    /// Chờ kiểm ảnh.
    ToVerify,
    /// Chờ đọc.
    ToRead,
    /// Đã hủy.
    Cancelled,
    /// Ngừng chụp.
    Discontinued,
}

impl Label {
    /// The label of an exam whose step stands there.
    pub fn of(step: StepState) -> Self {
        match step {
            StepState::Requested => Self::Ordered,
            StepState::Scheduled => Self::Scheduled,
            StepState::Arrived => Self::Arrived,
            StepState::Ready => Self::Called,
            StepState::Started => Self::InProgress,
            StepState::Ended => Self::ToVerify,
            StepState::Accepted => Self::ToRead,
            StepState::Cancelled => Self::Cancelled,
            StepState::Discontinued => Self::Discontinued,
        }
    }
}
