"""The query/retrieve models beside patient and study root, and single frames, asked by pynetdicom.

Usage: roots.py HOST PORT DESTINATION_PORT. DESTINATION_PORT is where the device named RECEIVER listens.
"""

import sys

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid
from pynetdicom import AE, build_role, evt
from pynetdicom.sop_class import (
    CompositeInstanceRetrieveWithoutBulkDataGet as WithoutBulk,
    CompositeInstanceRootRetrieveGet as InstanceGet,
    CompositeInstanceRootRetrieveMove as InstanceMove,
    GeneralECGWaveformStorage,
    MultiFrameGrayscaleByteSecondaryCaptureImageStorage,
    PatientStudyOnlyQueryRetrieveInformationModelFind as Find,
    PatientStudyOnlyQueryRetrieveInformationModelGet as Get,
    PatientStudyOnlyQueryRetrieveInformationModelMove as Move,
    SecondaryCaptureImageStorage,
)

from requestor import only_asks

host, port, destination = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
CLASSES = [SecondaryCaptureImageStorage, GeneralECGWaveformStorage]


def instance(sop_class, patient, study, series):
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPClassUID, dataset.SOPInstanceUID = sop_class, generate_uid()
    dataset.PatientID, dataset.PatientName = patient, f"Nguyen^Van^{patient}"
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = study, series
    dataset.Modality = "OT" if sop_class == SecondaryCaptureImageStorage else "ECG"
    return dataset


def image(patient, study, series):
    dataset = instance(SecondaryCaptureImageStorage, patient, study, series)
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.Rows, dataset.Columns = 8, 8
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 8, 8, 7, 0
    dataset.PixelData = np.arange(64, dtype=np.uint8).tobytes()
    dataset["PixelData"].VR = "OB"
    icon = Dataset()
    icon.SamplesPerPixel, icon.PhotometricInterpretation = 1, "MONOCHROME2"
    icon.Rows, icon.Columns, icon.BitsAllocated, icon.BitsStored, icon.HighBit = 2, 2, 8, 8, 7
    icon.PixelRepresentation = 0
    icon.PixelData = bytes(4)
    icon["PixelData"].VR = "OB"
    dataset.IconImageSequence = [icon]
    dataset.add_new(0x60000010, "US", 8)
    dataset.add_new(0x60003000, "OW", bytes(8))
    return dataset


def waveform(patient, study, series):
    dataset = instance(GeneralECGWaveformStorage, patient, study, series)
    group = Dataset()
    group.MultiplexGroupLabel, group.WaveformBitsAllocated, group.WaveformSampleInterpretation = "RHYTHM", 16, "SS"
    group.add_new(0x54001010, "OW", bytes(20))
    dataset.WaveformSequence = [group]
    return dataset


studies = {patient: generate_uid() for patient in ("P1", "P2")}
sent = []
for patient, study in studies.items():
    series = generate_uid()
    sent += [image(patient, study, series), image(patient, study, series), waveform(patient, study, generate_uid())]
by_uid = {dataset.SOPInstanceUID: dataset for dataset in sent}

received, moved = {}, {}


def keep(into):
    def on_store(event):
        into[event.request.AffectedSOPInstanceUID] = event.dataset
        return 0x0000

    return [(evt.EVT_C_STORE, on_store)]


receiver = AE(ae_title="RECEIVER")
for sop_class in [*CLASSES, MultiFrameGrayscaleByteSecondaryCaptureImageStorage]:
    receiver.add_supported_context(sop_class, ExplicitVRLittleEndian)
server = receiver.start_server(("127.0.0.1", destination), block=False, evt_handlers=keep(moved))

ae = AE(ae_title="PYNETDICOM")
for sop_class in [Find, Get, Move, InstanceGet, InstanceMove, WithoutBulk]:
    ae.add_requested_context(sop_class)
for sop_class in CLASSES:
    ae.add_requested_context(sop_class, ExplicitVRLittleEndian)
