"""Writes a CT in a NIfTI file as a series of DICOM slices, with pydicom, in no order; prints how many there are.

python3 dicom-series.py SCAN.nii.gz FOLDER implicit|explicit|big
"""

import json
import pathlib
import sys

import nibabel as nib
import numpy as np
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian, generate_uid

SYNTAXES = {"implicit": ImplicitVRLittleEndian, "explicit": ExplicitVRLittleEndian, "big": ExplicitVRBigEndian}
INTERCEPT = -1024

scan, folder, syntax = nib.load(sys.argv[1]), pathlib.Path(sys.argv[2]), SYNTAXES[sys.argv[3]]
voxels = np.asanyarray(scan.dataobj)
affine = np.diag([-1, -1, 1, 1]) @ scan.affine  # to DICOM's left, back, head
spacing = np.linalg.norm(affine[:3, :3], axis=0)
directions = affine[:3, :3] / spacing
series, study = generate_uid(), generate_uid()
folder.mkdir(parents=True, exist_ok=True)
for k in range(voxels.shape[2]):
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = CTImageStorage
    meta.MediaStorageSOPInstanceUID = generate_uid()
    meta.TransferSyntaxUID = syntax
    name = folder / ("IM%04d" % (k * 7 % voxels.shape[2] if voxels.shape[2] % 7 else k))
    data = FileDataset(str(name), {}, file_meta=meta, preamble=b"\0" * 128)
    data.is_little_endian = syntax != ExplicitVRBigEndian
    data.is_implicit_VR = syntax == ImplicitVRLittleEndian
    data.SOPClassUID, data.SOPInstanceUID = CTImageStorage, meta.MediaStorageSOPInstanceUID
    data.StudyInstanceUID, data.SeriesInstanceUID = study, series
    data.Modality, data.SeriesDescription, data.InstanceNumber = "CT", "twin", voxels.shape[2] - k
    data.ImagePositionPatient = ["%.6f" % value for value in affine[:3, :3] @ [0, 0, k] + affine[:3, 3]]
    data.ImageOrientationPatient = ["%.9f" % value for value in (*directions[:, 0], *directions[:, 1])]
    data.PixelSpacing = ["%.9f" % spacing[1], "%.9f" % spacing[0]]
    data.SliceThickness = "%.6f" % spacing[2]
    data.Columns, data.Rows = voxels.shape[:2]
    data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
    data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = 16, 16, 15, 1
    data.RescaleIntercept, data.RescaleSlope = INTERCEPT, 1
    pixels = (voxels[:, :, k].T - INTERCEPT).astype("<i2" if data.is_little_endian else ">i2")
    data.PixelData = pixels.tobytes()
    data.save_as(name, write_like_original=False)
print(json.dumps({"slices": voxels.shape[2]}))
