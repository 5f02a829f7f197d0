"""A query SCP of pynetdicom that has no studies, and does not say so of one day and of those without a date:
refusing_archive.py PORT AE_TITLE DAY"""

import sys

from pynetdicom import AE, evt
from pynetdicom.sop_class import (
    StudyRootQueryRetrieveInformationModelFind,
    StudyRootQueryRetrieveInformationModelMove,
)

port, title, day = int(sys.argv[1]), sys.argv[2], sys.argv[3]


def find(event):
    if event.identifier.StudyDate in ("", None, day):
        yield 0xC001, None


ae = AE(ae_title=title)
ae.add_supported_context(StudyRootQueryRetrieveInformationModelFind)
ae.add_supported_context(StudyRootQueryRetrieveInformationModelMove)
ae.start_server(("127.0.0.1", port), evt_handlers=[(evt.EVT_C_FIND, find)])
