"""A program that works with unified procedure steps by DIMSE, with pynetdicom: one act a run.

Usage: ups_program.py HOST PORT ACT [STEP]
follow   has RIS told of all steps (UPS Watch)
create   makes STEP, and is refused what cannot be made (UPS Push)
perform  finds STEP, claims it, says how far it is and completes it (UPS Pull)
late     finds that STEP, which another has claimed, is not its to change, and asks that it be cancelled
ended    finds that STEP, which is CANCELED, does not change any more
forget   has RIS told of nothing
"""

import sys

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import generate_uid
from pynetdicom import AE
from pynetdicom.sop_class import (
    UnifiedProcedureStepPull,
    UnifiedProcedureStepPush,
    UnifiedProcedureStepQuery,
    UnifiedProcedureStepWatch,
    UPSFilteredGlobalSubscriptionInstance,
    UPSGlobalSubscriptionInstance,
)

from requestor import only_asks

host, port, act = sys.argv[1], int(sys.argv[2]), sys.argv[3]
step = sys.argv[4] if len(sys.argv) > 4 else None
CHANGE_STATE, REQUEST_CANCEL, SUBSCRIBE, UNSUBSCRIBE, SUSPEND = 1, 2, 3, 4, 5

ae = AE(ae_title="AI1")
for requested in (
    UnifiedProcedureStepPush, UnifiedProcedureStepPull, UnifiedProcedureStepWatch, UnifiedProcedureStepQuery,
):
    ae.add_requested_context(requested)
association = only_asks(ae.associate(host, port, ae_title="SEN"))
assert association.is_established, "no association"


def item(**values):
    made = Dataset()
    for keyword, value in values.items():
        setattr(made, keyword, value)
    return made


def code(value):
    return Sequence([item(CodeValue=value, CodingSchemeDesignator="99SEN", CodeMeaning=value)])


def expect(answer, status):
    assert answer.Status == status, f"{answer.Status:#06x}, not {status:#06x}: {answer}"


def action(kind, instance, information, context):
    answer, _ = association.send_n_action(
        information, kind, UnifiedProcedureStepPush, instance, meta_uid=context)
    return answer


def change(state, key, instance=step):
    information = item(ProcedureStepState=state)
    if key:
        information.TransactionUID = key
    return action(CHANGE_STATE, instance, information, UnifiedProcedureStepPull)


def update(changes, instance=step):
    changes.SpecificCharacterSet = "ISO_IR 192"
    answer, _ = association.send_n_set(
        changes, UnifiedProcedureStepPush, instance, meta_uid=UnifiedProcedureStepPull)
    return answer


def kept(context=UnifiedProcedureStepWatch):
    answer, attributes = association.send_n_get([], UnifiedProcedureStepPush, step, meta_uid=context)
    expect(answer, 0x0000)
    assert "TransactionUID" not in attributes, attributes
    return attributes


def found(context, **keys):
    identifier = item(SpecificCharacterSet="ISO_IR 192", SOPInstanceUID="", PatientName="", **keys)
    answers = list(association.send_c_find(identifier, context))
    expect(answers[-1][0], 0x0000)
    return [answer for _, answer in answers if answer]


def scheduled(**values):
    return item(**{
        "SpecificCharacterSet": "ISO_IR 192", "ProcedureStepState": "SCHEDULED",
        "ScheduledProcedureStepPriority": "HIGH", "ProcedureStepLabel": "Tìm nốt phổi", "WorklistLabel": "CAD",
        "ScheduledProcedureStepStartDateTime": "20261127120000", "InputReadinessState": "READY",
        "PatientName": "NGUYỄN^VĂN A", "PatientID": "BN001", **values})


def follow():
    def told(instance, kind, **information):
        information = item(**{"ReceivingAE": "RIS", "DeletionLock": "FALSE", **information})
        return action(kind, instance, information, UnifiedProcedureStepWatch)

    expect(told(UPSGlobalSubscriptionInstance, SUBSCRIBE, ReceivingAE="STRANGER"), 0xC308)
    expect(told("1.2.3.4.5", SUBSCRIBE), 0xC307)
    expect(told(UPSFilteredGlobalSubscriptionInstance, SUBSCRIBE), 0x0115)
    expect(told(UPSGlobalSubscriptionInstance, UNSUBSCRIBE), 0x0000)
    expect(told(UPSGlobalSubscriptionInstance, SUBSCRIBE), 0x0000)
    expect(told("1.2.3.4.5", SUSPEND), 0xC314)


