"""Sample files in every transfer syntax, retrieved by receivers that take one syntax each, and decoded by pydicom.

Usage: syntaxes.py HOST PORT DESTINATION_PORT
Paths of files are read from standard input, one a line. DESTINATION_PORT is where the device named RECEIVER listens.
Writes a line for each pair of syntaxes: stored, received, how many instances came, how many did not.
"""

import socket
import sys
from collections import Counter
from pathlib import Path

import numpy as np
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.pixels import pixel_array
from pydicom.uid import ExplicitVRBigEndian, generate_uid
from pynetdicom import AE, build_role, evt, register_uid
from pynetdicom.service_class import StorageServiceClass
from pynetdicom.sop_class import (
    StudyRootQueryRetrieveInformationModelGet as Get,
    StudyRootQueryRetrieveInformationModelMove as Move,
)

from requestor import only_asks

# Retired, and still met: pynetdicom receives what it knows to be stored.
register_uid("1.2.840.10008.5.1.4.1.1.6", "UltrasoundImageStorageRetired", StorageServiceClass)
register_uid("1.2.840.10008.5.1.4.1.1.3", "UltrasoundMultiFrameImageStorageRetired", StorageServiceClass)

host, port, destination = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])

ROOT = "1.2.840.10008.1.2"
PLAIN_FIRST = [".1", "", ".2", ".1.99"]
# What pydicom decodes with the plugins here, and what is made without loss.
COMPRESSED = [".4.57", ".4.70", ".4.80", ".4.81", ".4.90", ".4.91", ".4.201", ".4.202", ".4.203", ".5"]
LOSSY = [".4.50", ".4.51", ".4.53", ".4.55", ".4.81", ".4.91", ".4.203", ".4.111"]
# What others write of how pixels lie; the rest of a header has to be what was sent.
OF_PIXELS = {
    "PixelData", "PhotometricInterpretation", "PlanarConfiguration", "IconImageSequence", "ExtendedOffsetTable",
    "ExtendedOffsetTableLengths", "DataSetTrailingPadding",
}


def short(uid):
    return str(uid).removeprefix(ROOT)


def decoded(dataset):
    """The pixels as everybody should see them, colours as RGB; None where there are none."""
    return pixel_array(dataset, raw=False) if "PixelData" in dataset else None


def header(dataset):
    """Every value, by tag, words in little endian."""
    is_big = dataset.file_meta.TransferSyntaxUID == ExplicitVRBigEndian
    values = {}
    for element in dataset.iterall():
        # What a private element is is lost where its VR is not said.
        if element.VR == "SQ" or element.keyword in OF_PIXELS or element.tag.element == 0 or element.tag.is_private:
            continue
        value = element.value
        if is_big and element.VR in ("OW", "OF", "OD", "OL", "OV") and value:
            size = {"OW": 2, "OF": 4, "OL": 4, "OD": 8, "OV": 8}[element.VR]
            value = np.frombuffer(value, f">u{size}").astype(f"<u{size}").tobytes()
        if element.VR == "UN" or (isinstance(value, bytes) and not value.strip(b"\0 ")):
            continue
        values.setdefault(str(element.tag), []).append(value)
    return values


received = {}


def on_store(event):
    dataset = event.dataset
    dataset.file_meta = event.file_meta
    received[str(dataset.SOPInstanceUID)] = dataset
    return 0x0000


def associated(contexts, **options):
    ae = AE(ae_title="PYNETDICOM")
    for abstract, transfer in contexts:
        ae.add_requested_context(abstract, transfer)
    association = only_asks(ae.associate(host, port, ae_title="SEN", **options))
    assert association.is_established
    # Otherwise each message waits 44 ms for a delayed acknowledgement.
    association.dul.socket.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return association


