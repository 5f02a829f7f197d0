//! The data sets of the hostile journeys: deep, swollen and lying ones.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::DeflateEncoder;
use pacs_core::uid::Uid;
use pacs_core::uids;

const SEQUENCES: usize = 20_000;
/// Into how much the bombs inflate.
const INFLATED_BYTES: usize = 256 << 20;

/// What is to become of a data set.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Fate {
    /// A sender is told that it is not kept.
    Refused,
    /// Odd but usable: it may be kept.
    Either,
}

/// A data set that is made to hurt.
pub struct Attack {
    /// What the test says of it.
    pub name: &'static str,
    /// Transfer Syntax UID that it is announced in.
    pub syntax: &'static str,
    /// The SOP Instance UID that the command and the file meta information announce.
    pub announced: Uid,
    /// Its bytes.
    pub dataset: Vec<u8>,
    /// What must become of it.
    pub fate: Fate,
}

/// Elements of Explicit VR Little Endian, written without asking whether they make sense.
#[derive(Default, Clone)]
struct Bytewise(Vec<u8>);

impl Bytewise {
    fn short(mut self, group: u16, element: u16, vr: &[u8; 2], value: &[u8]) -> Self {
        self.tag(group, element, vr);
        self.0.extend_from_slice(&u16::try_from(value.len()).unwrap().to_le_bytes());
        self.0.extend_from_slice(value);
        self
    }

    /// With a length of 32 bits, which need not be that of the value.
    fn long(mut self, group: u16, element: u16, vr: &[u8; 2], length: u32, value: &[u8]) -> Self {
        self.tag(group, element, vr);
        self.0.extend_from_slice(&[0, 0]);
        self.0.extend_from_slice(&length.to_le_bytes());
        self.0.extend_from_slice(value);
        self
    }

    fn uid(self, group: u16, element: u16, text: &str) -> Self {
        let padded = if text.len() % 2 == 1 { format!("{text}\0") } else { text.to_owned() };
        self.short(group, element, b"UI", padded.as_bytes())
    }

    fn number(self, element: u16, value: u16) -> Self {
        self.short(0x0028, element, b"US", &value.to_le_bytes())
    }

    fn tag(&mut self, group: u16, element: u16, vr: &[u8; 2]) {
        self.0.extend_from_slice(&group.to_le_bytes());
        self.0.extend_from_slice(&element.to_le_bytes());
        self.0.extend_from_slice(vr);
    }

    /// The header of an image, up to what is attacked.
    fn header(instance: &str, study: &str) -> Self {
        Self::default()
            .uid(0x0008, 0x0016, uids::CT_IMAGE_STORAGE)
            .uid(0x0008, 0x0018, instance)
            .short(0x0008, 0x0060, b"CS", b"CT")
            .short(0x0010, 0x0020, b"LO", b"HOSTILE ")
            .uid(0x0020, 0x000d, study)
            .uid(0x0020, 0x000e, &format!("{study}.1"))
    }

    fn image(self, rows: u16, columns: u16) -> Self {
        self.number(0x0002, 1)
            .short(0x0028, 0x0004, b"CS", b"MONOCHROME2 ")
            .number(0x0010, rows)
            .number(0x0011, columns)
            .number(0x0100, 16)
            .number(0x0101, 16)
            .number(0x0102, 15)
            .number(0x0103, 0)
    }
}

