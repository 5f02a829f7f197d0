#!/usr/bin/env python3
"""Writes expected-texts.json: every text of the files of charset/, as pydicom reads it.

A text is named by its tag, inside a sequence after the sequence's tag and the item's number. Several values stand in
one text with backslashes between them; all is in normal form C. Files whose label is wrong are read as what they are.
"""

import json
import pathlib
import unicodedata

import pydicom
import pydicom.config

# Private elements have the VR that the file says, not that of pydicom's own table.
pydicom.config.replace_un_with_known_vr = False

HERE = pathlib.Path(__file__).parent
TEXTS = {"LO", "LT", "PN", "SH", "ST", "UC", "UT"}
MISLABELLED = {
    "vn-cp1258-labelled-latin1": "cp1258",
    "vn-utf8-labelled-latin1": "utf8",
    "vn-utf8-no-charset": "utf8",
}


def normal(text):
    return unicodedata.normalize("NFC", text).rstrip(" \0=")


def texts(dataset, path=""):
    for element in dataset:
        place = f"{path}{element.tag:08X}"
        if element.VR == "SQ":
            for number, item in enumerate(element.value):
                yield from texts(item, f"{place}/{number}/")
        elif element.VR in TEXTS:
            values = element.value if element.VM > 1 else [element.value]
            text = "\\".join(str(value) for value in values if value is not None)
            if text.strip():
                yield place, normal(text)


expected = {}
for file in sorted((HERE / "charset").glob("*.dcm")):
    found = dict(texts(pydicom.dcmread(file, force=True)))
    if file.stem in MISLABELLED:
        found = {place: normal(text.encode("latin-1").decode(MISLABELLED[file.stem])) for place, text in found.items()}
    expected[f"charset/{file.name}"] = found
document = json.dumps(expected, ensure_ascii=False, indent=1, sort_keys=True)
(HERE / "expected-texts.json").write_text(document + "\n")