class Sample:
    """An instance of its own for a file: many of them have one UID."""

    def __init__(self, path):
        self.name = path.name
        self.dataset = dataset = dcmread(path)
        dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = generate_uid()
        dataset.StudyInstanceUID, dataset.SeriesInstanceUID = generate_uid(), generate_uid()
        self.stored = short(dataset.file_meta.TransferSyntaxUID)
        self.header = header(dataset)
        try:
            self.pixels = decoded(dataset)
        except (RuntimeError, NotImplementedError, AttributeError):
            # What pydicom does not decode as it was sent is compared with what was made of it first.
            self.pixels = None

    def check(self, back, way, tolerance=0):
        """Compares what came; answers its pixels."""
        syntax = short(back.file_meta.TransferSyntaxUID)
        about, pixels = f"{self.name} {way} in {syntax}", decoded(back)
        if self.pixels is not None:
            assert pixels.shape == self.pixels.shape, f"{about}: {pixels.shape} and not {self.pixels.shape}"
            off = np.abs(pixels.astype(np.float64) - self.pixels.astype(np.float64)).max()
            assert off <= tolerance, f"{about}: {off} grey levels off"
        after = header(back)
        tags = self.header.keys() | after.keys()
        differing = {tag for tag in tags if str(self.header.get(tag)) != str(after.get(tag))}
        assert not differing, f"{about}: {differing} differ"
        return pixels


def retrieved(send, wanted, syntax):
    """The samples in that syntax, by instance; those that cannot be had are not among them."""
    identifier = Dataset()
    identifier.QueryRetrieveLevel = "STUDY"
    identifier.StudyInstanceUID = [sample.dataset.StudyInstanceUID for sample in wanted]
    received.clear()
    final = [status for status, _ in send(identifier)][-1]
    assert "Status" in final, f"the association ended while samples came in {syntax}"
    assert final.NumberOfCompletedSuboperations == len(received), final
    assert final.NumberOfFailedSuboperations == len(wanted) - len(received), final
    for back in received.values():
        assert short(back.file_meta.TransferSyntaxUID) == syntax
    return received


samples = [Sample(Path(path)) for path in sys.stdin.read().splitlines()]
classes = {sample.dataset.SOPClassUID for sample in samples}
kinds = {(sample.dataset.SOPClassUID, sample.dataset.file_meta.TransferSyntaxUID) for sample in samples}
association = associated(kinds)
for sample in samples:
    status = association.send_c_store(sample.dataset)
    assert status.Status == 0x0000, f"{sample.name}: {status}"
association.release()

came, failed = Counter(), Counter()
for syntax in PLAIN_FIRST + COMPRESSED:
    contexts = [(Get, None)] + [(sop_class, ROOT + syntax) for sop_class in classes]
    roles = [build_role(sop_class, scp_role=True) for sop_class in classes]
    association = associated(contexts, ext_neg=roles, evt_handlers=[(evt.EVT_C_STORE, on_store)])
    others = [sample for sample in samples if sample.stored != syntax]
    got = retrieved(lambda asked: association.send_c_get(asked, Get), others, syntax)
    association.release()
    for sample in others:
        back = got.get(str(sample.dataset.SOPInstanceUID))
        (failed if back is None else came)[sample.stored, syntax] += 1
        if back is None:
            assert syntax in COMPRESSED, f"{sample.name} is not made in {syntax}"
        elif syntax == ".1":
            # Lossy images differ a little from decoder to decoder; what is made of one decoding does not.
            sample.pixels = sample.check(back, "C-GET", 3 if sample.stored in LOSSY else 0)
        else:
            sample.check(back, "C-GET")

# What C-MOVE proposes to a receiver that takes one syntax is what that takes.
for syntax in ("", ".1.99", ".4.80"):
    scp = AE(ae_title="RECEIVER")
    for sop_class in classes:
        scp.add_supported_context(sop_class, ROOT + syntax)
    server = scp.start_server(("127.0.0.1", destination), block=False, evt_handlers=[(evt.EVT_C_STORE, on_store)])
    association = associated([(Move, None)])
    moved = retrieved(lambda asked: association.send_c_move(asked, "RECEIVER", Move), samples, syntax)
    association.release()
    server.shutdown()
    for sample in samples:
        back = moved.get(str(sample.dataset.SOPInstanceUID))
        assert back is not None or syntax in COMPRESSED, f"{sample.name} is not sent in {syntax}"
        if back is not None:
            sample.check(back, "C-MOVE", 3 if syntax == sample.stored and syntax in LOSSY else 0)

for stored, syntax in sorted(came.keys() | failed.keys()):
    print(ROOT + stored, ROOT + syntax, came[stored, syntax], failed[stored, syntax])
