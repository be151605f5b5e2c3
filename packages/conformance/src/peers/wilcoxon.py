"""Prints SciPy's signed-rank statistics and p values of lists of differences, as JSON."""

import inspect
import json
import sys

from scipy.stats import wilcoxon

# SciPy 1.9 renamed the argument.
NAME = "method" if "method" in inspect.signature(wilcoxon).parameters else "mode"


def test(differences, how):
    result = wilcoxon(differences, **{NAME: how})
    return [float(result.statistic), float(result.pvalue)]


lists = json.loads(sys.argv[1])
print(json.dumps({how: [test(d, how) for d in lists[how]] for how in lists}))
