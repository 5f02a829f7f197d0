"""Sample instances of every transfer syntax, and whether what arrives of them is what was sent."""

import os
import shutil
import socket
import subprocess
import tempfile
from copy import deepcopy
from functools import cached_property
from io import BytesIO
from pathlib import Path

import numpy as np
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_file_meta_info
from pydicom.pixels import pixel_array
from pydicom.uid import JPEG2000, UID, ExplicitVRBigEndian, generate_uid
from pynetdicom import AE, _config, evt, register_uid
from pynetdicom.dsutils import encode
from pynetdicom.service_class import StorageServiceClass
from pynetdicom.sop_class import StudyRootQueryRetrieveInformationModelMove as Move

from requestor import only_asks

# DCMTK otherwise waits 44 ms a message for delayed acknowledgements.
os.environ["TCP_NODELAY"] = "1"
# Data sets go out as they lie in their files.
_config.STORE_SEND_CHUNKED_DATASET = True
# Retired, and still met: pynetdicom receives what it knows to be stored.
register_uid("1.2.840.10008.5.1.4.1.1.6", "UltrasoundImageStorageRetired", StorageServiceClass)
register_uid("1.2.840.10008.5.1.4.1.1.3", "UltrasoundMultiFrameImageStorageRetired", StorageServiceClass)

ROOT = "1.2.840.10008.1.2"
# What instances are made in for receivers that do not take what is stored, in the order of preference. pydicom decodes
# all of it with the plugins here, and it is made without loss.
NATIVE = [".1", "", ".1.99", ".2"]
COMPRESSED = [".4.90", ".4.80", ".4.70", ".4.57", ".5", ".4.201", ".4.202", ".4.91", ".4.81", ".4.203"]
LOSSY = [".4.50", ".4.51", ".4.53", ".4.55", ".4.81", ".4.91", ".4.203", ".4.111"]
DEFLATED = [".1.99", ".4.95", ".4.205"]
# JPEG XL and deflated frames: neither pydicom with the plugins here nor DCMTK decodes them.
UNREAD = {".4.111", ".8.1"}
# Whose pixels lie with a server.
REFERENCED = [".4.94", ".4.95", ".4.204", ".4.205"]
# What others write of how pixels lie; the rest of a header has to be what was sent.
OF_PIXELS = {
    "PixelData", "PhotometricInterpretation", "PlanarConfiguration", "IconImageSequence", "ExtendedOffsetTable",
    "ExtendedOffsetTableLengths", "DataSetTrailingPadding",
}
# What DCMTK's encoder is told to make.
ENCODED = {".4.51": "+ee", ".4.53": "+es", ".4.55": "+ep", ".4.57": "+el", ".4.70": "+e1"}


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


class Arrived:
    """A Part 10 file that came."""

    def __init__(self, file):
        self.file = file
        # Behind the preamble the first element of group 2 says how long the others are.
        end = 144 + int.from_bytes(file[140:144], "little")
        self.bytes = file[end:]
        meta = dcmread(BytesIO(file[:end])).file_meta
        self.syntax, self.instance = short(meta.TransferSyntaxUID), str(meta.MediaStorageSOPInstanceUID)

    @cached_property
    def dataset(self):
        return dcmread(BytesIO(self.file))


