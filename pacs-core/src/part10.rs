//! The head of a DICOM file: preamble, `DICM` and file meta information (PS3.10 7.1).

use bytes::Bytes;
use dicom_dictionary_std::{tags, uids};

use crate::dataset::{self, DataSet, Limits, Until};
use crate::transfer_syntax::TransferSyntax;
use crate::uid::{AeTitle, Uid};
use crate::{Tag, VR};

/// Heads that are longer than this are refused.
pub const MAX_HEAD_BYTES: usize = 1 << 20;

/// Implementation Class UID (0002,0012) of what Sen writes, made once under 2.25.
pub const IMPLEMENTATION_CLASS_UID: &str = "2.25.214587337168440293110385026193812047653";

/// Implementation Version Name (0002,0013) of what Sen writes.
pub const IMPLEMENTATION_VERSION_NAME: &str = concat!("SEN_", env!("CARGO_PKG_VERSION"));

const PREAMBLE_BYTES: usize = 128;
const MAGIC: &[u8; 4] = b"DICM";

/// What the file meta information says.
#[derive(Debug, Clone, PartialEq)]
pub struct Head {
    /// Transfer Syntax UID (0002,0010); where it is missing, what the data set looks like.
    pub transfer_syntax: Uid,
    /// Media Storage SOP Class UID (0002,0002), when it is there and usable.
    pub sop_class: Option<Uid>,
    /// Media Storage SOP Instance UID (0002,0003), when it is there and usable.
    pub sop_instance: Option<Uid>,
    /// Where the data set begins, in bytes from the start of the file.
    pub dataset_offset: u64,
    /// All elements of group 0002.
    pub meta: DataSet,
}

/// What the first bytes of a file tell.
#[derive(Debug, Clone, PartialEq)]
pub enum HeadProgress {
    /// More bytes are needed. At the end of the file it means that there is no whole head; a file
    /// shorter than a preamble may still be a bare data set.
    NeedMore,
    /// The head.
    Head(Box<Head>),
    /// No file meta information: perhaps a bare data set, see [`guess_transfer_syntax`].
    NoHead,
}

/// Why a head cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum HeadError {
    /// Longer than [`MAX_HEAD_BYTES`].
    #[error("the file meta information is longer than {MAX_HEAD_BYTES} bytes")]
    TooLarge,
    /// The elements of group 0002 cannot be read.
    #[error("the file meta information is damaged: {0}")]
    Damaged(#[from] dataset::ReadError),
    /// The transfer syntax is missing or unusable, and the data set does not show what it is.
    #[error("the file meta information names no transfer syntax")]
    NoTransferSyntax,
}

/// Reads the head from the first bytes of a file. The group length is not believed: the head ends
/// with the last element of group 0002. A head without its preamble is accepted.
pub fn read_head(prefix: &[u8]) -> Result<HeadProgress, HeadError> {
    let Some(start) = head_start(prefix) else {
        let short = prefix.len() < PREAMBLE_BYTES + MAGIC.len();
        return Ok(if short { HeadProgress::NeedMore } else { HeadProgress::NoHead });
    };
    let group = prefix.get(start..).unwrap_or_default();
    let Some(length) = group_length(group) else {
        return if prefix.len() > MAX_HEAD_BYTES {
            Err(HeadError::TooLarge)
        } else {
            Ok(HeadProgress::NeedMore)
        };
    };
    let (elements, rest) = group.split_at(length);
    let syntax = &TransferSyntax::EXPLICIT_LITTLE_ENDIAN;
    let meta = dataset::read_slice(elements, syntax, &Limits::default(), Until::End)?.data_set;
    let transfer_syntax = match meta.uid(tags::TRANSFER_SYNTAX_UID) {
        Some(Ok(uid)) => uid,
        _ if rest.len() < GUESS_BYTES => return Ok(HeadProgress::NeedMore),
        _ => guess_transfer_syntax(rest).ok_or(HeadError::NoTransferSyntax)?,
    };
    let usable = |tag| meta.uid(tag).and_then(Result::ok);
    Ok(HeadProgress::Head(Box::new(Head {
        transfer_syntax,
        sop_class: usable(tags::MEDIA_STORAGE_SOP_CLASS_UID),
        sop_instance: usable(tags::MEDIA_STORAGE_SOP_INSTANCE_UID),
        dataset_offset: (start + length) as u64,
        meta,
    })))
}

/// A head as files have it: one that came without its preamble gets one, since few readers do without.
pub fn with_preamble(head: Bytes) -> Bytes {
    match head_start(&head) {
        Some(start) if start < PREAMBLE_BYTES => {
            let mut whole = vec![0; PREAMBLE_BYTES];
            whole.extend_from_slice(MAGIC);
            whole.extend_from_slice(head.get(start..).unwrap_or_default());
            whole.into()
        }
        _ => head,
    }
}

