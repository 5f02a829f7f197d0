//! Text in every character set: stored as sent, read through every door, and by consoles that can read one set only.

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::json;

use crate::support::images::Study;
use crate::support::program::{Sen, Setup};
use crate::support::{orders, tools};

/// What a console may be able to read: every defined term without code extensions, and some with.
pub const CONSOLES: [&str; 26] = [
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
    "ISO_IR 192",
    "GB18030",
    "GBK",
    "ISO 2022 IR 100",
    r"\ISO 2022 IR 87",
    r"\ISO 2022 IR 87\ISO 2022 IR 159",
    r"ISO 2022 IR 13\ISO 2022 IR 87",
    r"\ISO 2022 IR 149",
    r"\ISO 2022 IR 58",
    r"\ISO 2022 IR 144\ISO 2022 IR 126",
    r"ISO 2022 IR 100\ISO 2022 IR 144\ISO 2022 IR 149",
    r"ISO 2022 IR 101\ISO 2022 IR 127\ISO 2022 IR 138",
    r"\ISO 2022 IR 166\ISO 2022 IR 58",
];

const ON_THE_WORKLIST: [&str; 4] = ["NGUYỄN^ĐỨC ANH", "Müller^Jörg", "山田^太郎", "홍^길동"];

#[tokio::test]
async fn samples_of_every_character_set_are_read_by_consoles_of_every_character_set() {
    let Some(python) = tools::python() else { return };
    let (mut devices, mut consoles) = (String::new(), String::new());
    for (number, terms) in CONSOLES.iter().enumerate() {
        let title = format!("CONSOLE{number}");
        write!(
            devices,
            "[[device]]\nae_title = '{title}'\nhost = '127.0.0.1'\nport = 104\ncharacter_set = '{terms}'\n"
        )
        .unwrap();
        writeln!(consoles, "{title} {terms}").unwrap();
    }
    let sen = Setup::default().file(&devices).start();
    let list = sen.folder().join("consoles");
    std::fs::write(&list, consoles).unwrap();
    for (number, name) in ON_THE_WORKLIST.iter().enumerate() {
        let form = json!({
            "patient": { "id": format!("P{number}"), "name": name, "birthDate": "1980-01-02", "sex": "M" },
            "procedure": { "code": "CT", "name": "Chụp", "modality": "CT" },
            "scheduledAt": "2026-11-23T09:30",
        });
        orders::place(&sen, &form).await;
    }
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let names = sen.folder().join("names");
    std::fs::write(&names, ON_THE_WORKLIST.join("\n")).unwrap();
    let output = Command::new(python)
        .arg(here.join("tests/python/texts.py"))
        .args(["127.0.0.1", &sen.dimse_port(), &sen.url("")])
        .args([here.join("testdata/files"), list])
        .stdin(Stdio::from(std::fs::File::open(names).unwrap()))
        .output()
        .expect("Python runs");
    tools::succeeded(&output);
}

#[test]
fn findscu_is_answered_in_the_set_that_it_names() {
    let (Some(storescu), Some(findscu)) = (tools::program("storescu"), tools::program("findscu")) else {
        return;
    };
    let sen = Sen::start();
    let study = Study::of("P1", "NGUYỄN^JÉRÔME");
    study.write(&sen.folder().join("ct"));
    let port = sen.dimse_port();
    let push = ["-aec", "SEN", "+sd", "127.0.0.1", &port, "ct"];
    tools::succeeded(&tools::run(&storescu, sen.folder(), &push));
    for (named, wanted) in [
        ("SpecificCharacterSet", "NGUYỄN^JÉRÔME".as_bytes()),
        ("SpecificCharacterSet=ISO_IR 192", "NGUYỄN^JÉRÔME".as_bytes()),
        ("SpecificCharacterSet=ISO_IR 100", b"NGUYEN^J\xc9R\xd4ME"),
        ("SpecificCharacterSet=ISO_IR 6", b"NGUYEN^JEROME"),
    ] {
        let keys = ["-k", "QueryRetrieveLevel=STUDY", "-k", named, "-k", "PatientName=*NGUYEN*"];
        let arguments = [&["-S", "-aec", "SEN"], &keys[..], &["127.0.0.1", &port]].concat();
        let said = tools::run(&findscu, sen.folder(), &arguments);
        tools::succeeded(&said);
        let said = [said.stdout, said.stderr].concat();
        assert!(
            said.windows(wanted.len()).any(|part| part == wanted),
            "{named}: {}",
            String::from_utf8_lossy(&said)
        );
    }
}
