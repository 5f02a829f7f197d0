"""A console begins and ends an exam of the worklist: what the pages show of performed steps.

Usage: console_begins.py HOST:PORT CALLED_AE CALLING_AE
Asks the worklist of CALLED_AE for today as CALLING_AE, reports a step that is completed and one that is under way, and
prints the accession number of the exam.
"""

import sys
from datetime import datetime
from zoneinfo import ZoneInfo

from pydicom.dataset import Dataset
from pydicom.uid import generate_uid
from pynetdicom import AE
from pynetdicom.sop_class import ModalityPerformedProcedureStep, ModalityWorklistInformationFind

from requestor import only_asks

(host, port), called, calling = sys.argv[1].rsplit(":", 1), sys.argv[2], sys.argv[3]
today = datetime.now(ZoneInfo("Asia/Ho_Chi_Minh")).strftime("%Y%m%d")


def dataset(**values):
    data = Dataset()
    for keyword, value in values.items():
        setattr(data, keyword, value)
    return data


console = AE(ae_title=calling)
console.add_requested_context(ModalityWorklistInformationFind)
console.add_requested_context(ModalityPerformedProcedureStep)
association = only_asks(console.associate(host, int(port), ae_title=called))
assert association.is_established

entry = dataset(ScheduledProcedureStepID="", Modality="", ScheduledProcedureStepStartDate=today)
asked = dataset(
    PatientName="", PatientID="", AccessionNumber="", StudyInstanceUID="", RequestedProcedureID="",
    ScheduledProcedureStepSequence=[entry],
)
answers = [answer for _, answer in association.send_c_find(asked, ModalityWorklistInformationFind) if answer]
assert answers, "the worklist holds something"
order = answers[0]
step = order.ScheduledProcedureStepSequence[0]

request = dataset(
    StudyInstanceUID=order.StudyInstanceUID, AccessionNumber=order.AccessionNumber, ReferencedStudySequence=[],
    RequestedProcedureID=order.RequestedProcedureID, RequestedProcedureDescription="",
    ScheduledProcedureStepID=step.ScheduledProcedureStepID, ScheduledProcedureStepDescription="",
    ScheduledProtocolCodeSequence=[],
)
begun = dataset(
    SpecificCharacterSet="ISO_IR 192", PatientName=order.PatientName, PatientID=order.PatientID, PatientBirthDate="",
    PatientSex="", ReferencedPatientSequence=[], ScheduledStepAttributesSequence=[request],
    PerformedProcedureStepID="PPS1", PerformedStationAETitle=calling, PerformedStationName="Máy phòng 1",
    PerformedLocation="", PerformedProcedureStepStartDate=today, PerformedProcedureStepStartTime="081500",
    PerformedProcedureStepStatus="IN PROGRESS", PerformedProcedureStepDescription="", StudyID="",
    PerformedProcedureTypeDescription="", ProcedureCodeSequence=[], PerformedProcedureStepEndDate="",
    PerformedProcedureStepEndTime="", Modality=step.Modality, PerformedProtocolCodeSequence=[],
    PerformedSeriesSequence=[],
)
made = dataset(
    SeriesInstanceUID=generate_uid(), ProtocolName="Thường quy", RetrieveAETitle="", SeriesDescription="",
    PerformingPhysicianName="", OperatorsName="", ReferencedImageSequence=[],
    ReferencedNonImageCompositeSOPInstanceSequence=[],
)
ended = dataset(
    SpecificCharacterSet="ISO_IR 192", PerformedProcedureStepStatus="COMPLETED", PerformedProcedureStepEndDate=today,
    PerformedProcedureStepEndTime="082500", PerformedSeriesSequence=[made],
    CommentsOnRadiationDose="DLP 412 mGy.cm",
)
first = generate_uid()
for uid in (first, generate_uid()):
    status, _ = association.send_n_create(begun, ModalityPerformedProcedureStep, uid)
    assert status.Status == 0, status
status, _ = association.send_n_set(ended, ModalityPerformedProcedureStep, first)
assert status.Status == 0, status
association.release()
print(order.AccessionNumber)
