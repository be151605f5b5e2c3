"""One PL-Seg training step in PyTorch, timed: the peer of the benchmark `step`.

Forward, the three losses, backward and Adam, on a random image and random labels of which a few classes are annotated.
Prints one JSON line. Needs torch 1.10 or newer and nothing else.
"""

import argparse
import json
import os
import resource
import statistics
import time

MEGABYTE = 2**20


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", default="32", help="edge of the patch in voxels, or D,H,W")
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--steps", type=int, default=5, help="timed steps")
    parser.add_argument("--warmup", type=int, default=2, help="steps before those")
    parser.add_argument(
        "--device", choices=["cpu", "webgpu", "cuda"], default="cpu", help="other than cpu: CUDA if torch has it, or else the CPU"
    )
    parser.add_argument("--classes", type=int, default=17, help="background included")
    parser.add_argument("--annotated", type=int, default=4, help="foreground classes annotated per sample")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    sizes = [int(part) for part in args.size.split(",")]
    args.patch = sizes * 3 if len(sizes) == 1 else sizes
    if len(args.patch) != 3 or any(size < 8 or size % 8 for size in args.patch):
        parser.error("--size must be one or three multiples of 8, got %s" % args.size)
    return args


ARGS = arguments()
# OpenMP reads these when torch is loaded. Threads that spin while they wait lose a multiple on a machine that is shared.
os.environ["OMP_NUM_THREADS"] = str(ARGS.threads)
if ARGS.threads > 1:
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import torch  # noqa: E402
import torch.nn as nn  # noqa: E402
import torch.nn.functional as F  # noqa: E402

FEATURES = (16, 32, 64, 128)
DROPOUT = (0.0, 0.0, 0.1, 0.2)
EPSILON = 1e-5
CLAMP = 1e-10
DEVICE = torch.device("cuda" if ARGS.device != "cpu" and torch.cuda.is_available() else "cpu")


class Block(nn.Sequential):
    """Convolution, batch norm, LeakyReLU, dropout; convolution, batch norm, LeakyReLU."""

    def __init__(self, inputs, outputs, dropout):
        super().__init__(
            nn.Conv3d(inputs, outputs, 3, padding=1),
            nn.BatchNorm3d(outputs),
            nn.LeakyReLU(0.01, inplace=True),
            nn.Dropout(dropout) if dropout > 0 else nn.Identity(),
            nn.Conv3d(outputs, outputs, 3, padding=1),
            nn.BatchNorm3d(outputs),
            nn.LeakyReLU(0.01, inplace=True),
        )


class Up(nn.Module):
    """Halves the channels, doubles the resolution, joins the skip connection."""

    def __init__(self, inputs, outputs, dropout):
        super().__init__()
        self.reduce = nn.Conv3d(inputs, outputs, 1)
        self.block = Block(2 * outputs, outputs, dropout)

    def forward(self, low, skip):
        up = F.interpolate(self.reduce(low), scale_factor=2, mode="trilinear", align_corners=True)
        return self.block(torch.cat([skip, up], dim=1))


class PlSegUnet(nn.Module):
    """A U-Net of four levels with logits at each: full resolution first, then 1/2, 1/4 and 1/8."""

    def __init__(self, classes):
        super().__init__()
        widths = (1,) + FEATURES
        self.encoder = nn.ModuleList(Block(widths[i], widths[i + 1], DROPOUT[i]) for i in range(4))
        self.decoder = nn.ModuleList(Up(FEATURES[i + 1], FEATURES[i], DROPOUT[i]) for i in range(3))
        self.heads = nn.ModuleList(nn.Conv3d(width, classes, 1) for width in FEATURES)
        for module in self.modules():
            if isinstance(module, nn.Conv3d):
                nn.init.xavier_normal_(module.weight)
                nn.init.zeros_(module.bias)

    def forward(self, image):
        skips = []
        for level, block in enumerate(self.encoder):
            image = block(image if level == 0 else F.max_pool3d(image, 2))
            skips.append(image)
        decoded = [skips[3]]
        for level in (2, 1, 0):
            decoded.insert(0, self.decoder[level](decoded[0], skips[level]))
        return [head(features) for head, features in zip(self.heads, decoded)]


