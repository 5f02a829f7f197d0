//! The reader, the writer, text and DICOM JSON on real files: the licensed ones of `testdata/files`
//! always, the wider collection beside the project when it is there.

use std::io::{Cursor, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use pacs_core::dataset::{
    DataSet, Element, Incremental, Limits, ReadError, Reading, Until, Value, read_bytes, read_file,
    read_slice, write,
};
use pacs_core::json::{self, JsonLimits};
use pacs_core::part10::{HeadProgress, guess_transfer_syntax, read_head};
use pacs_core::text::fold;
use pacs_core::transfer_syntax::{self, TransferSyntax};
use pacs_core::{VR, tags};

/// Files that hold no data set, by name.
const NO_DATA_SET: &[&str] = &["not-dicom.dcm", "no_meta.dcm", "rtplan_truncated.dcm"];

fn licensed() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/files")
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(&path, files);
        } else if path.components().any(|part| part.as_os_str() == "dicomdir")
            || path.extension() == Some("dcm".as_ref())
        {
            files.push(path);
        }
    }
}

fn all_files() -> Vec<PathBuf> {
    let mut files = Vec::new();
    walk(&licensed(), &mut files);
    assert!(files.len() > 80, "testdata/files is incomplete");
    let wider = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/dicom");
    if wider.is_dir() {
        walk(&wider, &mut files);
    } else {
        println!("SKIPPED: the wider collection, ../shared/dicom is not there");
    }
    files.sort();
    files
}

/// The encoded data set of a file and its transfer syntax.
fn data_set_of(bytes: &[u8]) -> (TransferSyntax, usize) {
    match read_head(bytes).unwrap() {
        HeadProgress::Head(head) => {
            (transfer_syntax::of(&head.transfer_syntax), head.dataset_offset as usize)
        }
        _ => match guess_transfer_syntax(bytes) {
            Some(uid) => (transfer_syntax::of(&uid), 0),
            None => (TransferSyntax::EXPLICIT_LITTLE_ENDIAN, 0),
        },
    }
}

fn read(path: &Path) -> Result<Reading, ReadError> {
    let bytes = std::fs::read(path).unwrap();
    let (syntax, offset) = data_set_of(&bytes);
    read_slice(&bytes[offset..], &syntax, &Limits::default(), Until::End)
}

fn read_licensed(name: &str) -> DataSet {
    read(&licensed().join(name)).unwrap().data_set
}

#[test]
fn every_way_of_reading_gives_the_same() {
    for path in all_files() {
        let bytes = std::fs::read(&path).unwrap();
        let (syntax, offset) = data_set_of(&bytes);
        let set = &bytes[offset..];
        let limits = Limits::default();
        for until in [Until::End, Until::PixelData] {
            let slice = read_slice(set, &syntax, &limits, until);
            let name = path.file_name().unwrap().to_str().unwrap();
            if NO_DATA_SET.contains(&name) {
                assert!(slice.is_err(), "{path:?}");
                continue;
            }
            let slice = slice.unwrap_or_else(|error| panic!("{path:?}: {error}"));
            let mut cursor = Cursor::new(&bytes);
            cursor.seek(SeekFrom::Start(offset as u64)).unwrap();
            let mut fed = Vec::new();
            for chunk_bytes in [1, 13, 4096] {
                let mut reader = Incremental::new(&syntax, &limits, until, None);
                for chunk in set.chunks(if bytes.len() > 300_000 { 4096 } else { chunk_bytes }) {
                    reader.push(chunk).unwrap();
                }
                fed.push(reader.finish().unwrap());
            }
            let others = [
                read_bytes(&Bytes::copy_from_slice(set), &syntax, &limits, until).unwrap(),
                read_file(&mut cursor, &syntax, &limits, until).unwrap(),
            ];
            for other in others.iter().chain(&fed) {
                assert_eq!(slice.data_set, other.data_set, "{path:?}");
                assert_eq!(slice.pixel_data, other.pixel_data, "{path:?}");
                assert_eq!(slice.end, other.end, "{path:?}");
                assert_eq!(slice.fault.is_some(), other.fault.is_some(), "{path:?}");
            }
        }
    }
}

/// What can be written: elements whose values are held, retired group lengths left out.
fn held(set: &DataSet) -> DataSet {
    let mut held = DataSet::like(set);
    for element in set {
        let value = match &element.value {
            _ if element.tag.1 == 0 => continue,
            Value::Items(items) => Value::Items(items.iter().map(self::held).collect()),
            Value::Bytes(bytes) => Value::Bytes(bytes.clone()),
            Value::Elsewhere { .. } | Value::Fragments(_) => continue,
        };
        held.put(Element { tag: element.tag, vr: element.vr, value });
    }
    held
}

