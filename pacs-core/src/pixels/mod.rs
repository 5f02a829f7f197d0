//! Pixel data as pure functions over slices: where the frames lie ([`frames`]), one frame decoded to native little
//! endian ([`decode()`]), one frame drawn for the eye ([`render()`]).
//!
//! Nothing here reads a file or starts a thread; the caller brings thread and byte budget. Codecs of others are
//! entered at one place, where headers have been checked against the budget and a panic becomes an error.

mod decode;
mod error;
pub mod frames;
mod layout;
mod render;
mod ybr;

pub use decode::{Frame, can_decode, decode, decoding_bytes};
pub use error::PixelError;
pub use layout::{Layout, Photometric};
pub use render::{
    Canvas, Picture, RenderOptions, Rendering, Viewport, Window, WindowShape, drawing_bytes, encode_jpeg,
    encode_png, render,
};