class Sample:
    """An instance of its own for a file: many of them have one UID."""

    def __init__(self, dataset, name, is_opaque=False):
        self.dataset, self.name, self.is_opaque = dataset, name, is_opaque
        self.instance = dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = generate_uid()
        dataset.StudyInstanceUID, dataset.SeriesInstanceUID = generate_uid(), generate_uid()
        syntax = dataset.file_meta.TransferSyntaxUID
        self.stored = short(syntax)
        self.kind = (dataset.SOPClassUID, syntax)
        is_implicit, is_big = self.stored == "", self.stored == ".2"
        self.bytes = encode(dataset, is_implicit, not is_big, self.stored in DEFLATED)

    def anew(self):
        """The same as another instance."""
        return Sample(deepcopy(self.dataset), self.name, self.is_opaque)

    @cached_property
    def header(self):
        return header(self.dataset)

    def file(self):
        written = DicomBytesIO()
        written.write(b"\0" * 128 + b"DICM")
        write_file_meta_info(written, self.dataset.file_meta)
        return written.getvalue() + self.bytes

    def write(self, folder):
        path = Path(folder) / f"{self.instance}.dcm"
        path.write_bytes(self.file())
        return path

    @cached_property
    def pixels(self):
        """As pydicom decodes them, else DCMTK; None where neither does."""
        try:
            return decoded(self.dataset)
        except (RuntimeError, NotImplementedError, AttributeError):
            pass
        dcmdjpeg = shutil.which("dcmdjpeg")
        with tempfile.TemporaryDirectory() as folder:
            plain = Path(folder) / "plain.dcm"
            if dcmdjpeg:
                subprocess.run([dcmdjpeg, self.write(folder), plain], capture_output=True)
            if plain.exists():
                return decoded(dcmread(plain))
        return None

    def has_to_be_in(self, syntax):
        """Whether it has a form there: floats, single bits and wide samples have no compressed one."""
        if syntax in NATIVE or syntax == self.stored:
            return True
        return "PixelData" in self.dataset and self.dataset.BitsAllocated in (8, 16)

    def form(self, taken):
        """The syntax in which a receiver that takes these gets it; None where it gets nothing."""
        if self.stored in taken:
            return self.stored
        made = [] if self.is_opaque else NATIVE + COMPRESSED
        return next((syntax for syntax in made if syntax in taken), None)

    def check(self, arrived, way, tolerance=0, is_rewritten=False):
        """Compares what came; answers its pixels where they were made anew. As stored it has the bytes that were sent,
        unless others wrote them anew."""
        about = f"{self.name} {way} in {arrived.syntax}"
        if arrived.syntax == self.stored and not is_rewritten:
            assert arrived.bytes == self.bytes, f"{about} is not what was sent"
            return None
        back, pixels = arrived.dataset, None
        if arrived.syntax == self.stored:
            assert back.get("PixelData") == self.dataset.get("PixelData"), f"{about} has other pixels"
        else:
            pixels = decoded(back)
        if pixels is not None and self.pixels is not None:
            assert pixels.shape == self.pixels.shape, f"{about}: {pixels.shape} and not {self.pixels.shape}"
            off = np.abs(pixels.astype(np.float64) - self.pixels.astype(np.float64)).max()
            assert off <= tolerance, f"{about}: {off} grey levels off"
        after = header(back)
        tags = self.header.keys() | after.keys()
        differing = {tag for tag in tags if str(self.header.get(tag)) != str(after.get(tag))}
        assert not differing, f"{about}: {differing} differ"
        return pixels


def made(syntaxes):
    """Samples in syntaxes that no file is in. DCMTK's encoders and pydicom's make some of them; the others hold bytes
    that nobody decodes."""
    base = Path(__file__).parents[2] / "testdata/files/modality/mr-small.dcm"
    for syntax in syntaxes:
        if syntax in ENCODED:
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / "made.dcm"
                subprocess.run(["dcmcjpeg", ENCODED[syntax], base, path], check=True)
                dataset = dcmread(path)
                yield Sample(dataset, f"made in {syntax}")
            continue
        dataset = dcmread(base)
        if syntax == ".4.91":
            dataset.compress(JPEG2000, j2k_psnr=[80], generate_instance_uid=False)
            yield Sample(dataset, f"made in {syntax}")
            continue
        dataset.file_meta.TransferSyntaxUID = UID(ROOT + syntax)
        if syntax in REFERENCED:
            del dataset.PixelData
            dataset.PixelDataProviderURL = "https://pacs.example/jpip"
        else:
            dataset.PixelData = encapsulate([syntax.encode() * 8])
            dataset["PixelData"].VR = "OB"
            dataset["PixelData"].is_undefined_length = True
        yield Sample(dataset, f"bytes in {syntax}", is_opaque=True)


def everything(paths, syntaxes):
    """Each file in one of the syntaxes as an instance of its own, and what is made in those that none is in."""
    samples = [Sample(dcmread(path), Path(path).name) for path in paths]
    samples = [sample for sample in samples if sample.stored in syntaxes]
    stored = {sample.stored for sample in samples}
    return samples + list(made([syntax for syntax in syntaxes if syntax not in stored]))