/// Tag, VR, value, items.
type Comparable = (pacs_core::Tag, Option<VR>, Vec<u8>, Vec<String>);

/// The same for a comparison across encodings: values padded to even lengths; what an implicit
/// encoding cannot say (the VR of private elements, the choice where the dictionary leaves one)
/// brought to one form.
fn comparable(set: &DataSet, keeps_vr: bool) -> Vec<Comparable> {
    set.iter()
        .map(|element| {
            let mut bytes = element.bytes().map(|bytes| bytes.to_vec()).unwrap_or_default();
            while bytes.last().is_some_and(|&last| last == 0 || last == b' ') {
                bytes.pop();
            }
            let items = match &element.value {
                Value::Items(items) => {
                    items.iter().map(|item| format!("{:?}", comparable(item, keeps_vr))).collect()
                }
                _ => Vec::new(),
            };
            (element.tag, (keeps_vr && element.vr != VR::UN).then_some(element.vr), bytes, items)
        })
        .collect()
}

#[test]
fn what_is_written_in_any_encoding_is_read_back() {
    for path in all_files() {
        let Ok(reading) = read(&path) else { continue };
        let set = held(&reading.data_set);
        for (syntax, keeps_vr) in [
            (TransferSyntax::EXPLICIT_LITTLE_ENDIAN, true),
            (TransferSyntax::EXPLICIT_BIG_ENDIAN, true),
            (TransferSyntax::DEFLATED_EXPLICIT_LITTLE_ENDIAN, true),
            (TransferSyntax::IMPLICIT_LITTLE_ENDIAN, false),
        ] {
            let mut bytes = Vec::new();
            write(&set, &syntax, &mut bytes).unwrap();
            assert!(bytes.len().is_multiple_of(2), "{path:?}");
            let again = read_slice(&bytes, &syntax, &Limits::default(), Until::End)
                .unwrap_or_else(|error| panic!("{path:?} in {}: {error}", syntax.name));
            assert_eq!(
                comparable(&again.data_set, keeps_vr),
                comparable(&set, keeps_vr),
                "{path:?} in {}",
                syntax.name
            );
        }
    }
}

/// In one form: `5.0` and `5` are one number, which JSON readers tell apart.
fn comparable_json(document: &str) -> serde_json::Value {
    fn visit(value: &mut serde_json::Value) {
        match value {
            serde_json::Value::Number(number) => *value = number.as_f64().unwrap().into(),
            serde_json::Value::Array(values) => values.iter_mut().for_each(visit),
            serde_json::Value::Object(values) => values.values_mut().for_each(visit),
            _ => {}
        }
    }
    let mut value = serde_json::from_str(document).unwrap();
    visit(&mut value);
    // Said by the JSON reader where there is text outside ASCII, by a file perhaps not.
    value.as_object_mut().unwrap().remove("00080005");
    value
}

#[test]
fn dicom_json_is_read_back_with_the_same_text() {
    for path in all_files() {
        let Ok(reading) = read(&path) else { continue };
        let first = json::to_string(&reading.data_set);
        let document = first.as_bytes();
        let mut parsed =
            json::parse(document, &JsonLimits::default()).unwrap_or_else(|error| panic!("{path:?}: {error}"));
        assert_eq!(parsed.len(), 1);
        let parsed = parsed.remove(0);
        let again = json::to_string(&parsed);
        assert_eq!(comparable_json(&first), comparable_json(&again), "{path:?}");
    }
}

/// As pydicom reads them, but for those whose label is wrong.
#[test]
fn names_are_read_in_every_character_set() {
    for (file, want) in [
        ("chrArab", "قباني^لنزار"),
        ("chrFren", "Buc^Jérôme"),
        ("chrFrenMulti", "Buc^Jérôme"),
        ("chrGerm", "Äneas^Rüdiger"),
        ("chrGreek", "Διονυσιος"),
        ("chrH31", "Yamada^Tarou=山田^太郎=やまだ^たろう"),
        ("chrH32", "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう"),
        ("chrHbrw", "שרון^דבורה"),
        ("chrI2", "Hong^Gildong=洪^吉洞=홍^길동"),
        ("chrJapMulti", "やまだ^たろう"),
        ("chrJapMultiExplicitIR6", "やまだ^たろう"),
        ("chrKoreanMulti", "김희중"),
        ("chrRuss", "Люкceмбypг"),
        ("chrX1", "Wang^XiaoDong=王^小東="),
        ("chrX2", "Wang^XiaoDong=王^小东="),
        ("vn-cp1258-labelled-latin1", "NGUYÊN^THÚY ĐÔ"),
        ("vn-gb18030", "NGUYỄN^THỊ HƯƠNG GIANG"),
        ("vn-utf8-labelled-latin1", "NGUYỄN^THỊ HƯƠNG GIANG"),
        ("vn-utf8-nfc", "NGUYỄN^THỊ HƯƠNG GIANG"),
        ("vn-utf8-nfd", "NGUYỄN^THỊ HƯƠNG GIANG"),
        ("vn-utf8-no-charset", "NGUYỄN^THỊ HƯƠNG GIANG"),
    ] {
        let set = read_licensed(&format!("charset/{file}.dcm"));
        assert_eq!(set.text(tags::PATIENT_NAME).as_deref(), Some(want), "{file}");
        if file.starts_with("vn-") && !file.contains("cp1258") {
            assert_eq!(fold(want), "nguyen thi huong giang");
        }
    }
}

