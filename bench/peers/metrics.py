"""All metrics of 16 organs in a volume with NumPy and SciPy, timed: the peer of the benchmark `metrics`.

Each organ is cropped to the box that holds it in both label maps; surfaces are found by erosion, and distances by SciPy's
exact Euclidean distance transform. Prints one JSON line. Needs numpy and scipy and nothing else.
"""

import argparse
import json
import math
import resource
import statistics
import time

import numpy as np
import scipy
from scipy import ndimage

ORGANS = 16
SPACING = (3, 0.9, 0.9)
TOLERANCE = 3
SMOOTH = 1e-5


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", default="128,256,256", help="edge of the volume in voxels, or D,H,W")
    parser.add_argument("--batch", help="ignored: there is one volume")
    parser.add_argument("--threads", help="ignored: there is one thread")
    parser.add_argument("--steps", type=int, default=5, help="timed evaluations")
    parser.add_argument("--warmup", type=int, default=1, help="evaluations before those")
    args = parser.parse_args()
    sizes = [int(part) for part in args.size.split(",")]
    args.shape = sizes * 3 if len(sizes) == 1 else sizes
    return args


def evaluate(prediction, reference):
    """Scores of every organ; both volumes hold class indices."""
    counts = [np.bincount(labels.ravel(), minlength=ORGANS + 1) for labels in (prediction, reference)]
    shared = np.bincount(reference[prediction == reference], minlength=ORGANS + 1)
    boxes = [ndimage.find_objects(labels, max_label=ORGANS) for labels in (prediction, reference)]
    return [
        scores(
            prediction,
            reference,
            label,
            [int(count[label]) for count in (*counts, shared)],
            joined(boxes[0][label - 1], boxes[1][label - 1]),
        )
        for label in range(1, ORGANS + 1)
    ]


def joined(a, b):
    """The smallest box that holds two boxes."""
    return tuple(slice(min(i.start, j.start), max(i.stop, j.stop)) for i, j in zip(a, b))


def scores(prediction, reference, label, counts, box):
    predicted, referenced, shared = counts
    edge_s, edge_g = (surface(labels[box] == label) for labels in (prediction, reference))
    distances = np.concatenate([distances_to(edge_g)[edge_s], distances_to(edge_s)[edge_g]])
    return {
        "dice": (2 * shared + SMOOTH) / (predicted + referenced + SMOOTH),
        "iou": (shared + SMOOTH) / (predicted + referenced - shared + SMOOTH),
        "assd": distances.mean(),
        "hd95": np.percentile(distances, 95),
        "nsd": (distances <= TOLERANCE).mean(),
        "rve": abs(predicted - referenced) / referenced,
    }


def surface(mask):
    """Voxels of which a face neighbor is not in the mask."""
    return mask & ~ndimage.binary_erosion(mask)


def distances_to(edge):
    return ndimage.distance_transform_edt(~edge, sampling=SPACING)


def paint_organs(shape, predicted):
    """Voxel for voxel what `paintOrgans` of metrics.mjs makes."""
    labels = np.zeros(shape, np.uint8)
    for k in range(ORGANS):
        radius = 0.02 + (0.14 * ((k * 5) % 16)) / 15
        center = [0.2 + (0.6 * ((k * 7) % 16)) / 15, 0.15 + (0.7 * (k % 4)) / 3, 0.15 + (0.7 * (k // 4)) / 3]
        radii = [radius * 1.3, radius, radius * 0.8]
        if not predicted:
            paint(labels, k + 1, center, radii, 0)
            continue
        shift = radius * 0.1
        paint(labels, k + 1, [center[0] + shift, center[1] - shift, center[2] + shift], radii, 0.3)
        if k % 3 == 0:
            paint(labels, k + 1, [center[0], center[1] + radius * 1.4, center[2]], [0.02] * 3, 0)
    return labels


def paint(labels, label, center, radii, roughness):
    """center and radii in parts of the volume's sides."""
    axes = [
        np.arange(max(0, math.floor((c - 1.3 * r) * size)), min(size, math.ceil((c + 1.3 * r) * size)))
        for size, c, r in zip(labels.shape, center, radii)
    ]
    offsets = [((i + 0.5) / size - c) / r for i, size, c, r in zip(axes, labels.shape, center, radii)]
    dz, dy, dx = np.ix_(*(offset * offset for offset in offsets))
    z, y, x = np.ix_(*axes)
    wave = ((z * 3 + y) % 7 + (y + x * 2) % 9 + (x + z) % 5) / 18 - 0.5
    part = labels[np.ix_(*axes)]
    part[dz + dy + dx <= 1 + roughness * wave] = label
    labels[np.ix_(*axes)] = part


def checksum(labels):
    flat = labels.ravel().astype(np.int64)
    return int((flat * (np.arange(flat.size) % 1009 + 1)).sum())


def main(args):
    reference, prediction = (paint_organs(args.shape, predicted) for predicted in (False, True))
    times = []
    for _ in range(args.warmup + args.steps):
        start = time.perf_counter()
        result = evaluate(prediction, reference)
        times.append(1000 * (time.perf_counter() - start))
    times = times[args.warmup :]
    values = {
        "%s of organ %d" % (metric, k + 1): float(score) for k, row in enumerate(result) for metric, score in row.items()
    }
    print(
        json.dumps(
            {
                "median_ms": statistics.median(times),
                "min_ms": min(times),
                "max_ms": max(times),
                "times_ms": times,
                "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
                "name": "scipy " + scipy.__version__,
                "values": {
                    "checksum of the reference": checksum(reference),
                    "checksum of the prediction": checksum(prediction),
                    **values,
                },
            }
        )
    )


if __name__ == "__main__":
    main(arguments())
