//! OpenJPEG (its port to Rust) over slices: the only place that knows its interface. Whoever calls it has judged what
//! the codestream will take, and catches panics.
#![allow(unsafe_code, reason = "the library takes and gives bytes through C callbacks only")]

use super::error::PixelError;
use openjp2::openjpeg::{
    opj_stream_set_read_function, opj_stream_set_seek_function, opj_stream_set_skip_function,
    opj_stream_set_user_data, opj_stream_set_user_data_length, opj_stream_set_write_function, opj_stream_t,
};
use openjp2::{
    CODEC_FORMAT, Codec, OPJ_COLOR_SPACE, Stream, opj_cparameters_t, opj_dparameters_t, opj_image,
    opj_image_comptparm,
};
use std::ffi::c_void;

/// One component of an image.
pub(super) struct Plane<'a> {
    pub(super) columns: u32,
    pub(super) rows: u32,
    pub(super) samples: &'a [i32],
}

/// Decodes a bare codestream once for each of the areas of the reference grid (left, top, right, bottom; `None` for all
/// of it) and gives `take` what came out. Code-blocks that areas next to each other share are decoded once. Sides are
/// halved so often, which is to be no more often than the codestream has levels.
///
/// # Errors
/// `Malformed` for what cannot be decoded, and those of `take`.
pub(super) fn decode(
    codestream: &[u8],
    halvings: u32,
    areas: &[Option<[u32; 4]>],
    mut take: impl FnMut(&[Plane<'_>]) -> Result<(), PixelError>,
) -> Result<(), PixelError> {
    let failed = |why: &str| PixelError::malformed(format!("JPEG 2000: {why}"));
    let codec = Codec::new_decoder(CODEC_FORMAT::OPJ_CODEC_J2K);
    let mut codec = codec.ok_or_else(|| failed("there is no decoder"))?;
    let mut memory = Memory { input: codestream, output: Vec::new(), at: 0 };
    let mut parameters = opj_dparameters_t { cp_reduce: halvings, ..opj_dparameters_t::default() };
    memory.as_stream(true, |stream| {
        if codec.setup_decoder(&mut parameters) != 1 {
            return Err(failed("the decoder cannot be set up"));
        }
        // It would give what a codestream holds that ends early, but then reads memory that is not its own.
        codec.decoder_set_strict_mode(1);
        let mut image = codec.read_header(stream).ok_or_else(|| failed("the headers are malformed"))?;
        for area in areas {
            if let Some(area) = area {
                let [left, top, right, bottom] = area.map(|side| i32::try_from(side).unwrap_or(i32::MAX));
                if codec.set_decode_area(&mut image, left, top, right, bottom) != 1 {
                    return Err(failed("it has no such part"));
                }
            }
            if codec.decode(stream, &mut image) != 1 {
                return Err(failed("the codestream is damaged"));
            }
            let components = image.comps().unwrap_or_default().iter();
            let planes: Vec<Plane<'_>> = components
                .map(|component| Plane {
                    columns: component.w,
                    rows: component.h,
                    samples: component.data().unwrap_or_default(),
                })
                .collect();
            take(&planes)?;
        }
        if codec.end_decompress(stream) == 1 { Ok(()) } else { Err(failed("the codestream is damaged")) }
    })
}

/// How an image is to be coded, without loss.
pub(super) struct Parameters {
    pub(super) columns: u32,
    pub(super) rows: u32,
    pub(super) components: usize,
    pub(super) precision: u32,
    pub(super) signed: bool,
    /// The three planes are red, green and blue, and are decorrelated.
    pub(super) colours: bool,
}

/// Encodes the planes that `fill` fills, row by row, as a bare codestream.
///
/// # Errors
/// What could not be done, for a message.
pub(super) fn encode(
    coding: &Parameters,
    fill: impl FnOnce(&mut [&mut [i32]]),
) -> Result<Vec<u8>, &'static str> {
    let Parameters { columns, rows, components, precision, signed, colours } = *coding;
    let component = opj_image_comptparm {
        dx: 1,
        dy: 1,
        w: columns,
        h: rows,
        prec: precision,
        bpp: precision,
        sgnd: signed.into(),
        ..opj_image_comptparm::default()
    };
    let space = OPJ_COLOR_SPACE::OPJ_CLRSPC_UNSPECIFIED;
    let mut image = opj_image::create(&vec![component; components], space).ok_or("there is no room")?;
    (image.x0, image.y0, image.x1, image.y1) = (0, 0, columns, rows);
    let planes = image.comps_mut().unwrap_or_default().iter_mut().map(|component| {
        component.alloc_data();
        component.data_mut().ok_or("there is no room")
    });
    fill(&mut planes.collect::<Result<Vec<_>, _>>()?);
    let mut parameters = opj_cparameters_t {
        tcp_numlayers: 1,
        cp_disto_alloc: 1,
        tcp_mct: colours.into(),
        numresolution: resolutions(columns.min(rows)),
        ..opj_cparameters_t::default()
    };
    // Without one the library makes a comment with Rust's allocator and frees it with C's: where these are two, as in
    // the program, that ends the process.
    parameters.set_comment("Sen");
    let mut codec = Codec::new_encoder(CODEC_FORMAT::OPJ_CODEC_J2K).ok_or("there is no encoder")?;
    if codec.setup_encoder(&mut parameters, &mut image) != 1 {
        return Err("the encoder cannot be set up");
    }
    let mut memory = Memory { input: &[], output: Vec::new(), at: 0 };
    memory.as_stream(false, |stream| {
        let done = codec.start_compress(&mut image, stream) == 1
            && codec.encode(stream) == 1
            && codec.end_compress(stream) == 1;
        if done { Ok(()) } else { Err("the image cannot be encoded") }
    })?;
    Ok(memory.output)
}

/// As many resolutions as halve the shorter side to no less than one sample, at most six.
fn resolutions(side: u32) -> i32 {
    let halvings = side.max(1).ilog2().min(5);
    halvings as i32 + 1
}

/// Bytes that the library reads, or writes.
struct Memory<'a> {
    input: &'a [u8],
    output: Vec<u8>,
    at: usize,
}

