//! The query language over the rows.

use futures::TryStreamExt;
use pacs_core::access::Scope;
use pacs_core::attributes::retired;
use pacs_core::dataset::{DataSet, vr_of};
use pacs_core::json::{self, Object};
use pacs_core::query::{Level, Query, Returns};
use pacs_core::{Tag, tags};
use storage::exams::search::{self, Search};
use storage::query::{self, Answer, Held};

use crate::backends::{Fresh, on_every_engine};
use crate::samples::*;

on_every_engine!(
    every_level_answers_with_its_keys_and_counts,
    the_newest_study_that_is_seen_tells_of_its_patient,
    answers_are_the_same_one_by_one,
    filters_find_what_they_mean,
    names_are_found_however_they_are_written,
    what_has_no_value_is_found,
    scope_is_part_of_every_query,
    all_attributes_come_back_when_asked,
    places_are_found_for_a_move,
    the_study_list_finds_what_is_typed,
);

pub fn ask(level: Level, keys: &[(Tag, &str)]) -> Query {
    let mut query = Query::new(level);
    for (tag, value) in keys {
        query.add(&[*tag], vr_of(*tag), value).unwrap();
    }
    query
}

pub async fn find(fresh: &Fresh, query: &Query) -> Vec<DataSet> {
    query::find(&fresh.db, query, &Scope::All).try_collect().await.unwrap()
}

pub async fn found(fresh: &Fresh, query: &Query, tag: Tag) -> Vec<String> {
    find(fresh, query).await.iter().map(|set| set.text(tag).unwrap_or_default()).collect()
}

/// Studies of several patients on several days, two series each, the second with two images.
pub async fn fill(fresh: &Fresh) {
    let people = [
        ("BN001", "NGUYỄN^VĂN A", "20260921", "A1", "CT", "BVTW"),
        ("BN002", "TRẦN^THỊ^BÌNH", "20260920", "A2", "MR", "BVTW"),
        ("BN003", "Đỗ^Văn Đức", "20260815", "A3", "CT", "BVH"),
        ("BN004", "NGUYEN VAN A", "20250101", "A4", "US", "BVH"),
        ("XX*1", "Văn^Nguyễn An", "20260921", "B_1", "CT", "BVTW"),
    ];
    let mut images = Vec::new();
    for (at, (patient_id, name, date, accession, modality, facility)) in people.into_iter().enumerate() {
        for (series, number) in [(1, 1), (2, 1), (2, 2)] {
            images.push(Image {
                patient_id,
                name,
                date: Some(date),
                accession: Some(accession.into()),
                modality: if series == 1 { modality } else { "SR" },
                facility,
                study: format!("1.2.{at}"),
                series: format!("1.2.{at}.{series}"),
                number,
                birth_date: None,
                ..Image::default()
            });
        }
    }
    store(&fresh.db, &images).await;
}

