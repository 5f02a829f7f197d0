//! Which transfer syntaxes are tried with whom: all that the standard has, but those that a program does not know.

use std::fmt::Write as _;

use pacs_core::transfer_syntax;

/// In which there are images in every run: the project's files, and what encoders of DCMTK and pydicom make.
pub(super) const IMAGES: [&str; 15] = [
    "1.2.840.10008.1.2",
    "1.2.840.10008.1.2.1",
    "1.2.840.10008.1.2.1.99",
    "1.2.840.10008.1.2.2",
    "1.2.840.10008.1.2.4.50",
    "1.2.840.10008.1.2.4.51",
    "1.2.840.10008.1.2.4.53",
    "1.2.840.10008.1.2.4.55",
    "1.2.840.10008.1.2.4.57",
    "1.2.840.10008.1.2.4.70",
    "1.2.840.10008.1.2.4.80",
    "1.2.840.10008.1.2.4.81",
    "1.2.840.10008.1.2.4.90",
    "1.2.840.10008.1.2.4.91",
    "1.2.840.10008.1.2.5",
];

/// In which there are images beside a developer's checkout alone.
pub(super) const IMAGES_BESIDE: [&str; 4] = [
    "1.2.840.10008.1.2.4.111",
    "1.2.840.10008.1.2.4.201",
    "1.2.840.10008.1.2.4.203",
    "1.2.840.10008.1.2.8.1",
];

/// What Debian's DCMTK does not know, and so Orthanc, which is made of it: it neither reads such files nor takes such
/// data sets, even where it accepts them.
const UNKNOWN_TO_DCMTK: [&str; 18] = [
    "1.2.840.10008.1.2.1.98",
    "1.2.840.10008.1.2.4.100.1",
    "1.2.840.10008.1.2.4.101.1",
    "1.2.840.10008.1.2.4.102.1",
    "1.2.840.10008.1.2.4.103.1",
    "1.2.840.10008.1.2.4.104.1",
    "1.2.840.10008.1.2.4.105.1",
    "1.2.840.10008.1.2.4.106.1",
    "1.2.840.10008.1.2.4.110",
    "1.2.840.10008.1.2.4.111",
    "1.2.840.10008.1.2.4.112",
    "1.2.840.10008.1.2.4.201",
    "1.2.840.10008.1.2.4.202",
    "1.2.840.10008.1.2.4.203",
    "1.2.840.10008.1.2.7.1",
    "1.2.840.10008.1.2.7.2",
    "1.2.840.10008.1.2.7.3",
    "1.2.840.10008.1.2.8.1",
];

/// Whose pixels lie with a server. DCMTK knows their names and refuses their data sets.
const REFERENCED: [&str; 4] = [
    "1.2.840.10008.1.2.4.94",
    "1.2.840.10008.1.2.4.95",
    "1.2.840.10008.1.2.4.204",
    "1.2.840.10008.1.2.4.205",
];

fn not_with_dcmtk(uid: &str) -> Option<&'static str> {
    if REFERENCED.contains(&uid) {
        Some("refuses JPIP")
    } else {
        UNKNOWN_TO_DCMTK.contains(&uid).then_some("does not know it")
    }
}

/// All that the standard has.
pub(super) fn all() -> Vec<&'static str> {
    transfer_syntax::known().iter().filter_map(|syntax| syntax.uid).collect()
}

/// What DCMTK and Orthanc send and take.
pub(super) fn known_to_dcmtk() -> Vec<&'static str> {
    all().into_iter().filter(|uid| not_with_dcmtk(uid).is_none()).collect()
}

/// What neither of them does.
pub(super) fn not_known_to_dcmtk() -> Vec<&'static str> {
    all().into_iter().filter(|uid| not_with_dcmtk(uid).is_some()).collect()
}

/// A row for each, with what it is tried with, and how each program meets it.
pub(super) fn table() -> String {
    let mut text =
        "| transfer syntax | UID | samples | DCMTK | pynetdicom | Orthanc |\n|---|---|---|---|---|---|\n"
            .to_owned();
    for syntax in transfer_syntax::known() {
        let Some(uid) = syntax.uid else { continue };
        let samples = if IMAGES.contains(&uid) {
            "images"
        } else if IMAGES_BESIDE.contains(&uid) {
            "images in `make interop`"
        } else {
            "bytes"
        };
        let met = "sends, takes";
        let dcmtk = not_with_dcmtk(uid).map_or_else(|| met.to_owned(), |why| format!("– {why}"));
        let _ = writeln!(text, "| {} | {uid} | {samples} | {dcmtk} | {met} | {dcmtk} |", syntax.name);
    }
    text
}
