//! An object store that fails: ingest and settling are broken between every two steps, and nothing
//! that was acknowledged is lost, nor anything left behind.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result, UploadPart,
};
use storage::Archive;
use storage::acts::{self, NewAct};
use storage::database::Durability;
use testdata::Instance;
use tokio::sync::oneshot;

use crate::backends::Home;
use crate::samples::*;

/// When the store fails.
#[derive(Clone, Copy, Debug)]
enum Fault {
    /// One call fails, and nothing has happened.
    Once,
    /// One call fails although it has happened: its answer is lost.
    AnswerLost,
    /// From that call on the store is away.
    Away,
}

#[derive(Debug)]
pub struct Switch {
    calls: AtomicUsize,
    fails_at: usize,
    fault: Fault,
    healed: AtomicBool,
    /// The call that is made to wait.
    held: Mutex<Option<Held>>,
    /// Calls that fail, by parts of keys.
    refused: Mutex<Vec<(Call, &'static str)>>,
}

/// A call that is made to wait once.
#[derive(Debug)]
struct Held {
    call: Call,
    /// A part of the key.
    key: &'static str,
    reached: oneshot::Sender<()>,
    go: oneshot::Receiver<()>,
}

/// What is done with an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// It is about to be read.
    Read,
    /// It has been written, or that was refused. Uploads in parts are not met.
    Written,
}

/// Whoever waits at a call, or will.
pub struct Waiting {
    reached: oneshot::Receiver<()>,
    go: oneshot::Sender<()>,
}

impl Waiting {
    /// Returns when somebody has come there.
    pub async fn reached(&mut self) {
        tokio::time::timeout(Duration::from_secs(60), &mut self.reached).await.unwrap().unwrap();
    }

    /// Lets them go on.
    pub fn go(self) {
        self.go.send(()).unwrap();
    }
}

impl Switch {
    fn new(fault: Fault, fails_at: usize) -> Arc<Self> {
        let (held, refused) = (Mutex::default(), Mutex::default());
        let healed = AtomicBool::new(false);
        Arc::new(Self { calls: AtomicUsize::new(0), fails_at, fault, healed, held, refused })
    }

    /// Makes whoever comes first to such a call wait.
    pub fn hold(&self, call: Call, key: &'static str) -> Waiting {
        let ((reached, has_reached), (go, may_go)) = (oneshot::channel(), oneshot::channel());
        *self.held.lock().unwrap() = Some(Held { call, key, reached, go: may_go });
        Waiting { reached: has_reached, go }
    }

    /// From now on such calls fail for keys that have one of these parts, and no others do. Of what is read this means
    /// packs alone, and not their companions or the journal.
    pub fn refuse(&self, call: Call, parts: &[&'static str]) {
        *self.refused.lock().unwrap() = parts.iter().map(|part| (call, *part)).collect();
    }

    /// How often the store was asked for something so far, but for lists.
    pub fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    fn refuses(&self, call: Call, location: &Path) -> bool {
        let key = location.as_ref();
        let is_meant = call != Call::Read || key.ends_with(".tar");
        is_meant
            && self
                .refused
                .lock()
                .unwrap()
                .iter()
                .any(|(refused, part)| *refused == call && key.contains(part))
    }

    async fn wait(&self, call: Call, location: &Path) {
        let is_it = |held: &mut Held| held.call == call && location.as_ref().contains(held.key);
        let held = self.held.lock().unwrap().take_if(is_it);
        if let Some(Held { reached, go, .. }) = held {
            reached.send(()).unwrap();
            go.await.unwrap();
        }
    }

    async fn read<T>(&self, location: &Path, call: impl Future<Output = Result<T>>) -> Result<T> {
        self.wait(Call::Read, location).await;
        if self.refuses(Call::Read, location) { Err(on_purpose()) } else { self.around(call).await }
    }

    /// Counts a call; says whether it fails, and whether it happens all the same.
    fn call(&self) -> (bool, bool) {
        let call = self.calls.fetch_add(1, Ordering::SeqCst);
        let fails = match self.fault {
            Fault::Once | Fault::AnswerLost => call == self.fails_at,
            Fault::Away => call >= self.fails_at,
        };
        let fails = fails && !self.healed.load(Ordering::SeqCst);
        (fails, !fails || matches!(self.fault, Fault::AnswerLost))
    }

    async fn around<T>(&self, call: impl Future<Output = Result<T>>) -> Result<T> {
        let (fails, happens) = self.call();
        let done = if happens { Some(call.await?) } else { None };
        match done {
            Some(done) if !fails => Ok(done),
            _ => Err(on_purpose()),
        }
    }
}

fn on_purpose() -> object_store::Error {
    object_store::Error::Generic { store: "failing", source: "on purpose".into() }
}

#[derive(Debug, Clone)]
struct FailingStore {
    inner: Arc<dyn ObjectStore>,
    switch: Arc<Switch>,
}

impl fmt::Display for FailingStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a store that fails")
    }
}