/// Makes the head of a file whose data set is in the transfer syntax `syntax`.
pub fn write_head(sop_class: &Uid, sop_instance: &Uid, syntax: &Uid, source_ae: Option<&AeTitle>) -> Vec<u8> {
    let mut head = vec![0; PREAMBLE_BYTES];
    head.extend_from_slice(MAGIC);
    put(&mut head, tags::FILE_META_INFORMATION_GROUP_LENGTH, VR::UL, &[0; 4]);
    let group_start = head.len();
    put(&mut head, tags::FILE_META_INFORMATION_VERSION, VR::OB, &[0, 1]);
    put(&mut head, tags::MEDIA_STORAGE_SOP_CLASS_UID, VR::UI, sop_class.as_str().as_bytes());
    put(&mut head, tags::MEDIA_STORAGE_SOP_INSTANCE_UID, VR::UI, sop_instance.as_str().as_bytes());
    put(&mut head, tags::TRANSFER_SYNTAX_UID, VR::UI, syntax.as_str().as_bytes());
    put(&mut head, tags::IMPLEMENTATION_CLASS_UID, VR::UI, IMPLEMENTATION_CLASS_UID.as_bytes());
    put(&mut head, tags::IMPLEMENTATION_VERSION_NAME, VR::SH, IMPLEMENTATION_VERSION_NAME.as_bytes());
    if let Some(source_ae) = source_ae {
        put(&mut head, tags::SOURCE_APPLICATION_ENTITY_TITLE, VR::AE, source_ae.as_str().as_bytes());
    }
    let group_bytes = (head.len() - group_start) as u32;
    if let Some(length) = head.get_mut(group_start - 4..group_start) {
        length.copy_from_slice(&group_bytes.to_le_bytes());
    }
    head
}

/// How many bytes [`guess_transfer_syntax`] needs at least.
const GUESS_BYTES: usize = 8;

