"""A modality's day with pynetdicom, one act a run; what is to be remembered lies in day.json.

Usage: modality_day.py HOST PORT ACT [OWN_PORT]
begin   takes the worklist entry and reports that it has begun
images  sends images and reports the end
stay    asks for commitment and waits for the report on the same association
leave   asks for commitment, releases, and waits for the report on its own port
ask     asks for commitment, releases, and does not wait
listen  waits on its own port for the report of what was asked
"""

import json
import sys
from pathlib import Path
from threading import Event

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian, generate_uid
from pynetdicom import AE, evt
from pynetdicom.sop_class import (
    CTImageStorage,
    ModalityPerformedProcedureStep,
    ModalityPerformedProcedureStepRetrieve,
    ModalityWorklistInformationFind,
    StorageCommitmentPushModel,
    StorageCommitmentPushModelInstance,
)

from requestor import only_asks

host, port, act = sys.argv[1], int(sys.argv[2]), sys.argv[3]
own_port = int(sys.argv[4]) if len(sys.argv) > 4 else None
memory = Path("day.json")
day = json.loads(memory.read_text()) if memory.exists() else {}
SLICES = 3
PATIENCE_S = 60

ae = AE(ae_title="CT1")
for requested in (
    ModalityWorklistInformationFind,
    ModalityPerformedProcedureStep,
    ModalityPerformedProcedureStepRetrieve,
    StorageCommitmentPushModel,
):
    ae.add_requested_context(requested)
ae.add_requested_context(CTImageStorage, ExplicitVRLittleEndian)
# The server is the provider of reports also where it opens the association (PS3.4 J.3.3).
ae.add_supported_context(StorageCommitmentPushModel, scu_role=False, scp_role=True)


class Reports:
    """Takes reports of storage commitment."""

    def __init__(self):
        self.came, self.report, self.event, self.acceptor = Event(), None, None, None

    def take(self, event):
        self.report, self.event = event.event_information, event.event_type
        self.acceptor = event.assoc.is_acceptor
        self.came.set()
        return 0x0000, None

    def check(self, on_new_association):
        assert self.came.wait(PATIENCE_S), "no report came"
        assert self.acceptor == on_new_association, "the report came on the other association"
        assert self.event == 1, self.report
        assert self.report.TransactionUID == day["transaction"], self.report
        kept = {item.ReferencedSOPInstanceUID for item in self.report.ReferencedSOPSequence}
        assert kept == set(day["images"]), self.report
        assert "FailedSOPSequence" not in self.report


def associate(handlers=()):
    association = ae.associate(host, port, ae_title="SEN", evt_handlers=list(handlers))
    assert association.is_established, "no association"
    return association if handlers else only_asks(association)


def listen(reports):
    handlers = [(evt.EVT_N_EVENT_REPORT, reports.take)]
    return ae.start_server(("127.0.0.1", own_port), block=False, evt_handlers=handlers)


def item(**values):
    made = Dataset()
    for keyword, value in values.items():
        setattr(made, keyword, value)
    return made


def worklist(association):
    query = Dataset()
    for keyword in ("PatientName", "PatientID", "PatientBirthDate", "PatientSex", "AccessionNumber",
                    "StudyInstanceUID", "RequestedProcedureID", "RequestedProcedureDescription", "PatientWeight",
                    "MedicalAlerts", "Allergies", "PregnancyStatus", "AdmissionID", "RequestingService",
                    "FillerOrderNumberImagingServiceRequest", "PlacerOrderNumberImagingServiceRequest"):
        setattr(query, keyword, None)
    query.IssuerOfAccessionNumberSequence = Sequence()
    query.ScheduledProcedureStepSequence = Sequence([item(
        ScheduledStationAETitle="CT1", Modality="CT", ScheduledProcedureStepID="",
        ScheduledProcedureStepDescription="", ScheduledProcedureStepStatus="",
        ScheduledProcedureStepStartDate="", ScheduledProcedureStepStartTime="")])
    found = association.send_c_find(query, ModalityWorklistInformationFind)
    entries = []
    for status, identifier in found:
        assert status.Status in (0xFF00, 0x0000), hex(status.Status)
        if identifier is not None:
            assert identifier.FillerOrderNumberImagingServiceRequest == identifier.AccessionNumber, identifier
            assert identifier.IssuerOfAccessionNumberSequence[0].LocalNamespaceEntityID, identifier
            entries.append(identifier)
    return entries