#[async_trait]
impl ObjectStore for FailingStore {
    async fn put_opts(&self, location: &Path, payload: PutPayload, opts: PutOptions) -> Result<PutResult> {
        let put = match self.switch.refuses(Call::Written, location) {
            true => Err(on_purpose()),
            false => self.switch.around(self.inner.put_opts(location, payload, opts)).await,
        };
        self.switch.wait(Call::Written, location).await;
        put
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        opts: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        let inner = self.switch.around(self.inner.put_multipart_opts(location, opts)).await?;
        Ok(Box::new(FailingUpload { inner, switch: Arc::clone(&self.switch) }))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let is_head = options.head;
        let get = self.inner.get_opts(location, options);
        if is_head { self.switch.around(get).await } else { self.switch.read(location, get).await }
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.switch.read(location, self.inner.get_ranges(location, ranges)).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        let store = self.clone();
        locations
            .then(move |location| {
                let store = store.clone();
                async move {
                    let location = location?;
                    let one = futures::stream::iter([Ok(location.clone())]).boxed();
                    let deleted = async { store.inner.delete_stream(one).try_collect::<Vec<_>>().await };
                    store.switch.around(deleted).await?;
                    Ok(location)
                }
            })
            .boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.switch.around(self.inner.copy_opts(from, to, options)).await
    }
}

#[derive(Debug)]
struct FailingUpload {
    inner: Box<dyn MultipartUpload>,
    switch: Arc<Switch>,
}

#[async_trait]
impl MultipartUpload for FailingUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        let part = self.inner.put_part(data);
        let switch = Arc::clone(&self.switch);
        Box::pin(async move { switch.around(part).await })
    }

    async fn complete(&mut self) -> Result<PutResult> {
        self.switch.around(self.inner.complete()).await
    }

    async fn abort(&mut self) -> Result<()> {
        self.switch.around(self.inner.abort()).await
    }
}

/// Opens an archive whose store fails at a call, counted from 0.
async fn open(home: &Home, fault: Fault, fails_at: usize) -> (Archive, Arc<Switch>) {
    let dir = home.dir.path().join("objects");
    std::fs::create_dir_all(&dir).unwrap();
    let inner = Arc::new(LocalFileSystem::new_with_prefix(dir).unwrap());
    let switch = Switch::new(fault, fails_at);
    let store = FailingStore { inner, switch: Arc::clone(&switch) };
    (Archive::open_with_store(home.config.clone(), Arc::new(store)).await.unwrap(), switch)
}

/// The same place with a store that does what its switch is told, and nothing else by itself.
pub fn watched(home: Home) -> (Home, Arc<Switch>) {
    std::fs::create_dir_all(home.dir.path().join("objects")).unwrap();
    let switch = Switch::new(Fault::Away, usize::MAX);
    let store = FailingStore { inner: home.store(), switch: Arc::clone(&switch) };
    (Home { objects: Some(Arc::new(store)), ..home }, switch)
}

/// Three series, one of them large enough to be uploaded in parts.
fn study() -> Vec<Instance> {
    let mut sent = slices(3, 1);
    sent.extend(slices(2, 2));
    sent.push(large("74", 9 << 20));
    sent
}