async fn every_level_answers_with_its_keys_and_counts(fresh: Fresh) {
    fill(&fresh).await;
    let query = ask(
        Level::Study,
        &[
            (tags::STUDY_INSTANCE_UID, "1.2.0"),
            (tags::PATIENT_NAME, ""),
            (tags::MODALITIES_IN_STUDY, ""),
            (tags::SOP_CLASSES_IN_STUDY, ""),
            (tags::NUMBER_OF_STUDY_RELATED_SERIES, ""),
            (tags::NUMBER_OF_STUDY_RELATED_INSTANCES, ""),
            (tags::NUMBER_OF_PATIENT_RELATED_STUDIES, ""),
            (tags::INSTANCE_AVAILABILITY, ""),
            (tags::PATIENT_COMMENTS, ""),
        ],
    );
    let answers = find(&fresh, &query).await;
    let [study] = &answers[..] else { panic!("{answers:?}") };
    for (tag, want) in [
        (tags::STUDY_INSTANCE_UID, "1.2.0"),
        (tags::PATIENT_ID, "BN001"),
        (tags::PATIENT_NAME, "NGUYỄN^VĂN A"),
        (tags::NUMBER_OF_STUDY_RELATED_SERIES, "2"),
        (tags::NUMBER_OF_STUDY_RELATED_INSTANCES, "3"),
        (tags::NUMBER_OF_PATIENT_RELATED_STUDIES, "1"),
        (tags::INSTANCE_AVAILABILITY, "ONLINE"),
        (tags::SPECIFIC_CHARACTER_SET, "ISO_IR 192"),
        (tags::SOP_CLASSES_IN_STUDY, "1.2.840.10008.5.1.4.1.1.2"),
    ] {
        assert_eq!(study.text(tag).as_deref(), Some(want), "{tag}");
    }
    assert_eq!(study.texts(tags::MODALITIES_IN_STUDY), ["CT", "SR"]);
    assert!(study.contains(tags::PATIENT_COMMENTS) && study.text(tags::PATIENT_COMMENTS).is_none());
    assert!(!study.contains(tags::STUDY_DATE), "nobody asked for it");

    let series = ask(
        Level::Series,
        &[(tags::STUDY_INSTANCE_UID, "1.2.0"), (tags::NUMBER_OF_SERIES_RELATED_INSTANCES, "")],
    );
    let answers = find(&fresh, &series).await;
    let counts: Vec<_> = answers
        .iter()
        .map(|set| {
            (set.text(tags::SERIES_INSTANCE_UID).unwrap(), set.int(tags::NUMBER_OF_SERIES_RELATED_INSTANCES))
        })
        .collect();
    assert_eq!(counts, [("1.2.0.1".into(), Some(1)), ("1.2.0.2".into(), Some(2))]);

    let instances = ask(
        Level::Instance,
        &[(tags::SERIES_INSTANCE_UID, "1.2.0.2"), (tags::ROWS, ""), (tags::INSTANCE_NUMBER, "")],
    );
    let answers = find(&fresh, &instances).await;
    let numbers: Vec<_> =
        answers.iter().map(|set| (set.int(tags::INSTANCE_NUMBER), set.int(tags::ROWS))).collect();
    assert_eq!(numbers, [(Some(1), Some(512)), (Some(2), Some(512))]);
    assert_eq!(answers[0].text(tags::STUDY_INSTANCE_UID).as_deref(), Some("1.2.0"));

    let patients = ask(
        Level::Patient,
        &[
            (tags::PATIENT_ID, "BN00*"),
            (tags::PATIENT_NAME, ""),
            (tags::NUMBER_OF_PATIENT_RELATED_INSTANCES, ""),
        ],
    );
    let answers = find(&fresh, &patients).await;
    assert_eq!(answers.len(), 4);
    assert!(answers.iter().all(|set| set.int(tags::NUMBER_OF_PATIENT_RELATED_INSTANCES) == Some(3)));
}

async fn the_newest_study_that_is_seen_tells_of_its_patient(fresh: Fresh) {
    let image = |study: &str, date, facility, comments| Image {
        study: study.into(),
        series: format!("{study}.1"),
        date: Some(date),
        facility,
        issuer: Some("BVTW"),
        issuer_oid: Some("1.2.3.4"),
        comments,
        ..Image::default()
    };
    let images = [
        image("1.2.1", "20260921", "BVTW", Some("Dị ứng")),
        image("1.2.2", "20250101", "BVH", Some("Cũ")),
        Image { patient_id: "BN002", ..image("1.2.3", "20250101", "BVTW", None) },
    ];
    store(&fresh.db, &images).await;
    let asked = [
        (tags::PATIENT_ID, "BN00*"),
        (tags::PATIENT_COMMENTS, ""),
        (tags::ISSUER_OF_PATIENT_ID_QUALIFIERS_SEQUENCE, ""),
        (retired::ETHNIC_GROUP, ""),
        (tags::OTHER_PATIENT_NAMES, ""),
        (tags::PATIENT_BIRTH_TIME, ""),
        (tags::REFERENCED_PATIENT_SEQUENCE, ""),
        (tags::STORAGE_MEDIA_FILE_SET_ID, ""),
    ];
    let query = ask(Level::Patient, &asked);
    assert!(query::supports(&query), "whether there is a value or not");
    assert!(!query::supports(&ask(Level::Patient, &[(tags::PATIENT_AGE, "")])), "it is of a study");
    let seen = |codes: &[&str]| Scope::Facilities(codes.iter().map(|code| (*code).to_owned()).collect());
    for (scope, want) in [
        (Scope::All, vec![("BN001", Some("Dị ứng")), ("BN002", None)]),
        (seen(&["BVTW"]), vec![("BN001", Some("Dị ứng")), ("BN002", None)]),
        (seen(&["BVH"]), vec![("BN001", Some("Cũ"))]),
    ] {
        let mut found: Vec<DataSet> = query::find(&fresh.db, &query, &scope).try_collect().await.unwrap();
        found.sort_by_key(|set| set.text(tags::PATIENT_ID));
        let said: Vec<_> =
            found.iter().map(|set| (set.text(tags::PATIENT_ID), set.text(tags::PATIENT_COMMENTS))).collect();
        let want: Vec<_> =
            want.iter().map(|(id, said)| (Some((*id).to_owned()), said.map(str::to_owned))).collect();
        assert_eq!(said, want, "{scope:?}");
        for set in &found {
            let qualifiers = &set.items(tags::ISSUER_OF_PATIENT_ID_QUALIFIERS_SEQUENCE)[0];
            assert_eq!(qualifiers.text(tags::UNIVERSAL_ENTITY_ID).as_deref(), Some("1.2.3.4"));
            assert!(asked.iter().all(|(tag, _)| set.contains(*tag)) && !set.contains(tags::PATIENT_AGE));
        }
    }
    let few = ask(Level::Patient, &[(tags::PATIENT_ID, "BN001"), (tags::PATIENT_NAME, "")]);
    assert!(!find(&fresh, &few).await[0].contains(tags::PATIENT_COMMENTS), "nobody asked for it");
}