def begin():
    association = associate()
    [entry] = worklist(association)
    [scheduled] = entry.ScheduledProcedureStepSequence
    assert scheduled.ScheduledProcedureStepStatus == "SCHEDULED", scheduled
    step = item(
        ScheduledStepAttributesSequence=Sequence([item(
            StudyInstanceUID=entry.StudyInstanceUID, ReferencedStudySequence=Sequence(),
            AccessionNumber=entry.AccessionNumber, RequestedProcedureID=entry.RequestedProcedureID,
            RequestedProcedureDescription=entry.RequestedProcedureDescription,
            ScheduledProcedureStepID=scheduled.ScheduledProcedureStepID,
            ScheduledProcedureStepDescription=scheduled.ScheduledProcedureStepDescription,
            ScheduledProtocolCodeSequence=Sequence())]),
        SpecificCharacterSet="ISO_IR 192", PatientName=entry.PatientName, PatientID=entry.PatientID,
        PatientBirthDate=entry.PatientBirthDate, PatientSex=entry.PatientSex,
        ReferencedPatientSequence=Sequence(), PerformedProcedureStepID="PPS1",
        PerformedStationAETitle="CT1", PerformedStationName="", PerformedLocation="",
        PerformedProcedureStepStartDate="20261123", PerformedProcedureStepStartTime="093100",
        PerformedProcedureStepStatus="IN PROGRESS", PerformedProcedureStepDescription="",
        PerformedProcedureTypeDescription="", ProcedureCodeSequence=Sequence(),
        PerformedProcedureStepEndDate="", PerformedProcedureStepEndTime="", Modality="CT", StudyID="",
        PerformedProtocolCodeSequence=Sequence(), PerformedSeriesSequence=Sequence())
    uid = generate_uid()
    status, _ = association.send_n_create(step, ModalityPerformedProcedureStep, uid)
    assert status.Status == 0x0000, status
    status, _ = association.send_n_create(step, ModalityPerformedProcedureStep, uid)
    assert status.Status == 0x0111, status
    [entry] = worklist(association)
    assert entry.ScheduledProcedureStepSequence[0].ScheduledProcedureStepStatus == "STARTED", entry
    association.release()
    day.update(step=uid, study=entry.StudyInstanceUID, accession=entry.AccessionNumber,
               patient=entry.PatientID, name=str(entry.PatientName), birth=entry.PatientBirthDate)


def slices():
    series = generate_uid()
    for number in range(1, SLICES + 1):
        image = item(
            SpecificCharacterSet="ISO_IR 192", SOPClassUID=CTImageStorage, SOPInstanceUID=generate_uid(),
            StudyInstanceUID=day["study"], SeriesInstanceUID=series, AccessionNumber=day["accession"],
            PatientID=day["patient"], PatientName=day["name"], PatientBirthDate=day["birth"],
            Modality="CT", SeriesNumber=1, InstanceNumber=number, Rows=8, Columns=8, SamplesPerPixel=1,
            PhotometricInterpretation="MONOCHROME2", BitsAllocated=16, BitsStored=12, HighBit=11,
            PixelRepresentation=0, PixelData=bytes([number] * 128))
        image.file_meta = FileMetaDataset()
        image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        yield image


def images():
    association = associate()
    sent = list(slices())
    for image in sent:
        status = association.send_c_store(image)
        assert status.Status == 0x0000, status
    referenced = [item(ReferencedSOPClassUID=CTImageStorage, ReferencedSOPInstanceUID=image.SOPInstanceUID)
                  for image in sent]
    end = item(
        SpecificCharacterSet="ISO_IR 192", PerformedProcedureStepStatus="COMPLETED",
        PerformedProcedureStepEndDate="20261123",
        PerformedProcedureStepEndTime="094000", PerformedSeriesSequence=Sequence([item(
            PerformingPhysicianName="", ProtocolName="Bụng", OperatorsName="", SeriesDescription="",
            SeriesInstanceUID=sent[0].SeriesInstanceUID, RetrieveAETitle="",
            ReferencedImageSequence=Sequence(referenced),
            ReferencedNonImageCompositeSOPInstanceSequence=Sequence())]))
    status, _ = association.send_n_set(end, ModalityPerformedProcedureStep, day["step"])
    assert status.Status == 0x0000, status
    status, _ = association.send_n_set(end, ModalityPerformedProcedureStep, day["step"])
    assert (status.Status, status.ErrorID) == (0x0110, 0xA506), status
    status, kept = association.send_n_get([], ModalityPerformedProcedureStepRetrieve, day["step"])
    assert status.Status == 0x0000, status
    assert kept.PerformedProcedureStepStatus == "COMPLETED", kept
    assert kept.PatientName == day["name"], kept
    assert kept.PerformedSeriesSequence[0].ProtocolName == "Bụng", kept
    assert len(kept.PerformedSeriesSequence[0].ReferencedImageSequence) == SLICES, kept
    association.release()
    day["images"] = [image.SOPInstanceUID for image in sent]


def request(association):
    day["transaction"] = generate_uid()
    about = item(TransactionUID=day["transaction"], ReferencedSOPSequence=Sequence([
        item(ReferencedSOPClassUID=CTImageStorage, ReferencedSOPInstanceUID=uid) for uid in day["images"]]))
    status, _ = association.send_n_action(
        about, 1, StorageCommitmentPushModel, StorageCommitmentPushModelInstance)
    assert status.Status == 0x0000, status


def stay():
    reports = Reports()
    association = associate([(evt.EVT_N_EVENT_REPORT, reports.take)])
    request(association)
    reports.check(on_new_association=False)
    association.release()


def leave():
    reports = Reports()
    server = listen(reports)
    # Whoever does not take the report on this association hears on another.
    association = associate([(evt.EVT_N_EVENT_REPORT, lambda event: (0x0110, None))])
    request(association)
    association.release()
    reports.check(on_new_association=True)
    server.shutdown()


def ask():
    association = associate([(evt.EVT_N_EVENT_REPORT, lambda event: (0x0110, None))])
    request(association)
    association.release()


def heard():
    reports = Reports()
    server = listen(reports)
    reports.check(on_new_association=True)
    server.shutdown()


{"begin": begin, "images": images, "stay": stay, "leave": leave, "ask": ask, "listen": heard}[act]()
memory.write_text(json.dumps(day))
print("pynetdicom:", act)
