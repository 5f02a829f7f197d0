//! The tables of `docs/CONFORMANCE.md` that are made from the code's own: the text fails here when it differs, and is
//! rewritten when `SEN_WRITE_DOCS` is set.

use std::fmt::Write as _;
use std::path::Path;

use dicom_core::dictionary::UidDictionary;
use dicom_dictionary_std::StandardSopClassDictionary;
use pacs_core::dataset::{keyword_of, vr_of};
use pacs_core::query::{Level, Query};
use pacs_core::text::CharacterSet;
use pacs_core::uid::Uid;
use pacs_core::{Tag, VR, pixels, transfer_syntax};
use storage::schedule::worklist;

use crate::association::negotiation::grantable;
use crate::dimse::Status;
use crate::services::{TARGETS, Target};
use crate::sop_class::{SERVICES, Service, SopClasses, Steps};

const WRITE: &str = "SEN_WRITE_DOCS";

/// A table: its name in the text, its heads, and its rows.
type Table = (&'static str, &'static [&'static str], Vec<Vec<String>>);

fn tables() -> Vec<Table> {
    vec![
        ("services", &["SOP class", "UID", "operations as SCP", "options that are granted"], services()),
        ("storage", &["storage SOP class", "UID"], storage_classes()),
        (
            "transfer-syntaxes",
            &["transfer syntax", "UID", "stored", "sent otherwise", "made for receivers"],
            syntaxes(),
        ),
        ("query-keys", &["level", "attribute", "tag", "matching"], query_keys()),
        ("query-returns", &["level", "attributes that are answered"], query_returns()),
        ("worklist", &["attribute", "tag", "matching"], worklist_keys()),
        ("step-keys", &["attribute", "tag", "matching"], step_keys()),
        ("statuses", &["status", "meaning"], statuses()),
        ("character-sets", &["defined term", "read", "written"], character_sets()),
        ("tls", &["protocol", "cipher suites"], tls()),
    ]
}

fn uid_name(uid: &str) -> Option<&'static str> {
    // By UID the dictionary gives what it has forever.
    StandardSopClassDictionary.by_uid(uid).map(|entry| entry.name)
}

fn services() -> Vec<Vec<String>> {
    let operations = |service| match service {
        Service::Verification => "C-ECHO",
        Service::Storage => "C-STORE",
        Service::Find(_) | Service::Worklist => "C-FIND, C-CANCEL",
        Service::Move(_) => "C-MOVE, C-CANCEL",
        Service::Get(_) | Service::GetWithoutBulk => "C-GET, C-CANCEL",
        Service::PerformedStep => "N-CREATE, N-SET",
        Service::PerformedStepRetrieve => "N-GET",
        Service::StorageCommitment => "N-ACTION; N-EVENT-REPORT is sent",
        Service::ProcedureStep(Steps::Push) => "N-CREATE, N-GET, N-ACTION (request cancel)",
        Service::ProcedureStep(Steps::Watch) => {
            "C-FIND, C-CANCEL, N-GET, N-ACTION (request cancel, subscribe, unsubscribe, suspend)"
        }
        Service::ProcedureStep(Steps::Pull) => "C-FIND, C-CANCEL, N-GET, N-SET, N-ACTION (change state)",
        Service::ProcedureStep(Steps::Query) => "C-FIND, C-CANCEL",
    };
    let options = |service: Service| {
        let names: &[&str] = match service {
            Service::Find(_) => &[
                "relational queries",
                "combined date-time matching",
                "fuzzy names",
                "time zone",
                "enhanced images",
                "empty values",
                "all of several values",
            ],
            Service::Worklist | Service::ProcedureStep(_) => &["", "", "fuzzy names", "time zone"],
            _ => &["relational retrieval", "enhanced images"],
        };
        let granted = grantable(service).unwrap_or_default();
        let named: Vec<&str> = names
            .iter()
            .zip(granted)
            .filter(|(name, granted)| **granted && !name.is_empty())
            .map(|(name, _)| *name)
            .collect();
        named.join(", ")
    };
    let row = |(uid, service): &(&str, Service)| {
        let name = uid_name(uid).unwrap_or_default().to_owned();
        vec![name, (*uid).to_owned(), operations(*service).to_owned(), options(*service)]
    };
    SERVICES.iter().map(row).collect()
}

/// Every storage class of the standard: the dictionary is asked for all UIDs that could be one.
fn storage_classes() -> Vec<Vec<String>> {
    let classes = SopClasses::default();
    let mut found = Vec::new();
    let mut look = |uid: String| {
        let stored = Uid::parse(&uid).is_ok_and(|uid| classes.service(&uid) == Some(Service::Storage));
        if stored && let Some(name) = uid_name(&uid) {
            found.push(vec![name.to_owned(), uid]);
        }
    };
    const ROOT: &str = "1.2.840.10008.5.1.4";
    (1..60).for_each(|a| (0..12).for_each(|b| look(format!("{ROOT}.{a}.{b}"))));
    for a in 1..700 {
        look(format!("{ROOT}.1.1.{a}"));
        for b in 1..110 {
            look(format!("{ROOT}.1.1.{a}.{b}"));
            let most = if a <= 100 { 12 } else { 1 };
            for c in 1..most {
                look(format!("{ROOT}.1.1.{a}.{b}.{c}"));
                (1..if a == 77 { 8 } else { 1 }).for_each(|d| look(format!("{ROOT}.1.1.{a}.{b}.{c}.{d}")));
            }
        }
    }
    found
}

fn syntaxes() -> Vec<Vec<String>> {
    let yes = |it: bool| if it { "yes" } else { "" }.to_owned();
    let row = |syntax: &transfer_syntax::TransferSyntax| {
        let uid = syntax.uid?;
        let stored = Uid::parse(uid).ok()?;
        let is_made = TARGETS.iter().any(|target| *target != uid && Target::of(&stored, target).is_some());
        let decoded = !syntax.encapsulated || pixels::can_decode(&stored);
        Some(vec![
            syntax.name.to_owned(),
            uid.to_owned(),
            yes(true),
            yes(decoded && is_made),
            yes(TARGETS.contains(&uid)),
        ])
    };
    transfer_syntax::known().iter().filter_map(row).collect()
}

/// How a key of that representation is matched (PS3.4 C.2.2.2).
fn matching(tag: Tag) -> &'static str {
    match vr_of(tag) {
        VR::UI => "list of UIDs",
        VR::DA | VR::TM | VR::DT => "single value, range",
        VR::PN => "name",
        VR::CS => "single value, wildcard, several values",
        VR::IS | VR::US | VR::SS | VR::UL | VR::SL => "single value",
        _ => "single value, wildcard",
    }
}

