"""Components of each label of label maps by SciPy, as a number per voxel, in the order of their first voxel."""

import json
import sys

import numpy as np
from scipy import ndimage

maps = json.load(open(sys.argv[1]))
answers = []
for entry in maps:
    labels = np.array(entry["labels"]).reshape(entry["shape"])
    structure = ndimage.generate_binary_structure(3, 3 if entry["connectivity"] == 26 else 1)
    image = np.zeros(labels.shape, dtype=np.int64)
    for label in np.unique(labels[labels > 0]):
        found, count = ndimage.label(labels == label, structure)
        image = np.where(found > 0, found + image.max(), image)
    flat = image.ravel()
    first = {}
    for number in flat[flat > 0]:
        first.setdefault(int(number), len(first) + 1)
    answers.append([first.get(int(number), 0) for number in flat])
json.dump(answers, sys.stdout)
