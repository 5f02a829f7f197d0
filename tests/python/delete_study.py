"""Deletes a study as dicomweb-client does: base URL, Study Instance UID, and a reason unless it is rejected already."""

import sys

from dicomweb_client.api import DICOMwebClient

url, study, *reason = sys.argv[1:]
client = DICOMwebClient(url)
client.delete_study(study, additional_params={"reason": reason[0]} if reason else None)
assert not client.search_for_studies(search_filters={"StudyInstanceUID": study}), "it is still found"
