#!/usr/bin/env python3
"""Decodes every NAME.bin of a folder, one compressed frame described by NAME.json, with pydicom into NAME.out."""

import json
import pathlib
import sys

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.pixels import pixel_array


def decode(path):
    frame = json.loads(path.read_text())
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = frame["transfer_syntax"]
    dataset.Rows = frame["rows"]
    dataset.Columns = frame["columns"]
    dataset.SamplesPerPixel = frame["samples"]
    dataset.BitsAllocated = frame["bits_allocated"]
    dataset.BitsStored = frame["bits_stored"]
    dataset.HighBit = frame["bits_stored"] - 1
    dataset.PixelRepresentation = int(frame["signed"])
    dataset.PhotometricInterpretation = frame["photometric"]
    if frame["samples"] > 1:
        dataset.PlanarConfiguration = 0
    dataset.PixelData = encapsulate([path.with_suffix(".bin").read_bytes()])
    dataset["PixelData"].VR = "OB"
    # Chroma of lossy JPEG becomes RGB as our decoder gives it; the others give colours as they were put in.
    pixels = pixel_array(dataset, raw=not frame["photometric"].startswith("YBR_FULL"))
    pixels = pixels.astype(pixels.dtype.newbyteorder("<"))
    path.with_suffix(".out").write_bytes(pixels.tobytes())


for described in sorted(pathlib.Path(sys.argv[1]).glob("*.json")):
    try:
        decode(described)
    except Exception as error:
        raise SystemExit(f"{described.stem}: {error}") from error
