//! Statuses of DIMSE responses (PS3.7 C, PS3.4 B.2.3, C.4, CC.2).

/// The Status (0000,0900) of a response.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Status(pub u16);

impl Status {
    /// Done.
    pub const SUCCESS: Self = Self(0x0000);
    /// C-FIND, C-MOVE, C-GET: more follows.
    pub const PENDING: Self = Self(0xff00);
    /// C-FIND: more follows; one or more optional keys were not supported.
    pub const PENDING_KEYS_UNSUPPORTED: Self = Self(0xff01);
    /// Ended by a C-CANCEL.
    pub const CANCEL: Self = Self(0xfe00);
    /// The SOP class is not stored here, or the operation is not one of the presentation context's.
    pub const SOP_CLASS_NOT_SUPPORTED: Self = Self(0x0122);
    /// The command field names an operation that is not performed here.
    pub const UNRECOGNIZED_OPERATION: Self = Self(0x0211);
    /// N-GET: done, without some attributes that are not there.
    pub const OPTIONAL_ATTRIBUTES_UNSUPPORTED: Self = Self(0x0001);
    /// N-SET: an attribute that may not be set.
    pub const NO_SUCH_ATTRIBUTE: Self = Self(0x0105);
    /// N-CREATE, N-SET: a value that an attribute cannot have.
    pub const INVALID_ATTRIBUTE_VALUE: Self = Self(0x0106);
    /// C-STORE: a fault of the performing side; N-SET: the instance may no longer be changed.
    pub const PROCESSING_FAILURE: Self = Self(0x0110);
    /// N-CREATE: there is an instance with this UID.
    pub const DUPLICATE_INSTANCE: Self = Self(0x0111);
    /// There is no instance with this UID.
    pub const NO_SUCH_INSTANCE: Self = Self(0x0112);
    /// N-ACTION: the data set does not say what the action needs to know.
    pub const INVALID_ARGUMENT: Self = Self(0x0115);
    /// What is to be the UID of an instance is none.
    pub const INVALID_INSTANCE: Self = Self(0x0117);
    /// The instance is of another SOP class.
    pub const CLASS_INSTANCE_CONFLICT: Self = Self(0x0119);
    /// N-CREATE: an attribute is missing.
    pub const MISSING_ATTRIBUTE: Self = Self(0x0120);
    /// N-CREATE, N-SET: an attribute has no value.
    pub const MISSING_ATTRIBUTE_VALUE: Self = Self(0x0121);
    /// N-ACTION: there is no action with this number.
    pub const NO_SUCH_ACTION: Self = Self(0x0123);
    /// Normalized services: too much, or away; asking again later may help.
    pub const RESOURCE_LIMITATION: Self = Self(0x0213);
    /// The calling application may not do this.
    pub const NOT_AUTHORIZED: Self = Self(0x0124);
    /// Out of resources; for C-STORE: the store is full or away.
    pub const OUT_OF_RESOURCES: Self = Self(0xa700);
    /// C-MOVE, C-GET: the number of matches cannot be determined.
    pub const CANNOT_COUNT_MATCHES: Self = Self(0xa701);
    /// C-MOVE, C-GET: the sub-operations cannot be performed.
    pub const CANNOT_PERFORM_SUBOPERATIONS: Self = Self(0xa702);
    /// C-MOVE: the destination is not known.
    pub const MOVE_DESTINATION_UNKNOWN: Self = Self(0xa801);
    /// The data set or identifier does not match the SOP class.
    pub const DATA_SET_MISMATCH: Self = Self(0xa900);
    /// C-MOVE, C-GET of frames: the instance has none of them.
    pub const NO_FRAMES: Self = Self(0xaa00);
    /// C-MOVE, C-GET of frames: no valid instance can be made of some of its frames.
    pub const CANNOT_CREATE_INSTANCE: Self = Self(0xaa01);
    /// C-MOVE, C-GET of frames: they cannot be taken apart.
    pub const CANNOT_EXTRACT_FRAMES: Self = Self(0xaa02);
    /// C-MOVE, C-GET of frames: a range of times is asked for, and they have none.
    pub const FRAMES_WITHOUT_TIMES: Self = Self(0xaa03);
    /// C-MOVE, C-GET of frames: the frame range key is missing, one of several, or none.
    pub const INVALID_FRAME_RANGE: Self = Self(0xaa04);
    /// C-MOVE, C-GET: done, with one or more failed or warned sub-operations.
    pub const SUBOPERATIONS_FAILED: Self = Self(0xb000);
    /// C-STORE: the data set cannot be understood; for other services: unable to process.
    pub const CANNOT_UNDERSTAND: Self = Self(0xc000);
    /// UPS: created, with attributes added to what was sent.
    pub const UPS_MODIFIED: Self = Self(0xb300);
    /// UPS: it is CANCELED already.
    pub const UPS_ALREADY_CANCELED: Self = Self(0xb304);
    /// UPS: it is COMPLETED already.
    pub const UPS_ALREADY_COMPLETED: Self = Self(0xb306);
    /// UPS: it has ended, and can no longer be changed.
    pub const UPS_ENDED: Self = Self(0xc300);
    /// UPS: the transaction UID is missing or not the step's.
    pub const UPS_WRONG_TRANSACTION: Self = Self(0xc301);
    /// UPS: it is IN PROGRESS already.
    pub const UPS_IN_PROGRESS: Self = Self(0xc302);
    /// UPS: a step becomes SCHEDULED only by being created.
    pub const UPS_ONLY_BY_CREATION: Self = Self(0xc303);
    /// UPS: it does not have what a step that ends so must have.
    pub const UPS_NOT_READY: Self = Self(0xc304);
    /// UPS: there is no such step.
    pub const UPS_UNKNOWN: Self = Self(0xc307);
    /// UPS: the receiving AE title is no device's that associations can be opened to.
    pub const UPS_RECEIVER_UNKNOWN: Self = Self(0xc308);
    /// UPS: a step is created as SCHEDULED only.
    pub const UPS_NOT_SCHEDULED: Self = Self(0xc309);
    /// UPS: it is not IN PROGRESS yet.
    pub const UPS_NOT_IN_PROGRESS: Self = Self(0xc310);
    /// UPS: it is COMPLETED, and cannot be cancelled.
    pub const UPS_COMPLETED: Self = Self(0xc311);
    /// UPS: nobody follows it, so its performer cannot be told.
    pub const UPS_NOBODY_LISTENS: Self = Self(0xc312);
    /// UPS: the action is none for a single step.
    pub const UPS_NOT_APPROPRIATE: Self = Self(0xc314);

