"""Writes files of torch.save, and prints what is in them.

    python3 torch-weights.py FOLDER [STATE]

FOLDER gets torch-zip.pth (the format of PyTorch 1.6 and newer, weights under "state_dict" beside an optimizer),
torch-legacy.pth (the format before) and torch-evil.pth (runs a command when a pickle is trusted). With STATE, a JSON file of
a file name by "path" and names and shapes by "shapes", a state dict of those is written there too, as DataParallel names it
and in float64.

The committed files were made with PyTorch 1.13:  python3 torch-weights.py . > torch-weights.json
"""

import json
import os
import sys
from collections import OrderedDict

import torch

folder, state = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None


class Evil:
    def __reduce__(self):
        return os.system, ("touch plseg-ran-a-command",)


torch.manual_seed(1)
grid = torch.arange(24, dtype=torch.float32).reshape(4, 6) / 8
tensors = OrderedDict(
    plain=torch.tensor([[1.5, -2, 3e-30], [4, 5, 6]]),
    transposed=grid.t()[1:4],
    sliced=grid[1:, ::2],
    shared=grid.view(-1)[5:9],
    double=torch.tensor([1 / 3, 1e10], dtype=torch.float64),
    half=torch.tensor([1 / 3, -65504, 6e-8, 0, float("inf")], dtype=torch.float16),
    bfloat16=torch.tensor([1 / 3, -1e30, 0], dtype=torch.bfloat16),
    counter=torch.tensor(12345678901234),
    flags=torch.tensor([True, False]),
    parameter=torch.nn.Parameter(torch.tensor([0.25, 0.5])),
)
norm = torch.nn.BatchNorm3d(2)
for name, tensor in norm.state_dict().items():
    tensors["norm." + name] = tensor
tensors._metadata = norm.state_dict()._metadata

optimizer = torch.optim.Adam(norm.parameters())
norm(torch.randn(2, 2, 2, 2, 2)).sum().backward()
optimizer.step()
wrapped = {"epoch": 3, "best": 0.5, "note": None, "state_dict": tensors, "optimizer": optimizer.state_dict()}
torch.save(wrapped, os.path.join(folder, "torch-zip.pth"))
torch.save(tensors, os.path.join(folder, "torch-legacy.pth"), _use_new_zipfile_serialization=False)
torch.save({"state_dict": tensors, "extra": Evil()}, os.path.join(folder, "torch-evil.pth"))

if state:
    with open(state) as file:
        asked = json.load(file)
    named = OrderedDict()
    for k, (name, shape) in enumerate(asked["shapes"].items()):
        if name.endswith("num_batches_tracked"):
            named["module." + name] = torch.tensor(7)
        else:
            size = torch.Size(shape).numel()
            named["module." + name] = torch.sin(torch.arange(size, dtype=torch.float32) + k).reshape(shape).double()
    torch.save({"net": named}, asked["path"])

values = lambda tensor: tensor.detach().double().reshape(-1).tolist()
text = json.dumps({n: {"shape": list(t.shape), "values": [str(v) for v in values(t)]} for n, t in tensors.items()}, indent=1)
print(text)
