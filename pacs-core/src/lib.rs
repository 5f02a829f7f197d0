//! pacs-core