    /// Every status that is sent from here, with what it means; in the order of the numbers. For the documents.
    #[cfg(test)]
    pub(crate) const ALL: &'static [(Self, &'static str)] = &[
        (Self::SUCCESS, "Done"),
        (Self::OPTIONAL_ATTRIBUTES_UNSUPPORTED, "N-GET: done, without some attributes that are not there"),
        (Self::NO_SUCH_ATTRIBUTE, "N-SET: an attribute that may not be set"),
        (Self::INVALID_ATTRIBUTE_VALUE, "N-CREATE, N-SET: a value that an attribute cannot have"),
        (
            Self::PROCESSING_FAILURE,
            "C-STORE: a fault of the performing side; N-SET: the instance may no longer be changed",
        ),
        (Self::DUPLICATE_INSTANCE, "N-CREATE: there is an instance with this UID"),
        (Self::NO_SUCH_INSTANCE, "There is no instance with this UID"),
        (Self::INVALID_ARGUMENT, "N-ACTION: the data set does not say what the action needs to know"),
        (Self::INVALID_INSTANCE, "What is to be the UID of an instance is none"),
        (Self::CLASS_INSTANCE_CONFLICT, "The instance is of another SOP class"),
        (Self::MISSING_ATTRIBUTE, "N-CREATE: an attribute is missing"),
        (Self::MISSING_ATTRIBUTE_VALUE, "N-CREATE, N-SET: an attribute has no value"),
        (
            Self::SOP_CLASS_NOT_SUPPORTED,
            "The SOP class is not stored here, or the operation is not one of the presentation context's",
        ),
        (Self::NO_SUCH_ACTION, "N-ACTION: there is no action with this number"),
        (Self::NOT_AUTHORIZED, "The calling application may not do this"),
        (Self::UNRECOGNIZED_OPERATION, "The command field names an operation that is not performed here"),
        (Self::RESOURCE_LIMITATION, "Normalized services: too much, or away; asking again later may help"),
        (Self::OUT_OF_RESOURCES, "Out of resources; for C-STORE: the store is full or away"),
        (Self::CANNOT_COUNT_MATCHES, "C-MOVE, C-GET: the number of matches cannot be determined"),
        (Self::CANNOT_PERFORM_SUBOPERATIONS, "C-MOVE, C-GET: the sub-operations cannot be performed"),
        (Self::MOVE_DESTINATION_UNKNOWN, "C-MOVE: the destination is not known"),
        (Self::DATA_SET_MISMATCH, "The data set or identifier does not match the SOP class"),
        (Self::NO_FRAMES, "C-MOVE, C-GET of frames: the instance has none of them"),
        (
            Self::CANNOT_CREATE_INSTANCE,
            "C-MOVE, C-GET of frames: no valid instance can be made of some of its frames",
        ),
        (Self::CANNOT_EXTRACT_FRAMES, "C-MOVE, C-GET of frames: they cannot be taken apart"),
        (
            Self::FRAMES_WITHOUT_TIMES,
            "C-MOVE, C-GET of frames: a range of times is asked for, and they have none",
        ),
        (
            Self::INVALID_FRAME_RANGE,
            "C-MOVE, C-GET of frames: the frame range key is missing, one of several, or none",
        ),
        (Self::SUBOPERATIONS_FAILED, "C-MOVE, C-GET: done, with one or more failed or warned sub-operations"),
        (Self::UPS_MODIFIED, "UPS: created, with attributes added to what was sent"),
        (Self::UPS_ALREADY_CANCELED, "UPS: it is CANCELED already"),
        (Self::UPS_ALREADY_COMPLETED, "UPS: it is COMPLETED already"),
        (
            Self::CANNOT_UNDERSTAND,
            "C-STORE: the data set cannot be understood; for other services: unable to process",
        ),
        (Self::UPS_ENDED, "UPS: it has ended, and can no longer be changed"),
        (Self::UPS_WRONG_TRANSACTION, "UPS: the transaction UID is missing or not the step's"),
        (Self::UPS_IN_PROGRESS, "UPS: it is IN PROGRESS already"),
        (Self::UPS_ONLY_BY_CREATION, "UPS: a step becomes SCHEDULED only by being created"),
        (Self::UPS_NOT_READY, "UPS: it does not have what a step that ends so must have"),
        (Self::UPS_UNKNOWN, "UPS: there is no such step"),
        (
            Self::UPS_RECEIVER_UNKNOWN,
            "UPS: the receiving AE title is no device's that associations can be opened to",
        ),
        (Self::UPS_NOT_SCHEDULED, "UPS: a step is created as SCHEDULED only"),
        (Self::UPS_NOT_IN_PROGRESS, "UPS: it is not IN PROGRESS yet"),
        (Self::UPS_COMPLETED, "UPS: it is COMPLETED, and cannot be cancelled"),
        (Self::UPS_NOBODY_LISTENS, "UPS: nobody follows it, so its performer cannot be told"),
        (Self::UPS_NOT_APPROPRIATE, "UPS: the action is none for a single step"),
        (Self::CANCEL, "Ended by a C-CANCEL"),
        (Self::PENDING, "C-FIND, C-MOVE, C-GET: more follows"),
        (
            Self::PENDING_KEYS_UNSUPPORTED,
            "C-FIND: more follows; one or more optional keys were not supported",
        ),
    ];

    /// More responses follow.
    pub fn is_pending(self) -> bool {
        matches!(self, Self::PENDING | Self::PENDING_KEYS_UNSUPPORTED)
    }

    /// Done, though something deserves attention (PS3.7 C.1).
    pub fn is_warning(self) -> bool {
        matches!(self.0, 0x0001 | 0x0107 | 0x0116 | 0xb000..=0xbfff)
    }

    /// Neither done, nor done with a warning, nor pending, nor cancelled.
    pub fn is_failure(self) -> bool {
        self != Self::SUCCESS && self != Self::CANCEL && !self.is_pending() && !self.is_warning()
    }
}

impl std::fmt::Display for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "0x{:04X}", self.0)
    }
}

impl std::fmt::Debug for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Status({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_status_is_of_one_kind() {
        let kinds = |status: Status| {
            (status == Status::SUCCESS, status.is_pending(), status.is_warning(), status.is_failure())
        };
        for (status, want) in [
            (Status::SUCCESS, (true, false, false, false)),
            (Status::PENDING, (false, true, false, false)),
            (Status::PENDING_KEYS_UNSUPPORTED, (false, true, false, false)),
            (Status::SUBOPERATIONS_FAILED, (false, false, true, false)),
            (Status::CANCEL, (false, false, false, false)),
            (Status::OUT_OF_RESOURCES, (false, false, false, true)),
            (Status::CANNOT_UNDERSTAND, (false, false, false, true)),
            (Status(0x0110), (false, false, false, true)),
        ] {
            assert_eq!(kinds(status), want, "{status}");
        }
    }
}
