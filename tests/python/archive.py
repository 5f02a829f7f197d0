"""Another archive, of pynetdicom: answers C-ECHO, C-FIND, C-GET and C-MOVE of the files in a folder.

Usage: archive.py PORT AE_TITLE FOLDER SEN_PORT [CERTIFICATE KEY AUTHORITY]
C-MOVE knows one destination: the AE title SEN on this machine. With a certificate all of it is over TLS.
"""

import ssl
import sys
from pathlib import Path

from pydicom import dcmread
from pydicom.dataset import Dataset
from pynetdicom import AE, evt
from pynetdicom.sop_class import (
    CTImageStorage,
    StudyRootQueryRetrieveInformationModelFind as Find,
    StudyRootQueryRetrieveInformationModelGet as Get,
    StudyRootQueryRetrieveInformationModelMove as Move,
    Verification,
)

port, title, folder, sen_port = int(sys.argv[1]), sys.argv[2], Path(sys.argv[3]), int(sys.argv[4])
own, trusted = None, None
if len(sys.argv) > 5:
    certificate, key, authority = sys.argv[5:8]
    own = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=authority)
    own.load_cert_chain(certificate, key)
    # Whoever calls shows a certificate as well (PS3.15 B.1).
    own.verify_mode = ssl.CERT_REQUIRED
    trusted = ssl.create_default_context(cafile=authority)
    trusted.load_cert_chain(certificate, key)
images = [dcmread(path) for path in sorted(folder.iterdir())]
UNIQUE = {"STUDY": "StudyInstanceUID", "SERIES": "SeriesInstanceUID", "IMAGE": "SOPInstanceUID"}
COUNTS = {"NumberOfStudyRelatedInstances", "NumberOfSeriesRelatedInstances", "NumberOfStudyRelatedSeries"}


def meant(identifier, image):
    """Whether the keys that have a value are those of the image; a list of UIDs means any of them."""
    for element in identifier:
        keyword = element.keyword
        if keyword in ("QueryRetrieveLevel", "SpecificCharacterSet", "ModalitiesInStudy", *COUNTS) or not element.value:
            continue
        wanted = element.value if isinstance(element.value, (list, tuple)) else [element.value]
        if str(image.get(keyword, "")) not in [str(value) for value in wanted] and element.VR == "UI":
            return False
        if element.VR != "UI" and str(wanted[0]).strip("*") not in str(image.get(keyword, "")):
            return False
    return True


def find(event):
    identifier, seen = event.identifier, {}
    unique = UNIQUE[identifier.QueryRetrieveLevel]
    for image in images:
        if meant(identifier, image):
            seen.setdefault(str(getattr(image, unique)), []).append(image)
    for found in seen.values():
        answer = Dataset()
        answer.SpecificCharacterSet = "ISO_IR 192"
        answer.QueryRetrieveLevel = identifier.QueryRetrieveLevel
        for element in identifier:
            if element.keyword in COUNTS:
                setattr(answer, element.keyword, len(found))
            elif element.keyword == "ModalitiesInStudy":
                answer.ModalitiesInStudy = "CT"
            elif element.keyword not in ("QueryRetrieveLevel", "SpecificCharacterSet"):
                setattr(answer, element.keyword, found[0].get(element.keyword, ""))
        answer.RetrieveAETitle = title
        setattr(answer, unique, getattr(found[0], unique))
        yield 0xFF00, answer
    yield 0x0000, None


def get(event):
    wanted = [image for image in images if meant(event.identifier, image)]
    yield len(wanted)
    for image in wanted:
        yield 0xFF00, image


def move(event):
    if event.move_destination.strip() != "SEN":
        yield None, None
        return
    tls = {"tls_args": (trusted, "localhost")} if trusted else {}
    yield "127.0.0.1", sen_port, {"ae_title": "SEN", **tls}
    yield from get(event)


ae = AE(ae_title=title)
for sop_class in (Verification, Find, Get, Move):
    ae.add_supported_context(sop_class)
ae.add_supported_context(CTImageStorage, scu_role=True, scp_role=True)
ae.add_requested_context(CTImageStorage)
handlers = [(evt.EVT_C_FIND, find), (evt.EVT_C_GET, get), (evt.EVT_C_MOVE, move)]
ae.start_server(("127.0.0.1", port), evt_handlers=handlers, ssl_context=own)
