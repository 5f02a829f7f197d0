"""Store, search and retrieve with dicomweb-client. Usage: dicomweb_client_journey.py URL FOLDER STUDY_UID"""

import sys
from pathlib import Path

from dicomweb_client.api import DICOMwebClient
from pydicom import dcmread

url, folder, study_uid = sys.argv[1], Path(sys.argv[2]), sys.argv[3]
client = DICOMwebClient(url)
sent = {dataset.SOPInstanceUID: dataset for dataset in (dcmread(path) for path in sorted(folder.iterdir()))}
assert sent, "nothing to send"

client.store_instances(list(sent.values()))

studies = client.search_for_studies(search_filters={"StudyInstanceUID": study_uid})
assert len(studies) == 1, studies
series = client.search_for_series(study_uid)
assert len(series) == 1, series
series_uid = series[0]["0020000E"]["Value"][0]
instances = client.search_for_instances(study_uid, series_uid)
assert {row["00080018"]["Value"][0] for row in instances} == set(sent)

metadata = client.retrieve_series_metadata(study_uid, series_uid)
assert {row["00080018"]["Value"][0] for row in metadata} == set(sent)

for back in client.retrieve_series(study_uid, series_uid):
    assert back.PixelData == sent[back.SOPInstanceUID].PixelData
for uid, dataset in sent.items():
    frames = client.retrieve_instance_frames(study_uid, series_uid, uid, [1], media_types=("application/octet-stream",))
    assert frames[0] == dataset.PixelData
    picture = client.retrieve_instance_rendered(study_uid, series_uid, uid, media_types=("image/png",))
    assert picture[:8] == b"\x89PNG\r\n\x1a\n"
print("dicomweb-client: stored, searched and retrieved", len(sent))
