#!/usr/bin/env python3
"""Writes expected-pixels.json: what others decode from each image, for tests/pixels.rs.

    pip install pydicom numpy blake3 pylibjpeg pylibjpeg-libjpeg pylibjpeg-openjpeg pylibjpeg-rle pyjpegls imagecodecs
    ./expect_pixels.py FOLDER... > expected-pixels.json

Lossless frames are given by the BLAKE3 hash of their samples, little endian, interleaved. Lossy ones, where decoders
may differ by a grey level, by 256 evenly spaced samples of the first frames. What pydicom refuses as a whole is decoded
frame by frame with imagecodecs; a frame that it cannot decode either, or that is not of the size described, is null.
"""

import json
import pathlib
import sys
import zlib

import blake3
import imagecodecs
import numpy
import pydicom
from pydicom.encaps import generate_frames, get_frame
from pydicom.pixels import pixel_array
from pydicom.uid import ImplicitVRLittleEndian

LOSSY = {"81", "91", "203", "111"}
JPEG = {"50", "51", "53", "55", "57", "70"}
SAMPLES = 256
LOSSY_FRAMES = 4


def is_dct(dataset, tail):
    """Whether the frames are lossy JPEG. The stream tells: some objects say lossless and are not."""
    if tail not in JPEG:
        return False
    first = get_frame(dataset.PixelData, 0, number_of_frames=int(dataset.get("NumberOfFrames", 1) or 1))
    return not any(marker in first[:4096] for marker in (b"\xff\xc3\x00\x0b", b"\xff\xc3\x00\x11"))


def one_by_one(dataset, syntax, tail, frames):
    """The frames as imagecodecs decodes them."""
    shape = (dataset.Rows, dataset.Columns)
    samples = dataset.get("SamplesPerPixel", 1)
    if samples > 1:
        shape += (samples,)
    if syntax.endswith(".1.2.8.1"):
        for frame in generate_frames(dataset.PixelData, number_of_frames=frames):
            bits = numpy.frombuffer(zlib.decompressobj(-15).decompress(frame), numpy.uint8)
            count = dataset.Rows * dataset.Columns
            yield numpy.unpackbits(bits, bitorder="little")[:count].reshape(shape)
        return
    if b"\xff\x4f\xff\x51" in dataset.PixelData and frames == 1:
        # Its fragments confuse pydicom.
        encoded = [dataset.PixelData[dataset.PixelData.index(b"\xff\x4f\xff\x51"):]]
    else:
        encoded = generate_frames(dataset.PixelData, number_of_frames=frames)
    for frame in encoded:
        if tail == "111":
            pixels = imagecodecs.jpegxl_decode(frame)
        elif tail in ("90", "91"):
            pixels = imagecodecs.jpeg2k_decode(frame)
        else:
            pixels = imagecodecs.jpeg_decode(frame)
        yield pixels if pixels.shape == shape else None


def expected(path):
    dataset = pydicom.dcmread(path, force=True)
    if not any(name in dataset for name in ("PixelData", "FloatPixelData", "DoubleFloatPixelData")):
        return None
    if not hasattr(dataset.file_meta, "TransferSyntaxUID"):
        dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    try:
        frames = int(dataset.get("NumberOfFrames", 1) or 1)
    except (TypeError, ValueError):
        dataset.NumberOfFrames = frames = 1
    syntax = dataset.file_meta.TransferSyntaxUID
    tail = syntax.split("1.2.4.")[1] if "1.2.4." in syntax else ""
    dct = is_dct(dataset, tail)
    # Lossy JPEG is compared as RGB, which is what decoders make of it; everything else as it is stored.
    try:
        pixels = pixel_array(dataset, raw=not dct)
        if pixels.ndim == (2 if dataset.get("SamplesPerPixel", 1) == 1 else 3):
            pixels = pixels[None]
        assert len(pixels) == frames, (len(pixels), frames)
        pixels = list(pixels)
    except Exception as error:
        print(f"{path}: {error}; frame by frame", file=sys.stderr)
        pixels = list(one_by_one(dataset, syntax, tail, frames))
    pixels = [frame if frame is None else frame.astype(frame.dtype.newbyteorder("<")) for frame in pixels]
    if tail in LOSSY or dct:
        first = next(frame for frame in pixels if frame is not None)
        step = max(1, first.size // SAMPLES)
        given = [frame if frame is None else frame.ravel()[::step].tolist() for frame in pixels[:LOSSY_FRAMES]]
        return {"step": step, "samples": given}
    digest = lambda frame: blake3.blake3(numpy.ascontiguousarray(frame).tobytes()).hexdigest()
    return {"hashes": [frame if frame is None else digest(frame) for frame in pixels]}


def main():
    found = {}
    for folder in map(pathlib.Path, sys.argv[1:]):
        paths = [path for path in folder.rglob("*") if path.suffix == ".dcm" or "dicomdir" in path.parts]
        for path in sorted(path for path in paths if path.is_file()):
            try:
                entry = expected(path)
            except Exception as error:  # what nobody decodes cannot be compared
                print(f"{path}: {error!r}", file=sys.stderr)
                continue
            if entry:
                found[str(path.relative_to(folder))] = entry
    lines = (f"{json.dumps(name)}: {json.dumps(entry)}" for name, entry in sorted(found.items()))
    print("{\n" + ",\n".join(lines) + "\n}")


main()
