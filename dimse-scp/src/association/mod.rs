//! An established association: two halves of a connection with the presentation contexts that were
//! agreed upon (PS3.7 D, PS3.8). The same for both roles; who asked is only a matter of how it came
//! to be ([`accept`] here, [`crate::scu`] there).

pub mod accept;
mod context;
mod end;
pub mod negotiation;
mod reader;
pub mod stream;
mod writer;

use pacs_core::uid::AeTitle;

pub use context::{Context, Contexts, QueryOptions};
pub use end::End;
pub use reader::{Event, PROGRESS_BYTES, Reader};
pub use writer::{DataWriter, Writer};

use crate::pdu::AbortSource;
use crate::pdu::encode;

/// The DICOM implementation class UID of Sen (PS3.7 D.3.3.2).
pub use pacs_core::part10::IMPLEMENTATION_CLASS_UID;
/// The implementation version name of Sen, at most 16 characters.
pub use pacs_core::part10::IMPLEMENTATION_VERSION_NAME;

/// An established association.
#[derive(Debug)]
pub struct Association {
    /// Who asked for the association.
    pub calling_ae: AeTitle,
    /// Who was asked.
    pub called_ae: AeTitle,
    /// The presentation contexts that were accepted.
    pub contexts: Contexts,
    /// What the peer sends.
    pub reader: Reader,
    /// What goes to the peer.
    pub writer: Writer,
}

impl Association {
    /// Ends the association as `end` demands: answers a release, aborts after a fault of the peer,
    /// and leaves a lost connection alone. The transport connection closes with the value.
    pub async fn close(mut self, end: &End) {
        let farewell = match end {
            End::Released => Some(encode::release_response()),
            End::Aborted { .. } | End::Lost | End::WriteTimeout => None,
            End::Protocol { reason, .. } => Some(encode::abort(AbortSource::Provider, *reason)),
            End::Idle | End::Stalled | End::Stopped | End::Cut(_) => {
                Some(encode::abort(AbortSource::User, 0))
            }
        };
        if let Some(pdu) = farewell
            && self.writer.raw(&pdu).await.is_ok()
        {
            // The requestor closes first after a release; closing at once would lose the farewell
            // of a peer that is still sending.
            self.reader.wait_for_close().await;
        }
        self.writer.shut().await;
    }
}
