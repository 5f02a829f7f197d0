//! What curl does with DICOMweb, as scripts and download tools do: it goes on where a transfer broke off, asks whether
//! what it holds still holds, and takes JSON compressed.

use std::path::Path;

use crate::support::images::Study;
use crate::support::program::Sen;
use crate::support::{stow, tools};

/// Runs curl and gives what it was told to write out, which is `format`.
fn curl(program: &Path, sen: &Sen, format: &str, arguments: &[&str]) -> String {
    let arguments = [&["-sS", "--max-time", "30", "-w", format], arguments].concat();
    tools::succeeded(&tools::run(program, sen.folder(), &arguments))
}

#[tokio::test]
async fn curl_goes_on_asks_again_and_unpacks() {
    let Some(program) = tools::program("curl") else { return };
    let sen = Sen::start();
    let mut study = Study::of("P1", "NGUYỄN^VĂN A");
    study.slices = 60;
    stow::push_study(&sen, &study).await;
    let file = study.slice(1);
    let series = sen.url(&format!("/dicomweb/studies/{}/series/{}", study.uid, study.series()));
    let instance = format!("{series}/instances/{}", study.instance(1));
    let read = |name: &str| std::fs::read(sen.folder().join(name)).unwrap();
    let run = |format: &str, arguments: &[&str]| curl(&program, &sen, format, arguments);

    // A transfer that broke off goes on.
    std::fs::write(sen.folder().join("part.dcm"), &file[..1000]).unwrap();
    let dicom = "Accept: application/dicom; transfer-syntax=*";
    let went = run("%{http_code} %{size_download}", &["-C", "-", "-H", dicom, "-o", "part.dcm", &instance]);
    assert_eq!(went, format!("206 {}", file.len() - 1000));
    assert!(read("part.dcm") == file);
    // Behind the end there is nothing.
    let behind = run("%{http_code}", &["-r", "99999999-", "-H", dicom, "-o", "none", &instance]);
    assert_eq!(behind, "416");

    // What curl holds is not sent again, whether it asks by tag or by time.
    let octets = "Accept: application/octet-stream; transfer-syntax=*";
    let frame = format!("{instance}/frames/1");
    let by_tag = ["--etag-save", "tag", "--etag-compare", "tag", "-H", octets, "-o", "frame", &frame];
    assert_eq!(run("%{http_code}", &by_tag), "200");
    assert!(read("frame") == study.pixels(1));
    assert_eq!(run("%{http_code} %{size_download}", &by_tag), "304 0");
    let by_time = ["-R", "-z", "timed", "-H", octets, "-o", "timed", &frame];
    assert_eq!(run("%{http_code}", &by_time), "200");
    assert_eq!(run("%{http_code} %{size_download}", &by_time), "304 0");

    // JSON comes compressed and is the same; HEAD tells its length.
    let metadata = format!("{series}/metadata");
    let plain = run("%{size_download}", &["-o", "plain.json", &metadata]);
    let packed = run("%{size_download}", &["--compressed", "-o", "packed.json", &metadata]);
    assert!(read("plain.json") == read("packed.json"));
    let bytes = |text: &str| text.parse::<usize>().unwrap();
    assert!(bytes(&packed) * 4 < bytes(&plain), "{packed} of {plain} bytes");
    let head = run("", &["-I", &metadata]).to_lowercase();
    assert!(head.contains(&format!("content-length: {plain}\r\n")), "{head}");
    assert!(head.contains("vary: accept, accept-encoding\r\n"), "{head}");
    // Pixels never are.
    let sent = run("%{size_download}", &["--compressed", "-H", octets, "-o", "pixels", &frame]);
    assert_eq!(bytes(&sent), study.pixels(1).len());
}
