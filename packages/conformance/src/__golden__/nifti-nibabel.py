"""Writes nifti-nibabel.json: what nibabel 5.0.0 (numpy 1.24) reads in the conformance files.

python3 nifti-nibabel.py FOLDER > nifti-nibabel.json

A pair is read by its header. Files that nibabel cannot read, and those that are no single volume of real numbers, are left out.
"""

import gzip
import io
import json
import pathlib
import sys

import nibabel as nib
import numpy as np


def content(path):
    data = path.read_bytes()
    return gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data


def image_of(path):
    """The .img of a .hdr, gzipped or not."""
    stem = path.name.split(".hdr")[0]
    return next(twin for ending in (".img", ".img.gz") if (twin := path.with_name(stem + ending)).exists())


def load(path):
    data = content(path)
    sizes = [int(np.frombuffer(data[:4], order)[0]) for order in ("<i4", ">i4")]
    version, pair = (nib.Nifti1Image, nib.Nifti1Pair) if 348 in sizes else (nib.Nifti2Image, nib.Nifti2Pair)
    if ".hdr" not in path.suffixes:
        return version.from_bytes(data)
    files = {"header": data, "image": content(image_of(path))}
    return pair.from_file_map({name: nib.FileHolder(fileobj=io.BytesIO(part)) for name, part in files.items()})


answers = {}
for path in sorted(pathlib.Path(sys.argv[1]).iterdir()):
    if {".img", ".tsv"} & set(path.suffixes):
        continue
    try:
        image = load(path)
        values = np.asarray(image.dataobj)
    except Exception:
        continue
    shape = (list(values.shape) + [1, 1])[:3]
    if values.dtype.kind not in "iuf" or values.size != np.prod(shape):
        continue
    values = values.astype(np.float64).ravel(order="F")
    weights = np.arange(values.size) % 97
    finite = np.isfinite(values)
    if not finite.any():
        continue
    answers[path.name] = {
        "shape": [int(size) for size in shape[::-1]],
        "affine": [float(value) for value in image.affine.ravel()],
        "codes": [int(image.header["sform_code"]), int(image.header["qform_code"])],
        "notFinite": int((~finite).sum()),
        "mean": float(values[finite].mean()),
        "weightedMean": float((values * weights)[finite].mean()),
    }
print(json.dumps(answers))
