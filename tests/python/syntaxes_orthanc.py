"""Samples in every transfer syntax that Orthanc knows, sent by it, and to it while it takes one syntax.

Usage: syntaxes_orthanc.py HOST PORT ORTHANC_HTTP REFERENCE_PORT SYNTAX,SYNTAX…
The syntaxes are those that Orthanc knows. Paths of files are read from standard input, one a line; samples are made in
the syntaxes that no file is in. ORTHANC_HTTP is the port of its interface; it is the device named ORTHANC, and knows
Sen and the device named REFERENCE, which listens at REFERENCE_PORT, as modalities.
Writes a line for each syntax that Orthanc sent or took: "sends" or "takes", and the syntax.
"""

import sys

import requests

from syntax_sample import LOSSY, ROOT, Arrived, Reference, everything, moved, mover, push, short

port, http, reference_port = (int(argument) for argument in sys.argv[2:5])
known = [short(uid) for uid in sys.argv[5].split(",")]
orthanc = requests.Session()
takes = set()


def ask(method, path, **body):
    answer = orthanc.request(method, f"http://127.0.0.1:{http}{path}", **body)
    assert answer.ok, f"{path}: {answer.status_code} {answer.text}"
    return answer


def compare(taken, wanted, way):
    """Has samples sent to an Orthanc that takes these syntaxes, and compares what it keeps of them."""
    ask("PUT", "/tools/accepted-transfer-syntaxes", json=[ROOT + syntax for syntax in taken])
    count = moved(association, "ORTHANC", wanted)
    kept = ask("GET", "/instances").json()
    read = [Arrived(ask("GET", f"/instances/{identifier}/file").content) for identifier in kept]
    files = {file.instance: file for file in read}
    assert count == len(files), f"{way}: {count} of {len(wanted)} were sent, and {len(files)} are kept"
    for sample in wanted:
        form, file = sample.form(taken), files.get(sample.instance)
        is_left = not file and (form is None or not sample.has_to_be_in(form))
        assert is_left or (file and file.syntax == form), f"{sample.name} {way}: {file and file.syntax} for {form}"
        if file:
            sample.check(file, way, 3 if sample.stored in LOSSY else 0, is_rewritten=True)
            takes.add(form)
    if kept:
        ask("POST", "/tools/bulk-delete", json={"Resources": kept})


samples = everything(sys.stdin.read().splitlines(), known)
push(port, samples)
association = mover(port)
images = [sample for sample in samples if not sample.is_opaque]
opaque = [sample for sample in samples if sample.is_opaque]
for syntax in known:
    if any(sample.stored == syntax for sample in images):
        compare([syntax], images, f"to Orthanc that takes {syntax}")
compare([sample.stored for sample in opaque], opaque, "to Orthanc that takes what is not decoded")

reference = Reference(reference_port, samples, known, association)
pushed = [sample.anew() for sample in samples]
identifiers = [ask("POST", "/instances", data=sample.file()).json()["ID"] for sample in pushed]
for path in ("/modalities/reference/store", "/modalities/sen/store"):
    answer = ask("POST", path, json={"Resources": identifiers, "Synchronous": True})
    assert answer.json()["FailedInstancesCount"] == 0, answer.text
sends = reference.compare(pushed, "by Orthanc")
reference.close()
for way, syntaxes in (("sends", sends), ("takes", takes)):
    for syntax in sorted(syntaxes):
        print(way, ROOT + syntax)
