//! ris
