//! Looking at a database without changing it.

use storage::database::{Schema, look};

use crate::backends::{Fresh, on_every_engine};

on_every_engine!(the_schema_is_told_and_left_as_it_is,);

async fn the_schema_is_told_and_left_as_it_is(fresh: Fresh) {
    let (engine, schema) = look(&fresh.url, None).await.unwrap();
    assert_eq!(engine, fresh.db.engine());
    let Schema::Current { version: own, devices: 0, .. } = schema else { panic!("{schema:?}") };

    fresh.db.execute("update migration set version = 0 where version = 1", vec![]).await.unwrap();
    fresh.db.execute("delete from migration where version > 0", vec![]).await.unwrap();
    assert_eq!(look(&fresh.url, None).await.unwrap().1, Schema::Missing);
    fresh.db.execute("update migration set version = 1", vec![]).await.unwrap();
    for _ in 0..2 {
        assert_eq!(look(&fresh.url, None).await.unwrap().1, Schema::Older { version: 1, known: own });
    }
    fresh.db.execute("update migration set version = 999", vec![]).await.unwrap();
    assert_eq!(look(&fresh.url, None).await.unwrap().1, Schema::Newer { version: 999, known: own });
    fresh.db.execute("drop table migration", vec![]).await.unwrap();
    assert_eq!(look(&fresh.url, None).await.unwrap().1, Schema::Missing);
}