roles = [build_role(sop_class, scp_role=True, scu_role=True) for sop_class in CLASSES]
association = only_asks(ae.associate(host, port, ae_title="SEN", ext_neg=roles, evt_handlers=keep(received)))
assert association.is_established, "no association"
for dataset in sent:
    assert association.send_c_store(dataset).Status == 0x0000


def asked(level, **keys):
    identifier = Dataset()
    identifier.QueryRetrieveLevel = level
    for keyword, value in keys.items():
        setattr(identifier, keyword, value)
    return identifier


def found(identifier):
    answers = list(association.send_c_find(identifier, Find))
    return answers[-1][0].Status, [answer for _, answer in answers if answer]


def retrieved(answers, into):
    """The final status with its counts, and what has come."""
    final = list(answers)[-1][0]
    came = dict(into)
    into.clear()
    counts = [final.get(f"NumberOf{what}Suboperations") for what in ("Completed", "Failed", "Warning")]
    return final.Status, counts, came


def get(identifier, model):
    return retrieved(association.send_c_get(identifier, model), received)


def move(identifier, model, to="RECEIVER"):
    return retrieved(association.send_c_move(identifier, to, model), moved)


# Patients and studies alone.
status, answers = found(asked("PATIENT", PatientID="", PatientName="nguyen*"))
assert (status, {answer.PatientID for answer in answers}) == (0x0000, {"P1", "P2"}), answers
status, answers = found(asked("STUDY", PatientID="P1", StudyInstanceUID="", NumberOfStudyRelatedInstances=""))
assert (status, [answer.StudyInstanceUID for answer in answers]) == (0x0000, [studies["P1"]])
assert int(answers[0].NumberOfStudyRelatedInstances) == 3
one_study = asked("STUDY", PatientID="P1", StudyInstanceUID=studies["P1"])
mine = {uid for uid, dataset in by_uid.items() if dataset.PatientID == "P1"}
for status, counts, came in (get(one_study, Get), move(one_study, Move)):
    assert (status, counts, came.keys()) == (0x0000, [3, 0, 0], mine), (hex(status), counts)
status, counts, came = get(asked("PATIENT", PatientID="P2"), Get)
assert (status, counts, came.keys()) == (0x0000, [3, 0, 0], by_uid.keys() - mine)
for level in ("SERIES", "IMAGE"):
    below = asked(level, PatientID="P1", StudyInstanceUID=studies["P1"], SeriesInstanceUID="")
    assert found(below)[0] == 0xA900
    assert get(below, Get)[0] == 0xA900
    assert move(below, Move)[0] == 0xA900
assert found(asked("STUDY", StudyInstanceUID=""))[0] == 0xA900, "one patient is needed above"

# Single instances, of several studies, by their UIDs alone.
some = [sent[0].SOPInstanceUID, sent[5].SOPInstanceUID]
by_their_uids = asked("IMAGE", SOPInstanceUID=[*some, generate_uid()])
for status, counts, came in (get(by_their_uids, InstanceGet), move(by_their_uids, InstanceMove)):
    assert (status, counts, came.keys()) == (0x0000, [2, 0, 0], set(some)), (hex(status), counts)
    for uid in some:
        assert came[uid] == by_uid[uid], uid
assert move(by_their_uids, InstanceMove, "NOBODY")[0] == 0xA801
for wrong in (asked("STUDY", StudyInstanceUID=studies["P1"]), asked("IMAGE", SOPInstanceUID="")):
    assert get(wrong, InstanceGet)[0] == 0xA900
    assert get(wrong, WithoutBulk)[0] == 0xA900

# Without their bulk data, and otherwise as they are.
status, counts, came = get(asked("IMAGE", SOPInstanceUID=some), WithoutBulk)
assert (status, counts, came.keys()) == (0x0000, [2, 0, 0], set(some)), (hex(status), counts)
for uid in some:
    want = by_uid[uid]
    for tag in ("PixelData", 0x60003000):
        if tag in want:
            del want[tag]
    for group in want.get("WaveformSequence", []):
        del group[0x54001010]
    assert came[uid] == want, came[uid]
