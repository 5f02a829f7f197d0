"""Decode one CT slice with pydicom, for the pages to be compared with.

Usage: expected_pixels.py URL FILE [FOLDER]
Takes the middle file of FOLDER, whose series was pushed; else an instance of the server at URL, signing in as
SEN_E2E_USER with SEN_E2E_PASSWORD. Writes {studyUid, sopInstanceUid, values}: Hounsfield units, row by row.
"""

import base64
import io
import json
import os
import sys
import urllib.request
from pathlib import Path

from pydicom import dcmread

url, path = sys.argv[1].rstrip("/"), sys.argv[2]
credentials = f"{os.environ['SEN_E2E_USER']}:{os.environ['SEN_E2E_PASSWORD']}"
authorization = "Basic " + base64.b64encode(credentials.encode()).decode()


def get(resource, accept):
    headers = {"Authorization": authorization, "Accept": accept}
    with urllib.request.urlopen(urllib.request.Request(f"{url}/dicomweb{resource}", headers=headers)) as answer:
        return answer.read()


def search(resource):
    return json.loads(get(resource, "application/dicom+json"))


def value(row, tag):
    return row[tag]["Value"][0]


def newest_ct():
    studies = search("/studies?ModalitiesInStudy=CT&limit=50")
    study = next(value(row, "0020000D") for row in studies if value(row, "00201208") > 5)
    series = next(value(row, "0020000E") for row in search(f"/studies/{study}/series?Modality=CT"))
    instances = search(f"/studies/{study}/series/{series}/instances?includefield=InstanceNumber")
    instance = value(instances[len(instances) // 2], "00080018")
    resource = f"/studies/{study}/series/{series}/instances/{instance}"
    return io.BytesIO(get(resource, "application/dicom; transfer-syntax=*"))


def middle_of(folder):
    files = sorted(Path(folder).iterdir())
    return files[len(files) // 2]


dataset = dcmread(middle_of(sys.argv[3]) if len(sys.argv) > 3 else newest_ct())
study, instance = dataset.StudyInstanceUID, dataset.SOPInstanceUID
hounsfield = dataset.pixel_array * float(dataset.RescaleSlope) + float(dataset.RescaleIntercept)
with open(path, "w", encoding="utf-8") as file:
    values = [int(number) if number == int(number) else float(number) for number in hounsfield.ravel()]
    json.dump({"studyUid": study, "sopInstanceUid": instance, "values": values}, file)
print(f"expected pixels: {len(values)} values of {instance}")