def forget():
    information = item(ReceivingAE="RIS")
    expect(action(UNSUBSCRIBE, UPSGlobalSubscriptionInstance, information, UnifiedProcedureStepWatch), 0x0000)


def create():
    def made(attributes):
        answer, _ = association.send_n_create(attributes, UnifiedProcedureStepPush, step)
        return answer

    expect(made(scheduled(ProcedureStepState="IN PROGRESS")), 0xC309)
    expect(made(scheduled(ProcedureStepLabel="")), 0x0121)
    expect(made(scheduled(ScheduledProcedureStepPriority="URGENT")), 0x0106)
    incomplete = scheduled()
    del incomplete.InputReadinessState
    expect(made(incomplete), 0x0120)
    expect(made(scheduled()), 0xB300)
    expect(made(scheduled()), 0x0111)
    # One without a UID gets one.
    answer, _ = association.send_n_create(scheduled(WorklistLabel="QA"), UnifiedProcedureStepPush)
    expect(answer, 0xB300)
    [own] = found(UnifiedProcedureStepQuery, WorklistLabel="QA", ProcedureStepState="SCHEDULED")
    assert own.SOPInstanceUID, own
    expect(action(REQUEST_CANCEL, own.SOPInstanceUID, None, UnifiedProcedureStepPush), 0x0000)


def perform():
    for context in (UnifiedProcedureStepPull, UnifiedProcedureStepWatch, UnifiedProcedureStepQuery):
        [match] = found(context, ProcedureStepState="SCHEDULED", PatientID="BN00*")
        assert match.SOPInstanceUID == step and match.PatientName == "NGUYỄN^VĂN A", match
        assert found(context, ProcedureStepState="COMPLETED") == [], context
    key = generate_uid()
    expect(change("COMPLETED", key), 0xC310)
    expect(change("SCHEDULED", key), 0xC303)
    expect(change("IN PROGRESS", None), 0xC301)
    expect(change("IN PROGRESS", key, "1.2.3.4.5"), 0xC307)
    expect(update(item(ProcedureStepLabel="x", TransactionUID=key)), 0xC310)
    expect(change("IN PROGRESS", key), 0x0000)
    expect(change("IN PROGRESS", key), 0xC302)
    expect(change("COMPLETED", generate_uid()), 0xC301)
    expect(change("COMPLETED", key), 0xC304)
    progress = Sequence([item(ProcedureStepProgress="50")])
    expect(update(item(ProcedureStepProgressInformationSequence=progress)), 0xC301)
    expect(update(item(ProcedureStepProgressInformationSequence=progress, TransactionUID=key)), 0x0000)
    performed = item(
        PerformedStationNameCodeSequence=code("AI1"), PerformedWorkitemCodeSequence=code("CAD"),
        PerformedProcedureStepStartDateTime="20261127120000", PerformedProcedureStepEndDateTime="20261127120500",
        PerformedProcedureStepDescription="Không thấy nốt", OutputInformationSequence=Sequence())
    done = item(UnifiedProcedureStepPerformedProcedureSequence=Sequence([performed]), TransactionUID=key)
    expect(update(done), 0x0000)
    expect(change("COMPLETED", key), 0x0000)
    expect(change("COMPLETED", key), 0xB306)
    expect(change("CANCELED", key), 0xC300)
    expect(update(done), 0xC300)
    expect(action(REQUEST_CANCEL, step, None, UnifiedProcedureStepPush), 0xC311)
    [told] = kept().UnifiedProcedureStepPerformedProcedureSequence
    assert told.PerformedProcedureStepDescription == "Không thấy nốt", told


def late():
    assert kept(UnifiedProcedureStepPull).ProcedureStepState == "IN PROGRESS"
    expect(change("IN PROGRESS", generate_uid()), 0xC301)
    expect(change("CANCELED", generate_uid()), 0xC301)
    wish = item(SpecificCharacterSet="ISO_IR 192", ReasonForCancellation="Bệnh nhân về")
    expect(action(REQUEST_CANCEL, step, wish, UnifiedProcedureStepWatch), 0x0000)


def ended():
    assert kept().ProcedureStepState == "CANCELED"
    expect(action(REQUEST_CANCEL, step, None, UnifiedProcedureStepWatch), 0xB304)
    expect(update(item(ProcedureStepLabel="x")), 0xC300)


{"follow": follow, "create": create, "perform": perform, "late": late, "ended": ended, "forget": forget}[act]()
association.release()
print("pynetdicom:", act)