assert came[some[0]].IconImageSequence[0].PixelData == bytes(4), "an icon stays"
assert came[some[1]].WaveformSequence[0].MultiplexGroupLabel == "RHYTHM"

# Some frames of one, as an instance of their own.
FRAMES, SIZE = 6, 64
cine = image("P3", generate_uid(), generate_uid())
cine.SOPClassUID = MultiFrameGrayscaleByteSecondaryCaptureImageStorage
del cine.IconImageSequence, cine[0x60000010], cine[0x60003000]
cine.NumberOfFrames, cine.FrameTime, cine.FrameIncrementPointer = FRAMES, "40", 0x00181063
cine.PixelData = np.arange(FRAMES * SIZE, dtype=np.uint16).astype(np.uint8).tobytes()
association.release()
ae.requested_contexts = []
for model in (InstanceGet, InstanceMove):
    ae.add_requested_context(model)
ae.add_requested_context(cine.SOPClassUID, ExplicitVRLittleEndian)
roles = [build_role(cine.SOPClassUID, scp_role=True, scu_role=True)]
association = only_asks(ae.associate(host, port, ae_title="SEN", ext_neg=roles, evt_handlers=keep(received)))
assert association.send_c_store(cine).Status == 0x0000


def frames(**key):
    return asked("FRAME", SOPInstanceUID=cine.SOPInstanceUID, **key)


made_before = set()
for key, want, time in (
    ({"SimpleFrameList": [1, 3, 5]}, [1, 3, 5], 80),
    ({"CalculatedFrameList": [2, 3, 1, 6, 0xFFFFFFFF, 1]}, [2, 3, 6], None),
    ({"TimeRange": [0.04, 0.12]}, [2, 3, 4], 40),
):
    for status, counts, came in (get(frames(**key), InstanceGet), move(frames(**key), InstanceMove)):
        assert (status, counts, len(came)) == (0x0000, [1, 0, 0], 1), (hex(status), counts)
        uid, made = came.popitem()
        assert uid == made.SOPInstanceUID != cine.SOPInstanceUID
        assert (made.SeriesInstanceUID, made.NumberOfFrames) == (cine.SeriesInstanceUID, len(want))
        pixels = np.frombuffer(made.PixelData, dtype=np.uint8).reshape(len(want), SIZE)
        source = np.frombuffer(cine.PixelData, dtype=np.uint8).reshape(FRAMES, SIZE)
        assert (pixels == source[[number - 1 for number in want]]).all(), key
        if time is None:
            assert [float(step) for step in made.FrameTimeVector] == [0, 40, 120] and "FrameTime" not in made
        else:
            assert float(made.FrameTime) == time, made.FrameTime
        extraction = made.FrameExtractionSequence[0]
        assert extraction.MultiFrameSourceSOPInstanceUID == cine.SOPInstanceUID
        assert all(extraction[keyword].value == value for keyword, value in key.items()), extraction
        purpose = made.ContributingEquipmentSequence[0].PurposeOfReferenceCodeSequence[0]
        assert (purpose.CodeValue, purpose.CodingSchemeDesignator) == ("109105", "DCM")
        made_before.add(uid)
assert len(made_before) == 3, "the same frames have the same UID each time"
for key, want in (
    ({"SimpleFrameList": 7}, 0xAA00),
    ({"SimpleFrameList": [2, 1]}, 0xAA04),
    ({}, 0xAA04),
    ({"SimpleFrameList": 1, "TimeRange": [0.0, 1.0]}, 0xAA04),
):
    assert get(frames(**key), InstanceGet)[0] == want, key
    assert move(frames(**key), InstanceMove)[0] == want, key

association.release()
server.shutdown()
