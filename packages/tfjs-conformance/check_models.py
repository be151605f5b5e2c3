"""Checks every model of a folder with full shape inference. Prints one JSON object: checked, failed {file: message}.

Debian: apt-get install python3-onnx (1.12 and newer know opset 17). Exit status 2 if onnx cannot be imported.
"""

import json
import os
import sys

try:
    import onnx
    from onnx import checker, shape_inference
except ImportError:
    sys.exit(2)

folder = sys.argv[1]
failed = {}
names = sorted(name for name in os.listdir(folder) if name.endswith(".onnx"))
for name in names:
    try:
        model = onnx.load(os.path.join(folder, name))
        checker.check_model(model, full_check=True)
        inferred = shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)
        told = {output.name: output.type for output in model.graph.output}
        for output in inferred.graph.output:
            if output.type != told[output.name]:
                raise ValueError(f"output {output.name} is said to be {told[output.name]}, inferred {output.type}")
    except Exception as error:  # whatever onnx raises is what the report must hold
        failed[name] = str(error)
json.dump({"version": onnx.__version__, "checked": len(names), "failed": failed}, sys.stdout)
