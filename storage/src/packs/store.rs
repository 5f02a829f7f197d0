//! The object store that packs, companions and the journal lie in.

use std::path::PathBuf;
use std::sync::Arc;

use object_store::ObjectStore;
use object_store::aws::AmazonS3Builder;
use object_store::local::LocalFileSystem;
use object_store::prefix::PrefixStore;
use url::Url;

use crate::error::{Error, Result};
use crate::folders::make_folder;

/// Opens `file:///folder` (made if missing, every write synced) or `s3://bucket/prefix`, whose
/// credentials, region and endpoint come from the usual `AWS_*` variables. Blocks.
pub fn open(url: &str) -> Result<Arc<dyn ObjectStore>> {
    let parsed = Url::parse(url).map_err(|error| wrong(error.to_string()))?;
    match parsed.scheme() {
        "file" => {
            let folder: PathBuf = parsed.to_file_path().map_err(|()| wrong("it names no folder"))?;
            make_folder(&folder).map_err(|error| Error::io("make the folder of objects", error))?;
            let store = LocalFileSystem::new_with_prefix(&folder)?;
            Ok(Arc::new(store.with_fsync(true)))
        }
        "s3" => {
            let bucket = parsed.host_str().ok_or_else(|| wrong("it names no bucket"))?;
            let store = AmazonS3Builder::from_env().with_bucket_name(bucket).build()?;
            match parsed.path().trim_matches('/') {
                "" => Ok(Arc::new(store)),
                prefix => Ok(Arc::new(PrefixStore::new(store, prefix))),
            }
        }
        other => Err(wrong(format!("{other} is neither file nor s3"))),
    }
}

fn wrong(why: impl Into<String>) -> Error {
    Error::internal("read the URL of the object store", why.into())
}
