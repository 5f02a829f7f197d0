//! How an S3 is spoken to whose credentials are not those of the environment.

use std::fmt;

use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};

/// Variables of the environment that say who one is, and count for nothing where credentials are given.
const OF_ENVIRONMENT: [AmazonS3ConfigKey; 3] =
    [AmazonS3ConfigKey::AccessKeyId, AmazonS3ConfigKey::SecretAccessKey, AmazonS3ConfigKey::Token];

/// An access key of a bucket, with where that bucket is when it is elsewhere than the archive's.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// As `AWS_ACCESS_KEY_ID`.
    pub access_key_id: String,
    /// As `AWS_SECRET_ACCESS_KEY`.
    pub secret_access_key: String,
    /// As `AWS_REGION`, which counts when there is none here.
    pub region: Option<String>,
    /// As `AWS_ENDPOINT`, which counts when there is none here.
    pub endpoint: Option<String>,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("access_key_id", &self.access_key_id).finish_non_exhaustive()
    }
}

/// The builder of a store: with these credentials, else with those of the environment.
pub(super) fn builder(credentials: Option<&Credentials>) -> AmazonS3Builder {
    let Some(own) = credentials else { return AmazonS3Builder::from_env() };
    let mut builder = AmazonS3Builder::new();
    for (name, value) in std::env::vars_os() {
        let (Some(name), Some(value)) = (name.to_str(), value.to_str()) else { continue };
        if !name.starts_with("AWS_") {
            continue;
        }
        if let Ok(key) = name.to_ascii_lowercase().parse::<AmazonS3ConfigKey>()
            && !OF_ENVIRONMENT.contains(&key)
        {
            builder = builder.with_config(key, value);
        }
    }
    builder = builder
        .with_access_key_id(own.access_key_id.as_str())
        .with_secret_access_key(own.secret_access_key.as_str());
    if let Some(region) = &own.region {
        builder = builder.with_region(region.as_str());
    }
    if let Some(endpoint) = &own.endpoint {
        builder = builder.with_endpoint(endpoint.as_str()).with_allow_http(endpoint.starts_with("http://"));
    }
    builder
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_credentials_take_the_place_of_the_environments() {
        let own = Credentials {
            access_key_id: "backup".into(),
            secret_access_key: "hidden".into(),
            region: Some("vn-1".into()),
            endpoint: Some("http://10.0.0.7:9000".into()),
        };
        let of = |builder: &AmazonS3Builder, key| builder.get_config_value(&key);
        let builder = builder(Some(&own));
        assert_eq!(of(&builder, AmazonS3ConfigKey::AccessKeyId).as_deref(), Some("backup"));
        assert_eq!(of(&builder, AmazonS3ConfigKey::SecretAccessKey).as_deref(), Some("hidden"));
        assert_eq!(of(&builder, AmazonS3ConfigKey::Token), None, "a token of the environment is not theirs");
        assert_eq!(of(&builder, AmazonS3ConfigKey::Region).as_deref(), Some("vn-1"));
        assert_eq!(of(&builder, AmazonS3ConfigKey::Endpoint).as_deref(), Some("http://10.0.0.7:9000"));
        assert!(!format!("{own:?}").contains("hidden"));
    }
}
