//! dimse-scp