fn name_of(path: &[Tag]) -> String {
    path.iter().map(|tag| keyword_of(*tag).unwrap_or_default()).collect::<Vec<_>>().join(" > ")
}

fn tags_of(path: &[Tag]) -> String {
    path.iter()
        .map(|Tag(group, element)| format!("({group:04X},{element:04X})"))
        .collect::<Vec<_>>()
        .join(" > ")
}

fn query_keys() -> Vec<Vec<String>> {
    let levels = [Level::Patient, Level::Study, Level::Series, Level::Instance];
    let mut rows = Vec::new();
    let mut above: Vec<Vec<Tag>> = Vec::new();
    for level in levels {
        let mut of_level = storage::query::matched(level);
        of_level.retain(|path| !above.contains(path));
        of_level.sort();
        for path in &of_level {
            let tag = path.last().copied().unwrap_or(Tag(0, 0));
            rows.push(vec![
                level.as_str().to_owned(),
                name_of(path),
                tags_of(path),
                matching(tag).to_owned(),
            ]);
        }
        above.extend(of_level);
    }
    rows
}

fn query_returns() -> Vec<Vec<String>> {
    let mut above: Vec<Tag> = Vec::new();
    let mut rows = Vec::new();
    for level in [Level::Patient, Level::Study, Level::Series, Level::Instance] {
        let held = |tag: Tag| {
            let mut query = Query::new(level);
            let is_supported = query.add(&[tag], vr_of(tag), "").is_ok() && storage::query::supports(&query);
            is_supported && !storage::query::is_of_header(tag, level)
        };
        let known = |group: u16| (0..=u16::MAX).map(move |element| Tag(group, element));
        let all = [0x0008u16, 0x0010, 0x0012, 0x0018, 0x0020, 0x0028, 0x0032, 0x0038, 0x0040, 0x0088]
            .into_iter()
            .flat_map(known)
            .filter(|tag| tag.1 != 0 && keyword_of(*tag).is_some());
        let of_level: Vec<Tag> = all.filter(|tag| !above.contains(tag) && held(*tag)).collect();
        let mut names: Vec<String> = of_level.iter().map(|tag| name_of(&[*tag])).collect();
        if level == Level::Instance {
            names.push("and every other attribute of the header that is not private".to_owned());
        }
        rows.push(vec![level.as_str().to_owned(), names.join(", ")]);
        above.extend(of_level);
    }
    rows
}

