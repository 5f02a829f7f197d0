//! Many instances over several associations at once: what a load generator and a forwarder need.

use std::sync::Mutex;
use std::time::Duration;

use tokio::time::Instant;

use super::{Association, Error, Instance, Options, Proposal, Response, Target};

/// What became of one instance of a [`push`].
#[derive(Debug)]
pub struct Pushed {
    /// The instance.
    pub instance: Instance,
    /// The peer's answer, or why there is none.
    pub result: Result<Response, Error>,
    /// From the first byte of the request to the whole response.
    pub took: Duration,
}

/// Sends the instances over `associations` associations, each taking the next one as soon as it is
/// free. `report` is told of every instance. An association that breaks ends its part; the error is
/// returned once the others have sent what there was.
pub async fn push(
    target: &Target,
    proposals: &[Proposal],
    options: &Options,
    associations: usize,
    instances: impl Iterator<Item = Result<Instance, Error>> + Send,
    report: impl Fn(Pushed) + Send + Sync,
) -> Result<(), Error> {
    let source = Mutex::new(instances);
    let next = || source.lock().ok().and_then(|mut instances| instances.next());
    let workers = (0..associations.max(1)).map(|_| async {
        let mut association = Association::connect(target, proposals, options).await?;
        while let Some(instance) = next() {
            let instance = instance?;
            let began = Instant::now();
            let result = association.store(&instance).await;
            let took = began.elapsed();
            match result {
                Err(Error::Ended(end)) => {
                    report(Pushed { instance, result: Err(Error::Ended(end.clone())), took });
                    return Err(Error::Ended(end));
                }
                result => report(Pushed { instance, result, took }),
            }
        }
        association.release().await
    });
    futures::future::join_all(workers).await.into_iter().collect()
}
