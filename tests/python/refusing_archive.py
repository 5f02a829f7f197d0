"""A query SCP of pynetdicom that refuses to list the studies of one day and those without a date, and has one study of
the day NAMELESS, whose UID is none: refusing_archive.py PORT AE_TITLE DAY NAMELESS"""

import sys

from pydicom.dataset import Dataset
from pynetdicom import AE, evt
from pynetdicom.sop_class import (
    StudyRootQueryRetrieveInformationModelFind,
    StudyRootQueryRetrieveInformationModelMove,
)

port, title, day, nameless = int(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4]


def find(event):
    if event.identifier.StudyDate in ("", None, day):
        yield 0xC001, None
    elif event.identifier.StudyDate == nameless:
        study = Dataset()
        study.QueryRetrieveLevel = "STUDY"
        study.StudyDate = nameless
        study.StudyInstanceUID = ""
        yield 0xFF00, study


ae = AE(ae_title=title)
ae.add_supported_context(StudyRootQueryRetrieveInformationModelFind)
ae.add_supported_context(StudyRootQueryRetrieveInformationModelMove)
ae.start_server(("127.0.0.1", port), evt_handlers=[(evt.EVT_C_FIND, find)])
