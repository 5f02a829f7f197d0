"""Samples in every transfer syntax that DCMTK knows, pushed by DCMTK, and retrieved by DCMTK that takes some syntaxes.

Usage: syntaxes_dcmtk.py HOST PORT RECEIVER_PORT REFERENCE_PORT SYNTAX,SYNTAX… SYNTAX,SYNTAX…
The syntaxes are those that DCMTK knows, and those that it does not send. Paths of files are read from standard input,
one a line; samples are made in the syntaxes that no file is in. RECEIVER_PORT is where the device named RECEIVER
listens, which is storescp, REFERENCE_PORT where that named REFERENCE does.
Writes a line for each syntax that DCMTK sent or took: "sends" or "takes", and the syntax.
"""

import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from syntax_sample import LOSSY, NATIVE, ROOT, Arrived, Receiver, Reference, everything, made, moved, mover, push, short

port, receiver_port, reference_port = (int(argument) for argument in sys.argv[2:5])
known, unknown = ([short(uid) for uid in argument.split(",")] for argument in sys.argv[5:7])
UNCOMPRESSED = {"", ".1", ".2"}
# The letter of the option by which a syntax is preferred, asked for or proposed.
OPTIONS = {
    ".1": "e", ".2": "b", "": "i", ".1.99": "d", ".4.70": "s", ".4.50": "y", ".4.51": "x", ".4.90": "v", ".4.91": "w",
    ".4.80": "t", ".4.81": "u", ".5": "r", ".4.100": "m", ".4.101": "h", ".4.102": "n", ".4.103": "l", ".4.104": "2",
    ".4.105": "3", ".4.106": "o", ".4.107": "4", ".4.108": "5",
}
sends, takes = set(), set()


def run(program, *arguments):
    """Runs it to its end; answers what it complained of. Whether that is good is seen from what arrives: some of what
    is asked for cannot be had."""
    ran = subprocess.run([program, *map(str, arguments)], capture_output=True, timeout=60)
    return f"{program} ended with {ran.returncode}: {ran.stderr.decode(errors='replace')[-2000:]}"


def profile(folder, syntaxes):
    """Options of storescp to take these syntaxes alone."""
    lines = ["[[TransferSyntaxes]]", "[Taken]"]
    lines += [f"TransferSyntax{number} = {ROOT}{syntax}" for number, syntax in enumerate(syntaxes, 1)]
    lines += ["[[PresentationContexts]]", "[Contexts]"]
    lines += [f"PresentationContext{number} = {uid}\\Taken" for number, uid in enumerate(classes, 1)]
    lines += ["[[Profiles]]", "[Receiver]", "PresentationContexts = Contexts"]
    path = Path(folder) / "storescp.cfg"
    path.write_text("\n".join(lines) + "\n")
    return ["-xf", path, "Receiver"]


def arrived(folder):
    files = [Arrived(path.read_bytes()) for path in Path(folder).iterdir()]
    return {file.instance: file for file in files}


def is_listening():
    with socket.socket() as tried:
        return tried.connect_ex(("127.0.0.1", receiver_port)) == 0


def received(options, wanted):
    """What storescp with these options gets by C-MOVE, by instance."""
    with tempfile.TemporaryDirectory() as folder:
        command = ["storescp", "-q", "-aet", "RECEIVER", "+B", "-od", folder, *options, str(receiver_port)]
        running = subprocess.Popen(command)
        try:
            deadline = time.monotonic() + 60
            while not is_listening():
                assert running.poll() is None, f"{command} ended"
                assert time.monotonic() < deadline, f"{command} does not listen"
                time.sleep(0.01)
            count = moved(association, "RECEIVER", wanted)
        finally:
            running.kill()
            running.wait()
        files = arrived(folder)
    assert count == len(files), f"{options}: {count} of {len(wanted)} were sent, and {len(files)} came"
    return files


def received_of(syntaxes, wanted):
    """The same by one that takes these syntaxes alone."""
    with tempfile.TemporaryDirectory() as folder:
        return received(profile(folder, syntaxes), wanted)


def got(option, wanted):
    """What getscu with this option gets, by instance."""
    with tempfile.TemporaryDirectory() as folder:
        studies = "\\".join(sample.dataset.StudyInstanceUID for sample in wanted)
        keys = ["-k", "QueryRetrieveLevel=STUDY", "-k", f"StudyInstanceUID={studies}"]
        said = run("getscu", "-S", "-aec", "SEN", "+B", "-od", folder, option, *keys, "127.0.0.1", port)
        return arrived(folder), said