class Hadfl:
    """Hardness-aware decoupled foreground loss over the organs that occur in the crop; one object per scale."""

    def __init__(self, classes, window=50, floor=0.5):
        self.classes, self.window, self.floor = classes, window, floor
        self.history = torch.zeros(0, classes, device=DEVICE)

    def __call__(self, probabilities, labels):
        """probabilities [batch, class, voxels], clamped; labels [batch, voxels]."""
        present = F.one_hot(labels, self.classes).amax(dim=1)  # [batch, class]
        present[:, 0] = 0
        sample, organ = present.nonzero(as_tuple=True)
        if len(organ) == 0:
            self.remember(torch.zeros(self.classes, device=DEVICE))
            return probabilities.sum() * 0
        f = probabilities[sample, organ]  # [pairs, voxels]
        g = (1 - f).clamp_min(CLAMP)
        y = labels[sample] == organ[:, None]
        cross_entropy = -torch.where(y, f, g).log().mean(dim=1)
        y = y.to(f.dtype)
        voxels, ys, fs, gs = f.shape[1], y.sum(1), f.sum(1), g.sum(1)
        overlap = (y * f).sum(1)
        background_overlap = gs - (y * g).sum(1)
        dice = 1 - background_overlap / (voxels - ys + gs + EPSILON) - overlap / (ys + fs + EPSILON)
        weights = self.remember(self.per_class(organ, dice.detach()))
        return (weights[organ] * (cross_entropy + dice)).sum()

    def per_class(self, organ, dice):
        sums = torch.zeros(self.classes, device=DEVICE).index_add_(0, organ, dice)
        counts = torch.zeros(self.classes, device=DEVICE).index_add_(0, organ, torch.ones_like(dice))
        return sums / (counts + CLAMP)

    def remember(self, dice):
        self.history = torch.cat([self.history, dice[None]])[-self.window :]
        counts = (self.history > 0).sum(0)
        means = self.history.sum(0) / counts.clamp_min(1)
        seen = means[1:][means[1:] > 0]
        mean = seen.mean() if len(seen) else torch.tensor(1.0, device=DEVICE)
        return (means / mean).clamp_min(self.floor)


def cocl(probabilities):
    """Classwise orthogonal contrastive loss of [batch, class, voxels]."""
    q = F.normalize(probabilities, dim=2, eps=1e-12)
    similarity = q @ q.transpose(1, 2)
    return (similarity.logsumexp(dim=1) - similarity.diagonal(dim1=1, dim2=2)).mean()


def psd(teacher, student, temperature=10.0):
    """Progressive self-distillation: cross entropy of softened logits on the student's grid."""
    teacher = F.interpolate(teacher.detach(), size=student.shape[2:], mode="trilinear", align_corners=True)
    target = F.softmax(teacher / temperature, dim=1)
    return -(target * F.log_softmax(student / temperature, dim=1)).sum(dim=1).mean()


def total_loss(pyramid, labels, losses, consistency):
    """pyramid: logits [batch, class, depth, height, width] at four scales; labels [batch, depth, height, width]."""
    probabilities = [F.softmax(logits, dim=1).clamp(CLAMP, 1).flatten(2) for logits in pyramid]
    supervised = 0
    for scale, (loss, p) in enumerate(zip(losses, probabilities)):
        step = 2**scale
        supervised = supervised + loss(p, labels[:, ::step, ::step, ::step].flatten(1))
    distillation = sum(psd(pyramid[k], pyramid[k + 1]) for k in range(3))
    return supervised / 4 + consistency * distillation / 3 + 0.1 * cocl(probabilities[0])


def random_labels(args):
    """Labels of which those of the classes that are not annotated are background."""
    labels = torch.randint(args.classes, (args.batch, *args.patch))
    for sample in labels:
        keep = torch.zeros(args.classes, dtype=torch.bool)
        keep[1 + torch.randperm(args.classes - 1)[: args.annotated]] = True
        sample *= keep[sample]
    return labels


def resident_mb():
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / MEGABYTE


def main(args):
    torch.manual_seed(args.seed)
    torch.set_num_threads(args.threads)
    baseline_mb = resident_mb()
    network = PlSegUnet(args.classes).to(DEVICE).train()
    optimizer = torch.optim.Adam(network.parameters(), lr=0.01, betas=(0.9, 0.99))
    losses = [Hadfl(args.classes) for _ in range(4)]
    image, labels = torch.rand(args.batch, 1, *args.patch), random_labels(args)  # on the CPU, as they come from disk
    consistency = 0.1 * 2.718281828459045 ** (-5 * 0.5**2)  # halfway through training
    times, cpu_times, values = [], [], []
    for _ in range(args.warmup + args.steps):
        start, cpu_start = time.perf_counter(), time.process_time()
        optimizer.zero_grad(set_to_none=True)
        loss = total_loss(network(image.to(DEVICE)), labels.to(DEVICE), losses, consistency)
        loss.backward()
        optimizer.step()
        values.append(loss.item())
        times.append(1000 * (time.perf_counter() - start))
        cpu_times.append(1000 * (time.process_time() - cpu_start))
    times = times[args.warmup :]
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    result = {
        "median_ms": statistics.median(times),
        "min_ms": min(times),
        "max_ms": max(times),
        "times_ms": times,
        "cpu_ms": cpu_times[args.warmup :],
        "peak_mb": peak_mb,
        "increase_mb": peak_mb - baseline_mb,
        "steps": args.steps,
        "first_loss": values[0],
        "last_loss": values[-1],
        "torch": torch.__version__,
        "name": "torch %s (%s)" % (torch.__version__, torch.cuda.get_device_name() if DEVICE.type == "cuda" else "CPU"),
    }
    print(json.dumps({key: round(value, 4) if isinstance(value, float) else value for key, value in result.items()}))


if __name__ == "__main__":
    main(ARGS)
