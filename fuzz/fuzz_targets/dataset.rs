//! Data sets in every encoding. The first byte chooses the transfer syntax and how the rest is cut
//! into pieces; what is read must not depend on the cut, must fit into JSON and be writable again.

#![no_main]

use libfuzzer_sys::fuzz_target;
use pacs_core::dataset::{DataSet, Incremental, Limits, ReadError, Reading, Until, read_slice, write};
use pacs_core::json;
use pacs_core::transfer_syntax::TransferSyntax;

const SYNTAXES: [TransferSyntax; 4] = [
    TransferSyntax::IMPLICIT_LITTLE_ENDIAN,
    TransferSyntax::EXPLICIT_LITTLE_ENDIAN,
    TransferSyntax::EXPLICIT_BIG_ENDIAN,
    TransferSyntax::DEFLATED_EXPLICIT_LITTLE_ENDIAN,
];

fn fed(bytes: &[u8], size: usize, syntax: &TransferSyntax, limits: &Limits, until: Until) -> Result<Reading, ReadError> {
    let mut reader = Incremental::new(syntax, limits, until, Some(bytes.len() as u64));
    for piece in bytes.chunks(size) {
        reader.push(piece)?;
    }
    reader.finish()
}

fuzz_target!(|data: &[u8]| {
    let Some((&choice, bytes)) = data.split_first() else { return };
    let syntax = SYNTAXES[usize::from(choice & 3)];
    let until = if choice & 4 == 0 { Until::End } else { Until::PixelData };
    let size = usize::from(choice >> 3) + 1;
    let limits = Limits { value_bytes: 256, retained_bytes: 32 << 10, inflated_bytes: 1 << 20 };
    let whole = read_slice(bytes, &syntax, &limits, until);
    let pieces = fed(bytes, size, &syntax, &limits, until);
    match (&whole, &pieces) {
        (Ok(whole), Ok(pieces)) => {
            assert_eq!(whole.data_set, pieces.data_set);
            assert_eq!(whole.pixel_data, pieces.pixel_data);
            assert_eq!(whole.fault.is_some(), pieces.fault.is_some());
        }
        (Err(_), Err(_)) => {}
        // How much comes out before damage in a deflated stream shows depends on the pieces.
        _ if syntax.deflated => {}
        _ => panic!("the cut decides: {whole:?} or {pieces:?}"),
    }
    let Ok(reading) = whole else { return };
    let text = json::to_string(&reading.data_set);
    serde_json::from_str::<serde_json::Value>(&text).expect("JSON");
    let Some(written) = written(&reading.data_set) else { return };
    // An element whose VR was nonsense is written as UN, and read again as what the dictionary knows it to be: what was
    // read from what we wrote stays as it is.
    let twice = rewritten(&written);
    assert_eq!(twice, rewritten(&twice));
});

fn written(set: &DataSet) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    write(set, &TransferSyntax::EXPLICIT_LITTLE_ENDIAN, &mut bytes).ok().map(|_| bytes)
}

fn rewritten(bytes: &[u8]) -> Vec<u8> {
    let syntax = TransferSyntax::EXPLICIT_LITTLE_ENDIAN;
    let again = read_slice(bytes, &syntax, &Limits::default(), Until::End).expect("readable");
    written(&again.data_set).expect("held")
}
