"""Writes nifti-nibabel.json: what nibabel 5.0.0 (numpy 1.24) reads in the conformance files.

python3 nifti-nibabel.py FOLDER > nifti-nibabel.json
"""

import gzip
import json
import pathlib
import sys

import nibabel as nib
import numpy as np

answers = {}
for path in sorted(pathlib.Path(sys.argv[1]).iterdir()):
    if {".hdr", ".img", ".tsv"} & set(path.suffixes):
        continue
    content = path.read_bytes()
    if content[:2] == b"\x1f\x8b":
        content = gzip.decompress(content)
    version = nib.Nifti1Image if 348 in np.frombuffer(content[:4], "<i4").tolist() + np.frombuffer(content[:4], ">i4").tolist() else nib.Nifti2Image
    try:
        image = version.from_bytes(content)
        values = np.asarray(image.dataobj)
    except Exception:
        continue
    shape = (list(values.shape) + [1, 1])[:3]
    if values.dtype.kind not in "iuf" or values.size != np.prod(shape):
        continue
    values = values.astype(np.float64).ravel(order="F")
    weights = np.arange(values.size) % 97
    finite = np.isfinite(values)
    answers[path.name] = {
        "shape": [int(size) for size in shape[::-1]],
        "affine": [float(value) for value in image.affine.ravel()],
        "codes": [int(image.header["sform_code"]), int(image.header["qform_code"])],
        "notFinite": int((~finite).sum()),
        "mean": float(values[finite].mean()),
        "weightedMean": float((values * weights)[finite].mean()),
    }
print(json.dumps(answers))