/// The JSON of an answer without a data set between, if it has one.
fn json_of_fields(answer: &Answer) -> Option<String> {
    let mut out = Vec::new();
    let mut object = Object::begin(&mut out);
    for field in answer.fields().unwrap()? {
        match field.unwrap() {
            (field, Held::Text(text)) => object.text(&field.head, &text),
            (field, Held::Number(number)) => object.number(&field.head, number),
            (field, Held::Nothing) => object.empty(&field.head),
        }
    }
    object.end();
    Some(String::from_utf8(out).unwrap())
}

async fn answers_are_the_same_one_by_one(fresh: Fresh) {
    fill(&fresh).await;
    let of_rows = [
        tags::PATIENT_NAME,
        tags::STUDY_DATE,
        tags::MODALITIES_IN_STUDY,
        tags::NUMBER_OF_STUDY_RELATED_INSTANCES,
        tags::NUMBER_OF_PATIENT_RELATED_STUDIES,
        tags::INSTANCE_AVAILABILITY,
        tags::SERIES_NUMBER,
        tags::INSTANCE_NUMBER,
        // No image has one.
        tags::TIMEZONE_OFFSET_FROM_UTC,
    ];
    for (level, count) in [(Level::Study, 5), (Level::Series, 10), (Level::Instance, 15)] {
        let mut query = ask(level, &of_rows.map(|tag| (tag, "")));
        let answers: Vec<Answer> =
            query::find_after(&fresh.db, &query, &Scope::All, None).try_collect().await.unwrap();
        assert_eq!(answers.len(), count);
        for answer in &answers {
            assert_eq!(json_of_fields(answer), Some(json::to_string(&answer.data_set().unwrap())));
        }
        query.returns = Returns::All;
        let whole: Vec<Answer> =
            query::find_after(&fresh.db, &query, &Scope::All, None).try_collect().await.unwrap();
        assert!(whole.iter().all(|answer| json_of_fields(answer).is_none()), "there is more to them");
    }
}

