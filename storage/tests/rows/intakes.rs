//! Imports and migrations: begun once, counted, ended where they are, and gone on with.

use pacs_core::uid::Uid;
use pacs_core::why::{Cause, Why};
use storage::intake::{self, Asked, Counts, Failure, Kind, NotTaken, State, Waiting};

use crate::backends::{Fresh, on_every_engine};
use crate::samples::NOW_MS;

on_every_engine!(
    what_a_server_does_rests_and_goes_on_where_it_was,
    what_a_command_did_is_not_gone_on_with,
    two_from_one_source_are_not_under_way,
    commands_that_begin_at_once_begin_one,
    what_is_counted_before_a_place_is_known_is_kept,
    it_is_known_which_of_some_studies_were_asked_for,
    a_study_that_is_asked_for_once_more_counts_once,
    days_that_were_made_up_for_are_no_longer_missing,
    reasons_keep_their_values_and_those_of_older_programs_their_sentence,
);

async fn what_a_server_does_rests_and_goes_on_where_it_was(fresh: Fresh) {
    let db = &fresh.db;
    let (begun, _) = intake::begin(db, Kind::Import, &"/old", &"fast", true, NOW_MS).await.unwrap();
    let counts = Counts { taken: 3, failed: 1, ..Counts::default() };
    let failure = Failure {
        name: "/old/b".into(),
        skipped: false,
        reason: NotTaken::Damaged.because("it ends too early"),
    };
    intake::advance(db, begun.id, Some("/old/c"), &counts, &[failure], NOW_MS + 1).await.unwrap();
    let line = intake::line(db, begun.id).await.unwrap();
    assert_eq!((line.kind, line.by_server, line.updated_ms), (Kind::Import, true, NOW_MS + 1));
    assert!(line.may_end() && !line.may_resume());
    assert_eq!(intake::newest(db, 10).await.unwrap(), [line]);

    intake::end(db, begun.id, NOW_MS + 2).await.unwrap();
    assert!(intake::end(db, begun.id, NOW_MS + 2).await.is_err(), "it has ended");
    assert_eq!(intake::for_server(db, Kind::Import).await.unwrap(), []);
    let refused = intake::advance(db, begun.id, Some("/old/d"), &counts, &[], NOW_MS + 3).await;
    assert!(matches!(refused, Err(storage::Error::Conflict(_))), "the worker learns of it");
    let line = intake::line(db, begun.id).await.unwrap();
    assert_eq!(
        (line.intake.state, line.ended_ms, line.may_resume()),
        (State::Stopped, Some(NOW_MS + 2), true)
    );

    intake::resume(db, begun.id, NOW_MS + 4).await.unwrap();
    let again = intake::for_server(db, Kind::Import).await.unwrap().remove(0);
    assert_eq!((again.id, again.position.as_deref(), again.counts), (begun.id, Some("/old/c"), counts));
    assert_eq!(intake::line(db, begun.id).await.unwrap().ended_ms, None);
    assert!(intake::resume(db, begun.id, NOW_MS + 5).await.is_err(), "it is under way");
}

async fn what_a_command_did_is_not_gone_on_with(fresh: Fresh) {
    let db = &fresh.db;
    let (begun, _) = intake::begin(db, Kind::Import, &"/old", &"fast", false, NOW_MS).await.unwrap();
    intake::end(db, begun.id, NOW_MS).await.unwrap();
    assert!(!intake::line(db, begun.id).await.unwrap().may_resume());
    assert!(matches!(intake::resume(db, begun.id, NOW_MS).await, Err(storage::Error::Conflict(_))));
}

async fn two_from_one_source_are_not_under_way(fresh: Fresh) {
    let db = &fresh.db;
    let (first, _) = intake::begin(db, Kind::Migration, &"PACS", &"fast", true, NOW_MS).await.unwrap();
    intake::end(db, first.id, NOW_MS).await.unwrap();
    let (second, was_there) =
        intake::begin(db, Kind::Migration, &"PACS", &"fast", true, NOW_MS).await.unwrap();
    assert!(!was_there);
    assert!(intake::resume(db, first.id, NOW_MS).await.is_err());
    intake::end(db, second.id, NOW_MS).await.unwrap();
    intake::resume(db, first.id, NOW_MS).await.unwrap();
}

