"""What a corrected study says through every door, as dicomweb-client, pydicom and pynetdicom read it.

Usage: corrected.py HOST PORT URL RECEIVER_PORT STUDY_UID
Standard input has the wanted answer as JSON: {"PatientName", "PatientID", "StudyDescription", "series": {UID: [SOP
Instance UIDs]}, "corrected": [SOP Instance UIDs]}. RECEIVER_PORT is where the device named RECEIVER listens.
"""

import json
import sys
import unicodedata

from dicomweb_client.api import DICOMwebClient
from pydicom.dataset import Dataset
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    RLELossless,
)
from pynetdicom import AE, build_role, evt
from pynetdicom.sop_class import (
    CTImageStorage,
    StudyRootQueryRetrieveInformationModelFind as Find,
    StudyRootQueryRetrieveInformationModelGet as Get,
    StudyRootQueryRetrieveInformationModelMove as Move,
)

from requestor import only_asks

host, port, url, receiver_port, study = sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4]), sys.argv[5]
want = json.load(sys.stdin)
wanted = {
    uid: (unicodedata.normalize("NFC", want["PatientName"]), want["PatientID"], want["StudyDescription"], study, series)
    for series, uids in want["series"].items()
    for uid in uids
}
corrected = set(want["corrected"])


def said(dataset):
    """Whose it is and where it belongs."""
    name = unicodedata.normalize("NFC", str(dataset.PatientName))
    description = str(dataset.get("StudyDescription", ""))
    return name, str(dataset.PatientID), description, str(dataset.StudyInstanceUID), str(dataset.SeriesInstanceUID)


def check(door, datasets, is_whole=True):
    found = {str(dataset.SOPInstanceUID): dataset for dataset in datasets}
    assert found.keys() == wanted.keys(), f"{door}: {found.keys()}"
    for uid, dataset in found.items():
        assert said(dataset) == wanted[uid], f"{door}: {said(dataset)} and not {wanted[uid]}"
        if is_whole:
            tells = "OriginalAttributesSequence" in dataset
            assert tells == (uid in corrected), f"{door}: {uid} {'tells' if tells else 'does not tell'} what was sent"


# dicomweb-client: searched, described, retrieved.
client = DICOMwebClient(url)
keys = ["PatientName", "PatientID", "StudyDescription"]
for filters in ({"StudyInstanceUID": study}, {"PatientID": want["PatientID"]}, {"PatientName": want["PatientName"]}):
    rows = client.search_for_studies(search_filters=filters, fields=keys)
    rows = [row for row in rows if row["0020000D"]["Value"] == [study]]
    assert len(rows) == 1, f"QIDO-RS: {filters} finds {rows}"
    assert rows[0]["00201208"]["Value"] == [len(wanted)], f"QIDO-RS: {rows[0]}"
assert {row["0020000E"]["Value"][0] for row in client.search_for_series(study)} == set(want["series"])
instances = client.search_for_instances(study, fields=keys)
check("QIDO-RS", [Dataset.from_json(row) for row in instances], is_whole=False)
# Bulk data stays where it is: what it is of is compared by the doors that give it.
metadata = client.retrieve_study_metadata(study)
for row in metadata:
    del row["7FE00010"]
check("metadata", [Dataset.from_json(row) for row in metadata])
check("WADO-RS of the study", client.iter_study(study))
whole = []
for series, uids in want["series"].items():
    whole += [client.retrieve_instance(study, series, uid) for uid in uids]
check("WADO-RS of the instances", whole)
pixels = {str(dataset.SOPInstanceUID): dataset.pixel_array for dataset in whole}

# pynetdicom: found, got and moved, to receivers that read one transfer syntax each.
received = {}


def on_store(event):
    dataset = event.dataset
    dataset.file_meta = event.file_meta
    received[str(dataset.SOPInstanceUID)] = dataset
    return 0x0000


def same_pixels(door):
    for uid, dataset in received.items():
        assert (dataset.pixel_array == pixels[uid]).all(), f"{door}: {uid} has other pixels"


identifier = Dataset()
identifier.QueryRetrieveLevel = "STUDY"
identifier.StudyInstanceUID = study
ae = AE(ae_title="PYNETDICOM")
ae.add_requested_context(Find)
association = only_asks(ae.associate(host, port, ae_title="SEN"))
query = Dataset()
query.update(identifier)
query.SpecificCharacterSet = "ISO_IR 192"
query.PatientName = query.PatientID = query.StudyDescription = ""
rows = [row for _, row in association.send_c_find(query, Find) if row is not None]
association.release()
whose = {(unicodedata.normalize("NFC", str(row.PatientName)), row.PatientID, row.StudyDescription) for row in rows}
assert whose == {values[:3] for values in wanted.values()}, f"C-FIND: {whose}"

for syntax in (
    ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian,
    JPEG2000Lossless, RLELossless,
):
    ae = AE(ae_title="PYNETDICOM")
    ae.add_requested_context(Get)
    ae.add_requested_context(CTImageStorage, syntax)
    received.clear()
    roles = [build_role(CTImageStorage, scp_role=True)]
    handlers = [(evt.EVT_C_STORE, on_store)]
    association = only_asks(ae.associate(host, port, ae_title="SEN", ext_neg=roles, evt_handlers=handlers))
    final = [status for status, _ in association.send_c_get(identifier, Get)][-1]
    association.release()
    assert "Status" in final and final.Status == 0x0000, f"C-GET in {syntax.name}: {final}"
    check(f"C-GET in {syntax.name}", received.values())
    same_pixels(f"C-GET in {syntax.name}")

for syntax in (ExplicitVRLittleEndian, JPEG2000Lossless):
    scp = AE(ae_title="RECEIVER")
    scp.add_supported_context(CTImageStorage, syntax)
    received.clear()
    server = scp.start_server(("127.0.0.1", receiver_port), block=False, evt_handlers=[(evt.EVT_C_STORE, on_store)])
    ae = AE(ae_title="PYNETDICOM")
    ae.add_requested_context(Move)
    association = only_asks(ae.associate(host, port, ae_title="SEN"))
    final = [status for status, _ in association.send_c_move(identifier, "RECEIVER", Move)][-1]
    association.release()
    server.shutdown()
    assert final.Status == 0x0000, f"C-MOVE in {syntax.name}: {final}"
    check(f"C-MOVE in {syntax.name}", received.values())
    same_pixels(f"C-MOVE in {syntax.name}")
print(f"{len(wanted)} instances say the same everywhere")
