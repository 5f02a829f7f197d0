"""Store, search and retrieve with dicomweb-client. Usage: dicomweb_client_journey.py URL FOLDER STUDY_UID"""

import sys
from pathlib import Path

from dicomweb_client.api import DICOMwebClient
from pydicom import dcmread

url, folder, study_uid = sys.argv[1], Path(sys.argv[2]), sys.argv[3]
client = DICOMwebClient(url)
sent = {dataset.SOPInstanceUID: dataset for dataset in (dcmread(path) for path in sorted(folder.iterdir()))}
assert sent, "nothing to send"

# Data sets that programs make have no preamble; what comes back is a file all the same.
for dataset in sent.values():
    del dataset.preamble
client.store_instances(list(sent.values()))

studies = client.search_for_studies(search_filters={"StudyInstanceUID": study_uid})
assert len(studies) == 1, studies
found = client.search_for_studies(
    fields=["00081030", "00080060"], fuzzymatching=True, limit=1, search_filters={"PatientName": "*guy*"}
)
assert [row["0020000D"]["Value"][0] for row in found] == [study_uid], found
pages = client.search_for_instances(limit=2, get_remaining=True)
assert {row["00080018"]["Value"][0] for row in pages} == set(sent)
assert client.search_for_studies(search_filters={"PatientID": "nobody"}) == []
series = client.search_for_series(study_uid)
assert len(series) == 1, series
series_uid = series[0]["0020000E"]["Value"][0]
instances = client.search_for_instances(study_uid, series_uid)
assert {row["00080018"]["Value"][0] for row in instances} == set(sent)

metadata = client.retrieve_series_metadata(study_uid, series_uid)
assert {row["00080018"]["Value"][0] for row in metadata} == set(sent)

for row in client.retrieve_study_metadata(study_uid):
    pixels = sent[row["00080018"]["Value"][0]].PixelData
    # This client leaves the port out of its Host header, so the address that it is told has none.
    uri = url + row["7FE00010"]["BulkDataURI"].partition("/dicomweb")[2]
    assert client.retrieve_bulkdata(uri)[0] == pixels
assert {back.SOPInstanceUID for back in client.iter_study(study_uid)} == set(sent)
for back in client.retrieve_series(study_uid, series_uid):
    assert back.PixelData == sent[back.SOPInstanceUID].PixelData
for uid, dataset in sent.items():
    frames = client.retrieve_instance_frames(study_uid, series_uid, uid, [1], media_types=("application/octet-stream",))
    assert frames[0] == dataset.PixelData
    picture = client.retrieve_instance_rendered(study_uid, series_uid, uid, media_types=("image/png",))
    assert picture[:8] == b"\x89PNG\r\n\x1a\n"
print("dicomweb-client: stored, searched and retrieved", len(sent))
