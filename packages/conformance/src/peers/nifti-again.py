"""What nibabel finds in the NIfTI files of a folder, as JSON; saves each again under the same name in a second folder.

python3 nifti-again.py FOLDER AGAIN
"""

import hashlib
import json
import pathlib
import sys

import nibabel as nib
import numpy as np

folder, again = map(pathlib.Path, sys.argv[1:])
answers = {}
for path in sorted(folder.iterdir()):
    image = nib.load(path)
    header = image.header
    values = np.asanyarray(image.dataobj)
    answers[path.name] = {
        "type": values.dtype.name,
        "shape": list(values.shape[::-1]),
        "sha256": hashlib.sha256(values.tobytes(order="F")).hexdigest(),
        "affine": [float(value) for value in image.affine.ravel()],
        "qform": None if int(header["qform_code"]) == 0 else [float(value) for value in image.get_qform().ravel()],
        "zooms": [float(value) for value in header.get_zooms()],
        "units": header.get_xyzt_units()[0],
        "intent": header.get_intent()[0],
        "comments": [ext.get_content().decode().rstrip("\0") for ext in header.extensions if ext.get_code() == 6],
    }
    nib.save(nib.Nifti1Image(values, image.affine, header), again / path.name)
print(json.dumps(answers))