async fn commands_that_begin_at_once_begin_one(fresh: Fresh) {
    for source in 0..20 {
        let beginning: Vec<_> = (0..8)
            .map(|_| {
                let db = fresh.db.clone();
                tokio::spawn(async move {
                    intake::begin(&db, Kind::Import, &source, &"how", true, NOW_MS).await.unwrap()
                })
            })
            .collect();
        let mut was_there = 0;
        for begun in beginning {
            was_there += u32::from(begun.await.unwrap().1);
        }
        assert_eq!(was_there, 7, "of 8 one begins it");
    }
    assert_eq!(intake::for_server(&fresh.db, Kind::Import).await.unwrap().len(), 20);
}

async fn what_is_counted_before_a_place_is_known_is_kept(fresh: Fresh) {
    let db = &fresh.db;
    let (begun, _) = intake::begin(db, Kind::Import, &"disk", &"how", true, NOW_MS).await.unwrap();
    let failed = |name: &str| Failure {
        name: name.to_owned(),
        skipped: false,
        reason: NotTaken::NotDicom.because("no"),
    };
    let one = Counts { failed: 1, ..Counts::default() };
    for (place, name) in [(None, "a"), (Some("0:61"), "b"), (None, "c")] {
        intake::advance(db, begun.id, place, &one, &[failed(name)], NOW_MS).await.unwrap();
    }
    let now = intake::by_id(db, begun.id).await.unwrap();
    assert_eq!((now.counts.failed, now.position.as_deref()), (3, Some("0:61")));
    assert_eq!(intake::failures(db, begun.id, "", 10).await.unwrap(), ["a", "b", "c"].map(failed));
}

async fn it_is_known_which_of_some_studies_were_asked_for(fresh: Fresh) {
    let db = &fresh.db;
    let (begun, _) = intake::begin(db, Kind::Migration, &"PACS", &"how", true, NOW_MS).await.unwrap();
    let (other, _) = intake::begin(db, Kind::Migration, &"OTHER", &"how", true, NOW_MS).await.unwrap();
    let studies = ["1.2.1", "1.2.2", "1.2.3", "1.2.4"].map(|uid| Uid::parse(uid).unwrap());
    let (whole, uncounted) = (Asked { expected: Some(2), arrived: 2 }, Asked { expected: None, arrived: 1 });
    for (id, study, asked) in
        [(begun.id, &studies[0], whole), (begun.id, &studies[2], uncounted), (other.id, &studies[3], whole)]
    {
        let noted = (&Counts::default(), None);
        intake::note_study(db, id, study, asked, noted, NOW_MS).await.unwrap();
    }
    let known = intake::asked_of(db, begun.id, &studies).await.unwrap();
    assert_eq!(known, [(studies[0].clone(), whole), (studies[2].clone(), uncounted)].into());
    assert_eq!(intake::asked(db, begun.id, &studies[2]).await.unwrap(), Some(uncounted));
    assert!(intake::asked_of(db, begun.id, &[]).await.unwrap().is_empty());
}

async fn a_study_that_is_asked_for_once_more_counts_once(fresh: Fresh) {
    let db = &fresh.db;
    let (begun, _) = intake::begin(db, Kind::Migration, &"PACS", &"how", true, NOW_MS).await.unwrap();
    let note = async |uid: &str, (expected, arrived): (Option<u64>, u64), (taken, present, failed)| {
        let counts = Counts { taken, present, failed, ..Counts::default() };
        let reason = NotTaken::Incomplete.because("some are missing");
        let noted = (&counts, (failed > 0).then_some(&reason));
        let asked = Asked { expected, arrived };
        intake::note_study(db, begun.id, &Uid::parse(uid).unwrap(), asked, noted, NOW_MS).await.unwrap();
        let now = intake::by_id(db, begun.id).await.unwrap().counts;
        (now.taken, now.present, now.failed)
    };
    assert_eq!(note("1.2.1", (Some(2), 2), (1, 1, 0)).await, (1, 1, 0));
    // It has grown there by two, of which one has come otherwise and one is lost.
    assert_eq!(note("1.2.1", (Some(4), 3), (0, 3, 1)).await, (1, 2, 1));
    // Two of five came, then the others.
    assert_eq!(note("1.2.2", (Some(5), 2), (2, 0, 3)).await, (3, 2, 4));
    assert_eq!(note("1.2.2", (Some(5), 4), (2, 2, 1)).await, (5, 2, 2));
    assert_eq!(note("1.2.2", (Some(5), 5), (1, 4, 0)).await, (6, 2, 1));
    // One that is not counted there, and was not sent at first.
    assert_eq!(note("1.2.3", (None, 0), (0, 0, 1)).await, (6, 2, 2));
    assert_eq!(note("1.2.3", (Some(3), 3), (3, 0, 0)).await, (9, 2, 1));
    assert_eq!(intake::failures(db, begun.id, "", 10).await.unwrap().len(), 1);
}

