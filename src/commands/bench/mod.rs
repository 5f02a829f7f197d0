//! `sen bench`: a load generator for this or any other PACS, and the machine's own limits beside it.

mod cold;
mod disk;
mod fill;
mod find;
mod images;
mod measure;
mod objects;
mod retrieve;
mod store;
mod web;

use clap::{Args as ClapArgs, Subcommand};
use dimse_scp::scu::Target;
use pacs_core::uid::AeTitle;

use crate::commands::Global;

/// What `sen bench` takes.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Figures are only worth something beside a baseline of the same run on the same machine: run `bench
disk` in the archive's folder before `bench store`, and compare images/s with files/s.

    sen bench disk  --dir ./sen-data
    sen bench store --to 127.0.0.1:11112 --associations 4 --pid $(pidof sen)
    sen bench web queries --url http://127.0.0.1:8080/dicomweb")]
pub struct Args {
    #[command(subcommand)]
    work: Work,
}

#[derive(Debug, Subcommand)]
enum Work {
    /// The machine's own rate of writing files of an image's size, each with fsync and rename
    Disk(disk::Args),
    /// Push CT images over one or more associations (C-STORE)
    Store(store::Args),
    /// Query by DIMSE (C-FIND)
    Find(find::Args),
    /// Retrieve studies by DIMSE (C-GET)
    Retrieve(retrieve::Args),
    /// Ask by DICOMweb, beside a file server with the same bytes
    Web(Box<web::Args>),
    /// Retrieve a frame that nobody has read since the server started, and read as much from the disk
    Cold(cold::Args),
    /// Write the images that the others are to be measured with: a series, a long loop, a radiograph
    Objects(objects::Args),
    /// Fill this archive's index with rows of studies that have no images
    Fill(fill::Args),
}

/// A peer to reach by DIMSE.
#[derive(Debug, Clone, ClapArgs)]
struct Peer {
    /// Address of the PACS
    #[arg(long = "to", value_name = "HOST:PORT")]
    address: String,

    /// AE title to call
    #[arg(long, default_value = "SEN", value_parser = AeTitle::parse)]
    called: AeTitle,

    /// AE title to call as
    #[arg(long, default_value = "SENBENCH", value_parser = AeTitle::parse)]
    calling: AeTitle,

    /// Process whose memory is shown, when the PACS runs on this machine
    #[arg(long)]
    pid: Option<u32>,
}

impl Peer {
    fn target(&self) -> Target {
        Target {
            address: self.address.clone(),
            calling_ae: self.calling.clone(),
            called_ae: self.called.clone(),
        }
    }
}

/// Runs one measurement and prints its table.
pub async fn run(args: Args, global: &Global) -> anyhow::Result<()> {
    match args.work {
        Work::Disk(args) => disk::run(args).await,
        Work::Store(args) => store::run(args).await,
        Work::Find(args) => find::run(args).await,
        Work::Retrieve(args) => retrieve::run(args).await,
        Work::Web(args) => web::run(*args).await,
        Work::Cold(args) => cold::run(args).await,
        Work::Objects(args) => objects::run(args).await,
        Work::Fill(args) => fill::run(args, global).await,
    }
}
