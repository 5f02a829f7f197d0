//! Steps are found by what they are, page by page.

use pacs_core::ups::state::State;

use super::*;
use crate::backends::on_every_engine;

on_every_engine!(steps_are_found_by_what_they_are,);

const OF_ACCESSION: [Tag; 2] = [tags::REFERENCED_REQUEST_SEQUENCE, tags::ISSUER_OF_ACCESSION_NUMBER_SEQUENCE];

/// Who has given a number.
fn issuer(local: &str, universal: &str) -> DataSet {
    let mut issuer = DataSet::new();
    issuer.put_text(tags::LOCAL_NAMESPACE_ENTITY_ID, local);
    issuer.put_text(tags::UNIVERSAL_ENTITY_ID, universal);
    issuer
}

async fn steps_are_found_by_what_they_are(fresh: Fresh) {
    let system = Actor::system();
    const STATIONS: Tag = tags::SCHEDULED_STATION_NAME_CODE_SEQUENCE;
    let mut one = step("one");
    one.put_items(STATIONS, vec![code("AI1", "99SEN"), code("AI2", "99OTHER")]);
    one.put_text(tags::STUDY_INSTANCE_UID, "1.2.1");
    let mut request = DataSet::new();
    request.put_text(tags::ACCESSION_NUMBER, "26092100001");
    request.put_text(tags::REQUESTING_SERVICE, "Khoa Ngoại");
    request.put_items(tags::ISSUER_OF_ACCESSION_NUMBER_SEQUENCE, vec![issuer("BVTW", "1.2.840.1")]);
    let mut second = DataSet::new();
    second.put_text(tags::ACCESSION_NUMBER, "Q\"[2]");
    one.put_items(tags::REFERENCED_REQUEST_SEQUENCE, vec![request, second]);
    let mut two = step("two");
    two.put_text(tags::PATIENT_NAME, "Đặng^Thị Hồng");
    two.put_text(tags::PATIENT_ID, "BN002");
    two.put_text(tags::ADMISSION_ID, "NV1");
    two.put_items(tags::ISSUER_OF_ADMISSION_ID_SEQUENCE, vec![issuer("BVH", "")]);
    two.put_text(tags::SCHEDULED_PROCEDURE_STEP_PRIORITY, "HIGH");
    two.put_text(tags::SCHEDULED_PROCEDURE_STEP_START_DATE_TIME, "20260921170000+0000");
    let mut performer = DataSet::new();
    performer.put_items(tags::HUMAN_PERFORMER_CODE_SEQUENCE, vec![code("BS1", "99SEN")]);
    two.put_items(tags::SCHEDULED_HUMAN_PERFORMERS_SEQUENCE, vec![performer]);
    let mut uids = Vec::new();
    for set in [one, two, step("three")] {
        uids.push(made(&fresh, &system, set).await);
    }
    let claimed = self::uid("1.5.1");
    ups::change_state(&fresh.db, &at(&system), &uids[2], State::InProgress, Some(&claimed)).await.unwrap();
    const START: Tag = tags::SCHEDULED_PROCEDURE_STEP_START_DATE_TIME;
    let cases: &[(&[Key<'_>], &[&str])] = &[
        (&[], &["three", "two", "one"]),
        (&[(&[tags::PROCEDURE_STEP_STATE], "SCHEDULED")], &["two", "one"]),
        (&[(&[tags::PROCEDURE_STEP_STATE], "IN PROGRESS")], &["three"]),
        (&[(&[tags::PROCEDURE_STEP_STATE], "IN PROGRESS,SCHEDULED")], &["three", "two", "one"]),
        (&[(&[tags::PATIENT_NAME], "dang hong")], &["two"]),
        (&[(&[tags::PATIENT_NAME], "nguyen*")], &["three", "one"]),
        (&[(&[tags::PATIENT_ID], "BN00*")], &["three", "two", "one"]),
        (&[(&[tags::PATIENT_ID], "BN002"), (&[tags::SCHEDULED_PROCEDURE_STEP_PRIORITY], "HIGH")], &["two"]),
        (&[(&[tags::PATIENT_ID], "BN001"), (&[tags::SCHEDULED_PROCEDURE_STEP_PRIORITY], "HIGH")], &[]),
        (&[(&[tags::PROCEDURE_STEP_LABEL], "t*")], &["three", "two"]),
        (&[(&[tags::WORKLIST_LABEL], "CAD")], &["three", "two", "one"]),
        (&[(&[tags::STUDY_INSTANCE_UID], "1.2.1")], &["one"]),
        (&[(&[tags::SOP_INSTANCE_UID], uids[1].as_str())], &["two"]),
        (&[(&[tags::REFERENCED_REQUEST_SEQUENCE, tags::ACCESSION_NUMBER], "26092100001")], &["one"]),
        (&[(&[tags::REFERENCED_REQUEST_SEQUENCE, tags::REQUESTING_SERVICE], "Khoa*")], &["one"]),
        (&[(&[OF_ACCESSION[0], OF_ACCESSION[1], tags::LOCAL_NAMESPACE_ENTITY_ID], "BVTW")], &["one"]),
        (&[(&[OF_ACCESSION[0], OF_ACCESSION[1], tags::UNIVERSAL_ENTITY_ID], "1.2.840.1")], &["one"]),
        (&[(&[OF_ACCESSION[0], OF_ACCESSION[1], tags::UNIVERSAL_ENTITY_ID], "1.2.840")], &[]),
        (&[(&[tags::ISSUER_OF_ADMISSION_ID_SEQUENCE, tags::LOCAL_NAMESPACE_ENTITY_ID], "BVH")], &["two"]),
        (&[(&[STATIONS, tags::CODE_VALUE], "AI1")], &["one"]),
        (&[(&[STATIONS, tags::CODE_VALUE], "AI")], &[]),
        (&[(&[STATIONS, tags::CODE_VALUE], "A*")], &["one"]),
        (&[(&[STATIONS, tags::CODE_VALUE], "?I1")], &["one"]),
        // Wildcards stand for characters of one value: neither for its end and the next one, nor for the scheme.
        (&[(&[STATIONS, tags::CODE_VALUE], "AI1*2")], &[]),
        (&[(&[STATIONS, tags::CODE_VALUE], "AI1?99SEN")], &[]),
        (&[(&[STATIONS, tags::CODING_SCHEME_DESIGNATOR], "99S*9OTHER")], &[]),
        (
            &[(&[STATIONS, tags::CODE_VALUE], "*I1"), (&[STATIONS, tags::CODING_SCHEME_DESIGNATOR], "99*")],
            &["one"],
        ),
        (
            &[(&[STATIONS, tags::CODE_VALUE], "*1"), (&[STATIONS, tags::CODING_SCHEME_DESIGNATOR], "*OTHER")],
            &[],
        ),
        (&[(&[tags::REFERENCED_REQUEST_SEQUENCE, tags::ACCESSION_NUMBER], "2609*1")], &["one"]),
        (&[(&[tags::REFERENCED_REQUEST_SEQUENCE, tags::ACCESSION_NUMBER], "2609*Q*")], &[]),
        (&[(&[STATIONS, tags::CODING_SCHEME_DESIGNATOR], "99OTHER")], &["one"]),
        (
            &[
                (&[STATIONS, tags::CODE_VALUE], "AI2"),
                (&[STATIONS, tags::CODING_SCHEME_DESIGNATOR], "99OTHER"),
            ],
            &["one"],
        ),
        (
            &[
                (&[STATIONS, tags::CODE_VALUE], "AI1"),
                (&[STATIONS, tags::CODING_SCHEME_DESIGNATOR], "99OTHER"),
            ],
            &[],
        ),
        (
            &[(
                &[
                    tags::SCHEDULED_HUMAN_PERFORMERS_SEQUENCE,
                    tags::HUMAN_PERFORMER_CODE_SEQUENCE,
                    tags::CODE_VALUE,
                ],
                "BS1",
            )],
            &["two"],
        ),
        // On the facility's wall, seven hours east: what began at 17:00 UTC began the next day there.
        (&[(&[START], "20260921")], &["three", "one"]),
        (&[(&[START], "20260922")], &["two"]),
        (&[(&[START], "20260922-99991231")], &["two"]),
        (&[(&[START], "2026092120-2026092200")], &["three", "two", "one"]),
        (&[(&[START], "20260921210000-")], &["two"]),
        (&[(&[START], "-20260921195959")], &[]),
        (&[(&[START], "20260921130000+0000")], &["three", "one"]),
        (&[(&[tags::EXPECTED_COMPLETION_DATE_TIME], "20260921")], &[]),
    ];
    for (keys, want) in cases {
        assert_eq!(labels(&fresh, &system, keys).await, *want, "{keys:?}");
    }
    // Where there is none; and a value that the engines' own patterns would read.
    let mut query = Query { returns: Returns::All, ..Query::new(Level::Study) };
    query.add_empty(&[STATIONS, tags::CODE_VALUE]);
    query.add(&[tags::REFERENCED_REQUEST_SEQUENCE, tags::ACCESSION_NUMBER], pacs_core::VR::SH, "*").unwrap();
    assert_eq!(found(&fresh, &system, query).await, ["three", "two"]);
    let quoted = [(&[tags::REFERENCED_REQUEST_SEQUENCE, tags::ACCESSION_NUMBER][..], "?\"[2*")];
    assert_eq!(labels(&fresh, &system, &quoted).await, ["one"]);
    for path in [&[tags::TRANSACTION_UID][..], &[tags::CODE_VALUE], &[tags::PATIENT_NAME, tags::CODE_VALUE]] {
        assert!(!ups::is_matched(path), "{path:?}");
    }

    // Pages, and what is asked for.
    for n in 0..60 {
        made(&fresh, &system, step(&format!("more {n}"))).await;
    }
    let query = |limit, offset| Query {
        limit: Some(limit),
        offset,
        returns: Returns::Tags(vec![vec![tags::PATIENT_ID], vec![tags::ADMISSION_ID]]),
        ..Query::new(Level::Study)
    };
    for (limit, offset, count, is_cut) in
        [(55, 0, 55, true), (55, 10, 53, false), (63, 0, 63, false), (62, 0, 62, true)]
    {
        let found = ups::search(&fresh.db, &at(&system), query(limit, offset), None).await.unwrap();
        assert_eq!((found.is_cut, found.last.is_some()), (is_cut, is_cut));
        let steps: Vec<DataSet> = found.steps.try_collect().await.unwrap();
        assert_eq!(steps.len(), count);
        assert!(steps[0].contains(tags::ADMISSION_ID) && !steps[0].contains(tags::PATIENT_NAME));
    }
    let nothing = ups::search(&fresh.db, &at(&system), query(0, 0), None).await.unwrap();
    assert!(nothing.is_cut && nothing.last.is_none());
    assert_eq!(nothing.steps.try_collect::<Vec<_>>().await.unwrap(), []);

    // Page behind page each comes once, whatever is made meanwhile.
    let (mut after, mut all) = (None, Vec::new());
    loop {
        let found = ups::search(&fresh.db, &at(&system), query(20, 0), after).await.unwrap();
        made(&fresh, &system, step("meanwhile")).await;
        all.extend(found.steps.try_collect::<Vec<DataSet>>().await.unwrap());
        after = found.last;
        if after.is_none() {
            break;
        }
        assert_eq!(ups::Place::parse(&after.unwrap().to_string()), after);
    }
    assert_eq!(all.len(), 63);
    for text in ["", "x", "+1", "-1", "99999999999999999999"] {
        assert_eq!(ups::Place::parse(text), None, "{text}");
    }
}