/// The transfer syntax that a data set without file meta information has, judged by its first
/// element; `None` when the bytes do not begin a data set, or are too few to tell.
pub fn guess_transfer_syntax(prefix: &[u8]) -> Option<Uid> {
    let &[a, b, c, d, v, r, m, n] = prefix.first_chunk::<GUESS_BYTES>()?;
    let little = Tag(u16::from_le_bytes([a, b]), u16::from_le_bytes([c, d]));
    let big = Tag(u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
    let begins = |tag: Tag| tag.0 <= 0x0020 && dataset::keyword_of(tag).is_some();
    let has_vr = VR::from_binary([v, r]).is_some();
    let length = u32::from_le_bytes([v, r, m, n]);
    // A data set of private elements alone gives no name away, but an item shows.
    let begins_a_sequence = length == u32::MAX && prefix.get(8..12) == Some(&[0xfe, 0xff, 0x00, 0xe0]);
    let uid = if has_vr && begins(little) {
        uids::EXPLICIT_VR_LITTLE_ENDIAN
    } else if has_vr && begins(big) {
        TransferSyntax::EXPLICIT_BIG_ENDIAN.uid?
    } else if (begins(little) && length < 1 << 16) || begins_a_sequence {
        uids::IMPLICIT_VR_LITTLE_ENDIAN
    } else {
        return None;
    };
    Uid::parse(uid).ok()
}

/// Where the elements of group 0002 begin.
fn head_start(prefix: &[u8]) -> Option<usize> {
    let magic_end = PREAMBLE_BYTES + MAGIC.len();
    if prefix.get(PREAMBLE_BYTES..magic_end) == Some(MAGIC) {
        return Some(magic_end);
    }
    if prefix.starts_with(MAGIC) {
        return Some(MAGIC.len());
    }
    prefix.starts_with(&[0x02, 0x00]).then_some(0)
}

/// The length of the elements of group 0002, which are explicit VR little endian; `None` when they
/// go on beyond the bytes at hand.
fn group_length(bytes: &[u8]) -> Option<usize> {
    let mut at = 0usize;
    loop {
        let rest = bytes.get(at..)?;
        if rest.get(..2)? != [0x02, 0x00] {
            return Some(at);
        }
        let &[_, _, _, _, v, r, m, n] = rest.first_chunk::<8>()?;
        let long = VR::from_binary([v, r])
            .is_some_and(|vr| matches!(vr, VR::OB | VR::UN | VR::UT | VR::OW | VR::SQ));
        let (header, length) = if long {
            (12, u32::from_le_bytes(*rest.get(8..)?.first_chunk::<4>()?))
        } else {
            (8, u16::from_le_bytes([m, n]).into())
        };
        at = at.checked_add(header)?.checked_add(length as usize)?;
    }
}

fn put(head: &mut Vec<u8>, tag: Tag, vr: VR, value: &[u8]) {
    head.extend_from_slice(&tag.0.to_le_bytes());
    head.extend_from_slice(&tag.1.to_le_bytes());
    head.extend_from_slice(&vr.to_bytes());
    let odd = !value.len().is_multiple_of(2);
    let length = value.len() + usize::from(odd);
    if vr == VR::OB {
        head.extend_from_slice(&[0, 0]);
        head.extend_from_slice(&(length as u32).to_le_bytes());
    } else {
        head.extend_from_slice(&(length as u16).to_le_bytes());
    }
    head.extend_from_slice(value);
    if odd {
        head.push(if vr == VR::UI { 0 } else { b' ' });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(bytes: &[u8]) -> Head {
        match read_head(bytes).unwrap() {
            HeadProgress::Head(head) => *head,
            other => panic!("{other:?}"),
        }
    }

    fn sample() -> Vec<u8> {
        let uid = |text| Uid::parse(text).unwrap();
        let ae = AeTitle::parse("CT1").unwrap();
        write_head(&uid("1.2.840.10008.5.1.4.1.1.2"), &uid("1.2.3"), &uid("1.2.840.10008.1.2.1"), Some(&ae))
    }

    #[test]
    fn what_is_written_is_read_back() {
        let mut bytes = sample();
        let end = bytes.len();
        bytes.extend_from_slice(b"\x08\0\x05\0CS\x0a\0ISO_IR 192");
        let head = head(&bytes);
        assert_eq!(head.dataset_offset, end as u64);
        assert_eq!(head.transfer_syntax.as_str(), "1.2.840.10008.1.2.1");
        assert_eq!(head.sop_class.unwrap().as_str(), "1.2.840.10008.5.1.4.1.1.2");
        assert_eq!(head.sop_instance.unwrap().as_str(), "1.2.3");
        assert_eq!(head.meta.text(tags::SOURCE_APPLICATION_ENTITY_TITLE).as_deref(), Some("CT1"));
        let group_length = head.meta.int(tags::FILE_META_INFORMATION_GROUP_LENGTH).unwrap();
        assert_eq!(group_length as usize, end - 128 - 4 - 12);
        assert!(IMPLEMENTATION_VERSION_NAME.len() <= 16);
        assert!(Uid::parse(IMPLEMENTATION_CLASS_UID).is_ok());
    }

    #[test]
    fn every_beginning_of_a_head_asks_for_more() {
        let bytes = sample();
        for end in 0..bytes.len() {
            assert_eq!(read_head(&bytes[..end]).unwrap(), HeadProgress::NeedMore, "{end}");
        }
    }

    #[test]
    fn a_head_without_its_preamble_is_one() {
        let mut bytes = sample().split_off(132);
        bytes.extend_from_slice(b"\x08\0\x05\0CS\x0a\0ISO_IR 192");
        assert_eq!(head(&bytes).sop_instance.unwrap().as_str(), "1.2.3");
        let whole = sample();
        for cut in [132, 128, 0] {
            assert!(with_preamble(Bytes::copy_from_slice(&whole[cut..])) == whole, "{cut}");
        }
    }

    #[test]
    fn bare_data_sets_show_their_encoding() {
        for (bytes, want) in [
            (&b"\x08\0\x05\0CS\x0a\0"[..], Some("1.2.840.10008.1.2.1")),
            (b"\0\x08\0\x05CS\0\x0a", Some("1.2.840.10008.1.2.2")),
            (b"\x08\0\x05\0\x0a\0\0\0", Some("1.2.840.10008.1.2")),
            (b"\x01\0\x01\0\xff\xff\xff\xff\xfe\xff\0\xe0", Some("1.2.840.10008.1.2")),
            (b"This is ", None),
            (b"\x08\0", None),
        ] {
            assert_eq!(guess_transfer_syntax(bytes).map(|uid| uid.to_string()).as_deref(), want);
        }
        assert_eq!(read_head(&[b'x'; 200]).unwrap(), HeadProgress::NoHead);
    }

    #[test]
    fn an_endless_head_is_refused() {
        let mut bytes = sample();
        bytes.extend_from_slice(b"\x02\0\x02\x01OB\0\0\xf0\xff\xff\xff");
        bytes.resize(MAX_HEAD_BYTES + 1, 0);
        assert!(matches!(read_head(&bytes), Err(HeadError::TooLarge)));
    }
}