/// Every object belongs to a pack that rows know, and every pack is there with its companion.
async fn assert_tidy(home: &Home, archive: &Archive) {
    let there: BTreeSet<String> = crate::settling::files(&home.dir.path().join("objects"))
        .iter()
        .map(|path| path.strip_prefix(home.dir.path().join("objects")).unwrap().to_str().unwrap().to_owned())
        .collect();
    let mut known = BTreeSet::new();
    let live = "select object_key from pack where companion_bytes > 0 and deleted_ms is null";
    for row in archive.database().fetch(live, vec![]).await.unwrap() {
        let key: String = row.get("object_key").unwrap();
        known.insert(key.replace(".tar", ".json.gz"));
        known.insert(key);
    }
    assert_eq!(there, known);
}

async fn break_everywhere(fault: Fault, restart: bool) {
    let sent = study();
    for fails_at in 0.. {
        let home = Home::embedded();
        let (archive, switch) = open(&home, fault, fails_at).await;
        send_all(&archive, &sent).await;
        home.rest();
        let settled = archive.settle_due().await;
        let reached = switch.calls() > fails_at;
        if !reached {
            settled.unwrap();
            assert!(fails_at > 8, "the settling was broken at {fails_at} calls only");
            archive.close().await;
            return;
        }
        if !matches!(fault, Fault::Away) {
            assert_whole(&archive, &sent).await;
        }
        let archive = if restart {
            drop(archive);
            open(&home, fault, usize::MAX).await.0
        } else {
            switch.healed.store(true, Ordering::SeqCst);
            archive
        };
        assert_whole(&archive, &sent).await;
        archive.settle_due().await.unwrap();
        assert!(home.segments().is_empty(), "{fault:?} at call {fails_at}: all is settled");
        assert_whole(&archive, &sent).await;
        // What is marked for removal goes an hour later.
        home.clock.set_ms(home.clock.now_ms() + 3_700_000);
        archive.tidy().await.unwrap();
        assert_tidy(&home, &archive).await;
        let report = archive.verify(|_| {}).await.unwrap();
        assert_eq!((report.instances, report.damaged), (6, 0), "{fault:?} at call {fails_at}");
        archive.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_call_fails() {
    break_everywhere(Fault::Once, false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_answer_is_lost() {
    break_everywhere(Fault::AnswerLost, false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_store_goes_away_and_comes_back() {
    break_everywhere(Fault::Away, false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_store_goes_away_and_the_process_ends() {
    break_everywhere(Fault::Away, true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_lost_and_the_process_ends() {
    break_everywhere(Fault::AnswerLost, true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_store_is_away_the_disk_is_tidied() {
    let home = Home::embedded();
    let (archive, _switch) = open(&home, Fault::Away, 0).await;
    let sent = slices(2, 1);
    send_all(&archive, &sent).await;
    std::fs::copy(&home.segments()[0], home.spool().join("00000000000000000001.tar")).unwrap();
    let mut tx = archive.database().begin(Durability::Synced).await.unwrap();
    let act = NewAct {
        kind: "study.link",
        actor: "user:1",
        subject_kind: "study",
        subject_uid: "1.2.3",
        reason: None,
        before: None,
        after: None,
        undoes: None,
    };
    acts::record(&mut tx, &act, 5).await.unwrap();
    tx.commit().await.unwrap();
    assert!(matches!(archive.tidy().await, Err(storage::Error::Unavailable(_))), "the journal waits");
    assert_eq!(home.segments().len(), 1, "a segment of nothing but duplicates is gone all the same");
    assert_whole(&archive, &sent).await;
    archive.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_store_is_away_images_are_taken_and_served() {
    let home = Home::embedded();
    let (archive, switch) = open(&home, Fault::Away, 0).await;
    let sent = slices(5, 1);
    send_all(&archive, &sent[..3]).await;
    home.rest();
    assert!(matches!(archive.settle_due().await, Err(storage::Error::Unavailable(_))));
    send_all(&archive, &sent[3..]).await;
    assert_whole(&archive, &sent).await;
    switch.healed.store(true, Ordering::SeqCst);
    home.rest();
    assert_eq!(archive.settle_due().await.unwrap().instances, 5);
    assert_whole(&archive, &sent).await;
    archive.close().await;
}
