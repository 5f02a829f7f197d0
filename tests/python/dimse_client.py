"""Push, find and get a study with pynetdicom. Usage: dimse_client.py HOST PORT FOLDER STUDY_UID"""

import sys
from pathlib import Path

from pydicom import dcmread
from pydicom.dataset import Dataset
from pynetdicom import AE, build_role, evt
from pynetdicom.sop_class import (
    CTImageStorage,
    StudyRootQueryRetrieveInformationModelFind,
    StudyRootQueryRetrieveInformationModelGet,
    Verification,
)

from requestor import only_asks

host, port, folder, study_uid = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]), sys.argv[4]
sent = {}
for path in sorted(folder.iterdir()):
    dataset = dcmread(path)
    sent[dataset.SOPInstanceUID] = dataset
assert sent, "nothing to send"

ae = AE(ae_title="PYNETDICOM")
ae.add_requested_context(Verification)
ae.add_requested_context(CTImageStorage)
ae.add_requested_context(StudyRootQueryRetrieveInformationModelFind)
ae.add_requested_context(StudyRootQueryRetrieveInformationModelGet)

received = {}


def on_store(event):
    dataset = event.dataset
    received[dataset.SOPInstanceUID] = dataset
    return 0x0000


roles = [build_role(CTImageStorage, scp_role=True, scu_role=True)]
handlers = [(evt.EVT_C_STORE, on_store)]
association = only_asks(ae.associate(host, port, ae_title="SEN", ext_neg=roles, evt_handlers=handlers))
assert association.is_established, "no association"
assert association.send_c_echo().Status == 0x0000

for dataset in sent.values():
    status = association.send_c_store(dataset)
    assert status.Status == 0x0000, hex(status.Status)

query = Dataset()
query.QueryRetrieveLevel = "STUDY"
query.StudyInstanceUID = study_uid
query.PatientName = ""
query.ModalitiesInStudy = ""
query.NumberOfStudyRelatedInstances = ""
rows = []
for status, identifier in association.send_c_find(query, StudyRootQueryRetrieveInformationModelFind):
    assert status.Status in (0xFF00, 0xFF01, 0x0000), hex(status.Status)
    if identifier is not None:
        rows.append(identifier)
assert len(rows) == 1, rows
first = next(iter(sent.values()))
assert str(rows[0].PatientName) == str(first.PatientName), rows[0].PatientName
assert int(rows[0].NumberOfStudyRelatedInstances) == len(sent), rows[0]

query = Dataset()
query.QueryRetrieveLevel = "IMAGE"
query.StudyInstanceUID = study_uid
query.SeriesInstanceUID = first.SeriesInstanceUID
query.SOPInstanceUID = ""
query.PhotometricInterpretation = ""
query.BitsStored = None
query.WindowCenter = None
query.VerificationFlag = ""
rows = []
for status, identifier in association.send_c_find(query, StudyRootQueryRetrieveInformationModelFind):
    assert status.Status in (0xFF00, 0x0000), hex(status.Status)
    if identifier is not None:
        rows.append(identifier)
assert {row.SOPInstanceUID for row in rows} == sent.keys(), rows
for row in rows:
    image = sent[row.SOPInstanceUID]
    for keyword in ("PhotometricInterpretation", "BitsStored", "WindowCenter"):
        assert row[keyword].value == image[keyword].value, (keyword, row)
    assert not row.VerificationFlag, row

request = Dataset()
request.QueryRetrieveLevel = "STUDY"
request.StudyInstanceUID = study_uid
final = None
for status, _ in association.send_c_get(request, StudyRootQueryRetrieveInformationModelGet):
    final = status
assert final.Status == 0x0000, hex(final.Status)
assert final.NumberOfCompletedSuboperations == len(sent), final
association.release()

assert received.keys() == sent.keys()
for uid, dataset in sent.items():
    back = received[uid]
    assert back.PixelData == dataset.PixelData, uid
    assert str(back.PatientName) == str(dataset.PatientName), uid
print("pynetdicom: pushed, found and got", len(sent))
