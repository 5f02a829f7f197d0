//! From an accepted connection to an established association: the acceptor's side of PS3.8 9.2.

use super::negotiation::{check, negotiate};
use super::reader::{Reader, provider_abort, unexpected_abort};
use super::stream::Stream;
use super::writer::Writer;
use super::{Association, End};
use crate::config::Timeouts;
use crate::pdu::associate::UserInformation;
use crate::pdu::stream::Token;
use crate::pdu::{AssociateRq, encode};
use crate::refused::{Reason, Refused};
use crate::sop_class::SopClasses;

/// What the acceptor is willing to take.
#[derive(Debug, Clone, Copy)]
pub struct Terms<'a> {
    /// The SOP classes that are served.
    pub classes: &'a SopClasses,
    /// The longest P-DATA-TF variable field.
    pub max_pdu_bytes: u32,
    /// How long the peer may take.
    pub timeouts: Timeouts,
}

/// A connection that did not become an association.
#[derive(Debug)]
pub enum NotEstablished {
    /// The request was rejected.
    Rejected(Refused, Box<AssociateRq>),
    /// There was no request that could be answered.
    NoRequest(End),
}

/// Who the association is between, and what the judge wants to keep for as long as it lasts.
#[derive(Debug)]
pub struct Admitted<T> {
    /// The calling AE title, checked.
    pub calling_ae: pacs_core::uid::AeTitle,
    /// The called AE title, checked.
    pub called_ae: pacs_core::uid::AeTitle,
    /// What the requestor is told of the user it named; `None` says nothing.
    pub identity_answer: Option<Vec<u8>>,
    /// The judge's own.
    pub kept: T,
}

/// Reads the association request, lets `judge` decide on its AE titles and the limits, and answers.
/// The whole request has to come within the ARTIM timer.
pub async fn accept<T>(
    stream: Stream,
    terms: Terms<'_>,
    judge: impl AsyncFnOnce(&AssociateRq) -> Result<Admitted<T>, Refused>,
) -> Result<(Association, T), NotEstablished> {
    let (read, write) = stream.into_split();
    let mut reader = Reader::new(read, terms.max_pdu_bytes, terms.timeouts);
    let mut writer = Writer::new(write, terms.max_pdu_bytes, terms.timeouts.write);
    let mut request = match reader.handshake(terms.timeouts.artim).await {
        Ok(Token::AssociateRq(request)) => request,
        Ok(Token::Abort(source_of_abort, reason)) => {
            return Err(NotEstablished::NoRequest(End::Aborted { source_of_abort, reason }));
        }
        Ok(_) => {
            dismiss(&mut reader, &mut writer, &unexpected_abort()).await;
            return Err(NotEstablished::NoRequest(End::unexpected("the first PDU is not a request")));
        }
        Err(end) => {
            if let End::Protocol { reason, .. } = &end {
                dismiss(&mut reader, &mut writer, &provider_abort(*reason)).await;
            }
            return Err(NotEstablished::NoRequest(end));
        }
    };
    let verdict = match check(&request) {
        Ok(()) => judge(&request).await,
        Err(rejection) => Err(Refused::new(rejection, Reason::Protocol)),
    };
    let admitted = match verdict {
        Ok(admitted) => admitted,
        Err(refused) => {
            // The peer has half a minute to close; what it proposed need not be held meanwhile.
            request.contexts = Vec::new();
            request.user = UserInformation::default();
            dismiss(&mut reader, &mut writer, &encode::rejection(refused.rejection)).await;
            return Err(NotEstablished::Rejected(refused, request));
        }
    };
    let agreed = negotiate(&request, terms.classes, terms.max_pdu_bytes, admitted.identity_answer);
    let answer = agreed.answer.encode().map_err(|error| NotEstablished::NoRequest(error.into()))?;
    writer.limit_pdu(agreed.send_pdu_bytes);
    writer.raw(&answer).await.map_err(NotEstablished::NoRequest)?;
    let association = Association {
        calling_ae: admitted.calling_ae,
        called_ae: admitted.called_ae,
        contexts: agreed.contexts,
        reader,
        writer,
    };
    Ok((association, admitted.kept))
}

/// Says goodbye and gives the peer the time to read it.
async fn dismiss(reader: &mut Reader, writer: &mut Writer, pdu: &[u8]) {
    if writer.raw(pdu).await.is_ok() {
        reader.wait_for_close().await;
    }
    writer.shut().await;
}
