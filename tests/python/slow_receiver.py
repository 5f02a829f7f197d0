"""A storage SCP of pynetdicom that takes CT images in implicit VR only, one every tenth of a second, and writes
down each that it has before it says so: slow_receiver.py PORT AE_TITLE FILE"""

import sys
import time

from pynetdicom import AE, evt
from pynetdicom.sop_class import CTImageStorage

port, title, path = int(sys.argv[1]), sys.argv[2], sys.argv[3]


def take(event):
    time.sleep(0.1)
    syntax = event.context.transfer_syntax
    with open(path, "a") as file:
        file.write(f"{event.request.AffectedSOPInstanceUID} {syntax}\n")
    return 0x0000


ae = AE(ae_title=title)
ae.add_supported_context(CTImageStorage, "1.2.840.10008.1.2")
ae.start_server(("127.0.0.1", port), evt_handlers=[(evt.EVT_C_STORE, take)])
