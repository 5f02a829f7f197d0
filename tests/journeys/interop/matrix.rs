//! The list of what is tested with whom, in `docs/INTEROPERABILITY.md`: made from [`super::tables`], whose tests have
//! to exist and to meet the foreign program, and from [`super::syntax_list`], all of which the tests of syntaxes have
//! to meet. `SEN_WRITE_DOCS=1` rewrites it.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::syntax_list;
use super::tables::{CLIENTS, Cell, Row, SERVERS, WEB};
use crate::texts::CONSOLES;

/// Asserts that a test is there, and that it meets what it should.
fn assert_tests(named: &str, evidence: &str) {
    let (file, test) = named.split_once(": ").expect("a file and a test");
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let path = here.join(file);
    let mut text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{file}: {error}"));
    if !test.is_empty() {
        let at = text.find(&format!("fn {test}(")).unwrap_or_else(|| panic!("{file} has no {test}"));
        let before = text[..at].trim_end().trim_end_matches("async").trim_end();
        let attribute = before.lines().last().unwrap_or_default();
        assert!(attribute.starts_with("#[test]") || attribute.starts_with("#[tokio::test"), "{named}");
        let reached = reached(&text, test);
        text = reached.clone() + &of_others(&path, &text, &reached);
    }
    // The script that it runs, and those that this imports.
    let scripts = std::fs::read_dir(here.join("tests/python")).unwrap().map(|entry| entry.unwrap().path());
    let scripts: Vec<_> = scripts.filter(|path| path.extension().is_some_and(|end| end == "py")).collect();
    let read = |path: &PathBuf| std::fs::read_to_string(path).unwrap();
    let name = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().to_owned();
    let stem = |path: &PathBuf| path.file_stem().unwrap().to_str().unwrap().to_owned();
    for script in scripts.iter().filter(|path| text.contains(&name(path))).map(read).collect::<Vec<_>>() {
        let imports = |path: &&PathBuf| script.contains(&format!("from {} import", stem(path)));
        let imported: String = scripts.iter().filter(imports).map(read).collect();
        text = text + &script + &imported;
    }
    assert!(text.contains(evidence), "{named} does not meet {evidence}");
}

/// The text of the files beside this one from which it has something that a test reaches, such as a listener.
fn of_others(path: &Path, text: &str, reached: &str) -> String {
    let used =
        text.lines().filter_map(|line| line.strip_prefix("use super::")?.strip_suffix(';')?.split_once("::"));
    let used = used.filter(|(_, item)| reached.contains(&format!("{item}::")));
    used.map(|(module, _)| std::fs::read_to_string(path.with_file_name(format!("{module}.rs"))).unwrap())
        .collect()
}

/// The text of a function, and of those of its file that it calls, and they.
fn reached(text: &str, test: &str) -> String {
    let heads = text.match_indices("fn ").filter(|(at, _)| text[..*at].ends_with([' ', '\n']));
    let functions: Vec<(&str, &str)> = heads
        .map(|(at, _)| {
            let name = text[at + 3..].split(['(', '<']).next().unwrap_or_default();
            let line = &text[text[..at].rfind('\n').map_or(0, |end| end + 1)..];
            let end = format!("\n{}}}\n", " ".repeat(line.len() - line.trim_start().len()));
            (name, text[at..].split(&end).next().unwrap_or_default())
        })
        .collect();
    let mut all = String::new();
    let (mut seen, mut left) = (BTreeSet::from([test]), vec![test]);
    while let Some(name) = left.pop() {
        for (_, body) in functions.iter().filter(|(other, _)| *other == name) {
            all += body;
        }
        let called = functions.iter().filter(|(other, _)| all.contains(&format!("{other}(")));
        left.extend(called.map(|(other, _)| *other).filter(|other| seen.insert(*other)));
    }
    all
}

fn cited(tests: &[&str]) -> String {
    let cite = |named: &&str| {
        let (file, test) = named.split_once(": ").expect("a file and a test");
        if test.is_empty() { format!("`{file}`") } else { format!("`{test}`") }
    };
    tests.iter().map(cite).collect::<Vec<_>>().join("<br>")
}

fn services(rows: &[Row]) -> String {
    let mut text = "| service | DCMTK | pynetdicom | Orthanc |\n|---|---|---|---|\n".to_owned();
    for (service, cells) in rows {
        let _ = write!(text, "| {service} |");
        for cell in cells {
            let said = match cell {
                Cell::Tested(tests, evidence) => {
                    tests.iter().for_each(|test| assert_tests(test, evidence));
                    cited(tests)
                }
                Cell::Not(why) => format!("– {why}"),
            };
            let _ = write!(text, " {said} |");
        }
        text.push('\n');
    }
    text
}

fn web() -> String {
    let mut text = "| client | what it does | tests |\n|---|---|---|\n".to_owned();
    for (client, what, tests, evidence) in WEB {
        tests.iter().for_each(|test| assert_tests(test, evidence));
        let _ = writeln!(text, "| {client} | {what} | {} |", cited(tests));
    }
    text
}

fn character_sets() -> String {
    let terms: Vec<String> = CONSOLES.iter().map(|terms| format!("- `{terms}`")).collect();
    terms.join("\n") + "\n"
}

#[test]
fn the_list_of_what_is_tested_with_whom_is_true() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/INTEROPERABILITY.md");
    let text = std::fs::read_to_string(&path).unwrap();
    let mut wanted = text.clone();
    for (name, made) in [
        ("clients", services(&CLIENTS)),
        ("servers", services(&SERVERS)),
        ("web", web()),
        ("syntaxes", syntax_list::table()),
        ("character-sets", character_sets()),
    ] {
        let (begin, end) = (format!("<!-- made: {name} -->\n"), "<!-- end -->");
        let start = wanted.find(&begin).unwrap_or_else(|| panic!("no place for {name}")) + begin.len();
        let length = wanted[start..].find(end).unwrap_or_else(|| panic!("the place of {name} has no end"));
        wanted.replace_range(start..start + length, &format!("\n{made}\n"));
    }
    if std::env::var_os("SEN_WRITE_DOCS").is_some() {
        std::fs::write(&path, wanted).unwrap();
        return;
    }
    assert!(text == wanted, "docs/INTEROPERABILITY.md is not what is tested; SEN_WRITE_DOCS=1 rewrites it");
}
