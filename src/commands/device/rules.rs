//! What a device may do and has to show, as `sen device add` takes it.

use clap::Args;
use pacs_core::uid::AeTitle;
use storage::devices::{Binding, Rules};

#[derive(Debug, Args)]
pub struct RuleArgs {
    /// AE titles of this archive that it may call; without, all
    #[arg(long, value_name = "TITLES", value_delimiter = ',', value_parser = AeTitle::parse)]
    called_ae: Vec<AeTitle>,

    /// Associations that it may have open at a time
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    max_associations: Option<u32>,

    /// Answers to one of its queries
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    max_answers: Option<u32>,

    /// Associations with it have to be encrypted, whoever opens them
    #[arg(long)]
    require_tls: bool,

    /// The certificate it has to show over TLS: its SHA-256 fingerprint, or its subject
    #[arg(long, value_parser = binding)]
    certificate: Option<Binding>,

    /// It has to name an account, with its password
    #[arg(long)]
    require_user: bool,

    /// Its worklist holds only what it could do by modality, room and facility
    #[arg(long)]
    worklist_own: bool,

    /// Its worklist reaches so many days ahead; 0 is today
    #[arg(long, value_name = "DAYS")]
    worklist_days: Option<u32>,
}

fn binding(text: &str) -> Result<Binding, &'static str> {
    Binding::parse(text).ok_or("a fingerprint or a subject")
}

impl From<RuleArgs> for Rules {
    fn from(args: RuleArgs) -> Self {
        Self {
            called: args.called_ae,
            max_associations: args.max_associations,
            max_answers: args.max_answers,
            requires_tls: args.require_tls,
            certificate: args.certificate,
            requires_user: args.require_user,
            worklist_own: args.worklist_own,
            worklist_days: args.worklist_days,
        }
    }
}
