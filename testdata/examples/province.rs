//! Writes the studies of a synthetic province to a folder: `cargo run -p testdata --example province -- FOLDER [SEED]`.
#![allow(clippy::print_stdout, reason = "a command line program")]

use std::path::Path;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().ok_or("which folder?")?;
    let seed = arguments.next().map_or(Ok(7), |seed| seed.parse())?;
    let province = testdata::Province::new(seed, jiff::civil::date(2026, 11, 23));
    for study in province.studies() {
        let written = study.write_folder(Path::new(&folder))?;
        println!(
            "{} {} {}: {written}",
            study.performed_at(),
            study.patient().name.spoken(),
            study.order().procedure.name
        );
    }
    Ok(())
}
