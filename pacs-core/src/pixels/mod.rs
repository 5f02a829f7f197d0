//! Pixel data as pure functions over slices: where the frames lie ([`frames`]), one frame decoded to native little
//! endian ([`decode()`]) or encoded anew ([`encode()`]), one frame drawn for the eye ([`render()`]).
//!
//! Nothing here reads a file or starts a thread; the caller brings thread and byte budget. Codecs of others are
//! entered at one place, where headers have been checked against the budget and a panic becomes an error.

mod decode;
mod encode;
mod error;
pub mod frames;
mod jpeg_ls;
mod layout;
mod openjpeg;
mod render;
mod rle;
mod ybr;

pub use decode::{Frame, can_decode, decode, decode_halved, decoding_bytes, has_sizes};
pub use encode::{Codec, Encoded, encode, encoding_bytes};
pub use error::PixelError;
pub use layout::{Layout, Photometric};
pub use render::{
    Canvas, Corner, Picture, PresentationState, RenderOptions, Rendering, Viewport, Window, WindowShape,
    drawing_bytes, encode_jpeg, encode_png, encode_webp, render, spare_halvings, write_corner,
};
