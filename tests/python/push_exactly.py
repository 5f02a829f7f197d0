"""Push files with pynetdicom, their data sets byte for byte. Usage: push_exactly.py HOST PORT < PATHS

Prints the status of each file as four hexadecimal digits, one a line, in the order of the paths.
"""

import sys
from pathlib import Path

from pydicom import dcmread
from pynetdicom import AE, _config

from requestor import only_asks

_config.STORE_SEND_CHUNKED_DATASET = True
MOST_CONTEXTS = 128

host, port = sys.argv[1], int(sys.argv[2])
paths = [Path(line.rstrip("\n")) for line in sys.stdin]


def context(path):
    meta = dcmread(path, stop_before_pixels=True, force=True).file_meta
    return meta.MediaStorageSOPClassUID, meta.TransferSyntaxUID


def push(batch, contexts):
    ae = AE(ae_title="PYNETDICOM")
    for sop_class, transfer_syntax in contexts:
        ae.add_requested_context(sop_class, transfer_syntax)
    association = only_asks(ae.associate(host, port, ae_title="SEN"))
    assert association.is_established, "no association"
    for path in batch:
        status = association.send_c_store(path)
        print(f"{status.Status:04x}")
    association.release()


batch, contexts = [], set()
for path in paths:
    wanted = context(path)
    if wanted not in contexts and len(contexts) == MOST_CONTEXTS:
        push(batch, contexts)
        batch, contexts = [], set()
    batch.append(path)
    contexts.add(wanted)
push(batch, contexts)