async fn filters_find_what_they_mean(fresh: Fresh) {
    fill(&fresh).await;
    for (keys, want) in [
        (vec![(tags::PATIENT_ID, "BN002")], vec!["1.2.1"]),
        (vec![(tags::PATIENT_ID, "bn002")], vec![]),
        (vec![(tags::PATIENT_ID, "BN00?")], vec!["1.2.0", "1.2.1", "1.2.2", "1.2.3"]),
        (vec![(tags::PATIENT_ID, "*4")], vec!["1.2.3"]),
        (vec![(tags::PATIENT_ID, "bn*")], vec![]),
        (vec![(tags::ACCESSION_NUMBER, "A3")], vec!["1.2.2"]),
        (vec![(tags::ACCESSION_NUMBER, "B_?")], vec!["1.2.4"]),
        (vec![(tags::ACCESSION_NUMBER, "A_*")], vec![]),
        (vec![(tags::STUDY_DATE, "20260921")], vec!["1.2.4", "1.2.0"]),
        (vec![(tags::STUDY_DATE, "20260901-20260920")], vec!["1.2.1"]),
        (vec![(tags::STUDY_DATE, "-20260815")], vec!["1.2.2", "1.2.3"]),
        (vec![(tags::STUDY_DATE, "20260920-")], vec!["1.2.4", "1.2.0", "1.2.1"]),
        (vec![(tags::STUDY_TIME, "0815")], vec!["1.2.4", "1.2.0", "1.2.1", "1.2.2", "1.2.3"]),
        (vec![(tags::STUDY_TIME, "0800-0814")], vec![]),
        (vec![(tags::STUDY_TIME, "0800-0815")], vec!["1.2.4", "1.2.0", "1.2.1", "1.2.2", "1.2.3"]),
        (vec![(tags::MODALITIES_IN_STUDY, "CT")], vec!["1.2.4", "1.2.0", "1.2.2"]),
        (vec![(tags::MODALITIES_IN_STUDY, "US\\MR")], vec!["1.2.1", "1.2.3"]),
        (vec![(tags::MODALITIES_IN_STUDY, "US, M?")], vec!["1.2.1", "1.2.3"]),
        (vec![(tags::MODALITIES_IN_STUDY, "C")], vec![]),
        (vec![(tags::MODALITIES_IN_STUDY, "C*R")], vec![]),
        (vec![(tags::MODALITY, "MR")], vec!["1.2.1"]),
        (vec![(tags::STUDY_INSTANCE_UID, "1.2.3\\1.2.1\\9.9")], vec!["1.2.1", "1.2.3"]),
        (vec![(tags::STUDY_DESCRIPTION, "Ng*")], vec!["1.2.4", "1.2.0", "1.2.1", "1.2.2", "1.2.3"]),
        (
            vec![(tags::REFERRING_PHYSICIAN_NAME, "le thi*")],
            vec!["1.2.4", "1.2.0", "1.2.1", "1.2.2", "1.2.3"],
        ),
        (vec![(tags::STUDY_DATE, "20260921"), (tags::PATIENT_ID, "BN001")], vec!["1.2.0"]),
        (
            vec![(tags::PATIENT_COMMENTS, "a key that no column has is not matched")],
            vec!["1.2.4", "1.2.0", "1.2.1", "1.2.2", "1.2.3"],
        ),
    ] {
        let query = ask(Level::Study, &keys);
        assert_eq!(found(&fresh, &query, tags::STUDY_INSTANCE_UID).await, want, "{keys:?}");
    }
    for (keys, want) in [
        (vec![(tags::MODALITY, "MR")], vec!["1.2.1.1"]),
        (vec![(tags::MODALITY, "US\\MR")], vec!["1.2.1.1", "1.2.3.1"]),
        (vec![(tags::MODALITY, "M*,U?,XA")], vec!["1.2.1.1", "1.2.3.1"]),
        (vec![(tags::MODALITY, "XA\\DX")], vec![]),
        (vec![(tags::STUDY_INSTANCE_UID, "1.2.0"), (tags::MODALITY, "SR")], vec!["1.2.0.2"]),
        (vec![(tags::SERIES_INSTANCE_UID, "1.2.3.2")], vec!["1.2.3.2"]),
        (vec![(tags::PATIENT_NAME, "do van duc"), (tags::SERIES_NUMBER, "1")], vec!["1.2.2.1", "1.2.2.2"]),
    ] {
        let query = ask(Level::Series, &keys);
        assert_eq!(found(&fresh, &query, tags::SERIES_INSTANCE_UID).await, want, "{keys:?}");
    }
    let one = ask(Level::Instance, &[(tags::SOP_INSTANCE_UID, "1.2.2.2.2")]);
    assert_eq!(found(&fresh, &one, tags::SOP_INSTANCE_UID).await, ["1.2.2.2.2"]);
    let class = ask(Level::Instance, &[(tags::STUDY_INSTANCE_UID, "1.2.2"), (tags::SOP_CLASS_UID, "1.2.3")]);
    assert!(find(&fresh, &class).await.is_empty());
}

