#!/usr/bin/env python3
"""Writes expected-pixels.json: what pydicom decodes from each image, for tests/pixels.rs.

    pip install pydicom numpy blake3 pylibjpeg pylibjpeg-libjpeg pylibjpeg-openjpeg pylibjpeg-rle pyjpegls
    ./expect_pixels.py FOLDER... > expected-pixels.json

Lossless frames are given by the BLAKE3 hash of their samples, little endian, interleaved. Lossy ones, where decoders
may differ by a grey level, by 256 evenly spaced samples. A file that pydicom cannot decode is left out.
"""

import json
import pathlib
import sys

import blake3
import numpy
import pydicom
from pydicom.encaps import get_frame
from pydicom.pixels import pixel_array

LOSSY = {"81", "91", "203"}
JPEG = {"50", "51", "53", "55", "57", "70"}
SAMPLES = 256


def is_dct(dataset, tail):
    """Whether the frames are lossy JPEG. The stream tells: some objects say lossless and are not."""
    if tail not in JPEG:
        return False
    first = get_frame(dataset.PixelData, 0, number_of_frames=int(dataset.get("NumberOfFrames", 1) or 1))
    return not any(marker in first[:4096] for marker in (b"\xff\xc3\x00\x0b", b"\xff\xc3\x00\x11"))


def expected(path):
    dataset = pydicom.dcmread(path, force=True)
    if not any(name in dataset for name in ("PixelData", "FloatPixelData", "DoubleFloatPixelData")):
        return None
    syntax = dataset.file_meta.TransferSyntaxUID
    tail = syntax.split("1.2.4.")[1] if "1.2.4." in syntax else ""
    dct = is_dct(dataset, tail)
    # Lossy JPEG is compared as RGB, which is what decoders make of it; everything else as it is stored.
    pixels = pixel_array(dataset, raw=not dct)
    frames = int(dataset.get("NumberOfFrames", 1) or 1)
    if pixels.ndim == (2 if dataset.get("SamplesPerPixel", 1) == 1 else 3):
        pixels = pixels[None]
    assert len(pixels) == frames, (len(pixels), frames)
    pixels = pixels.astype(pixels.dtype.newbyteorder("<"))
    if tail in LOSSY or dct:
        step = max(1, pixels[0].size // SAMPLES)
        return {"step": step, "samples": [frame.ravel()[::step].tolist() for frame in pixels[:4]]}
    return {"hashes": [blake3.blake3(numpy.ascontiguousarray(frame).tobytes()).hexdigest() for frame in pixels]}


def main():
    found = {}
    for folder in map(pathlib.Path, sys.argv[1:]):
        for path in sorted(folder.rglob("*.dcm")):
            try:
                entry = expected(path)
            except Exception as error:  # what pydicom refuses cannot be compared
                print(f"{path}: {error}", file=sys.stderr)
                continue
            if entry:
                found[str(path.relative_to(folder))] = entry
    lines = (f"{json.dumps(name)}: {json.dumps(entry)}" for name, entry in sorted(found.items()))
    print("{\n" + ",\n".join(lines) + "\n}")


main()