fn worklist_keys() -> Vec<Vec<String>> {
    let matched = worklist::matched();
    let without_value = worklist::returned_without_value();
    let mut all = [worklist::returned(), without_value.clone()].concat();
    all.extend(matched.iter().filter(|path| !all.contains(path)).cloned().collect::<Vec<_>>());
    all.sort();
    let row = |path: &Vec<Tag>| {
        let tag = path.last().copied().unwrap_or(Tag(0, 0));
        let how = if matched.contains(path) {
            matching(tag)
        } else if without_value.contains(path) {
            "returned without a value"
        } else {
            "returned"
        };
        vec![name_of(path), tags_of(path), how.to_owned()]
    };
    all.iter().map(row).collect()
}

fn step_keys() -> Vec<Vec<String>> {
    let row = |path: &Vec<Tag>| {
        let tag = path.last().copied().unwrap_or(Tag(0, 0));
        vec![name_of(path), tags_of(path), matching(tag).to_owned()]
    };
    storage::ups::matched().iter().map(row).collect()
}

fn statuses() -> Vec<Vec<String>> {
    Status::ALL.iter().map(|(status, meaning)| vec![status.to_string(), (*meaning).to_owned()]).collect()
}

/// The defined terms of PS3.3 C.12.1.1.2.
const TERMS: [&str; 34] = [
    "ISO_IR 6",
    "ISO_IR 100",
    "ISO_IR 101",
    "ISO_IR 109",
    "ISO_IR 110",
    "ISO_IR 144",
    "ISO_IR 127",
    "ISO_IR 126",
    "ISO_IR 138",
    "ISO_IR 148",
    "ISO_IR 203",
    "ISO_IR 13",
    "ISO_IR 166",
    "ISO 2022 IR 6",
    "ISO 2022 IR 100",
    "ISO 2022 IR 101",
    "ISO 2022 IR 109",
    "ISO 2022 IR 110",
    "ISO 2022 IR 144",
    "ISO 2022 IR 127",
    "ISO 2022 IR 126",
    "ISO 2022 IR 138",
    "ISO 2022 IR 148",
    "ISO 2022 IR 203",
    "ISO 2022 IR 13",
    "ISO 2022 IR 166",
    "ISO 2022 IR 87",
    "ISO 2022 IR 159",
    "ISO 2022 IR 149",
    "ISO 2022 IR 58",
    "ISO_IR 192",
    "GB18030",
    "GBK",
    "\\ISO 2022 IR 87\\ISO 2022 IR 159",
];

fn character_sets() -> Vec<Vec<String>> {
    let row = |term: &&str| {
        let set = CharacterSet::named(term);
        let yes = |it: bool| if it { "yes" } else { "no" }.to_owned();
        let written = set.is_some_and(|set| set.decode(&set.encode("A^B"), VR::PN) == "A^B");
        vec![format!("`{term}`"), yes(set.is_some()), yes(written)]
    };
    TERMS.iter().map(row).collect()
}

fn tls() -> Vec<Vec<String>> {
    let provider = rustls::crypto::ring::default_provider();
    let row = |version: &&rustls::SupportedProtocolVersion| {
        let suites = provider.cipher_suites.iter().filter(|suite| suite.version().version == version.version);
        let names: Vec<String> = suites.map(|suite| format!("{:?}", suite.suite())).collect();
        vec![format!("{:?}", version.version), names.join(", ")]
    };
    crate::tls::VERSIONS.iter().map(row).collect()
}

fn written(heads: &[&str], rows: &[Vec<String>]) -> String {
    let mut text = format!("| {} |\n|{}\n", heads.join(" | "), "---|".repeat(heads.len()));
    for row in rows {
        let cells: Vec<String> = row.iter().map(|cell| cell.replace('|', "\\|")).collect();
        let _ = writeln!(text, "| {} |", cells.join(" | "));
    }
    text
}

#[test]
fn the_tables_of_the_conformance_statement_are_those_of_the_code() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/CONFORMANCE.md");
    let text = std::fs::read_to_string(&path).unwrap();
    let mut wanted = text.clone();
    for (name, heads, rows) in tables() {
        assert!(!rows.is_empty(), "{name}");
        let (begin, end) = (format!("<!-- made: {name} -->\n"), "<!-- end -->");
        let start =
            wanted.find(&begin).unwrap_or_else(|| panic!("the text has no place for {name}")) + begin.len();
        let length = wanted[start..].find(end).unwrap_or_else(|| panic!("the place of {name} has no end"));
        wanted.replace_range(start..start + length, &format!("\n{}\n", written(heads, &rows)));
    }
    if std::env::var_os(WRITE).is_some() {
        std::fs::write(&path, wanted).unwrap();
        return;
    }
    assert!(text == wanted, "docs/CONFORMANCE.md differs from the code; {WRITE}=1 rewrites its tables");
}
