"""Makes optim-torch.json: optimizers, clipping and schedules of PyTorch, in double precision, on a small vector.

    python3 optim-torch.py > optim-torch.json

Each optimizer gets two groups: the first half of the parameters decays, as kernels do, the second half does not.
"""

import json

import torch

STEPS, SIZE, RATE, CLIP = 6, 8, 0.05, 1.5
torch.manual_seed(7)
start = torch.randn(SIZE, dtype=torch.float64)
gradients = torch.randn(STEPS, SIZE, dtype=torch.float64)


def follow(make, decay, clip=None):
    halves = [torch.nn.Parameter(start[: SIZE // 2].clone()), torch.nn.Parameter(start[SIZE // 2 :].clone())]
    optimizer = make([{"params": [halves[0]], "weight_decay": decay}, {"params": [halves[1]], "weight_decay": 0}])
    after, norms = [], []
    for gradient in gradients:
        halves[0].grad, halves[1].grad = gradient[: SIZE // 2].clone(), gradient[SIZE // 2 :].clone()
        if clip is not None:
            norms.append(float(torch.nn.utils.clip_grad_norm_(halves, clip)))
        optimizer.step()
        after.append(torch.cat([half.detach() for half in halves]).tolist())
    return {"parameters": after, "norms": norms}


def rates(make, steps=40):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=RATE)
    scheduler, seen = make(optimizer), []
    for _ in range(steps):
        seen.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return seen


adamw = lambda groups: torch.optim.AdamW(groups, lr=RATE, betas=(0.9, 0.99), eps=1e-8)
sgd = lambda groups: torch.optim.SGD(groups, lr=RATE, momentum=0.9, nesterov=True)
schedulers = torch.optim.lr_scheduler
print(
    json.dumps(
        {
            "torch": torch.__version__,
            "rate": RATE,
            "clip": CLIP,
            "start": start.tolist(),
            "gradients": gradients.tolist(),
            "adamw": follow(adamw, 0.1),
            "sgd": follow(sgd, 0.1),
            "clipped": follow(sgd, 0, CLIP),
            "polynomial": rates(lambda o: schedulers.PolynomialLR(o, total_iters=40, power=0.9)),
            "cosine": rates(lambda o: schedulers.CosineAnnealingLR(o, T_max=40, eta_min=0.001)),
            "multistep": rates(lambda o: schedulers.MultiStepLR(o, milestones=[10, 30], gamma=0.1)),
        },
        indent=1,
    )
)
