"""Sample files in every transfer syntax, retrieved by receivers that take one syntax each, and decoded by pydicom.

Usage: syntaxes.py HOST PORT DESTINATION_PORT SYNTAX,SYNTAX…
Paths of files are read from standard input, one a line. DESTINATION_PORT is where the device named RECEIVER listens.
Samples are made in the syntaxes that no file is in.
Writes a line for each pair of syntaxes: stored, received, how many instances came, how many did not.
"""

import sys
from collections import Counter

from pynetdicom import build_role, evt
from pynetdicom.sop_class import StudyRootQueryRetrieveInformationModelGet as Get

from syntax_sample import (
    COMPRESSED,
    LOSSY,
    NATIVE,
    ROOT,
    UNREAD,
    Arrived,
    Receiver,
    associated,
    everything,
    moved,
    mover,
    push,
    retrieved,
    short,
)

port, destination, known = int(sys.argv[2]), int(sys.argv[3]), [short(uid) for uid in sys.argv[4].split(",")]
arrived = {}


def on_store(event):
    file = Arrived(event.encoded_dataset())
    arrived[file.instance] = file
    return 0x0000


def got(wanted, syntax):
    """What of the samples is got by C-GET in that syntax, by instance."""
    arrived.clear()
    roles = [build_role(sop_class, scp_role=True) for sop_class in classes]
    contexts = [(Get, None)] + [(sop_class, ROOT + syntax) for sop_class in classes]
    association = associated(port, contexts, ext_neg=roles, evt_handlers=[(evt.EVT_C_STORE, on_store)])
    count = retrieved(lambda identifier: association.send_c_get(identifier, Get), wanted)
    association.release()
    assert count == len(arrived)
    assert all(file.syntax == syntax for file in arrived.values())
    return arrived


samples = everything(sys.stdin.read().splitlines(), known)
images = [sample for sample in samples if not sample.is_opaque]
classes = {sample.dataset.SOPClassUID for sample in samples}
push(port, samples)
# Of all other images there is something to compare with.
unread = {sample.stored for sample in images if "PixelData" in sample.dataset and sample.pixels is None}
assert unread <= UNREAD, f"neither pydicom nor DCMTK decodes {unread}"

came, failed = Counter(), Counter()
for syntax in NATIVE + COMPRESSED:
    others = [sample for sample in images if sample.stored != syntax]
    back_by_instance = got(others, syntax)
    for sample in others:
        back = back_by_instance.get(sample.instance)
        (failed if back is None else came)[sample.stored, syntax] += 1
        if back is None:
            assert not sample.has_to_be_in(syntax), f"{sample.name} is not made in {syntax}"
        elif syntax == ".1":
            # Lossy images differ a little from decoder to decoder; what is made of one decoding does not.
            sample.pixels = sample.check(back, "C-GET", 3 if sample.stored in LOSSY else 0)
        else:
            sample.check(back, "C-GET")

# As they are stored, even where nobody decodes them.
for syntax in known:
    wanted = [sample for sample in samples if sample.stored == syntax]
    back_by_instance = got(wanted, syntax)
    for sample in wanted:
        sample.check(back_by_instance[sample.instance], "C-GET")
        came[syntax, syntax] += 1

# What C-MOVE proposes to a receiver that takes one syntax is what that takes.
association = mover(port)
for syntax in ("", ".1.99", ".4.80"):
    receiver = Receiver(destination, "RECEIVER", [(sop_class, ROOT + syntax) for sop_class in classes])
    count = moved(association, "RECEIVER", images)
    back_by_instance = receiver.taken()
    assert count == len(back_by_instance)
    receiver.server.shutdown()
    for sample in images:
        back = back_by_instance.get(sample.instance)
        assert back is not None or not sample.has_to_be_in(syntax), f"{sample.name} is not sent in {syntax}"
        if back is not None:
            sample.check(back, "C-MOVE")
association.release()

for stored, syntax in sorted(came.keys() | failed.keys()):
    print(ROOT + stored, ROOT + syntax, came[stored, syntax], failed[stored, syntax])
