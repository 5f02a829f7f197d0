"""A keeper of images, of pynetdicom: takes CT images, is asked for storage commitment (PS3.4 J), and reports what it has on
an association of its own.

Usage: keeper.py PORT AE_TITLE SEN_PORT
"""

import sys
from threading import Thread

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pynetdicom import AE, build_role, evt
from pynetdicom.sop_class import (
    CTImageStorage,
    StorageCommitmentPushModel,
    StorageCommitmentPushModelInstance,
)

port, title, sen_port = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
kept = set()


def store(event):
    kept.add(event.request.AffectedSOPInstanceUID)
    return 0x0000


def asked(event):
    Thread(target=report, args=(event.action_information,)).start()
    return 0x0000, None


def report(request):
    information, missing = Dataset(), []
    information.TransactionUID = request.TransactionUID
    information.ReferencedSOPSequence = Sequence()
    for item in request.ReferencedSOPSequence:
        if item.ReferencedSOPInstanceUID in kept:
            information.ReferencedSOPSequence.append(item)
        else:
            item.FailureReason = 0x0112
            missing.append(item)
    if missing:
        information.FailedSOPSequence = Sequence(missing)
    ae = AE(ae_title=title)
    ae.add_requested_context(StorageCommitmentPushModel)
    role = build_role(StorageCommitmentPushModel, scp_role=True)
    association = ae.associate("127.0.0.1", sen_port, ae_title="SEN", ext_neg=[role])
    assert association.is_established, "the report is refused"
    status, _ = association.send_n_event_report(
        information, 2 if missing else 1, StorageCommitmentPushModel, StorageCommitmentPushModelInstance)
    assert status.Status == 0x0000, status
    association.release()


ae = AE(ae_title=title)
ae.add_supported_context(CTImageStorage)
ae.add_supported_context(StorageCommitmentPushModel)
ae.start_server(("127.0.0.1", port), evt_handlers=[(evt.EVT_C_STORE, store), (evt.EVT_N_ACTION, asked)])
