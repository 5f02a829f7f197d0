"""Takes performed steps, instance availability notifications and reports of unified procedure steps with pynetdicom, and
writes down each, a line of JSON: told.py PORT AE_TITLE FILE"""

import json
import sys

from pydicom.dataset import Dataset
from pynetdicom import AE, evt
from pynetdicom.sop_class import (
    InstanceAvailabilityNotification,
    ModalityPerformedProcedureStep,
    UnifiedProcedureStepEvent,
)

port, title, path = int(sys.argv[1]), sys.argv[2], sys.argv[3]


def note(what, uid, attributes):
    with open(path, "a") as file:
        file.write(json.dumps([what, str(uid), attributes.to_json_dict()]) + "\n")


def created(event):
    kind = "available" if event.context.abstract_syntax == InstanceAvailabilityNotification else "begun"
    note(kind, event.request.AffectedSOPInstanceUID, event.attribute_list)
    answer = Dataset()
    answer.SOPInstanceUID = event.request.AffectedSOPInstanceUID
    return 0x0000, answer


def changed(event):
    note("changed", event.request.RequestedSOPInstanceUID, event.modification_list)
    return 0x0000, Dataset()


def reported(event):
    note(f"step {event.event_type}", event.request.AffectedSOPInstanceUID, event.event_information)
    return 0x0000, None


ae = AE(ae_title=title)
ae.add_supported_context(ModalityPerformedProcedureStep)
ae.add_supported_context(InstanceAvailabilityNotification)
# The server is the provider of events, and opens the association (PS3.4 CC.2.4).
ae.add_supported_context(UnifiedProcedureStepEvent, scu_role=False, scp_role=True)
handlers = [(evt.EVT_N_CREATE, created), (evt.EVT_N_SET, changed), (evt.EVT_N_EVENT_REPORT, reported)]
ae.start_server(("127.0.0.1", port), evt_handlers=handlers)
