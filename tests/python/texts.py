"""What is stored in many character sets is read back by consoles of many character sets.

Usage: texts.py HOST PORT URL SAMPLES CONSOLES

SAMPLES is the folder with charset/ and expected-texts.json; CONSOLES names a file with a line for each console: its
AE title and what it reads. Names that are on the worklist are read from standard input, one a line.
"""

import json
import re
import socket
import sys
import unicodedata
import urllib.request
from pathlib import Path

import pydicom.charset
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pynetdicom import AE, _config
from pynetdicom.sop_class import (
    ComputedRadiographyImageStorage,
    CTImageStorage,
    ModalityWorklistInformationFind,
    SecondaryCaptureImageStorage,
    StudyRootQueryRetrieveInformationModelFind,
)

from requestor import only_asks

_config.STORE_SEND_CHUNKED_DATASET = True
# Latin-9 came to the standard after pydicom's table.
pydicom.charset.python_encoding["ISO_IR 203"] = "iso8859_15"
# Python's codec of GB 2312 does not take the escape sequence off, as pydicom believes.
pydicom.charset.handled_encodings = ("iso2022_jp", "iso2022_jp_2")

host, port, url, samples, consoles = sys.argv[1], int(sys.argv[2]), sys.argv[3], Path(sys.argv[4]), Path(sys.argv[5])
consoles = [line.split(" ", 1) for line in consoles.read_text().splitlines()]
ordered = sys.stdin.read().splitlines()

CODECS = {
    "100": "latin_1", "101": "iso8859_2", "109": "iso8859_3", "110": "iso8859_4", "144": "iso8859_5",
    "127": "iso8859_6", "126": "iso8859_7", "138": "iso8859_8", "148": "iso8859_9", "203": "iso8859_15",
    "166": "tis_620", "87": "iso2022_jp", "159": "iso2022_jp_1", "149": "euc_kr", "58": "gb2312",
    "192": "utf8", "GB18030": "gb18030", "GBK": "gbk",
}
HALF_WIDTH = re.compile("[\uff61-\uff9f]+")


def has(terms, character):
    """Whether one of the sets has a character, by Python's codecs."""
    if character.isascii():
        return True
    for term in terms.split("\\"):
        number = term.rsplit(" ", 1)[-1]
        if number == "13" and HALF_WIDTH.match(character):
            return True
        try:
            if number in CODECS and character.encode(CODECS[number]):
                return True
        except UnicodeEncodeError:
            pass
    return False


def base(terms, character):
    letters = unicodedata.normalize("NFKD", character).translate({ord("đ"): "d", ord("Đ"): "D"})
    return "".join(letter for letter in letters if has(terms, letter)) or "_"


def as_read(terms, text):
    """The text as a console of that character set should show it."""
    if not has(terms, "ｱ"):
        text = HALF_WIDTH.sub(lambda run: unicodedata.normalize("NFKC", run[0]), text)
    return "".join(letter if has(terms, letter) else base(terms, letter) for letter in text)


def named(dataset):
    """Its Specific Character Set as one text."""
    value = dataset.get("SpecificCharacterSet") or ""
    return value if isinstance(value, str) else "\\".join(value)


def name(dataset):
    return unicodedata.normalize("NFC", str(dataset.PatientName)).rstrip("=")


def shown(text):
    """A name as the pages show it."""
    group = next(group for group in text.split("=") if group)
    family, given, middle, prefix, suffix = (group.split("^") + [""] * 4)[:5]
    return " ".join(part for part in (prefix, family, middle, given, suffix) if part)


class Console:
    """An association of one console."""

    def __init__(self, title):
        ae = AE(ae_title=title)
        for sop_class in (
            SecondaryCaptureImageStorage,
            ComputedRadiographyImageStorage,
            CTImageStorage,
            StudyRootQueryRetrieveInformationModelFind,
            ModalityWorklistInformationFind,
        ):
            for transfer_syntax in (ExplicitVRLittleEndian, ImplicitVRLittleEndian):
                ae.add_requested_context(sop_class, transfer_syntax)
        self.association = only_asks(ae.associate(host, port, ae_title="SEN"))
        assert self.association.is_established, f"no association for {title}"
        # Otherwise each of many small queries waits 44 ms for a delayed acknowledgement.
        self.association.dul.socket.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def store(self, path):
        sample = dcmread(path)
        announced = sample.file_meta.MediaStorageSOPInstanceUID
        # Some files say another instance than they hold; of those pynetdicom sends the data set as it read it.
        status = self.association.send_c_store(path if announced == sample.SOPInstanceUID else sample)
        assert status.Status == 0x0000, f"{path.name}: {status}"

    def find(self, query, model=StudyRootQueryRetrieveInformationModelFind):
        answers = []
        for status, answer in self.association.send_c_find(query, model):
            assert status.Status in (0xFF00, 0x0000), f"{query}: {status}"
            if answer is not None:
                answers.append(answer)
        return answers

    def release(self):
        self.association.release()


def studies(terms=None, name=""):
    query = Dataset()
    if terms:
        query.SpecificCharacterSet = terms.split("\\")
    query.QueryRetrieveLevel = "STUDY"
    query.StudyInstanceUID = ""
    query.PatientName = name
    return query