#[test]
fn items_have_their_own_character_set_or_inherit_it() {
    let set = read_licensed("charset/chrSQEncoding.dcm");
    let item = &set.items(tags::REQUESTED_PROCEDURE_CODE_SEQUENCE)[0];
    assert_eq!(item.text(tags::PATIENT_NAME).as_deref(), Some("ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう"));
    let set = read_licensed("charset/chrSQEncoding1.dcm");
    let item = &set.items(tags::REQUESTED_PROCEDURE_CODE_SEQUENCE)[0];
    assert_eq!(item.text(tags::PATIENT_NAME).as_deref(), Some("ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう"));
}

#[test]
fn malformed_files_are_read_as_far_as_they_make_sense() {
    // An implicit sequence in an explicit data set.
    let set = read_licensed("malformed/bad_sequence.dcm");
    assert_eq!(set.text(tags::SOP_CLASS_UID).as_deref(), Some("1.2.840.10008.5.1.4.1.1.2"));
    assert!(set.contains(tags::PIXEL_DATA));
    // A sequence sent as UN, undefined length.
    let set = read_licensed("malformed/UN_sequence.dcm");
    let series = set.iter().next().and_then(|element| match &element.value {
        Value::Items(items) => items.first(),
        _ => None,
    });
    assert_eq!(series.unwrap().items(tags::REFERENCED_SERIES_SEQUENCE).len(), 1);
    // Private sequences in private sequences, implicit.
    let set = read_licensed("malformed/nested_priv_SQ.dcm");
    let outer = &set.items(pacs_core::Tag(1, 1))[0];
    assert_eq!(outer.items(pacs_core::Tag(1, 1)).len(), 1);
    // A value that is no number.
    let set = read_licensed("malformed/badVR.dcm");
    assert_eq!(set.text(tags::NUMBER_OF_FRAMES).as_deref(), Some("1A"));
    assert_eq!(set.int(tags::NUMBER_OF_FRAMES), None);
}

#[test]
fn truncated_pixels_are_told_and_the_header_is_whole() {
    let path = licensed().join("malformed/MR_truncated.dcm");
    let reading = read(&path).unwrap();
    assert!(matches!(reading.fault, Some(ReadError::Truncated { tag: tags::PIXEL_DATA, .. })));
    let place = reading.pixel_data.unwrap();
    let Some(Element { value: Value::Elsewhere { offset, length }, .. }) =
        reading.data_set.get(tags::PIXEL_DATA)
    else {
        panic!("pixel data is left where it lies")
    };
    assert_eq!(*offset, place.value_offset);
    assert_eq!(offset + length, reading.end);
    assert!(*length < place.length.unwrap());
    // Cut inside an element before the pixels it is an error that says where.
    let error = read(&licensed().join("malformed/rtplan_truncated.dcm")).unwrap_err();
    assert!(matches!(error, ReadError::Truncated { tag: pacs_core::Tag(0x300a, 0x00b0), .. }), "{error}");
}

#[test]
fn fragments_are_listed_where_they_lie() {
    let path = licensed().join("syntax/emri_small_RLE.dcm");
    let bytes = std::fs::read(&path).unwrap();
    let (_, offset) = data_set_of(&bytes);
    let reading = read(&path).unwrap();
    let Some(Element { value: Value::Fragments(fragments), vr: VR::OB, .. }) =
        reading.data_set.get(tags::PIXEL_DATA)
    else {
        panic!("encapsulated pixel data has fragments")
    };
    // The offset table and ten frames, each of which begins with the RLE header's count of segments.
    assert_eq!(fragments.len(), 11);
    for fragment in &fragments[1..] {
        let at = offset + fragment.offset as usize;
        assert_eq!(bytes[at..at + 4], 2u32.to_le_bytes());
    }
}
