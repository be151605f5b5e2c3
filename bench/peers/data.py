"""Reads and preprocesses a CT with nibabel and SciPy, timed: the peer of the benchmark `data`, part `read`.

The .nii.gz that `data.mjs` made is loaded as int16, turned to the canonical orientation without a copy, resampled to 1.5 mm by
`scipy.ndimage.zoom` (linear, the edge repeated, the field of view kept) into float32, and windowed in place: what costs the least time and
memory with these libraries. Prints one JSON line. Needs nibabel, numpy and scipy and nothing else.
"""

import argparse
import json
import pathlib
import resource
import statistics
import tempfile
import time

import nibabel as nib
import numpy as np
import scipy
from scipy import ndimage

TARGET = 1.5
LEVEL = 40
WIDTH = 512


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", default="300,512,512", help="D,H,W in voxels")
    parser.add_argument("--part", default="read", choices=["read"])
    parser.add_argument("--batch", help="ignored: there is one scan")
    parser.add_argument("--threads", help="ignored: there is one thread")
    parser.add_argument("--steps", type=int, default=5, help="timed readings")
    parser.add_argument("--warmup", type=int, default=1, help="readings before those")
    return parser.parse_args()


def read(path):
    """[width, height, depth], as nibabel has it."""
    scan = nib.as_closest_canonical(nib.load(path))
    voxels = np.asanyarray(scan.dataobj)
    factors = np.array(scan.header.get_zooms()[:3], dtype=float) / TARGET
    image = ndimage.zoom(voxels, factors, output=np.float32, order=1, mode="nearest", grid_mode=True, prefilter=False)
    image -= LEVEL
    image *= 2 / WIDTH
    return np.clip(image, -1, 1, out=image)


def main(args):
    shape = [int(part) for part in args.size.split(",")]
    shape = shape * 3 if len(shape) == 1 else shape
    path = pathlib.Path(tempfile.gettempdir(), "plseg-bench-data-1-%s.nii.gz" % "x".join(map(str, shape)))
    times = []
    for _ in range(args.warmup + args.steps):
        image = None
        start = time.perf_counter()
        image = read(path)
        times.append(1000 * (time.perf_counter() - start))
    times = times[args.warmup :]
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    voxels = image.ravel(order="F").astype(np.float64)
    print(
        json.dumps(
            {
                "median_ms": statistics.median(times),
                "min_ms": min(times),
                "max_ms": max(times),
                "times_ms": times,
                "peak_mb": peak_mb,
                "name": "nibabel %s, scipy %s" % (nib.__version__, scipy.__version__),
                "values": {
                    "voxels": voxels.size,
                    "sum": float(voxels.sum()),
                    "weighted sum": float((voxels * (np.arange(voxels.size) % 1009 + 1)).sum()),
                },
            }
        )
    )


if __name__ == "__main__":
    main(arguments())
