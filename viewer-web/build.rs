//! Has the crate compiled anew when the pages were built anew: the names of their files change.

fn main() {
    println!("cargo:rerun-if-changed=app/dist");
}