impl Memory<'_> {
    /// Runs `work` with a stream over these bytes. What was written is there when it returns.
    fn as_stream<T>(&mut self, input: bool, work: impl FnOnce(&mut Stream) -> T) -> T {
        const BUFFER_BYTES: usize = 64 << 10;
        let length = self.input.len() as u64;
        let mut stream = Stream::new_custom(BUFFER_BYTES, input);
        let handle: *mut opj_stream_t = std::ptr::from_mut(&mut stream).cast();
        // SAFETY: `handle` is the stream made above, which is what the library expects behind this type. `self` is
        // not touched until the stream, which alone calls the functions with it, has been dropped below.
        unsafe {
            opj_stream_set_read_function(handle, Some(read));
            opj_stream_set_write_function(handle, Some(write));
            opj_stream_set_skip_function(handle, Some(skip));
            opj_stream_set_seek_function(handle, Some(seek));
            opj_stream_set_user_data(handle, std::ptr::from_mut(self).cast(), None);
            if input {
                opj_stream_set_user_data_length(handle, length);
            }
        }
        let result = work(&mut stream);
        drop(stream);
        result
    }

    fn seek(&mut self, to: i64) -> bool {
        match usize::try_from(to) {
            Ok(to) if to <= self.input.len().max(self.output.len()) => {
                self.at = to;
                true
            }
            _ => false,
        }
    }
}

/// What a callback answers for "nothing" and "failed".
const FAILED: usize = usize::MAX;

unsafe extern "C" fn read(buffer: *mut c_void, bytes: usize, memory: *mut c_void) -> usize {
    // SAFETY: `as_stream` gave this memory, which outlives the stream; the library gives a buffer of that length.
    let (memory, buffer) = unsafe {
        if memory.is_null() || buffer.is_null() {
            return FAILED;
        }
        (&mut *memory.cast::<Memory<'_>>(), std::slice::from_raw_parts_mut(buffer.cast::<u8>(), bytes))
    };
    let left = memory.input.get(memory.at..).unwrap_or_default();
    let length = left.len().min(buffer.len());
    if length == 0 {
        return FAILED;
    }
    if let (Some(to), Some(from)) = (buffer.get_mut(..length), left.get(..length)) {
        to.copy_from_slice(from);
    }
    memory.at += length;
    length
}

unsafe extern "C" fn write(buffer: *mut c_void, bytes: usize, memory: *mut c_void) -> usize {
    // SAFETY: as in `read`.
    let (memory, buffer) = unsafe {
        if memory.is_null() || buffer.is_null() {
            return FAILED;
        }
        (&mut *memory.cast::<Memory<'_>>(), std::slice::from_raw_parts(buffer.cast::<u8>(), bytes))
    };
    // The library goes back to fill in lengths.
    let over = memory.output.len().saturating_sub(memory.at).min(buffer.len());
    let (overwriting, appending) = buffer.split_at(over);
    if let Some(to) = memory.output.get_mut(memory.at..memory.at + over) {
        to.copy_from_slice(overwriting);
    }
    memory.output.extend_from_slice(appending);
    memory.at += buffer.len();
    bytes
}

unsafe extern "C" fn skip(bytes: i64, memory: *mut c_void) -> i64 {
    // SAFETY: as in `read`.
    let memory = unsafe {
        if memory.is_null() {
            return -1;
        }
        &mut *memory.cast::<Memory<'_>>()
    };
    let to = i64::try_from(memory.at).ok().and_then(|at| at.checked_add(bytes));
    if to.is_some_and(|to| memory.seek(to)) { bytes } else { -1 }
}

unsafe extern "C" fn seek(to: i64, memory: *mut c_void) -> i32 {
    // SAFETY: as in `read`.
    let memory = unsafe {
        if memory.is_null() {
            return 0;
        }
        &mut *memory.cast::<Memory<'_>>()
    };
    memory.seek(to).into()
}