def worklist(terms=None, name=""):
    step = Dataset()
    step.ScheduledProcedureStepStartDate = ""
    query = Dataset()
    if terms:
        query.SpecificCharacterSet = terms.split("\\")
    query.PatientName = name
    query.ScheduledProcedureStepSequence = [step]
    return query


def get(path, **body):
    data = json.dumps(body).encode() if body else None
    request = urllib.request.Request(url + path, data, {"content-type": "application/json", "accept": "application/json"})
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def json_text(dataset, place):
    """The text at a place of a DICOM JSON data set."""
    *path, tag = place.split("/")
    for sequence, item in zip(path[::2], path[1::2]):
        dataset = dataset[sequence]["Value"][int(item)]
    values = dataset[tag].get("Value", [])
    if dataset[tag]["vr"] == "PN":
        forms = ("Alphabetic", "Ideographic", "Phonetic")
        values = ["=".join(value.get(form, "") for form in forms).rstrip("=") for value in values]
    return "\\".join(values)


# Stored as they are.
expected, kept = json.loads((samples / "expected-texts.json").read_text()), {}
pusher = Console("PYNETDICOM")
for file, texts in expected.items():
    sample = dcmread(samples / file, force=True)
    if "00100010" not in texts or "StudyInstanceUID" not in sample:
        continue
    pusher.store(samples / file)
    # Some have one UID and different content; the first is served.
    kept.setdefault(sample.SOPInstanceUID, (file, sample, texts))
assert len(kept) >= 18, len(kept)

# Read by programs and by the pages.
listed = {row["studyUid"]: row["patient"]["name"] for row in get("/api/v1/studies/search", q="", limit=100)["items"]}
for file, sample, texts in kept.values():
    uid = sample.StudyInstanceUID
    for door, path in (("QIDO", f"studies?StudyInstanceUID={uid}"), ("metadata", f"studies/{uid}/metadata")):
        found = get(f"/dicomweb/{path}")[0]
        for place, text in texts.items():
            if door == "metadata" or place == "00100010":
                assert json_text(found, place) == text, f"{file}: {place} by {door}: {json_text(found, place)}"
    assert listed[uid] == shown(texts["00100010"]), f"{file}: {listed[uid]} on the pages"

# Read by consoles that are configured, and by one that says what it reads.
answers = 0
for title, terms in consoles:
    configured = Console(title)
    for console, asked in ((configured, None), (pusher, terms)):
        found = {answer.StudyInstanceUID: answer for answer in console.find(studies(asked))}
        for file, sample, texts in kept.values():
            answer = found[sample.StudyInstanceUID]
            wanted = as_read(terms, texts["00100010"])
            assert named(answer) == ("" if terms == "ISO_IR 6" else terms), f"{terms}: answered in {named(answer)}"
            assert name(answer) == wanted, f"{file} for {terms}: {name(answer)} and not {wanted}"
            assert "?" not in name(answer)
            answers += 1
    steps = sorted(name(step) for step in configured.find(worklist(), ModalityWorklistInformationFind))
    assert steps == sorted(as_read(terms, name) for name in ordered), f"the worklist for {terms}: {steps}"
    configured.release()

# Found by what was read: in the set of the sample, and by the base letters that a Latin-1 console shows.
for file, sample, texts in kept.values():
    full = texts["00100010"]
    own = named(sample) if "labelled" not in file and named(sample) else "ISO_IR 192"
    whole = own == "ISO_IR 192" or all(has(own, letter) for letter in full)
    for terms in {own, "ISO_IR 192", "GB18030"}:
        family = re.split("[=^]", full)[0]
        for wanted in (full, f"{family}*", f"{family[0]}*"):
            uids = [answer.StudyInstanceUID for answer in pusher.find(studies(terms, name=wanted))]
            assert sample.StudyInstanceUID in uids, f"{file}: {wanted} in {terms} finds {uids}"
    assert whole, file
for wanted in ("NGUYEN^THI HUONG GIANG", "NGUYEN*", "nguyen thi*"):
    uids = {answer.StudyInstanceUID for answer in pusher.find(studies("ISO_IR 100", name=wanted))}
    people = {sample.StudyInstanceUID for file, sample, texts in kept.values() if "HƯƠNG" in texts["00100010"]}
    assert people <= uids, f"{wanted} finds {uids}"
for terms, wanted, full in (
    ("ISO_IR 192", "NGUYỄN^ĐỨC*", "NGUYỄN^ĐỨC ANH"),
    ("ISO_IR 100", "nguyen^duc*", "NGUYỄN^ĐỨC ANH"),
    ("ISO_IR 100", "Müll*", "Müller^Jörg"),
    ("\\ISO 2022 IR 87", "山田^太*", "山田^太郎"),
    ("\\ISO 2022 IR 149", "홍^?동", "홍^길동"),
):
    steps = [name(step) for step in pusher.find(worklist(terms, wanted), ModalityWorklistInformationFind)]
    assert steps == [as_read(terms, full)], f"{wanted} finds {steps} on the worklist"
pusher.release()
print(f"{len(kept)} samples, {len(consoles)} consoles, {answers} answers")