async fn names_are_found_however_they_are_written(fresh: Fresh) {
    fill(&fresh).await;
    for (name, fuzzy, want) in [
        ("nguyen van a", false, vec!["1.2.0", "1.2.3"]),
        ("NGUYỄN VĂN A", false, vec!["1.2.0", "1.2.3"]),
        ("A^Van Nguyen", false, vec!["1.2.0", "1.2.3"]),
        ("nguyen", false, vec!["1.2.4", "1.2.0", "1.2.3"]),
        ("nguyen^van*", false, vec!["1.2.0", "1.2.3"]),
        ("*van*", false, vec!["1.2.4", "1.2.0", "1.2.2", "1.2.3"]),
        ("ngu*", false, vec!["1.2.0", "1.2.3"]),
        ("*guye*", false, vec!["1.2.4", "1.2.0", "1.2.3"]),
        ("do*", false, vec!["1.2.2"]),
        ("đỗ văn đức", false, vec!["1.2.2"]),
        ("D? VAN DUC", false, vec!["1.2.2"]),
        ("tran thi", false, vec!["1.2.1"]),
        ("nguy va", true, vec!["1.2.4", "1.2.0", "1.2.3"]),
        ("nguy va", false, vec![]),
        ("pham", false, vec![]),
    ] {
        let mut query = ask(Level::Study, &[(tags::PATIENT_NAME, name)]);
        query.fuzzy = fuzzy;
        assert_eq!(found(&fresh, &query, tags::STUDY_INSTANCE_UID).await, want, "{name:?}, fuzzy {fuzzy}");
    }
    for (name, want) in [
        ("nguyen van a", vec!["BN004", "BN001"]),
        ("a van", vec!["BN004", "BN001"]),
        ("van van nguyen", vec!["XX*1", "BN004", "BN001"]),
        ("nguyen duc", vec![]),
        ("van duc nguyen", vec![]),
        ("nguyen van a*", vec!["BN004", "BN001"]),
        ("ngu*", vec!["BN004", "BN001"]),
        ("*duc*", vec!["BN003"]),
    ] {
        let query = ask(Level::Patient, &[(tags::PATIENT_NAME, name)]);
        assert_eq!(found(&fresh, &query, tags::PATIENT_ID).await, want, "{name:?}");
    }
    // Beside a key that leads, the name is only a condition.
    let query = ask(Level::Study, &[(tags::PATIENT_NAME, "nguyen van"), (tags::PATIENT_ID, "BN004")]);
    assert_eq!(found(&fresh, &query, tags::STUDY_INSTANCE_UID).await, ["1.2.3"]);
}

async fn what_has_no_value_is_found(fresh: Fresh) {
    fill(&fresh).await;
    store(
        &fresh.db,
        &[Image { study: "1.7".into(), series: "1.7.1".into(), date: None, ..Image::default() }],
    )
    .await;
    for (level, tag, want) in [
        (Level::Study, tags::STUDY_DATE, vec!["1.7"]),
        (Level::Study, tags::ACCESSION_NUMBER, vec!["1.7"]),
        (Level::Study, tags::PATIENT_NAME, vec![]),
        (Level::Study, tags::MODALITIES_IN_STUDY, vec![]),
        (Level::Series, tags::SERIES_NUMBER, vec![]),
    ] {
        let mut query = ask(level, &[]);
        query.add_empty(&[tag]);
        assert_eq!(found(&fresh, &query, tags::STUDY_INSTANCE_UID).await, want, "{tag}");
    }
}

async fn scope_is_part_of_every_query(fresh: Fresh) {
    fill(&fresh).await;
    let scope = |codes: &[&str]| Scope::Facilities(codes.iter().map(|code| (*code).to_owned()).collect());
    for (level, one, both) in
        [(Level::Patient, 2, 5), (Level::Study, 2, 5), (Level::Series, 4, 10), (Level::Instance, 6, 15)]
    {
        for (codes, want) in
            [(&["BVH"][..], one), (&["BVH", "BVTW"][..], both), (&[][..], 0), (&["BVX"][..], 0)]
        {
            for keys in [vec![], vec![(tags::PATIENT_NAME, "*")], vec![(tags::STUDY_DATE, "20250101-")]] {
                let query = ask(level, &keys);
                let answers: Vec<_> =
                    query::find(&fresh.db, &query, &scope(codes)).try_collect().await.unwrap();
                assert_eq!(answers.len(), want, "{level:?} {codes:?} {keys:?}");
            }
        }
    }
    let by_key = ask(Level::Study, &[(tags::PATIENT_ID, "BN001")]);
    let answers: Vec<_> = query::find(&fresh.db, &by_key, &scope(&["BVH"])).try_collect().await.unwrap();
    assert!(answers.is_empty(), "a known number does not open another facility's studies");
}

