//! Input made to harm: whatever is claimed, memory and time stay in proportion to the bytes that
//! are really there. One test in a program of its own, since it counts the allocations of the whole process.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "functions that tests share may fail a test, as tests do"
)]
#![allow(unsafe_code, reason = "a counting allocator can be written in no other way")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Instant;

use pacs_core::dataset::{Incremental, Limits, Progress, ReadError, Reading, Until, Value, read_slice};
use pacs_core::json::{JsonError, JsonLimits, parse};
use pacs_core::transfer_syntax::TransferSyntax;
use pacs_core::{Tag, tags};

struct Counting;

static NOW: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call goes to the system's allocator unchanged; only sizes are counted.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        PEAK.fetch_max(NOW.fetch_add(layout.size(), Relaxed) + layout.size(), Relaxed);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        NOW.fetch_sub(layout.size(), Relaxed);
        unsafe { System.dealloc(place, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Runs `work` and returns by how many bytes memory grew at most.
fn growth<T>(work: impl FnOnce() -> T) -> (T, usize) {
    let before = NOW.load(Relaxed);
    PEAK.store(before, Relaxed);
    let result = work();
    (result, PEAK.load(Relaxed) - before)
}

const EXPLICIT: TransferSyntax = TransferSyntax::EXPLICIT_LITTLE_ENDIAN;
const IMPLICIT: TransferSyntax = TransferSyntax::IMPLICIT_LITTLE_ENDIAN;

const START: &[u8] = b"\x08\0\x05\0CS\x0a\0ISO_IR 192";
const UNDEFINED_SEQUENCE: &[u8] = b"\x08\0\x32\x10SQ\0\0\xff\xff\xff\xff";
const UNDEFINED_ITEM: &[u8] = b"\xfe\xff\0\xe0\xff\xff\xff\xff";
const EMPTY_ITEM: &[u8] = b"\xfe\xff\0\xe0\0\0\0\0";
const SEQUENCE_END: &[u8] = b"\xfe\xff\xdd\xe0\0\0\0\0";

fn set(parts: &[&[u8]]) -> Vec<u8> {
    let mut bytes = START.to_vec();
    parts.iter().for_each(|part| bytes.extend_from_slice(part));
    bytes
}

/// As the bytes arrive from a network.
fn feed(bytes: &[u8], total: Option<u64>, syntax: &TransferSyntax) -> Result<Reading, ReadError> {
    let mut reader = Incremental::new(syntax, &Limits::default(), Until::End, total);
    for chunk in bytes.chunks(64 << 10) {
        if reader.push(chunk)? == Progress::Done {
            break;
        }
    }
    reader.finish()
}

#[test]
fn nothing_that_is_claimed_costs_more_than_what_is_there() {
    // The dictionary is made once.
    read_slice(START, &EXPLICIT, &Limits::default(), Until::End).unwrap();
    let limits = Limits::default();

    // Lengths of 4 GiB with nothing behind, in every form and known or unknown total.
    for lie in [
        &b"\x10\0\x10\x10OB\0\0\xf0\xff\xff\xff"[..],
        b"\x10\0\x10\x10UT\0\0\xf0\xff\xff\xff",
        b"\x08\0\x32\x10SQ\0\0\xf0\xff\xff\xff",
        b"\x08\0\x32\x10SQ\0\0\xff\xff\xff\xff\xfe\xff\0\xe0\xf0\xff\xff\xff",
        b"\x08\0\x32\x10SQ\0\0\x10\0\0\0\xfe\xff\0\xe0\xf0\xff\xff\xff",
    ] {
        let bytes = set(&[lie]);
        for total in [Some(bytes.len() as u64), None] {
            let (result, grown) = growth(|| feed(&bytes, total, &EXPLICIT));
            assert!(
                matches!(result, Err(ReadError::Truncated { .. } | ReadError::Overrun { .. })),
                "{lie:x?} {total:?} {result:?}"
            );
            assert!(grown < 256 << 10, "{lie:x?}: {grown} bytes");
        }
    }

    // Sequences in sequences, 20,000 deep, defined lengths or not.
    let deep = set(&[&[UNDEFINED_SEQUENCE, UNDEFINED_ITEM].concat().repeat(20_000)]);
    let started = Instant::now();
    let (result, grown) = growth(|| read_slice(&deep, &EXPLICIT, &limits, Until::End));
    assert!(matches!(result, Err(ReadError::TooDeep { .. })), "{result:?}");
    assert!(grown < 256 << 10, "{grown} bytes");
    let mut lengths = Vec::new();
    for level in 0..20_000u32 {
        let inside = (20_000 - level) * 20;
        lengths.extend_from_slice(b"\x08\0\x32\x10SQ\0\0");
        lengths.extend_from_slice(&(inside - 12).to_le_bytes());
        lengths.extend_from_slice(b"\xfe\xff\0\xe0");
        lengths.extend_from_slice(&(inside - 20).to_le_bytes());
    }
    let result = read_slice(&set(&[&lengths]), &EXPLICIT, &limits, Until::End);
    assert!(matches!(result, Err(ReadError::TooDeep { .. })), "{result:?}");

    // Ten million empty items: the sequence is left where it lies, and what follows is read.
    let items = EMPTY_ITEM.repeat(10_000_000);
    let many = set(&[UNDEFINED_SEQUENCE, &items, SEQUENCE_END, b"\x10\0\x10\0PN\x02\0AB"]);
    let (result, grown) = growth(|| read_slice(&many, &EXPLICIT, &limits, Until::End));
    let data_set = result.unwrap().data_set;
    assert_eq!(data_set.text(tags::PATIENT_NAME).as_deref(), Some("AB"));
    let sequence = data_set.get(Tag(0x0008, 0x1032)).unwrap();
    assert!(matches!(sequence.value, Value::Elsewhere { length, .. } if length == items.len() as u64));
    assert!(grown < 64 << 20, "{grown} bytes");

    // Ten million elements in the data set itself, in falling order.
    let mut elements = Vec::new();
    for at in (0..10_000_000u32).rev() {
        elements.extend_from_slice(&(0x0009 + ((at >> 15) as u16) * 2).to_le_bytes());
        elements.extend_from_slice(&(0x1000 + (at & 0x7fff) as u16).to_le_bytes());
        elements.extend_from_slice(b"LO\0\0");
    }
    let (result, grown) = growth(|| read_slice(&set(&[&elements]), &EXPLICIT, &limits, Until::End));
    assert!(matches!(result, Err(ReadError::TooLarge { .. })), "{result:?}");
    assert!(grown < elements.len() + (128 << 20), "{grown} bytes");

    // The same in a few thousand: sorted, quickly.
    let few = &elements[elements.len() - 8 * 20_000..];
    let data_set = read_slice(&set(&[few]), &EXPLICIT, &limits, Until::End).unwrap().data_set;
    assert_eq!(data_set.len(), 20_001);
    assert!(data_set.iter().is_sorted_by_key(|element| element.tag));

    // Ten million fragments.
    let pixels = b"\xe0\x7f\x10\0OB\0\0\xff\xff\xff\xff";
    let result = read_slice(&set(&[pixels, &items, SEQUENCE_END]), &EXPLICIT, &limits, Until::End);
    assert!(matches!(result, Err(ReadError::TooLarge { .. })), "{result:?}");
    let fragments = EMPTY_ITEM.repeat(300_000);
    let reading =
        read_slice(&set(&[pixels, &fragments, SEQUENCE_END]), &EXPLICIT, &limits, Until::End).unwrap();
    let listed = &reading.data_set.get(tags::PIXEL_DATA).unwrap().value;
    assert!(matches!(listed, Value::Fragments(fragments) if fragments.len() == 300_000));

    // A deflated data set a thousand times its size, beyond the limit.
    let mut bomb = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
    let value = vec![0u8; 1 << 20];
    let copies = 96u32;
    std::io::Write::write_all(&mut bomb, b"\x09\0\x10\x10OB\0\0").unwrap();
    std::io::Write::write_all(&mut bomb, &(copies << 20).to_le_bytes()).unwrap();
    for _ in 0..copies {
        std::io::Write::write_all(&mut bomb, &value).unwrap();
    }
    let bomb = bomb.finish().unwrap();
    assert!(bomb.len() < 1 << 20);
    let small = Limits { inflated_bytes: 64 << 20, ..limits };
    let deflated = TransferSyntax::DEFLATED_EXPLICIT_LITTLE_ENDIAN;
    let (result, grown) = growth(|| read_slice(&bomb, &deflated, &small, Until::End));
    assert!(matches!(result, Err(ReadError::TooLarge { .. })), "{result:?}");
    assert!(grown < 1 << 20, "{grown} bytes");
    let (result, grown) = growth(|| read_slice(&bomb, &deflated, &limits, Until::End));
    assert!(matches!(result.unwrap().data_set.get(Tag(9, 0x1010)).unwrap().value, Value::Elsewhere { .. }));
    assert!(grown < 1 << 20, "{grown} bytes");

    // Implicit: a large value in the middle of a stream is passed over, not collected.
    let mut large = b"\x10\0\x10\0\x02\0\0\0AB".to_vec();
    large.extend_from_slice(b"\x29\0\x10\x10\0\0\0\x08");
    large.resize(large.len() + (128 << 20), 7);
    large.extend_from_slice(b"\x40\0\x75\x02\0\0\0\0");
    let (result, grown) = growth(|| feed(&large, None, &IMPLICIT));
    assert!(result.unwrap().data_set.contains(tags::REQUEST_ATTRIBUTES_SEQUENCE));
    assert!(grown < 1 << 20, "{grown} bytes");

    // JSON as deep, and longer than is read.
    let deep = r#"{"00081032":{"vr":"SQ","Value":["#.repeat(20_000);
    let (result, grown) = growth(|| parse(deep.as_bytes(), &JsonLimits::default()));
    assert!(matches!(result, Err(JsonError::Malformed(_))));
    assert!(grown < 256 << 10, "{grown} bytes");

    // JSON of which every two bytes cost many in memory: empty values, items, attributes.
    for (head, part, tail) in [
        (r#"{"00280010":{"vr":"US","Value":[0"#, ",0", "]}}"),
        (r#"{"00081032":{"vr":"SQ","Value":[{}"#, ",{}", "]}}"),
        (r#"[{}"#, ",{}", "]"),
        (r#"{"00080050":{}"#, r#","00080050":{}"#, "}"),
        (r#"{"00081032":{"vr":"SQ","Value":[{"00080050":{}"#, r#","00080050":{}"#, "}]}}"),
    ] {
        let many = [head, &part.repeat((30 << 20) / part.len()), tail].concat();
        let (result, grown) = growth(|| parse(many.as_bytes(), &JsonLimits::default()).map(drop));
        assert!(matches!(result, Err(JsonError::TooMany)), "{part}: {result:?}");
        assert!(grown < 128 << 20, "{part}: {grown} bytes");
    }

    // JSON whose keys fall: sorted once, not put in their places one by one.
    let falling: Vec<String> =
        (0..600_000u32).rev().map(|at| format!(r#""{:08X}":{{}}"#, 0x1000_0000 + at)).collect();
    let falling = format!("{{{}}}", falling.join(","));
    let sets = parse(falling.as_bytes(), &JsonLimits::default()).unwrap();
    assert_eq!(sets.first().map(pacs_core::dataset::DataSet::len), Some(600_000));

    assert!(started.elapsed().as_secs() < 60, "all of it is prompt, even on a busy machine");
}
