"""Sliding-window prediction of a whole volume in PyTorch, timed: the peer of the benchmark `predict`.

The network, the weights, the windows and their Gaussian weights are ours; the case is what `predict-case.mjs` wrote. One
map of probabilities for the whole volume, as MONAI and nnU-Net hold it. Prints one JSON line. Needs torch 1.10 or newer.
"""

import argparse
import json
import os
import resource
import statistics
import time


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", help="of the volume, D,H,W; the case says it")
    parser.add_argument("--case", required=True, help="folder that predict-case.mjs wrote")
    parser.add_argument("--labels", required=True, help="file to write the labels to")
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--steps", type=int, default=1, help="timed predictions")
    parser.add_argument("--warmup", type=int, default=0, help="predictions before those")
    return parser.parse_args()


ARGS = arguments()
# OpenMP reads these when torch is loaded. Threads that spin while they wait lose a multiple on a machine that is shared.
os.environ["OMP_NUM_THREADS"] = str(ARGS.threads)
if ARGS.threads > 1:
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numpy as np  # noqa: E402
import torch  # noqa: E402
import torch.nn as nn  # noqa: E402
import torch.nn.functional as F  # noqa: E402


OVERLAP = 0.5


class Layer(nn.Module):
    """3x3x3 convolution, batch norm, LeakyReLU."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(outputs, inputs, 3, 3, 3))
        self.norm = nn.BatchNorm3d(outputs)

    def forward(self, x):
        return F.leaky_relu_(self.norm(F.conv3d(x, self.weight, padding=1)), 0.01)


class Stage(nn.Module):
    """Halves the channels, doubles the resolution, joins the skip connection; two layers."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.up = nn.Conv3d(inputs, outputs, 1)
        self.add_module("0", Layer(2 * outputs, outputs))
        self.add_module("1", Layer(outputs, outputs))

    def forward(self, low, skip):
        up = F.interpolate(self.up(low), scale_factor=2, mode="trilinear", align_corners=True)
        first, second = self._modules["0"], self._modules["1"]
        return second(first(torch.cat([skip, up], dim=1)))


class PlSegUnet(nn.Module):
    """The U-Net of PL-Seg at full resolution; its parameters have the names of ours."""

    def __init__(self, classes, features):
        super().__init__()
        widths = [1, *features]
        pairs = list(zip(widths, features))
        self.encoder = nn.ModuleList(nn.Sequential(Layer(a, b), Layer(b, b)) for a, b in pairs)
        self.decoder = nn.ModuleList(Stage(b, a) for a, b in pairs[1:])
        self.head = nn.ModuleList([nn.Conv3d(features[0], classes, 1)])

    def forward(self, x):
        skips = []
        for level, block in enumerate(self.encoder):
            x = block(x if level == 0 else F.max_pool3d(x, 2))
            skips.append(x)
        skips.pop()
        for stage in reversed(self.decoder):
            x = stage(x, skips.pop())
        return self.head[0](x)


def read_safetensors(path):
    with open(path, "rb") as file:
        content = file.read()
    start = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:start])
    header.pop("__metadata__", None)
    return {
        name: torch.from_numpy(
            np.frombuffer(content, "<f4", offset=start + at[0], count=(at[1] - at[0]) // 4).reshape(shape).copy()
        )
        for name, at, shape in ((name, entry["data_offsets"], entry["shape"]) for name, entry in header.items())
    }


def gaussian(patch):
    """exp(-((i - middle) / (n / 8))^2 / 2) over the three axes, 1 at its peak."""
    importance = torch.ones(1)
    for n in patch:
        exponents = -0.5 * ((torch.arange(n, dtype=torch.float64) - (n - 1) / 2) / (n / 8)) ** 2
        importance = importance[..., None] * torch.exp(exponents - exponents.max()).float()
    return importance[0]


def starts(size, patch, overlap):
    stride = max(1, round(patch * (1 - overlap)))
    last = size - patch
    return [min(i * stride, last) for i in range(-(-last // stride) + 1)]


def predict(network, image, bundle, batch):
    """Labels [depth, height, width] of Hounsfield units."""
    level, width = bundle["intensity"]["level"], bundle["intensity"]["width"]
    image = ((image.float() - (level - width / 2)) / width * 2 - 1).clamp_(-1, 1)
    patch, shape = bundle["patchSize"], image.shape
    importance = gaussian(patch)
    total = torch.zeros(len(bundle["classes"]), *shape)
    weights = torch.zeros(shape)
    along = [starts(size, side, OVERLAP) for size, side in zip(shape, patch)]
    places = [
        (slice(z, z + patch[0]), slice(y, y + patch[1]), slice(x, x + patch[2]))
        for z in along[0]
        for y in along[1]
        for x in along[2]
    ]
    for first in range(0, len(places), batch):
        some = places[first : first + batch]
        probabilities = torch.softmax(network(torch.stack([image[place] for place in some])[:, None]), dim=1)
        probabilities *= importance
        for place, values in zip(some, probabilities):
            total[(slice(None), *place)] += values
            weights[place] += importance
        del probabilities, values
    total /= weights
    return total.argmax(dim=0).to(torch.uint8)


def main(args):
    torch.set_num_threads(args.threads)
    with open(os.path.join(args.case, "bundle", "bundle.json")) as file:
        bundle = json.load(file)
    with open(os.path.join(args.case, "shape.json")) as file:
        shape = json.load(file)
    network = PlSegUnet(len(bundle["classes"]), bundle["network"]["features"])
    state = read_safetensors(os.path.join(args.case, "bundle", "weights.safetensors"))
    missing, unexpected = network.load_state_dict(state, strict=False)
    assert not unexpected and all(name.endswith("num_batches_tracked") for name in missing), (missing, unexpected)
    network.eval()
    image = torch.from_numpy(np.fromfile(os.path.join(args.case, "image.i16"), "<i2").reshape(shape))
    times, cpu_times = [], []
    with torch.inference_mode():
        for _ in range(args.warmup + args.steps):
            start, cpu_start = time.perf_counter(), time.process_time()
            labels = predict(network, image, bundle, args.batch)
            times.append(1000 * (time.perf_counter() - start))
            cpu_times.append(1000 * (time.process_time() - cpu_start))
    labels.numpy().tofile(args.labels)
    times = times[args.warmup :]
    result = {
        "median_ms": statistics.median(times),
        "min_ms": min(times),
        "max_ms": max(times),
        "times_ms": times,
        "cpu_ms": cpu_times[args.warmup :],
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "labels": args.labels,
        "name": "torch %s (CPU)" % torch.__version__,
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main(ARGS)