async fn days_that_were_made_up_for_are_no_longer_missing(fresh: Fresh) {
    let db = &fresh.db;
    let (begun, _) = intake::begin(db, Kind::Migration, &"PACS", &"how", true, NOW_MS).await.unwrap();
    let (other, _) = intake::begin(db, Kind::Migration, &"OTHER", &"how", true, NOW_MS).await.unwrap();
    let failure = |name: &str, why: NotTaken| Failure {
        name: name.into(),
        skipped: false,
        reason: why.because("no").with("most", 100_000),
    };
    let stays = failure("1.2.3", NotTaken::BrokenOff);
    let failures = [
        failure("20260301", NotTaken::DayRefused),
        failure("20260302", NotTaken::TooManyStudies),
        stays.clone(),
    ];
    let counts = Counts { failed: 3, ..Counts::default() };
    for id in [begun.id, other.id] {
        intake::advance(db, id, Some("undated"), &counts, &failures, NOW_MS).await.unwrap();
    }
    let days = ["20260301", "20260302", "20260303", "1.2.3"].map(str::to_owned);
    intake::days_made_up(db, begun.id, &days[2..], NOW_MS).await.unwrap();
    assert_eq!(intake::failures(db, begun.id, "", 10).await.unwrap().len(), 3, "of other days");
    for _ in 0..2 {
        intake::days_made_up(db, begun.id, &days, NOW_MS).await.unwrap();
        assert_eq!(intake::failures(db, begun.id, "", 10).await.unwrap(), std::slice::from_ref(&stays));
        assert_eq!(intake::by_id(db, begun.id).await.unwrap().counts.failed, 1);
    }
    assert_eq!(intake::failures(db, other.id, "", 10).await.unwrap().len(), 3);
}

async fn reasons_keep_their_values_and_those_of_older_programs_their_sentence(fresh: Fresh) {
    let db = &fresh.db;
    let (begun, _) = intake::begin(db, Kind::Migration, &"PACS", &"how", true, NOW_MS).await.unwrap();
    let waits = Waiting::Unreachable.because("cannot connect: no; tried again in 4 seconds");
    let waits = waits.with("seconds", 4).of(Cause::ConnectionRefused);
    intake::note(db, begun.id, Some(&waits), NOW_MS).await.unwrap();
    assert_eq!(intake::by_id(db, begun.id).await.unwrap().note, Some(waits));
    let reason = NotTaken::Incomplete.because("1 of 2 instances are here").with("expected", 2);
    let failures = [Failure { name: "20260301".into(), skipped: false, reason }];
    intake::advance(db, begun.id, None, &Counts::default(), &failures, NOW_MS).await.unwrap();
    assert_eq!(intake::failures(db, begun.id, "", 10).await.unwrap(), failures);

    let old = "cannot be read: Permission denied (os error 13)";
    for sql in ["update intake set note = $1", "update intake_failure set reason = $1"] {
        db.execute(sql, vec![old.into()]).await.unwrap();
    }
    let sentence = Why::new(pacs_core::why::OTHER, old);
    assert_eq!(intake::by_id(db, begun.id).await.unwrap().note.as_ref(), Some(&sentence));
    assert_eq!(intake::failures(db, begun.id, "", 10).await.unwrap().remove(0).reason, sentence);
}