def has_no_pixels(sample):
    """Whether objects of that kind have nothing that could be compressed."""
    return "PixelData" not in sample.dataset and "Image" not in sample.dataset.SOPClassUID.name


def compare(taken, wanted, files, way, said=""):
    """Whether those came that have to, in the form that they have to, with the pixels that were sent."""
    for sample in wanted:
        form, file = sample.form(taken), files.get(sample.instance)
        is_left = not file and (form is None or not sample.has_to_be_in(form))
        about = f"{sample.name} {way}: {file and file.syntax} for {form}"
        assert is_left or (file and file.syntax == form), f"{about}; {said}"
        if file:
            sample.check(file, way, 3 if sample.stored in LOSSY else 0)
            takes.add(form)


def push_to_both(samples, program, *arguments):
    """Pushes files with a program of DCMTK to the reference and to Sen; answers what it said of either."""
    with tempfile.TemporaryDirectory() as folder:
        written = [sample.write(folder) for sample in samples]
        both = (("REFERENCE", reference_port), ("SEN", port))
        return [run(program, *arguments, "-aec", title, "127.0.0.1", to, *written) for title, to in both]


samples = everything(sys.stdin.read().splitlines(), known)
classes = sorted({sample.dataset.SOPClassUID for sample in samples})
push(port, samples)
association = mover(port)
images = [sample for sample in samples if not sample.is_opaque]
opaque = [sample for sample in samples if sample.is_opaque]

# Receivers of one syntax; one of all those that nobody decodes here, since nothing else is made of them.
for syntax in known:
    if any(sample.stored == syntax for sample in images):
        compare({syntax}, images, received_of([syntax], images), f"to storescp of {syntax} alone")
others = [sample.stored for sample in opaque]
compare(set(others), opaque, received_of(others, opaque), "to storescp of what is not decoded")

# Receivers that take uncompressed ones as well, and askers: of these Sen accepts the first syntax of a context.
for syntax, letter in OPTIONS.items():
    option, is_implicit = f"+x{letter}", syntax == ""
    some = [sample for sample in samples if sample.stored in (syntax, ".1", ".4.90")]
    taken = {syntax} if is_implicit else UNCOMPRESSED | {syntax}
    compare(taken, some, received([option], some), f"to storescp {option}")
    # Debian's getscu asks for explicit ones when it is told to ask for implicit ones.
    if not is_implicit:
        files, said = got(option, some)
        # Of documents it accepts the first that compresses no pixels.
        for is_document, accepted in ((False, syntax), (True, syntax if syntax in NATIVE else ".1")):
            wanted = [sample for sample in some if has_no_pixels(sample) == is_document]
            compare({accepted}, wanted, files, f"to getscu {option}", said)

# What is pushed is kept as DCMTK sends it, as stored by dcmsend, but for uncompressed ones.
reference = Reference(reference_port, samples, known, association)
pushed = [sample.anew() for sample in samples]
said = push_to_both(pushed, "dcmsend", "-nh", "-dn")
sends |= reference.compare(pushed, "by dcmsend", said)
pushed = [sample.anew() for sample in samples if sample.stored in OPTIONS]
said = []
for syntax, letter in OPTIONS.items():
    some = [sample for sample in pushed if sample.stored == syntax]
    said += push_to_both(some, "storescu", "-R", f"-x{letter}")
sends |= reference.compare(pushed, "by storescu", said)
reference.close()

# Of the others it sends nothing, to whoever takes them: when it learns one, it is to be tried with it.
others = list(made(unknown))
receiver = Receiver(reference_port, "REFERENCE", [(sample.dataset.SOPClassUID, sample.kind[1]) for sample in others])
with tempfile.TemporaryDirectory() as folder:
    for sample in others:
        said = run("dcmsend", "-nh", "-dn", "-aec", "REFERENCE", "127.0.0.1", reference_port, sample.write(folder))
        assert not receiver.taken(), f"{sample.name} is sent by dcmsend; {said}"
receiver.server.shutdown()
for way, syntaxes in (("sends", sends), ("takes", takes)):
    for syntax in sorted(syntaxes):
        print(way, ROOT + syntax)
