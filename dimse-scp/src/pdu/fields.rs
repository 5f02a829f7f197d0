//! Reading the fields of a PDU: a cursor that never reads past its bytes.

use super::PduError;

/// The bytes of a PDU or item that have not been read yet.
#[derive(Clone, Copy)]
pub struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    /// Reads from the start of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Whether everything has been read.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The next `count` bytes.
    pub fn take(&mut self, count: usize) -> Result<&'a [u8], PduError> {
        let (head, rest) = self.0.split_at_checked(count).ok_or(PduError::Truncated)?;
        self.0 = rest;
        Ok(head)
    }

    /// All that is left.
    pub fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.0)
    }

    /// The next byte.
    pub fn u8(&mut self) -> Result<u8, PduError> {
        self.array::<1>().map(|[byte]| byte)
    }

    /// The next two bytes, big endian as everything in the upper layer.
    pub fn u16(&mut self) -> Result<u16, PduError> {
        self.array().map(u16::from_be_bytes)
    }

    /// The next four bytes, big endian.
    pub fn u32(&mut self) -> Result<u32, PduError> {
        self.array().map(u32::from_be_bytes)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], PduError> {
        let (head, rest) = self.0.split_first_chunk::<N>().ok_or(PduError::Truncated)?;
        self.0 = rest;
        Ok(*head)
    }

    /// Bytes preceded by their count in two bytes.
    pub fn counted(&mut self) -> Result<&'a [u8], PduError> {
        let count = self.u16()?;
        self.take(usize::from(count))
    }

    /// The next item: its type and a cursor over its content. `None` at the end.
    pub fn item(&mut self) -> Result<Option<(u8, Fields<'a>)>, PduError> {
        if self.is_empty() {
            return Ok(None);
        }
        let kind = self.u8()?;
        self.u8()?;
        Ok(Some((kind, Fields(self.counted()?))))
    }

    /// All that is left as text: padding taken off, bytes outside printable ASCII replaced, so that
    /// the result can be compared and logged but never passes for a valid name by accident.
    pub fn text(&mut self) -> String {
        text(self.rest())
    }
}

/// Bytes as text, as [`Fields::text`] does it.
pub fn text(bytes: &[u8]) -> String {
    let printable = bytes.iter().map(|&byte| match byte {
        b'\0' => ' ',
        0x20..=0x7e => char::from(byte),
        _ => '?',
    });
    printable.collect::<String>().trim().to_owned()
}