/// All of them, of one study.
pub fn attacks() -> Vec<Attack> {
    const EXPLICIT: &str = uids::EXPLICIT_VR_LITTLE_ENDIAN;
    const UNDEFINED: u32 = 0xffff_ffff;
    let study = Uid::generate(rand::random()).to_string();
    let mut attacks = Vec::new();
    let mut attack = |name, syntax, fate, make: &dyn Fn(Bytewise) -> Vec<u8>| {
        let announced = Uid::generate(rand::random());
        let dataset = make(Bytewise::header(announced.as_str(), &study));
        attacks.push(Attack { name, syntax, announced, dataset, fate });
    };

    let item = [0xfe, 0xff, 0x00, 0xe0, 0xff, 0xff, 0xff, 0xff];
    attack("deep sequences", EXPLICIT, Fate::Refused, &|header| {
        let nested = (0..SEQUENCES)
            .fold(Bytewise::default(), |deeper, _| deeper.long(0x0040, 0x0275, b"SQ", UNDEFINED, &item));
        [header.0, nested.0].concat()
    });
    attack("deep sequences of defined length", EXPLICIT, Fate::Refused, &|header| {
        let (mut nested, per_level) = (Vec::new(), 12 + 8);
        for level in (0..u32::try_from(SEQUENCES).unwrap()).rev() {
            let inner = level * per_level;
            let mut start = inner.to_le_bytes().to_vec();
            start.splice(0..0, [0xfe, 0xff, 0x00, 0xe0]);
            nested.extend(Bytewise::default().long(0x0040, 0x0275, b"SQ", inner + 8, &start).0);
        }
        [header.0, nested].concat()
    });
    attack("a sequence longer than the file", EXPLICIT, Fate::Refused, &|header| {
        header.long(0x0040, 0x0275, b"SQ", 0x7fff_fff0, &item).0
    });
    attack("a value that claims 4 GiB", EXPLICIT, Fate::Refused, &|header| {
        header.long(0x0029, 0x1010, b"OB", 0xffff_fffe, b"0123").0
    });
    attack("a text that claims what is not there", EXPLICIT, Fate::Refused, &|header| {
        [header.0, vec![0x20, 0x00, 0x00, 0x40, b'L', b'T', 0xfe, 0xff, b'x']].concat()
    });
    attack("pixels shorter than they claim", EXPLICIT, Fate::Either, &|header| {
        header.image(512, 512).long(0x7fe0, 0x0010, b"OW", 0x7fff_fffe, &[1; 64]).0
    });
    attack("an image of 65535 by 65535", EXPLICIT, Fate::Either, &|header| {
        header.image(0xffff, 0xffff).long(0x7fe0, 0x0010, b"OW", 64, &[1; 64]).0
    });
    attack("a fragment longer than the file", uids::RLE_LOSSLESS, Fate::Either, &|header| {
        let fragments = [
            &[0xfe, 0xff, 0x00, 0xe0, 0, 0, 0, 0][..],
            &[0xfe, 0xff, 0x00, 0xe0, 0xf0, 0xff, 0xff, 0x7f, 1, 2, 3, 4],
        ];
        header.image(512, 512).long(0x7fe0, 0x0010, b"OB", UNDEFINED, &fragments.concat()).0
    });
    attack("an RLE bomb", uids::RLE_LOSSLESS, Fate::Either, &|header| {
        let mut frame = vec![0; 64];
        (frame[0], frame[4], frame[8]) = (2, 64, 66);
        frame.extend_from_slice(&[0x81, 0xff].repeat(4000));
        let mut fragments = vec![0xfe, 0xff, 0x00, 0xe0, 0, 0, 0, 0, 0xfe, 0xff, 0x00, 0xe0];
        fragments.extend_from_slice(&u32::try_from(frame.len()).unwrap().to_le_bytes());
        fragments.extend_from_slice(&frame);
        fragments.extend_from_slice(&[0xfe, 0xff, 0xdd, 0xe0, 0, 0, 0, 0]);
        header.image(0xffff, 0xffff).long(0x7fe0, 0x0010, b"OB", UNDEFINED, &fragments).0
    });
    attack(
        "a header that inflates to a quarter of a gigabyte",
        uids::DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN,
        Fate::Either,
        &|header| {
            let bomb = header.long(0x0029, 0x1010, b"OB", u32::try_from(INFLATED_BYTES).unwrap(), &[]);
            deflated(&bomb.0, INFLATED_BYTES)
        },
    );
    attack(
        "pixels that inflate to a quarter of a gigabyte",
        uids::DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN,
        Fate::Either,
        &|header| {
            let bomb = header.image(8192, 16384);
            let bomb = bomb.long(0x7fe0, 0x0010, b"OW", u32::try_from(INFLATED_BYTES).unwrap(), &[]);
            deflated(&bomb.0, INFLATED_BYTES)
        },
    );
    attack(
        "a deflated stream that is none",
        uids::DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN,
        Fate::Refused,
        &|_| vec![0xff; 5000],
    );

    let long = format!("1.{}", "2".repeat(63));
    for (name, instance, study) in [
        ("letters in a UID", "1.2.abc", "1.2.3"),
        ("a path as a UID", "../../../../etc/passwd", "1.2.3"),
        ("a path as a study", "1.2.3", "../../spool"),
        ("a UID of 65 characters", long.as_str(), "1.2.3"),
        ("an empty UID", "", "1.2.3"),
        ("no study", "1.2.3", ""),
    ] {
        // The command announces what can be announced.
        let announced = Uid::parse(instance).unwrap_or_else(|_| Uid::generate(rand::random()));
        let dataset = Bytewise::header(instance, study).0;
        attacks.push(Attack { name, syntax: EXPLICIT, announced, dataset, fate: Fate::Refused });
    }
    attacks
}

/// The bytes and so many zeros behind them, deflated.
fn deflated(bytes: &[u8], zeros: usize) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    let chunk = vec![0; 1 << 20];
    for _ in 0..zeros / chunk.len() {
        encoder.write_all(&chunk).unwrap();
    }
    encoder.finish().unwrap()
}
