// tfjs-core's Node build leaves its gradients unregistered, and the file that registers them cannot be imported by Node
// (its paths lack extensions). Bundled, it can. tfjs keeps its registries global, so this copy serves the caller's core.
import "@tensorflow/tfjs-core/dist/register_all_gradients.js";
