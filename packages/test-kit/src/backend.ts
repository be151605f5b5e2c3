import "@tensorflow/tfjs-backend-cpu";
import "@plseg/tf-gradients";
import { setBackend } from "@tensorflow/tfjs-core";

await setBackend("cpu");
