//! PDUs: a stream gives the same tokens however it is cut, fragments never exceed what was sent,
//! and an association request that is taken is written in a form that means the same.

#![no_main]

use dimse_scp::dimse::CommandSet;
use dimse_scp::dimse::command::MAX_COMMAND_BYTES;
use dimse_scp::pdu::associate::{AssociateAc, AssociateRq};
use dimse_scp::pdu::stream::{Decoder, Token};
use libfuzzer_sys::fuzz_target;

const MAX_PDU_BYTES: u32 = 16 * 1024;

/// The element that says how long a command set is.
const GROUP_LENGTH_BYTES: usize = 12;

/// The tokens of a stream fed in steps, with neighbouring pieces of one fragment put together, and
/// whether it was refused.
fn tokens(stream: &[u8], step: usize) -> (Vec<Token>, bool) {
    let mut decoder = Decoder::new(MAX_PDU_BYTES);
    let mut tokens = Vec::new();
    for chunk in stream.chunks(step) {
        decoder.buffer().extend_from_slice(chunk);
        loop {
            match decoder.next_token() {
                Ok(Some(token)) => tokens.push(token),
                Ok(None) => break,
                Err(_) => return (tokens, true),
            }
        }
    }
    (tokens, false)
}

fuzz_target!(|data: &[u8]| {
    let Some((&step, stream)) = data.split_first() else { return };
    let (whole, refused) = tokens(stream, stream.len().max(1));
    let (cut, cut_refused) = tokens(stream, usize::from(step).max(1));
    assert_eq!(whole, cut, "fragments of at most {MAX_PDU_BYTES} bytes come in one piece");
    assert_eq!(refused, cut_refused);
    let carried: usize =
        whole.iter().map(|token| if let Token::Data(piece) = token { piece.bytes.len() } else { 0 }).sum();
    assert!(carried <= stream.len());
    for token in &whole {
        if let Token::Data(piece) = token
            && let Ok(command) = CommandSet::decode(&piece.bytes)
        {
            let written = command.encode();
            // A set without group length is written with one, and may then be too long to be read.
            assert!(written.len() <= piece.bytes.len() + GROUP_LENGTH_BYTES);
            if written.len() <= MAX_COMMAND_BYTES {
                assert_eq!(CommandSet::decode(&written).as_ref(), Ok(&command));
            }
        }
    }
    if let Ok(request) = AssociateRq::decode(stream)
        && let Ok(bytes) = request.encode()
    {
        assert_eq!(AssociateRq::decode(bytes.get(6..).unwrap_or_default()).as_ref(), Ok(&request));
    }
    if let Ok(answer) = AssociateAc::decode(stream)
        && let Ok(bytes) = answer.encode()
    {
        assert_eq!(AssociateAc::decode(bytes.get(6..).unwrap_or_default()).as_ref(), Ok(&answer));
    }
});