def associated(port, contexts, **options):
    ae = AE(ae_title="PYNETDICOM")
    for abstract, transfer in contexts:
        ae.add_requested_context(abstract, transfer)
    association = only_asks(ae.associate("127.0.0.1", port, ae_title="SEN", **options))
    assert association.is_established
    # Otherwise each message waits 44 ms for a delayed acknowledgement.
    association.dul.socket.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return association


def push(port, samples):
    """Stores them with pynetdicom, their data sets byte for byte."""
    kinds = sorted({sample.kind for sample in samples})
    with tempfile.TemporaryDirectory() as folder:
        for start in range(0, len(kinds), 128):
            part = kinds[start : start + 128]
            association = associated(port, part)
            for sample in samples:
                if sample.kind in part:
                    status = association.send_c_store(sample.write(folder))
                    assert status.Status == 0x0000, f"{sample.name}: {status}"
            association.release()


def retrieved(send, wanted):
    """Asks for samples, and answers how many came, as Sen says."""
    identifier = Dataset()
    identifier.QueryRetrieveLevel = "STUDY"
    identifier.StudyInstanceUID = [sample.dataset.StudyInstanceUID for sample in wanted]
    final = [status for status, _ in send(identifier)][-1]
    assert "Status" in final, "the association ended while samples came"
    assert final.NumberOfCompletedSuboperations + final.NumberOfFailedSuboperations == len(wanted), final
    return final.NumberOfCompletedSuboperations


def moved(association, title, wanted):
    return retrieved(lambda identifier: association.send_c_move(identifier, title, Move), wanted)


def mover(port):
    return associated(port, [(Move, None)])


class Receiver:
    """A receiver of pynetdicom, which keeps what comes as it came. It takes these syntaxes."""

    def __init__(self, port, title, kinds):
        self.arrived = {}
        ae = AE(ae_title=title)
        for sop_class, syntax in kinds:
            ae.add_supported_context(sop_class, syntax)
        handlers = [(evt.EVT_C_STORE, self.store)]
        self.server = ae.start_server(("127.0.0.1", port), block=False, evt_handlers=handlers)

    def store(self, event):
        arrived = Arrived(event.encoded_dataset())
        self.arrived[arrived.instance] = arrived
        return 0x0000

    def taken(self):
        """What came since this was asked last, by instance."""
        arrived, self.arrived = self.arrived, {}
        return arrived


class Reference:
    """Tells whether Sen keeps what others push as they push it: they push it here too, where every byte is kept. Of the
    syntaxes that they propose it takes those that Sen does."""

    def __init__(self, port, samples, syntaxes, association):
        # Programs that write uncompressed data sets anew propose first what they would rather send.
        ordered = NATIVE + [syntax for syntax in syntaxes if syntax not in NATIVE]
        classes = {sample.dataset.SOPClassUID for sample in samples}
        kinds = [(sop_class, [ROOT + syntax for syntax in ordered]) for sop_class in classes]
        self.receiver, self.association = Receiver(port, "REFERENCE", kinds), association

    def compare(self, pushed, way, said=()):
        """Compares what was pushed to both; answers in which syntaxes it was. What who pushed it said of that is told
        of what did not come."""
        sent = self.receiver.taken()
        missed = [sample.name for sample in pushed if sample.instance not in sent]
        assert not missed, f"{missed} were not sent {way}; " + "; ".join(said)
        count = moved(self.association, "REFERENCE", pushed)
        kept = self.receiver.taken()
        assert count == len(kept), f"{way}: {count} were sent back, and {len(kept)} came"
        for sample in pushed:
            about, file, back = f"{sample.name} {way}", sent[sample.instance], kept.get(sample.instance)
            assert back and back.syntax == file.syntax, f"{about} in {file.syntax} is kept in {back and back.syntax}"
            assert back.bytes == file.bytes, f"{about} is not kept as it was sent"
        return {file.syntax for file in sent.values()}

    def close(self):
        self.association.release()
        self.receiver.server.shutdown()