async fn all_attributes_come_back_when_asked(fresh: Fresh) {
    fill(&fresh).await;
    let mut query = ask(Level::Series, &[(tags::SERIES_INSTANCE_UID, "1.2.0.1")]);
    query.returns = Returns::All;
    let answers = find(&fresh, &query).await;
    for (tag, want) in [(tags::PATIENT_AGE, "046Y"), (tags::MANUFACTURER, "Phantom"), (tags::MODALITY, "CT")]
    {
        assert_eq!(answers[0].text(tag).as_deref(), Some(want), "{tag}");
    }
    let asked = ask(Level::Study, &[(tags::STUDY_INSTANCE_UID, "1.2.0"), (tags::PATIENT_AGE, "")]);
    assert_eq!(found(&fresh, &asked, tags::PATIENT_AGE).await, ["046Y"]);
}

async fn places_are_found_for_a_move(fresh: Fresh) {
    fill(&fresh).await;
    for (level, keys, want) in [
        (Level::Patient, vec![(tags::PATIENT_ID, "BN001")], 3),
        (Level::Study, vec![(tags::STUDY_INSTANCE_UID, "1.2.0\\1.2.1")], 6),
        (Level::Series, vec![(tags::STUDY_INSTANCE_UID, "1.2.0"), (tags::SERIES_INSTANCE_UID, "1.2.0.2")], 2),
        (Level::Instance, vec![(tags::SOP_INSTANCE_UID, "1.2.0.2.2")], 1),
        (Level::Study, vec![(tags::STUDY_INSTANCE_UID, "9.9")], 0),
    ] {
        let query = ask(level, &keys);
        let places: Vec<_> = query::find_places(&fresh.db, &query, &Scope::All).try_collect().await.unwrap();
        assert_eq!(places.len(), want, "{level:?}");
        assert!(places.iter().all(|place| place.transfer_syntax == "1.2.840.10008.1.2.1"));
    }
}

async fn the_study_list_finds_what_is_typed(fresh: Fresh) {
    fill(&fresh).await;
    let look = |search: Search| {
        let db = &fresh.db;
        async move {
            let page = search::search(db, &Scope::All, &Search { limit: 50, ..search }).await.unwrap();
            page.items.iter().map(|line| line.uid.as_str().to_owned()).collect::<Vec<_>>()
        }
    };
    for (text, want) in [
        ("", vec!["1.2.4", "1.2.0", "1.2.1", "1.2.2", "1.2.3"]),
        ("nguyen van a", vec!["1.2.4", "1.2.0", "1.2.3"]),
        ("nguyen van a ", vec!["1.2.0", "1.2.3"]),
        ("ngu", vec!["1.2.4", "1.2.0", "1.2.3"]),
        ("binh tr", vec!["1.2.1"]),
        ("BN003", vec!["1.2.2"]),
        ("BN0", vec!["1.2.0", "1.2.1", "1.2.2", "1.2.3"]),
        ("A4", vec!["1.2.3"]),
        ("nguyen A4", vec!["1.2.3"]),
        ("binh A4", vec![]),
        ("BN002||TRẦN THỊ BÌNH|01011990|Nữ", vec!["1.2.1"]),
        ("%", vec!["1.2.4", "1.2.0", "1.2.1", "1.2.2", "1.2.3"]),
    ] {
        assert_eq!(look(Search { text: text.into(), ..Search::default() }).await, want, "{text:?}");
    }
    let ct = Search { modality: Some("CT".into()), from: Some("20260901".into()), ..Search::default() };
    assert_eq!(look(ct).await, ["1.2.4", "1.2.0"]);

    let mut walked = Vec::new();
    let mut cursor = None;
    loop {
        let search = Search { limit: 2, cursor, ..Search::default() };
        let page = search::search(&fresh.db, &Scope::All, &search).await.unwrap();
        walked.extend(page.items.iter().map(|line| line.uid.as_str().to_owned()));
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(walked, ["1.2.4", "1.2.0", "1.2.1", "1.2.2", "1.2.3"]);

    store(
        &fresh.db,
        &[Image { study: "1.8".into(), series: "1.8.1".into(), date: Some("20240101"), ..Image::default() }],
    )
    .await;
    let study = search::study(&fresh.db, &Scope::All, &uid("1.2.0")).await.unwrap().unwrap();
    let priors = search::priors(&fresh.db, &Scope::All, &study).await.unwrap();
    assert_eq!(priors.iter().map(|line| line.uid.as_str()).collect::<Vec<_>>(), ["1.8"]);
}
