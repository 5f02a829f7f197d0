//! What is tested with whom: tests that exist, and in which the foreign program is met.

/// What there is to say of a service and a foreign program.
pub(super) enum Cell {
    /// It is tested there: each a file and a test in it, and what stands there or in a script that it runs when the
    /// program is met in this service.
    Tested(&'static [&'static str], &'static str),
    /// Why it is not.
    Not(&'static str),
}

use Cell::{Not, Tested};

/// A service, and what is tried of it with DCMTK, pynetdicom and Orthanc.
pub(super) type Row = (&'static str, [Cell; 3]);

const NO_PROGRAM: Cell = Not("has no program for it");
const NO_WORKLISTS: Cell = Not("is no user of it");

/// Foreign programs as users of Sen.
pub(super) const CLIENTS: [Row; 12] = [
    (
        "C-ECHO",
        [
            Tested(&["dimse-scp/tests/doors/dcmtk.rs: echoscu_is_answered_and_rejected"], "echoscu"),
            Tested(&["tests/journeys/python.rs: pynetdicom_pushes_finds_and_gets"], "send_c_echo"),
            Tested(
                &["tests/journeys/orthanc.rs: orthanc_pushes_queries_and_retrieves"],
                "/modalities/sen/echo",
            ),
        ],
    ),
    (
        "C-STORE",
        [
            Tested(
                &[
                    "dimse-scp/tests/doors/dcmtk.rs: storescu_and_dcmsend_store",
                    "tests/journeys/push.rs: what_storescu_pushes_is_in_qido_in_the_list_and_in_wado",
                    "tests/journeys/interop/syntaxes.rs: dcmtk_sends_and_takes_every_syntax_that_it_knows",
                ],
                "storescu",
            ),
            Tested(
                &[
                    "tests/journeys/python.rs: pynetdicom_pushes_finds_and_gets",
                    "tests/journeys/samples.rs: every_storable_sample_comes_back_byte_for_byte",
                ],
                "send_c_store",
            ),
            Tested(
                &[
                    "tests/journeys/orthanc.rs: orthanc_pushes_queries_and_retrieves",
                    "tests/journeys/interop/syntaxes.rs: orthanc_sends_and_takes_every_syntax_that_it_knows",
                ],
                "/modalities/sen/store",
            ),
        ],
    ),
    (
        "C-FIND",
        [
            Tested(
                &[
                    "dimse-scp/tests/doors/dcmtk.rs: findscu_finds_in_vietnamese",
                    "tests/journeys/texts.rs: findscu_is_answered_in_the_set_that_it_names",
                ],
                "findscu",
            ),
            Tested(
                &[
                    "tests/journeys/python.rs: pynetdicom_pushes_finds_and_gets",
                    "tests/journeys/interop/corrected.rs: corrected_moved_and_split_studies_say_the_same_to_foreign_clients",
                ],
                "send_c_find",
            ),
            Tested(
                &["tests/journeys/orthanc.rs: orthanc_pushes_queries_and_retrieves"],
                "/modalities/sen/query",
            ),
        ],
    ),
    (
        "C-MOVE",
        [
            Tested(
                &[
                    "dimse-scp/tests/doors/dcmtk.rs: movescu_has_them_sent_to_storescp",
                    "tests/journeys/retrieve.rs: movescu_sends_identical_data_sets_to_a_configured_device_and_to_no_other",
                ],
                "movescu",
            ),
            Tested(
                &[
                    "tests/journeys/interop/syntaxes.rs: samples_of_every_syntax_reach_receivers_that_take_another",
                    "tests/journeys/interop/corrected.rs: corrected_moved_and_split_studies_say_the_same_to_foreign_clients",
                ],
                "send_c_move",
            ),
            Tested(&["tests/journeys/orthanc.rs: orthanc_pushes_queries_and_retrieves"], "/retrieve"),
        ],
    ),
    (
        "C-GET",
        [
            Tested(
                &[
                    "dimse-scp/tests/doors/dcmtk.rs: getscu_gets_the_same_data_sets",
                    "tests/journeys/samples.rs: every_storable_sample_comes_back_byte_for_byte",
                    "tests/journeys/interop/syntaxes.rs: dcmtk_sends_and_takes_every_syntax_that_it_knows",
                ],
                "getscu",
            ),
            Tested(
                &[
                    "tests/journeys/interop/syntaxes.rs: samples_of_every_syntax_reach_receivers_that_take_another",
                    "tests/journeys/interop/corrected.rs: corrected_moved_and_split_studies_say_the_same_to_foreign_clients",
                ],
                "send_c_get",
            ),
            Not("retrieves by C-MOVE in Debian's version"),
        ],
    ),
    (
        "Patients and studies alone; single instances and frames; instances without bulk data",
        [
            Tested(
                &["dimse-scp/tests/doors/dcmtk.rs: patients_and_studies_alone_are_found_and_got_by_dcmtk"],
                "-O",
            ),
            Tested(
                &["tests/journeys/interop/roots.rs: pynetdicom_asks_by_every_query_retrieve_model"],
                "CompositeInstanceRetrieveWithoutBulkDataGet",
            ),
            Not("asks by patient and study root alone"),
        ],
    ),
    (
        "Hanging protocols, colour palettes, implant templates and other objects of no patient",
        [
            Not("asks by no model of them"),
            Tested(
                &[
                    "tests/journeys/interop/roots.rs: pynetdicom_stores_finds_and_retrieves_what_is_of_no_patient",
                ],
                "HangingProtocolInformationModel",
            ),
            Not("does not keep them"),
        ],
    ),
    (
        "Modality worklist",
        [
            Tested(&["dimse-scp/tests/doors/worklist.rs: findscu_reads_the_worklist"], "findscu"),
            Tested(
                &[
                    "tests/journeys/modality.rs: a_modality_reports_its_step_and_is_told_that_its_images_are_safe",
                    "tests/journeys/texts.rs: samples_of_every_character_set_are_read_by_consoles_of_every_character_set",
                ],
                "ModalityWorklistInformationFind",
            ),
            Tested(
                &["tests/journeys/interop/peers.rs: orthanc_reads_the_worklist_and_gives_by_c_get"],
                "find-worklist",
            ),
        ],
    ),
    (
        "Performed step (MPPS)",
        [
            NO_PROGRAM,
            Tested(
                &[
                    "tests/journeys/modality.rs: a_modality_reports_its_step_and_is_told_that_its_images_are_safe",
                ],
                "send_n_create",
            ),
            NO_WORKLISTS,
        ],
    ),
    (
        "Unified procedure steps (UPS)",
        [
            NO_PROGRAM,
            Tested(
                &[
                    "tests/journeys/steps.rs: work_is_given_and_done_over_dimse_and_the_web",
                    "tests/journeys/steps.rs: work_is_given_and_done_over_postgresql",
                ],
                "UnifiedProcedureStepPull",
            ),
            NO_WORKLISTS,
        ],
    ),
    (
        "Storage commitment",
        [
            NO_PROGRAM,
            Tested(
                &[
                    "tests/journeys/modality.rs: a_modality_reports_its_step_and_is_told_that_its_images_are_safe",
                ],
                "send_n_action",
            ),
            Tested(
                &["tests/journeys/orthanc.rs: orthanc_is_told_that_its_images_are_safe"],
                "StorageCommitment",
            ),
        ],
    ),
    (
        "DICOM TLS",
        [
            Tested(
                &["dimse-scp/tests/doors/tls.rs: dcmtk_speaks_tls_with_and_without_certificates"],
                "echoscu",
            ),
            Tested(
                &["tests/journeys/dicom_tls.rs: a_device_that_has_to_encrypt_and_name_a_user"],
                "tls_client.py",
            ),
            Tested(
                &["tests/journeys/interop/tls.rs: orthanc_speaks_tls_in_both_directions"],
                "/modalities/sen/store",
            ),
        ],
    ),
];

/// Foreign programs as servers that Sen uses.
pub(super) const SERVERS: [Row; 9] = [
    (
        "C-ECHO",
        [
            Tested(
                &[
                    "tests/journeys/archives.rs: dcmtks_archive_is_queried_and_pulled_from_by_the_command_line",
                ],
                "\"echo\", \"DCMQR\"",
            ),
            Tested(
                &["tests/journeys/interop/peers.rs: pynetdicoms_archive_is_echoed_queried_and_pulled_from"],
                "\"echo\", \"PYARCHIVE\"",
            ),
            Tested(
                &["tests/journeys/orthanc.rs: sen_echoes_to_orthanc_and_sends_there"],
                "\"echo\", \"ORTHANC\"",
            ),
        ],
    ),
    (
        "C-STORE",
        [
            Tested(
                &[
                    "dimse-scp/tests/doors/transcode.rs: dcmtk_gets_what_it_takes",
                    "tests/journeys/told.rs: a_rule_of_the_file_sends_what_has_come_to_dcmtk",
                    "tests/journeys/interop/syntaxes.rs: dcmtk_sends_and_takes_every_syntax_that_it_knows",
                ],
                "storescp",
            ),
            Tested(
                &[
                    "tests/journeys/interop/syntaxes.rs: samples_of_every_syntax_reach_receivers_that_take_another",
                ],
                "add_supported_context",
            ),
            Tested(
                &[
                    "tests/journeys/orthanc.rs: sen_echoes_to_orthanc_and_sends_there",
                    "tests/journeys/interop/syntaxes.rs: orthanc_sends_and_takes_every_syntax_that_it_knows",
                ],
                "Orthanc::start",
            ),
        ],
    ),
    (
        "C-FIND",
        [
            Tested(
                &[
                    "tests/journeys/archives.rs: dcmtks_archive_is_queried_and_pulled_from_by_the_command_line",
                ],
                "\"query\", \"DCMQR\"",
            ),
            Tested(
                &["tests/journeys/interop/peers.rs: pynetdicoms_archive_is_echoed_queried_and_pulled_from"],
                "EVT_C_FIND",
            ),
            Tested(
                &[
                    "tests/journeys/archives.rs: orthanc_is_asked_and_pulled_from_by_the_interface_of_the_pages",
                ],
                "/archives/ORTHANC/queries",
            ),
        ],
    ),
    (
        "C-MOVE",
        [
            Tested(
                &[
                    "tests/journeys/archives.rs: dcmtks_archive_is_queried_and_pulled_from_by_the_command_line",
                ],
                "\"pull\", \"DCMQR\"",
            ),
            Tested(
                &["tests/journeys/interop/peers.rs: pynetdicoms_archive_is_echoed_queried_and_pulled_from"],
                "EVT_C_MOVE",
            ),
            Tested(
                &[
                    "tests/journeys/archives.rs: orthanc_is_asked_and_pulled_from_by_the_interface_of_the_pages",
                ],
                "/archives/ORTHANC/pull",
            ),
        ],
    ),
    (
        "C-GET",
        [
            Tested(
                &[
                    "tests/journeys/archives.rs: dcmtks_archive_is_queried_and_pulled_from_by_the_command_line",
                ],
                "\"--retrieve-by\", \"get\"",
            ),
            Tested(
                &["tests/journeys/interop/peers.rs: pynetdicoms_archive_is_echoed_queried_and_pulled_from"],
                "EVT_C_GET",
            ),
            Tested(
                &["tests/journeys/interop/peers.rs: orthanc_reads_the_worklist_and_gives_by_c_get"],
                "retrieve_by = 'get'",
            ),
        ],
    ),
    (
        "Performed step and availability",
        [
            NO_PROGRAM,
            Tested(
                &["tests/journeys/told.rs: pynetdicom_hears_of_performed_steps_and_of_available_images"],
                "InstanceAvailabilityNotification",
            ),
            NO_WORKLISTS,
        ],
    ),
    (
        "Reports of unified procedure steps (UPS)",
        [
            NO_PROGRAM,
            Tested(
                &[
                    "tests/journeys/steps.rs: work_is_given_and_done_over_dimse_and_the_web",
                    "tests/journeys/steps.rs: work_is_given_and_done_over_postgresql",
                ],
                "EVT_N_EVENT_REPORT",
            ),
            NO_WORKLISTS,
        ],
    ),
    (
        "Storage commitment",
        [
            NO_PROGRAM,
            Tested(
                &["tests/journeys/interop/peers.rs: pynetdicom_confirms_that_it_keeps_what_was_sent"],
                "EVT_N_ACTION",
            ),
            Tested(
                &["tests/journeys/told.rs: orthanc_confirms_that_it_keeps_what_was_sent"],
                "commitment = true",
            ),
        ],
    ),
    (
        "DICOM TLS",
        [
            Tested(&["dimse-scp/tests/doors/tls.rs: c_move_goes_to_a_destination_over_tls"], "storescp("),
            Tested(
                &["tests/journeys/interop/tls.rs: pynetdicoms_archive_is_asked_and_pulled_from_over_tls"],
                "Archive::start_at",
            ),
            Tested(
                &["tests/journeys/interop/tls.rs: orthanc_speaks_tls_in_both_directions"],
                "\"pull\", \"ORTHANC\"",
            ),
        ],
    ),
];

/// Users of DICOMweb: what they do, and where.
pub(super) const WEB: [(&str, &str, &[&str], &str); 5] = [
    (
        "dicomweb-client",
        "STOW-RS, QIDO-RS, WADO-RS, deleting",
        &[
            "tests/journeys/python.rs: dicomweb_client_stores_searches_and_retrieves",
            "tests/journeys/interop/corrected.rs: corrected_moved_and_split_studies_say_the_same_to_foreign_clients",
            "tests/journeys/removal.rs: dicomweb_client_deletes",
        ],
        "DICOMwebClient",
    ),
    (
        "Orthanc's DICOMweb client",
        "STOW-RS, QIDO-RS, WADO-RS",
        &["tests/journeys/interop/peers.rs: orthanc_stores_searches_and_retrieves_by_dicomweb"],
        "/dicom-web/servers/sen",
    ),
    (
        "curl",
        "byte ranges, conditions, compression",
        &["tests/journeys/curl.rs: curl_goes_on_asks_again_and_unpacks"],
        "curl",
    ),
    ("the pages (cornerstone)", "QIDO-RS, WADO-RS", &["tests/pages.sh: "], "e2e"),
    (
        "cornerstone's own loader",
        "QIDO-RS, WADO-RS: frames whole, while they come, by ranges",
        &["viewer-web/app/e2e/journeys/loader.ts: "],
        "window.loadStudy",
    ),
];
