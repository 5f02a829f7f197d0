//! What the door of DICOMweb does, asked through its router and its listener.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "tests stop at what they did not expect, and say what they left out"
)]

mod access;
mod bounded;
mod capabilities;
mod conditional;
mod every_file;
mod frame_pixels;
mod listener;
mod qido;
mod removal;
mod stow;
mod stow_metadata;
mod support;
mod ups;
mod ups_channel;
mod wado_encoded;
mod wado_frames;
mod wado_instances;
mod wado_lost;
mod wado_rendered;
mod wado_uri;
mod wado_values;
mod wado_zip;
mod xml;
