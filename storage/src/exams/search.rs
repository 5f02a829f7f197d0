//! The study list of the pages.
